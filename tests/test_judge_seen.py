"""Presence, land cover, dates, several pairs, sub-areas in tiles, shares: what the judge says of things that are there or not."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camwatch.claims.model import Interval, Quantity, Reading
from camwatch.findings import Finding, Findings, Growth, Ratio
from camwatch.judge import judge
from camwatch.judge.counter import Counter, counter_of
from camwatch.judge.counting import estimate_count
from camwatch.judge.ground import Ground, seen_in
from camwatch.judge.limits import bounds_of
from camwatch.judge.measurement import Measurement
from camwatch.judge.record import Estimate
from camwatch.judge.rules import RULES, Facts, decide
from camwatch.judge.sight import beyond_sight
from camwatch.judge.words import share, with_unit
from camwatch.rasters import mask_of
from camwatch.sensitivity import Sensitivity
from test_judge import AFTER, BEFORE, GRID, YEAR_2010, claim, evidence, found, grew, line, perimeter, points, quarter, sharp, towers

KEEN = sharp(found=200, planted=200, control_km2=50.0)


def there(subject="tower", text="A guard tower stands there.", *, aspect="state", interval=None, sub_area=None, metric="presence"):
    return Reading(text=text, metric=metric, subject=subject, aspect=aspect, interval=interval, sub_area=sub_area)


# --- presence and absence -----------------------------------------------------------------------------------------------------------------------


def test_what_was_seen_is_there_and_what_would_have_been_seen_is_not():
    seen = judge(claim(there()), [evidence(found(points(unchanged=6)), KEEN)])
    assert seen.outcome == "supported"
    assert "an estimated 6 guard towers stood (95 % interval 5 to 6)" in seen.reason
    assert judge(claim(there()), [evidence(found(), KEEN)]).outcome == "contradicted"


def test_absence_is_never_said_where_it_would_not_have_been_seen():
    for hits in range(12, 24):
        verdict = judge(claim(there()), [evidence(found(), sharp(found=hits))])
        assert verdict.outcome in ("inconclusive", "not testable"), hits
    hidden = judge(claim(there()), [evidence(found(share=0.6), KEEN)])
    assert hidden.outcome in ("inconclusive", "not testable")


def test_one_report_where_false_alarms_are_common_shows_nothing():
    noisy = sharp(false_alarms=60, control_km2=1.0)
    verdict = judge(claim(there()), [evidence(found(points(unchanged=2)), noisy)])
    assert verdict.outcome == "not testable"
    assert verdict.readings[0].measured is None


def test_presence_in_a_sub_area_counts_what_lies_in_it():
    north = points(unchanged=30)
    empty = judge(claim(there(sub_area="chongjin-se")), [evidence(found(north), KEEN)], aoi=quarter())
    assert empty.outcome == "contradicted"
    assert "in “chongjin-se”" in empty.reason


def test_any_change_counts_appeared_and_removed_together():
    reading = there("structure", "Buildings changed.", aspect="net change", interval=YEAR_2010)
    keen = sharp("structure", found=200, planted=200, control_km2=50.0)
    verdict = judge(claim(reading), [evidence(found(points(appeared=4, removed=5), kind="structure"), keen)])
    assert verdict.outcome == "supported"
    assert "an estimated 8 buildings appeared or went" in verdict.reason


@pytest.mark.parametrize("seed", range(8))
def test_what_follows_from_a_supported_claim_is_no_less_sure(seed):
    """At least seven are at least one; what was removed has changed."""
    rng = np.random.default_rng(seed)
    planted = replace(
        sharp("structure", found=int(rng.integers(15, 24)), false_alarms=int(rng.integers(0, 9)), control_km2=0.2),
        removed_found=(int(rng.integers(12, 24)),),
        false_removed=0,
    )
    for count in (2, 4, 6, 9):
        held = [evidence(found(points(removed=count), kind="structure", km2=0.1), planted)]
        masses = {}
        for name, asked in (
            ("some", towers("removed", 1, None, subject="structure")),
            ("seven", towers("removed", 7, None, subject="structure")),
            ("changed", there("structure", "Buildings changed.", aspect="net change", interval=YEAR_2010)),
        ):
            verdict = judge(claim(asked), held)
            masses[name] = verdict.outcome == "supported"
        assert masses["seven"] <= masses["some"] <= masses["changed"], (count, masses)


def test_a_use_is_not_seen_from_above():
    keen = replace(sharp("structure", found=200, planted=200, control_km2=50.0), standing_found=(200,), standing_false=0)
    stands = found(points(unchanged=12), kind="structure")
    for text, outcome in (("Buildings stand there.", "supported"), ("Factories stand there.", "partly"), ("Livestock pens stand there.", "partly")):
        verdict = judge(claim(there("structure", text)), [evidence(stands, keen)])
        assert verdict.outcome == outcome, verdict.reason
    assert "what they are used for is not" in verdict.reason


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Livestock pens stand inside the walls.", "partly"),  # the walls are seen, the pens are not
        ("Factories stand beside the guard posts.", "partly"),
        ("Buildings for animals stand there.", "partly"),
        ("A building stands inside the walls.", "supported"),
        ("New houses stand along the fence of the mine.", "supported"),
    ],
)
def test_what_stands_beside_a_thing_does_not_name_it(text, outcome):
    keen = replace(sharp("structure", found=200, planted=200, control_km2=50.0), standing_found=(200,), standing_false=0)
    assert judge(claim(there("structure", text)), [evidence(found(points(unchanged=12), kind="structure"), keen)]).outcome == outcome


def test_a_change_of_a_camp_is_no_use_of_its_buildings():
    said = {text: beyond_sight(there("structure", text, aspect="net change")) for text in ("The camp changed.", "The barracks changed.")}
    assert [bool(why) for why in said.values()] == [False, True]
    assert beyond_sight(there("structure", "The camp stands there."))


@pytest.mark.parametrize(("text", "outcome"), [("At least 9 buildings stand.", "supported"), ("At least 9 prison blocks stand.", "partly")])
def test_a_number_of_buildings_is_seen_and_their_use_is_not(text, outcome):
    keen = replace(sharp("structure", found=200, planted=200, control_km2=50.0), standing_found=(200,), standing_false=0)
    asked = towers("state", 9, None, subject="structure", interval=None).model_copy(update={"text": text})
    verdict = judge(claim(asked), [evidence(found(points(unchanged=16), kind="structure"), keen)])
    assert verdict.outcome == outcome, verdict.reason


def test_standing_buildings_are_counted_where_the_search_reports_them():
    stands = found(points(unchanged=30, appeared=5), kind="structure")
    reading = towers("state", 20, None, subject="structure", interval=None)
    assert judge(claim(reading), [evidence(stands, sharp("structure"))]).outcome == "inconclusive"  # how well it reports them was not measured
    calibrated = replace(sharp("structure"), standing_found=(24,), standing_false=0)
    verdict = judge(claim(reading), [evidence(stands, calibrated)])
    assert verdict.outcome == "supported"
    assert verdict.readings[0].measured.low <= 35 <= verdict.readings[0].measured.high


@pytest.mark.parametrize(("inferred", "outcome"), [(0.02, "supported"), (0.3, "inconclusive")])
def test_an_enclosing_line_that_was_traced_is_there_as_far_as_it_was_seen(inferred, outcome):
    lines = tuple(
        replace(r, measures={**r.measures, "source": "traced"}) for r in (line(d, 1e6, 5e3, se=0.01, inferred=inferred) for d in (BEFORE, AFTER))
    )
    held = evidence(found(lines, kind="perimeter"))
    assert judge(claim(there("perimeter", "A line encloses the camp.")), [held]).outcome == outcome
    fence = judge(claim(there("fence", "A fence encloses the camp.")), [held])
    assert fence.outcome == ("partly" if outcome == "supported" else outcome)
    if outcome == "supported":
        assert "not whether it is a fence, a wall or the strip beside one" in fence.reason


def test_a_line_that_an_analyst_drew_is_measured_and_no_witness_of_itself():
    drawn = tuple(
        replace(line(d, a, 5e3, se=0.01), measures={**line(d, a, 5e3, se=0.01).measures, "source": "digitised"})
        for d, a in ((BEFORE, 0.58e6), (AFTER, 1e6))
    )
    growth = Growth(Ratio(0.724, 0.69, 0.76), Ratio(0.0, -0.02, 0.02))
    held = [evidence(found(drawn, kind="perimeter", growth=growth))]
    grown = judge(claim(grew("area", 0.72, None)), held)
    assert grown.outcome == "supported"
    assert "An analyst drew a line" in grown.reason
    alone = judge(claim(there("perimeter", "A line encloses the camp.")), held)
    assert alone.outcome == "not testable"
    assert "drawn by an analyst and not traced" in alone.reason


# --- land cover ---------------------------------------------------------------------------------------------------------------------------------


def cleared(*, dates=None, change="appeared", name="cleared"):
    measures = {"class": name, **({} if dates is None else {"last_date_without": dates[0], "first_date_with": dates[1]})}
    return found((Finding("land-1", "landcover", change, GRID.extent.geom.centroid.buffer(80), 0.99, 2.01e4, measures),), kind="landcover", gsd=10.0)


def test_cleared_ground_is_told_and_decides_nothing():
    reading = there("field", "Land is cleared.", metric="landcover", aspect="appeared", interval=YEAR_2010)
    verdict = judge(claim(reading), [evidence(cleared(), gsd=10.0)])
    assert verdict.outcome == "inconclusive"
    assert "2.01 ha in 1 patch where vegetation gave way to open ground" in verdict.reason
    assert "misses something or raises a false alarm was not measured" in verdict.reason
    assert "no such change" in judge(claim(reading), [evidence(cleared(change="removed", name="vegetated"), gsd=10.0)]).reason


def clearings(*hits, alarms=0):
    """Squares of 60, 90 and 120 m planted, and what was reported in 40 km² outside the outline."""
    return Sensitivity("landcover", (60.0, 90.0, 120.0), (24, 24, 24), hits, alarms, 40.0, "outside", false_removed=alarms // 2)


def test_ground_that_was_laid_open_is_shown_where_planted_clearings_are_found():
    reading = there("mine", "A pit was dug.", aspect="appeared", interval=YEAR_2010)
    land = replace(cleared(), records=tuple(replace(cleared().records[0], id=f"land-{i}") for i in range(6)))

    def answer(measured, findings=land):
        return judge(claim(reading), [evidence(findings, measured, gsd=10.0)])

    shown = answer(clearings(4, 18, 24))
    assert shown.outcome == "partly"  # it is open ground, and not seen to be a pit
    assert "what it is for is not" in shown.reason
    assert "patches of ground laid open appeared" in shown.reason
    assert "12.1 ha in 6 patches where vegetation gave way to open ground" in shown.reason
    assert "found 24 of 24 planted clearings of 120 m" in shown.reason
    assert answer(clearings(0, 2, 5)).outcome == "not testable"
    assert answer(clearings(4, 18, 24, alarms=4000)).outcome == "not testable"
    # What became green again was not planted, and stays what it is: told.
    other = there("field", "Fields were left.", aspect="removed", interval=YEAR_2010)
    grown = judge(claim(other), [evidence(cleared(change="removed", name="vegetated"), clearings(4, 18, 24), gsd=10.0)])
    assert grown.outcome == "inconclusive"


def test_reference_samples_give_an_area_of_ground_with_its_error():
    areas = {"cleared": (80_000.0, 60_000.0, 100_000.0), "built_or_bare": (20_000.0, 0.0, 50_000.0), "vegetated": (5e5, 4e5, 6e5)}
    land = replace(cleared(), areas=areas)

    def answer(low, high=None, **more):
        asked = Reading(text="Ground was cleared.", metric="area", subject="field", aspect="appeared", interval=YEAR_2010, **more)
        return judge(claim(asked.model_copy(update={"quantity": Quantity(low=low, high=high, unit="m2")})), [evidence(land, gsd=10.0)])

    told = answer(5e4)
    # 10 ha; the errors of 2 and 3 ha add in squares.
    assert told.readings[0].measured.value == pytest.approx(0.1)
    assert (told.readings[0].measured.low, told.readings[0].measured.high) == pytest.approx((0.064, 0.136), abs=1e-3)
    assert told.outcome == "partly"
    assert "ground of 0.1 km² (95 % interval 0.0639 to 0.136 km²) was laid open" in told.reason
    assert answer(5e5, 5e5).outcome == "partly"  # the change is there, its size is not
    assert replace(land, areas=None) != land
    assert judge(claim(there("field", "…", aspect="appeared", interval=YEAR_2010)), [evidence(land, gsd=10.0)]).outcome == "inconclusive"


def test_what_the_last_date_alone_shows_is_said_and_comes_last():
    patches = []
    for number, (metres, sure, by) in enumerate(((60, "yes", "2010-07-01"), (90, "no", "2010-11-01"))):
        measures = {"class": "cleared", "last_date_without": "2010-05-01", "first_date_with": by, "confirmed": sure}
        patches.append(Finding(f"land-{number}", "landcover", "appeared", GRID.extent.geom.centroid.buffer(metres), 0.99, 3.14 * metres**2, measures))
    held = [evidence(found(tuple(patches), kind="landcover", gsd=10.0), gsd=10.0)]
    reading = there("field", "Land is cleared.", metric="landcover", aspect="appeared", interval=YEAR_2010)
    assert "1 of them not confirmed by a later date, the largest between 2010-05-01 and 2010-07-01" in judge(claim(reading), held).reason
    dated = Reading(text="The pit was opened then.", metric="date", subject="mine", aspect="appeared", interval=YEAR_2010)
    assert "did so between 2010-05-01 and 2010-07-01" in judge(claim(dated), held).reason
    alone = [evidence(found(tuple(patches[1:]), kind="landcover", gsd=10.0), gsd=10.0)]
    assert "which no later date confirms, did so between 2010-05-01 and 2010-11-01" in judge(claim(dated), alone).reason
    assert "open ground, not confirmed by a later date" in judge(claim(reading), alone).reason


def test_what_lay_there_at_both_dates_does_not_show():
    verdict = judge(claim(there("mine", "An open pit lies there.")), [evidence(found(kind="landcover", gsd=10.0), gsd=10.0)])
    assert verdict.outcome == "not testable"
    assert "tells changes only" in verdict.reason


def test_a_series_dates_the_ground():
    held = [evidence(cleared(dates=("2010-05-01", "2010-07-01")), gsd=10.0)]
    reading = Reading(text="The pit was opened then.", metric="date", subject="mine", aspect="appeared", interval=YEAR_2010)
    verdict = judge(claim(reading), held)
    assert verdict.outcome == "inconclusive"
    assert "between 2010-05-01 and 2010-07-01, " not in verdict.reason
    assert "did so between 2010-05-01 and 2010-07-01" in verdict.reason
    assert "which fits the claimed time" in verdict.reason
    other = there(
        "field", "Land is cleared.", metric="landcover", aspect="appeared", interval=Interval(start=date(2010, 9, 1), end=date(2010, 12, 31))
    )
    assert "no such change" in judge(claim(other), held).reason


def test_a_series_of_land_says_nothing_of_what_it_was_not_searched_for():
    reading = there("tower", "A tower was built.", aspect="appeared", interval=YEAR_2010)
    land, pair = evidence(cleared(), gsd=10.0, pair="land"), evidence(found(points(appeared=4)), KEEN)
    alone, both = judge(claim(reading), [pair]), judge(claim(reading), [pair, land])
    assert both == alone
    assert alone.outcome == "supported"
    assert "was not searched for" in judge(claim(reading), [land]).reason


# --- dates --------------------------------------------------------------------------------------------------------------------------------------

DAYS = [datetime(y, 6, 1, tzinfo=UTC) for y in (2003, 2006, 2009, 2012)]


def series(*standing, sensitivity=KEEN):
    """Pairs of scenes that follow one another, with so many towers on each day."""
    pairs = []
    for number, (a, b) in enumerate(itertools.pairwise(standing)):
        stay = min(a, b)
        acquired = (DAYS[number], DAYS[number + 1])
        pairs.append(
            evidence(
                found(points(unchanged=stay, appeared=b - stay, removed=a - stay), acquired=acquired),
                sensitivity,
                pair=f"p{number}",
                acquired=acquired,
            )
        )
    return pairs


def dated(low, high=None, *, aspect="appeared", about=False):
    years = Quantity(low=low, high=high or low, unit="year", about=about)
    return claim(Reading(text="Towers were built then.", metric="date", subject="tower", aspect=aspect, quantity=years))


def test_the_last_day_without_and_the_first_with_bracket_a_date():
    pairs = series(0, 0, 8, 8)
    assert judge(dated(2006, 2009), pairs).outcome == "supported"
    assert judge(dated(2003), pairs).outcome == "contradicted"
    assert judge(dated(2011, 2012), pairs).outcome == "contradicted"
    close = judge(dated(2007, 2008), pairs)
    assert close.outcome == "partly"
    assert "between 2006-06-01 and 2009-06-01, and these scenes tell it no closer" in close.reason
    assert (close.readings[0].measured.low, close.readings[0].measured.high, close.readings[0].measured.unit) == (2006, 2009, "year")
    assert judge(dated(2005, 2007), pairs).outcome == "inconclusive"


def test_dates_that_do_not_bracket_are_not_testable():
    standing = series(5, 5, 8, 8)
    assert judge(dated(1965), standing).outcome == "not testable"
    assert "no scene from before the claimed time shows whether it was there" in judge(dated(1965), standing).reason
    assert judge(dated(2005), standing).outcome == "contradicted"  # they stood before
    assert judge(dated(2014), series(0, 0, 0, 0)).outcome == "not testable"
    assert judge(dated(2005), series(0, 0, 0, 0)).outcome == "contradicted"  # not yet


def test_a_removal_is_dated_the_other_way_round():
    pairs = series(9, 9, 0, 0)
    assert judge(dated(2006, 2009, aspect="removed"), pairs).outcome == "supported"
    assert judge(dated(2011, aspect="removed"), pairs).outcome == "contradicted"
    assert judge(dated(2006, 2009), pairs).outcome == "inconclusive"  # it never appeared: the days do not follow that course


def test_a_day_that_no_search_decides_is_left_out():
    dull = sharp(found=13)
    assert judge(dated(2006, 2009), series(0, 0, 8, 8, sensitivity=dull)).outcome == "not testable"


def test_about_a_year_reaches_a_year_further():
    pairs = series(0, 0, 8, 8)
    assert judge(dated(2007, 2008, about=True), pairs).outcome == "supported"


def test_growth_is_dated_by_the_pairs_that_show_it():
    grown, still = perimeter(), perimeter(grown=False)
    earlier = (datetime(2005, 6, 1, tzinfo=UTC), BEFORE)
    quiet = replace(still, acquired=earlier, records=(line(earlier[0], 0.58e6, 3710, se=0.004), line(BEFORE, 0.58e6, 3710, se=0.004)))
    quiet = replace(quiet, growth=Growth(Ratio(0, -0.01, 0.01), Ratio(0, -0.01, 0.01)))
    held = [evidence(quiet, pair="quiet", acquired=earlier), evidence(grown)]
    reading = Reading(text="It grew then.", metric="date", subject="perimeter", aspect="growth", interval=YEAR_2010)
    verdict = judge(claim(reading), held)
    assert verdict.outcome == "partly"
    assert "between 2009-10-12 and 2011-03-02" in verdict.reason
    before = reading.model_copy(update={"interval": Interval(start=date(2006, 1, 1), end=date(2008, 12, 31))})
    assert judge(claim(before), held).outcome == "contradicted"


def test_existence_through_a_time():
    for interval, outcome in (
        (Interval(start=date(2003, 1, 1), end=date(2012, 12, 31)), "partly"),
        (Interval(start=date(2003, 6, 1), end=date(2012, 6, 1)), "supported"),
        (Interval(start=date(1965, 1, 1), end=date(1990, 12, 31)), "not testable"),
    ):
        reading = Reading(text="It existed.", metric="date", subject="tower", interval=interval)
        assert judge(claim(reading), series(7, 7, 7, 7)).outcome == outcome, interval


# --- several pairs ------------------------------------------------------------------------------------------------------------------------------


def again(number, n, **rest):
    acquired = (BEFORE + timedelta(7 * number), AFTER + timedelta(7 * number))
    return evidence(found(points(appeared=n), acquired=acquired), rest.pop("sensitivity", sharp()), pair=f"pair{number}", acquired=acquired, **rest)


def test_pairs_of_one_span_are_counted_together_and_narrow_the_interval():
    one = judge(claim(towers()), [again(0, 17)]).readings[0]
    three = judge(claim(towers()), [again(i, 17) for i in range(3)])
    both = three.readings[0]
    assert both.measured.high - both.measured.low < one.measured.high - one.measured.low
    assert both.evidence == ("pair0", "pair1", "pair2")
    assert "3 pairs of scenes are counted together for guard towers" in three.reason


def test_a_pair_that_saw_a_part_is_not_mixed_with_one_that_saw_all():
    part = evidence(found(points(appeared=4), share=0.4), sharp(), pair="part")
    verdict = judge(claim(towers()), [part, again(1, 17)])
    assert verdict.readings[0].evidence == ("pair1",)
    assert verdict.outcome == "supported"


def test_intervals_that_lie_apart_decide_nothing_and_are_all_told():
    verdict = judge(claim(towers()), [again(0, 17), again(1, 60)])
    assert verdict.outcome == "inconclusive"
    assert "the pairs disagree" in verdict.reason
    assert verdict.readings[0].measured is None
    assert "17 guard towers" in verdict.reason


def test_lines_of_several_pairs_are_averaged():
    pairs = [evidence(perimeter(se=0.03), pair=f"p{i}") for i in range(3)]
    one, three = (judge(claim(grew()), held).readings[0].measured for held in (pairs[:1], pairs))
    assert three.high - three.low < one.high - one.low
    assert three.high - three.low > (one.high - one.low) / 3**0.5


def test_neither_the_order_of_pairs_nor_that_of_readings_changes_an_answer():
    pieces = [again(0, 15), again(1, 18), again(2, 17, sensitivity=sharp(found=20)), *series(0, 0, 17, 17), evidence(perimeter(), pair="line")]
    asked = [towers(), there(), grew(), dated(2007).readings[0], there("fence", "A fence stands.")]
    asked = [r.model_copy(update={"id": f"r{i}"}) for i, r in enumerate(asked)]
    answers = set()
    for number in range(6):
        rng = np.random.default_rng(number)
        order, readings = rng.permutation(len(pieces)), rng.permutation(len(asked))
        verdict = judge(claim(*(asked[i] for i in readings)), [pieces[i] for i in order]).as_json()
        answers.add(json.dumps(sorted(verdict["readings"], key=lambda r: r["reading"])))
    assert len(answers) == 1


def test_records_read_back_give_the_same_bytes():
    def reread(held):
        kinds = {k: Findings.from_geojson(json.loads(json.dumps(f.as_geojson())), f.score, f.geobox) for k, f in held.findings.items()}
        known = {k: Sensitivity.from_json(json.loads(json.dumps(s.as_json()))) for k, s in held.sensitivity.items()}
        return replace(held, findings=kinds, sensitivity=known)

    stored = [reread(e) for e in (again(0, 15), again(1, 18), *series(0, 3, 17, 17), evidence(perimeter(), pair="line"))]
    for asked in (claim(towers()), claim(there()), claim(grew()), dated(2007), claim(towers("net change"))):
        first, second = (json.dumps(judge(asked, held).as_json()) for held in (stored, [reread(e) for e in stored]))
        assert first == second


# --- counting -----------------------------------------------------------------------------------------------------------------------------------


def sized(n, size):
    """Reports that cover as much ground as a planted house of that length."""
    ground, measures = size**2 * 7 / 16, {"long_side_m": size}
    return tuple(Finding(f"s{i}", "structure", "appeared", GRID.extent.geom.centroid, 0.9, ground, measures) for i in range(n))


def test_recall_is_that_of_the_sizes_reported():
    planted = Sensitivity("structure", (6.0, 10.0, 16.0, 24.0), (24,) * 4, (2, 14, 18, 24), 0, 1.0, "outside")
    values = [estimate_count(found(sized(12, size), kind="structure"), planted, "appeared").value for size in (24.0, 16.0, 10.0)]
    assert values[0] < values[1] < values[2]
    assert values[0] == pytest.approx(11, abs=1)
    plain = counter_of(found(points(appeared=12), kind="structure"), planted, Ground(None, 0.1, 1.0))
    assert isinstance(plain, Counter)
    assert (plain.detector("appeared").planted, plain.detector("appeared").found) == (pytest.approx(24), pytest.approx(18))


def test_thousands_of_objects_are_counted_in_bounded_time():
    many = found(points(appeared=3000), kind="structure")
    estimate = estimate_count(many, sharp("structure", found=20), "appeared")
    assert estimate.low < 3000 / 0.82 < estimate.high


def test_the_seen_part_of_a_sub_area_is_counted_tile_by_tile(monkeypatch):
    rng = np.random.default_rng(2)
    score = np.where(rng.random(GRID.shape) < 0.3, np.nan, 0.0).astype(np.float32)
    held = found(score=score)
    ring = (
        GRID.extent.geom.centroid.buffer(333).geom
        if hasattr(GRID.extent.geom.centroid.buffer(333), "geom")
        else GRID.extent.geom.centroid.buffer(333)
    )
    expected = float((mask_of(ring, GRID) & np.isfinite(score)).sum()) * 25
    assert seen_in(ring, held) == expected
    monkeypatch.setattr("camwatch.judge.ground.TILE_PX", 17)
    assert seen_in(ring, held) == expected
    asked = []

    class Watched(np.ndarray):
        def __getitem__(self, part):
            asked.append(part)
            return np.ndarray.__getitem__(self, part)

    assert seen_in(ring, replace(held, score=score.view(Watched))) == expected
    assert max(rows.stop - rows.start for rows, _ in asked) <= 17


# --- words and rules ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0 %"),
        (0.004, "0.4 %"),
        (0.0004, "less than 0.1 %"),
        (0.0099, "1.0 %"),
        (0.42, "42 %"),
        (0.994, "99.4 %"),
        (0.9996, "more than 99.9 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(value, words):
    assert share(value) == words


def test_a_small_part_that_was_seen_is_told_as_such():
    verdict = judge(claim(towers(low=1, high=None)), [evidence(found(points(appeared=9), share=0.004), KEEN)])
    assert "on the 0.4 % of the ground that was seen" in verdict.reason
    assert with_unit(0.004, "ratio") == "0.4 %"


def measured(**rest):
    base = {"floor": 17, "ceiling": 20, "mass": 0.99, "bayes": 1e5, "bayes_other": 1e5, "power": 0.99, "sign": 1, "complete": True, "additive": True}
    base |= {"calibrated": True, "blind": False, "seen": 1.0}
    return Measurement(Estimate(17, 17, 20, "objects"), **(base | rest))


def test_every_rule_can_be_reached_and_the_last_one_always_holds():
    exact = bounds_of(Quantity(low=17, high=17), "count")
    off = {"mass": 0.0, "bayes": 0.1, "bayes_other": 0.1}
    cases = [
        Facts(measured(blind=True), exact),
        Facts(measured(calibrated=False), exact),
        Facts(measured(), exact, assumed=True),
        Facts(measured(), exact, slack_days=2000),
        Facts(measured(), exact, beyond_sight="use"),
        Facts(measured(), exact),
        Facts(measured(floor=30, ceiling=40, **off), exact),
        Facts(measured(floor=0, ceiling=2, sign=0, **off), exact),
        Facts(measured(floor=0, ceiling=2, sign=0, power=0.5, **off), exact),
        Facts(measured(complete=False), exact),
        Facts(measured(floor=30, ceiling=40, **off), exact, slack_days=2000),
        Facts(measured(floor=3, ceiling=40, **off), exact),
    ]
    for rule, facts in zip(RULES, cases, strict=True):
        assert next(r for r in RULES if r.holds(facts)) is rule, rule.when
        assert decide(facts)[0] == rule.outcome


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.data())
def test_under_the_limit_of_power_nothing_is_refuted_for_being_too_few_and_nothing_is_left_open(data):
    """What was found is not waved away for want of power; that something is not there takes power."""
    ends = sorted(data.draw(st.lists(st.integers(-20, 40), min_size=2, max_size=2)))
    form = data.draw(st.sampled_from(["exact", "least", "most"]))
    number = data.draw(st.integers(-5, 30))
    quantity = Quantity(low=None if form == "most" else number, high=None if form == "least" else number, about=data.draw(st.booleans()))
    held = measured(
        floor=ends[0],
        ceiling=ends[1],
        mass=data.draw(st.floats(0, 1)),
        bayes=data.draw(st.sampled_from([None, 0.01, 1.0, 30.0])),
        bayes_other=data.draw(st.sampled_from([None, 0.01, 1.0, 30.0])),
        power=data.draw(st.floats(0, 0.799)),
        sign=data.draw(st.sampled_from([-1, 0, 1])),
        complete=data.draw(st.booleans()),
        additive=data.draw(st.booleans()),
    )
    facts = Facts(held, bounds_of(quantity, "count"), data.draw(st.floats(0.7, 1)), data.draw(st.integers(0, 2000)), change=data.draw(st.booleans()))
    outcome, _ = decide(facts)
    assert outcome != "inconclusive"
    if outcome == "supported":
        assert facts.fits
        assert not facts.claimed.includes_nothing
    elif outcome == "contradicted":
        assert facts.many
    elif outcome == "partly":
        assert facts.fits or (facts.many and facts.same_way)


def test_the_table_of_rules_stands_in_the_documentation():
    from pathlib import Path

    text = (Path(__file__).resolve().parents[1] / "docs" / "judge.md").read_text(encoding="utf-8")
    rows = [f"| {number} | {rule.when} | {rule.outcome} |" for number, rule in enumerate(RULES, 1)]
    assert "\n".join(rows) in text


def test_a_day_on_which_few_can_have_stood_counts_as_before():
    fair = sharp(found=23)  # not sure enough to say that none stood, and sure that not half of eighteen did
    verdict = judge(dated(2006, 2009), series(0, 0, 18, 18, sensitivity=fair))
    assert verdict.outcome == "supported"
    assert "at most 1 stood on 2003-06-01 and 2006-06-01" in verdict.reason
    assert judge(dated(2006, 2009), series(12, 12, 18, 18, sensitivity=fair)).outcome != "supported"
