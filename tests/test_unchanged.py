"""Dates without change: which pairs are taken, what their reports say of false alarms, and a run that uses them."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import poisson

from camwatch.claims.model import Claim, Interval, Reading
from camwatch.cli import execute
from camwatch.custody import canonical
from camwatch.errors import ConfigError
from camwatch.judge import SceneInfo, judge, plan_pairs, speaks_for, unchanged_pairs
from camwatch.judge.alarms import Control, Quiet, expected_false
from camwatch.judge.limits import FALSE_SPREAD, ONE_WAY
from camwatch.report import alarm_lines
from camwatch.sensitivity import Sensitivity, Unchanged
from test_cli import add_house, ground, write_aoi, write_scene
from test_judge import evidence, found, points, sharp


def scene(day, gsd_m=0.5, **rest):
    return SceneInfo(f"s{day}{gsd_m}", dt.datetime.fromisoformat(f"{day}T02:00:00+00:00"), gsd_m, **rest)


def built(start, end, subject="structure", metric="count"):
    held = Interval(start=start and dt.date.fromisoformat(start), end=end and dt.date.fromisoformat(end))
    reading = Reading(text="Houses were built.", metric=metric, subject=subject, aspect="appeared", interval=held)
    return Claim(id="C-1", camp="aoi", quote="Houses were built.", readings=(reading,))


def days_of(pairs):
    return [tuple(map(str, pair.days)) for pair in pairs]


def test_dates_a_season_apart_are_taken_unless_a_claim_tells_of_a_change_between():
    scenes = [scene(day) for day in ("2010-05-01", "2010-06-10", "2011-05-05", "2011-07-01", "2012-10-01", "2013-03-01")]
    claims = [built("2011-06-01", "2012-12-31")]
    taken = unchanged_pairs(scenes, claims)
    assert days_of(taken) == [("2010-05-01", "2010-06-10")]
    assert not taken[0].vouched
    assert unchanged_pairs(scenes[::-1], claims[::-1]) == taken
    assert days_of(unchanged_pairs(scenes, [])) == [("2010-05-01", "2010-06-10"), ("2011-05-05", "2011-07-01")]
    # What is claimed of the enclosing line is no matter of what is counted; an open end reaches on.
    assert len(unchanged_pairs(scenes, [built("2010-01-01", None, "perimeter", "area")])) == 2
    assert unchanged_pairs(scenes, [built("2010-01-01", None)]) == ()


def test_no_scene_is_in_two_pairs_and_the_closest_come_first():
    near = [scene(f"2010-05-{day:02}") for day in (1, 4, 6, 16, 20, 27)]
    assert days_of(unchanged_pairs(near, [])) == [("2010-05-04", "2010-05-06"), ("2010-05-16", "2010-05-20")]
    many = [scene(f"2010-{month:02}-{day:02}") for month in range(1, 11) for day in (1, 5)]
    assert len(unchanged_pairs(many, [])) == 3
    cloudy = [scene("2010-05-01"), scene("2010-05-03", clear_share=0.1), scene("2010-05-09")]
    assert days_of(unchanged_pairs(cloudy, [])) == [("2010-05-01", "2010-05-09")]


def test_named_days_are_taken_in_every_resolution_that_has_both():
    scenes = [scene("2010-05-01"), scene("2012-06-01"), scene("2010-05-01", 2.5), scene("2012-06-01", 2.5), scene("2012-06-01", 30)]
    named = [(dt.date(2010, 5, 1), dt.date(2012, 6, 1))]
    pairs = unchanged_pairs(scenes, [built("2013-01-01", "2013-12-31")], named)
    assert [(p.gsd_m, p.vouched) for p in pairs] == [(0.5, True), (2.5, True)]


@pytest.mark.parametrize(
    ("named", "claims", "word"),
    [
        ((dt.date(2010, 5, 1), dt.date(2012, 6, 1)), [built("2011-01-01", "2011-12-31")], "C-1 tells of a change in 2011"),
        ((dt.date(2010, 5, 1), dt.date(2012, 7, 1)), [], "scenes of 2010-05-01, 2012-06-01"),
    ],
)
def test_what_a_claim_asks_and_days_without_a_scene_cannot_be_named(named, claims, word):
    with pytest.raises(ConfigError, match=word):
        unchanged_pairs([scene("2010-05-01"), scene("2012-06-01")], claims, [named])


def test_a_pair_speaks_for_others_of_its_season_and_resolution():
    pairs = {}
    for days in (("2010-05-01", "2010-06-10"), ("2010-06-10", "2012-08-01"), ("2010-06-10", "2012-11-20"), ("2010-12-20", "2012-01-30")):
        pairs[days] = plan_pairs([scene(day) for day in days], [])[0]
    summer, alike, autumn, winter = pairs.values()
    assert speaks_for(summer, alike)
    assert not speaks_for(summer, autumn)  # leaves have gone
    assert speaks_for(summer, winter)  # 41 days of the year, across its end
    assert not speaks_for(summer, summer)
    assert not speaks_for(summer, replace(alike, gsd_m=2.5))


def test_the_false_alarms_expected_are_those_of_worlds_in_which_the_same_was_reported():
    rng, n = np.random.default_rng(3), 400_000
    mean = np.exp(rng.uniform(np.log(1e-3), np.log(60.0), n))
    expected = np.stack([mean, mean * np.exp(ONE_WAY * rng.standard_normal(n))])
    # Jeffreys' prior on a logarithmic scale, and what was reported in control ground.
    weight = np.sqrt(mean) * np.prod([poisson(k).pmf(5 if way == 0 else 3) for way, k in enumerate(expected / rng.random((2, n)))], axis=0)
    for vouched in (True, False):
        share = 1.0 if vouched else rng.random((2, n))
        between = 0.5 * expected * rng.gamma(1 / FALSE_SPREAD, FALSE_SPREAD, (2, n)) / share
        likely = weight * poisson(between[0]).pmf(1) * poisson(between[1]).pmf(2)
        middle = np.average(mean, weights=likely)
        told = expected_false(Control(5, 3, quiet=(Quiet(1, 2, 0.5, vouched),)))
        assert told[0] == pytest.approx(middle, rel=0.03)
        assert told[1] == pytest.approx(np.average((mean - middle) ** 2, weights=likely) / middle**2, rel=0.05)


def test_silence_between_dates_without_change_lowers_and_reports_there_raise_what_is_expected():
    control = Control(8, 8)
    quiet, noisy = (replace(control, quiet=(Quiet(n, n, 2.0, vouched=True),)) for n in (0, 30))
    expected = {name: expected_false(c)[0] for name, c in (("control", control), ("quiet", quiet), ("noisy", noisy))}
    assert expected["quiet"] < 0.4 * expected["control"] < expected["control"] < expected["noisy"]
    # What nobody vouches for says less.
    close = replace(control, quiet=(Quiet(30, 30, 2.0, vouched=False),))
    assert expected_false(close)[0] < expected["noisy"]


def between(appeared, removed=0, *, vouched=True, km2=1.0):
    return Unchanged("2010-05-01", "2010-06-10", vouched, appeared, removed, km2)


def test_a_vouched_pair_calibrates_a_search_without_control_ground():
    # Forty houses where the search finds all that is planted, and no ground outside the outline.
    pair = found(points(appeared=40), kind="structure", km2=1.0)
    asked = built("2009-12-15", "2011-01-01").model_copy(update={"camp": "camp"})
    blank = replace(sharp("structure", false_alarms=0, control_km2=0.0), removed_found=(24,), false_removed=0)
    outcomes = {}
    for name, unchanged in (("none", ()), ("quiet", (between(0),)), ("noisy", (between(40, 40),))):
        verdict = judge(asked, [evidence(pair, replace(blank, unchanged=unchanged))])
        outcomes[name] = verdict
    assert outcomes["none"].outcome == "inconclusive"
    assert "false alarms could not be measured" in outcomes["none"].reason
    assert outcomes["quiet"].outcome == "supported"
    assert "from 1 pair of dates without change too" in outcomes["quiet"].reason
    assert outcomes["noisy"].outcome != "supported"


def test_the_record_keeps_them_and_the_page_tells_them():
    known = Sensitivity(
        "structure", (16.0,), (24,), (20,), 3, 1.5, "outside", false_removed=1, unchanged=(between(1), between(0, 2, vouched=False, km2=0.5))
    )
    again = Sensitivity.from_json(json.loads(json.dumps(known.as_json())))
    assert again == known
    assert known.false_alarms_per_km2 == pytest.approx(6 / 3.0)
    lines = alarm_lines(known)
    assert lines[0] == "False alarms: 3 (2 appeared, 1 removed) in 1.5 km² of control ground, 2 per km²."
    assert lines[1].startswith("Without change between 2010-05-01 and 2010-06-10 (for which an analyst vouches): 1 (1 appeared, 0 removed)")
    assert "taken as such" in lines[2]
    assert alarm_lines(replace(known, control_km2=0.0, unchanged=()))[0].startswith("False alarms: not measured")


LEDGER = {
    "document": "test",
    "title": "A test document",
    "claims": [
        {
            "id": "T-1",
            "camp": "testsite",
            "quote": "Houses were built.",
            "readings": [
                {
                    "text": "structures appeared",
                    "metric": "count",
                    "subject": "structure",
                    "aspect": "appeared",
                    "quantity": {"low": 1},
                    "interval": {"start": "2010-07-01", "end": "2012-06-30"},
                }
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """Return a folder with scenes of four days: nothing changed before 2010-07 and after 2012-07, two houses were built between."""
    folder = tmp_path_factory.mktemp("unchanged")
    (folder / "scenes").mkdir()
    noise = np.random.default_rng(2)
    for day, houses in (("2010-05-01", 1), ("2010-06-10", 1), ("2012-08-01", 3), ("2012-09-20", 3)):
        picture = ground(1)[:, :280, :280]
        for row, col in ((60, 60), (150, 60), (60, 180))[:houses]:
            add_house(picture, row, col)
        write_scene(folder / "scenes" / f"{day}.tif", picture + noise.normal(0, 3, picture.shape), day)
    write_aoi(folder / "aoi.geojson", shape=280)
    (folder / "claims.yaml").write_text(json.dumps(LEDGER))
    plain = "kinds: [structure]\nreport_date: 2015-01-01\nplanted_per_size: 4\nstructure_sizes_m: [16]\nmodel: none\n"
    (folder / "plain.yaml").write_text(plain)
    (folder / "named.yaml").write_text(f"{plain}unchanged: [[2010-06-10, 2010-05-01], [2012-08-01, 2012-09-20]]\n")
    return folder


def asked(folder, config, out, *, workers=1):
    given = ("run", folder / "aoi.geojson", "--scenes", folder / "scenes", "--claims", folder / "claims.yaml")
    return [str(a) for a in (*given, "--config", folder / config, "--workers", workers, "--out", out)]


@pytest.mark.timeout(300)
def test_a_run_takes_them_says_the_same_for_any_number_of_workers_and_verifies(held, tmp_path, capsys):
    written = []
    for workers in (1, 2):
        run = tmp_path / f"run{workers}"
        assert execute(asked(held, "named.yaml", run, workers=workers)) in (0, 1)
        assert execute(["verify", str(run)]) == 0
        files = [path for path in sorted(run.rglob("*")) if path.name in ("sensitivity.json", "verdicts.json", "findings.geojson", "detect.png")]
        written.append({str(path.relative_to(run)): path.read_bytes() for path in files})
    assert written[0] == written[1]
    assert [p.name for p in sorted((run / "unchanged").iterdir())] == ["2010-05-01__2010-06-10", "2012-08-01__2012-09-20"]
    assert [p.name for p in (run / "pairs").iterdir()] == ["2010-06-10__2012-08-01"]
    told = json.loads(written[0]["pairs/2010-06-10__2012-08-01/sensitivity.json"])["sensitivity"][0]["unchanged"]
    assert [(u["before"], u["after"], u["vouched"]) for u in told] == [("2010-05-01", "2010-06-10", True), ("2012-08-01", "2012-09-20", True)]
    assert all(u["km2"] > 0.001 for u in told)
    verdict = json.loads(written[0]["verdicts.json"])["verdicts"][0]
    assert "from 2 pairs of dates without change too" in verdict["reason"]
    assert execute(asked(held, "named.yaml", run)) in (0, 1)
    assert "nothing to do" in capsys.readouterr().out
    # A report that is added there afterwards is seen.
    changed = json.loads((run / "pairs/2010-06-10__2012-08-01/sensitivity.json").read_text())
    changed["sensitivity"][0]["unchanged"][0]["appeared"] += 50
    (run / "pairs/2010-06-10__2012-08-01/sensitivity.json").write_bytes(canonical(changed))
    assert execute(["verify", str(run)]) == 2


def test_a_plan_names_the_dates_that_will_be_taken(held, capsys):
    given = ["plan", str(held / "aoi.geojson"), "--scenes", str(held / "scenes"), "--claims", str(held / "claims.yaml")]
    assert execute(given) in (0, 1)
    told = capsys.readouterr().out
    assert "dates without change, to tell false alarms: 2010-05-01 and 2010-06-10 (0.5 m), 2012-08-01 and 2012-09-20 (0.5 m)" in told


@pytest.mark.timeout(300)
def test_the_verb_takes_two_more_products(held, tmp_path, capsys):
    scenes = [str(held / "scenes" / f"{day}.tif") for day in ("2010-06-10", "2012-08-01", "2010-05-01", "2010-06-10")]
    given = ["--aoi", str(held / "aoi.geojson"), "--kind", "structures", "--config", str(held / "plain.yaml"), "--out", str(tmp_path)]
    assert execute(["sensitivity", *scenes[:2], *given, "--unchanged", *scenes[2:]]) == 0
    assert "Without change between 2010-05-01 and 2010-06-10" in capsys.readouterr().out
    assert json.loads((tmp_path / "sensitivity.json").read_text())["sensitivity"][0]["unchanged"][0]["vouched"] is True
    assert execute(["sensitivity", scenes[0], str(held / "scenes/2012-09-20.tif"), *given, "--unchanged", scenes[0], scenes[1]]) in (0, 2)


def test_a_wrong_pair_of_days_is_one_line(held, tmp_path, capsys):
    for unchanged, word in (
        ("[[2010-05-01, 2010-05-01]]", "one day"),
        ("[[2010-05-01, 2012-08-01]]", "T-1 tells of a change"),
        ("[[1, 2]]", "unchanged"),
    ):
        (held / "wrong.yaml").write_text((held / "plain.yaml").read_text() + f"unchanged: {unchanged}\n")
        assert execute(asked(held, "wrong.yaml", tmp_path / "run")) == 2
        told = capsys.readouterr().err
        assert word in told
        assert len(told.strip().splitlines()) == 1
