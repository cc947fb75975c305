"""The command line as a user meets it: exit codes, one-line errors, nothing half-written, the same bytes twice."""

import contextlib
import io
import json
import shutil

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy import ndimage

from camwatch.cli import execute
from camwatch.rasters import write_raster

CRS = "EPSG:32652"
WEST, NORTH = 559_000.0, 4_633_000.0
SIDE = 420
GSD = 0.5


def ground(seed):
    """Fields and paths with texture: (3, y, x) floats, 0..255."""
    rng = np.random.default_rng(seed)
    fields = ndimage.zoom(rng.uniform(70, 150, (7, 7)), SIDE / 7, order=0)
    texture = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 1.2) * 22
    coarse = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 6) * 90
    grey = fields + texture + coarse
    return np.stack([grey * 1.05, grey, grey * 0.85])


def add_house(scene, row, col, height=32, width=18):
    """A bright roof with its shadow to the north-west (sun in the south-east)."""
    scene[:, row - 8 : row + height - 8, col - 8 : col + width - 8] *= 0.35
    scene[:, row : row + height, col : col + width] = np.array([205, 200, 190])[:, None, None]


def write_scene(path, scene, day, *, nodata=None, west=WEST, gsd=GSD, tags=None):
    geobox = GeoBox(scene.shape[1:], Affine(gsd, 0, west, 0, -gsd, NORTH), CRS)
    values = np.clip(scene, 1, 255).astype("uint8")
    stamp = {"TIFFTAG_DATETIME": f"{day.replace('-', ':')} 02:00:00"} if day else {}
    return write_raster(path, values, geobox, bands=("red", "green", "blue"), nodata=nodata, tags={**stamp, **(tags or {})})


def write_aoi(path, *, margin=40, ident="testsite", shape=SIDE):
    to_lonlat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform
    low, high = margin * GSD, (shape - margin) * GSD
    ring = [list(to_lonlat(WEST + x, NORTH - y)) for x, y in ((low, low), (low, high), (high, high), (high, low), (low, low))]
    feature = {
        "type": "Feature",
        "properties": {"id": ident, "name": "Test site", "role": "camp"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


LEDGER = """
document: test
title: A test document
claims:
  - id: T-1
    camp: testsite
    quote: "Three houses were built."
    readings:
      - text: three structures appeared
        metric: count
        subject: structure
        aspect: appeared
        quantity: {low: 3, high: 3}
        interval: {start: 2010-07-01, end: 2012-06-30}
  - id: T-2
    camp: testsite
    quote: "Two thousand people are held."
    observable: false
    why_not: People cannot be seen from above.
    readings:
      - text: two thousand people
        metric: population
        subject: people
        quantity: {low: 2000, high: 2000, unit: people}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with two dates of one site, an outline and a ledger; three houses appear between the dates."""
    folder = tmp_path_factory.mktemp("place")
    scenes = folder / "scenes"
    scenes.mkdir()
    before = ground(1)
    add_house(before, 200, 120)
    after = ground(1)
    for row, col in ((200, 120), (120, 240), (250, 260), (300, 150)):
        add_house(after, row, col)
    noise = np.random.default_rng(2)
    write_scene(scenes / "before.tif", before + noise.normal(0, 3, before.shape), "2010-05-01")
    write_scene(scenes / "after.tif", ndimage.shift(after, (0, 1.3, -0.7), order=3, mode="nearest") + noise.normal(0, 3, after.shape), "2012-10-01")
    write_aoi(folder / "aoi.geojson")
    (folder / "claims.yaml").write_text(LEDGER)
    (folder / "few.yaml").write_text("planted_per_size: 4\n")  # how well objects of each size are found is shown elsewhere
    return folder


def ask(capsys, *arguments):
    """Run a verb; return (exit code, standard output, standard error)."""
    code = execute([str(a) for a in arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def asked_run(place):
    return "run", place / "aoi.geojson", "--scenes", place / "scenes", "--claims", place / "claims.yaml", "--config", place / "few.yaml"


@pytest.fixture(scope="module")
def ran(place, tmp_path_factory):
    """A run of all steps: its folder, its exit code, and what it said; tests that change it work on a copy."""
    folder, out, err = tmp_path_factory.mktemp("ran") / "run", io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setenv("CAMWATCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        code = execute([str(a) for a in (*asked_run(place), "--out", folder)])
    return folder, code, out.getvalue(), err.getvalue()


def assert_one_line(told, *words):
    code, out, err = told
    assert code == 2, err
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert "Traceback" not in err
    for word in words:
        assert word in err


def pair(place):
    return place / "scenes" / "before.tif", place / "scenes" / "after.tif"


# --- what works -------------------------------------------------------------------------------------------------------------------------------


def test_register_finds_the_shift_and_says_so(place, tmp_path, capsys):
    code, out, err = ask(capsys, "register", *pair(place), "--aoi", place / "aoi.geojson", "--out", tmp_path / "out", "--json")
    assert code == 0, err
    record = json.loads((tmp_path / "out" / "registration.json").read_text())
    assert json.loads(out)["shift_px"] == record["shift_px"]
    # Moving content was pushed 1.3 rows down and 0.7 columns to the left; roofs that appeared disturb the fit by less than a tenth of a pixel.
    assert record["shift_px"] == pytest.approx([1.3, -0.7], abs=0.1)
    assert record["check"]["rmse_after_px"] < record["check"]["rmse_before_px"]
    with rasterio.open(tmp_path / "out" / "registered.tif") as raster:
        assert raster.count == 3


def test_detect_writes_the_contract(place, tmp_path, capsys):
    code, _, err = ask(capsys, "detect", *pair(place), "--aoi", place / "aoi.geojson", "--kind", "structures", "--out", tmp_path / "out")
    assert code == 0, err
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {"findings.geojson", "findings.gpkg", "score_structures.tif", "detect.png", "registration.json"} <= names
    found = json.loads((tmp_path / "out" / "findings.geojson").read_text())
    assert {"aoi", "observed_share", "false_alarms_per_km2", "gsd_m", "crs_analysis"} <= set(found)
    assert found["aoi"] == "testsite"
    assert found["observed_share"] == pytest.approx(1, abs=0.02)
    for feature in found["features"]:
        assert {"kind", "change", "score", "area_m2", "before", "after", "id"} <= set(feature["properties"])
    with rasterio.open(tmp_path / "out" / "score_structures.tif") as raster:
        score = raster.read(1)
        assert raster.dtypes == ("float32",)
        assert np.nanmin(score) >= 0
        assert np.nanmax(score) <= 1


def test_towers_on_coarse_pixels_are_not_testable_never_none(place, tmp_path, capsys):
    for name, day in (("a", "2010-05-01"), ("b", "2012-10-01")):
        write_scene(tmp_path / f"{name}.tif", ground(1)[:, ::5, ::5], day, gsd=2.5)
    scenes = tmp_path / "a.tif", tmp_path / "b.tif"
    code, out, err = ask(capsys, "detect", *scenes, "--aoi", place / "aoi.geojson", "--kind", "towers", "--out", tmp_path / "out")
    assert code == 1, err
    found = json.loads((tmp_path / "out" / "findings.geojson").read_text())
    assert found["status"] == "not_testable"
    assert "2.5 m" in found["reason"]
    assert "not testable" in out


def test_run_goes_on_does_nothing_twice_and_gives_the_same_bytes(place, ran, tmp_path, capsys):
    ask_run, first, second = asked_run(place), tmp_path / "first", tmp_path / "second"
    folder, code, out, err = ran
    shutil.copytree(folder, first)
    assert code == 1, err  # a claim about people is never testable
    assert "People cannot be seen from above" in out

    bytes_of = {p.relative_to(first): p.read_bytes() for p in first.rglob("*") if p.suffix in (".json", ".geojson", ".png", ".tif", ".gpkg")}
    code, out, _ = ask(capsys, *ask_run, "--out", first)
    assert "nothing to do" in out
    assert bytes_of == {name: (first / name).read_bytes() for name in bytes_of}

    # A run that was killed: one step's outputs are gone, another's journal entry too.
    shutil.copytree(first, second)
    for path in [*second.rglob("findings.geojson"), *(second / "state").glob("verdicts.json"), *(second / "report").glob("*.png")]:
        path.unlink()
    ask(capsys, *ask_run, "--out", second)
    assert bytes_of == {name: (second / name).read_bytes() for name in bytes_of}

    verdicts = {v["claim"]: v for v in json.loads((first / "verdicts.json").read_text())["verdicts"]}
    assert set(verdicts) == {"T-1", "T-2"}
    assert verdicts["T-2"]["outcome"] == "not testable"
    followed = json.loads((first / "towers.json").read_text())
    assert followed["simulated"] == json.loads((first / "scenes.json").read_text())["simulated"]
    assert {t["change"] for t in followed["towers"]} <= {"appeared", "removed", "unchanged", "not_observed"}
    reported = [len(json.loads(p.read_text())["features"]) for p in first.rglob("findings.geojson")]
    assert len(followed["towers"]) <= sum(reported)
    assert not [p for p in first.rglob("*") if p.name.endswith(".part")]


def test_verify_agrees_until_a_byte_or_a_verdict_is_changed(ran, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(ran[0], run)
    code, out, err = ask(capsys, "verify", run)
    assert (code, err) == (0, ""), err
    assert "agree" in out
    record = run / "verdicts.json"
    text = record.read_text()
    record.write_text(text.replace('"not testable"', '"supported"', 1))
    assert_one_line(ask(capsys, "verify", run), "verdicts.json")
    # A forger who mends the manifest too is told by the verdict, which does not follow from the records.
    manifest = json.loads((run / "manifest.json").read_text())
    import hashlib

    manifest["outputs"]["verdicts.json"] = hashlib.sha256(record.read_bytes()).hexdigest()
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert_one_line(ask(capsys, "verify", run), "does not follow")


def test_plan_says_what_would_be_testable(place, capsys):
    code, out, _ = ask(capsys, "plan", place / "aoi.geojson", "--scenes", place / "scenes", "--claims", place / "claims.yaml", "--json")
    answers = {a["claim"]: a for a in json.loads(out)}
    assert code == 1
    assert answers["T-1"]["testable"]
    assert not answers["T-2"]["testable"]


def test_plan_tells_power_and_archive_where_there_is_room(place, capsys):
    code, out, _ = ask(capsys, "plan", place / "aoi.geojson", "--scenes", place / "scenes", "--claims", place / "claims.yaml")
    assert code == 1
    assert out.split()[:6] == ["claim", "reading", "testable", "power", "why", "archive"]


def test_lint_tells_every_fault_of_a_ledger(tmp_path, capsys):
    ledger, document = tmp_path / "ledger.yaml", tmp_path / "report"
    document.write_text("Two houses were built.")
    ledger.write_text(LEDGER)
    code, out, err = ask(capsys, "claims", "lint", ledger, "--document", document)
    assert (code, out) == (2, "")
    told = err.splitlines()
    assert len(told) == LEDGER.count("quote:")
    assert all(line.startswith(f"camwatch: {ledger}, line ") and "does not stand in report" in line for line in told)
    assert_one_line(ask(capsys, "claims", "lint", "--document", document), "without its ledger")


def test_lint_compares_ledgers_with_one_another(capsys):
    code, out, _ = ask(capsys, "claims", "lint", "--json")
    assert code == 1
    assert any({claim[:3] for claim in note["claims"]} == {"C22", "C25"} for note in json.loads(out))


def test_published_figures_stand_beside_a_claim(capsys):
    _, out, _ = ask(capsys, "claims", "show", "C25-20")
    assert "no part of a verdict: length of the perimeter before: 3,710 m (2009)" in out


def test_a_long_reason_is_told_whole(capsys):
    from camwatch.cli._common import table

    table(("why",), [("word " * 300 + "end",)])
    out = capsys.readouterr().out
    assert out.count("word") == 300
    assert "…" not in out


def test_a_demonstration_leaves_nothing_in_a_run_folder_that_its_manifest_does_not_name(tmp_path, monkeypatch):
    from camwatch.pipeline import demo

    def write(out, camps):
        (out / camps[0] / "scenes").mkdir(parents=True)
        (out / camps[0] / "truth.json").write_text("{}")

    monkeypatch.setattr(demo, "write_demo", write)
    monkeypatch.setattr(demo, "run_camp", lambda *given, **_: sorted(p.name for p in given[2].iterdir()))
    assert demo.run_demo(tmp_path, None) == (["scenes"], ["scenes"])
    assert sorted(p.name for p in tmp_path.glob("*.json")) == ["chongjin-truth.json", "hoeryong-truth.json"]


def test_the_demonstration_answers_every_bundled_claim():
    from camwatch.claims import bundled_ledgers
    from camwatch.judge import judge
    from camwatch.pipeline.elsewhere import elsewhere

    stated = [claim for ledger in bundled_ledgers() for claim in ledger.claims]
    told = [judge(claim, ()) for claim in stated if claim.camp == "chongjin"]
    rest = elsewhere(told)
    assert [v.claim for v in rest] == [claim.id for claim in stated if claim.camp != "chongjin"]
    assert len(told) + len(rest) == 56
    assert all(verdict.outcome == "not testable" and verdict.reason for verdict in rest)
    assert "camwatch run hoeryong" in next(v.reason for v in rest if v.claim == "C22-15")
    assert elsewhere([*told, *rest]) == ()


# --- what is refused, in one line, with exit 2 and nothing left behind ------------------------------------------------------------------------


def detect(place, capsys, out, *, before=None, after=None, aoi=None, extra=()):
    one, two = pair(place)
    arguments = ("detect", before or one, after or two, "--aoi", aoi or place / "aoi.geojson", "--kind", "structures", "--out", out, *extra)
    told = ask(capsys, *arguments)
    assert not out.exists(), f"left behind: {list(out.rglob('*'))}"
    return told


def test_a_missing_file(place, tmp_path, capsys):
    assert_one_line(detect(place, capsys, tmp_path / "out", before=tmp_path / "nowhere.tif"), "nowhere.tif")


def test_a_missing_outline(place, tmp_path, capsys):
    assert_one_line(detect(place, capsys, tmp_path / "out", aoi=tmp_path / "nowhere.geojson"), "nowhere.geojson")


def test_a_truncated_raster(place, tmp_path, capsys):
    whole = (place / "scenes" / "before.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 3])
    assert_one_line(detect(place, capsys, tmp_path / "out", before=tmp_path / "cut.tif"), "cut.tif")


def test_scenes_elsewhere(place, tmp_path, capsys):
    far = write_scene(tmp_path / "far.tif", ground(3), "2009-01-01", west=WEST + 50_000)
    assert_one_line(detect(place, capsys, tmp_path / "out", before=far), "does not show the AOI")


def test_clouds_everywhere(place, tmp_path, capsys):
    hidden = write_scene(tmp_path / "hidden.tif", np.zeros((3, SIDE, SIDE)) + 1, "2009-01-01", nodata=1)
    assert_one_line(detect(place, capsys, tmp_path / "out", before=hidden), "usable")


def test_two_scenes_of_one_day(place, tmp_path, capsys):
    one, _ = pair(place)
    assert_one_line(detect(place, capsys, tmp_path / "out", before=one, after=one), "one day")


def test_before_later_than_after(place, tmp_path, capsys):
    one, two = pair(place)
    assert_one_line(detect(place, capsys, tmp_path / "out", before=two, after=one), "later", "swap")


def test_a_scene_without_a_date(place, tmp_path, capsys):
    undated = write_scene(tmp_path / "undated.tif", ground(1), "")
    assert_one_line(detect(place, capsys, tmp_path / "out", before=undated), "--before-date")


def test_a_day_that_is_none(place, tmp_path, capsys):
    assert_one_line(detect(place, capsys, tmp_path / "out", extra=("--before-date", "yesterday")), "YYYY-MM-DD")


def test_an_unknown_kind(place, tmp_path, capsys):
    assert_one_line(ask(capsys, "detect", *pair(place), "--aoi", place / "aoi.geojson", "--kind", "people", "--out", tmp_path / "out"), "people")


def test_an_unknown_camp(place, tmp_path, capsys):
    assert_one_line(ask(capsys, "run", "chonjin", "--scenes", place / "scenes", "--out", tmp_path / "out"), "chongjin")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", [("run", "chongjin"), ("plan", "chongjin")])
def test_a_folder_without_scenes(tmp_path, capsys, verb):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("no scenes here")
    out = ("--out", tmp_path / "out") if verb[0] == "run" else ()
    assert_one_line(ask(capsys, *verb, "--scenes", empty, *out), "no scene")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_none(tmp_path, capsys):
    assert_one_line(ask(capsys, "run", "chongjin", "--scenes", tmp_path / "nowhere", "--out", tmp_path / "out"), "nowhere")


def test_scenes_of_another_place(place, tmp_path, capsys):
    assert_one_line(ask(capsys, "run", "hoeryong", "--scenes", place / "scenes", "--out", tmp_path / "out"), "no scene shows the AOI")
    assert not (tmp_path / "out").exists()


def test_a_ledger_of_another_camp(place, tmp_path, capsys):
    ledger = tmp_path / "other.yaml"
    ledger.write_text(LEDGER.replace("testsite", "elsewhere"))
    told = ask(capsys, "run", place / "aoi.geojson", "--scenes", place / "scenes", "--claims", ledger, "--out", tmp_path / "out")
    assert_one_line(told, "elsewhere", "testsite")


def test_one_scene_makes_no_pair(place, tmp_path, capsys):
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(pair(place)[0], alone / "before.tif")
    told = ask(capsys, "run", place / "aoi.geojson", "--scenes", alone, "--claims", place / "claims.yaml", "--out", tmp_path / "out")
    assert_one_line(told, "before and an after")
    assert not (tmp_path / "out").exists()


def test_an_unknown_setting(place, tmp_path, capsys):
    (tmp_path / "c.yaml").write_text("marginn: 3\n")
    assert_one_line(detect(place, capsys, tmp_path / "out", extra=("--config", tmp_path / "c.yaml")), "marginn")


def test_verify_of_no_run(tmp_path, capsys):
    assert_one_line(ask(capsys, "verify", tmp_path), "manifest.json")


def test_no_verb_and_an_unknown_verb(capsys):
    assert_one_line(ask(capsys), "--help")
    assert_one_line(ask(capsys, "conclude"), "conclude")
