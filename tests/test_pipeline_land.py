"""Land cover from files: a pair, a series, reference samples, inside a run, and what is refused."""

import csv
import datetime as dt
import hashlib
import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage
from shapely.geometry import box, mapping

from camwatch.aoi import reproject
from camwatch.cli import execute
from camwatch.rasters import write_raster
from camwatch.render.land import BANDS, CODE, green_share, season_of, spectra

CRS, SIDE, WEST, NORTH = "EPSG:32652", 128, 560_000.0, 4_640_000.0
GRID = GeoBox((SIDE, SIDE), Affine(30, 0, WEST, 0, -30, NORTH), CRS)
CLEARED = dt.date(2003, 6, 20)
PIT = slice(60, 70), slice(60, 70)
DENSE = [dt.date(2001, 4, 5) + dt.timedelta(days) for year in range(4) for days in (365 * year + np.arange(0, 200, 33)).tolist()]


def cover_on(day):
    rng = np.random.default_rng(9)
    cover = np.full((SIDE, SIDE), CODE["field"])
    for _ in range(260):
        (row, col), (high, wide) = rng.integers(0, SIDE, 2), rng.integers(4, 16, 2)
        cover[row : row + high, col : col + wide] = CODE[("field", "forest", "scrub", "bare", "paddy", "gravel", "forest")[rng.integers(7)]]
    cover[52:78, 52:78] = CODE["forest"]
    if day >= CLEARED:
        cover[PIT] = CODE["bare"]
    return cover


def write_date(folder, day):
    """A date as surface reflectance times 10,000, without a declared scale: what is exported from the archives' own tools."""
    rng = np.random.default_rng(day.toordinal())
    texture = ndimage.gaussian_filter(np.random.default_rng(5).normal(0, 0.03, (SIDE, SIDE)), 0.7)
    season = season_of(day.timetuple().tm_yday)
    dry, green = spectra(BANDS, season)
    share = green_share(season)
    values = (dry * (1 - share) + green * share)[:, cover_on(day)] + texture + rng.normal(0, 0.006, (len(BANDS), SIDE, SIDE))
    stamp = {"TIFFTAG_DATETIME": f"{day:%Y:%m:%d} 02:00:00"}
    return write_raster(folder / f"land_{day:%Y%m%d}.tif", np.clip(values * 1e4, 1, 1e4).astype("uint16"), GRID, nodata=0, bands=BANDS, tags=stamp)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("land")
    ring = reproject(box(WEST + 900, NORTH - 2940, WEST + 2940, NORTH - 900), CRS, "EPSG:4326")
    feature = {"type": "Feature", "properties": {"id": "land", "name": "Land site", "role": "camp"}, "geometry": mapping(ring)}
    (folder / "aoi.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (folder / "scenes").mkdir()
    for day in DENSE:
        write_date(folder / "scenes", day)
    return folder


def scene(place, day):
    return place / "scenes" / f"land_{day:%Y%m%d}.tif"


def ask(capsys, *arguments):
    code = execute([str(a) for a in arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def summer(year):
    return next(day for day in DENSE if day.year == year and day.month == 7)


def read(out):
    return json.loads((out / "findings.geojson").read_text())


def test_a_pair_of_summers_shows_the_clearing(place, tmp_path, capsys):
    out = tmp_path / "out"
    pair = scene(place, summer(2002)), scene(place, summer(2004))
    code, told, err = ask(capsys, "detect", *pair, "--aoi", place / "aoi.geojson", "--kind", "landcover", "--out", out)
    assert code == 0, err
    assert "Land cover" in told
    found = read(out)
    (cleared,) = [f["properties"] for f in found["features"] if f["properties"]["class"] == "cleared"]
    assert (cleared["kind"], cleared["change"]) == ("landcover", "appeared")
    assert cleared["area_m2"] == pytest.approx(90_000, rel=0.1)
    assert found["false_alarms_per_km2"] < 0.5
    assert "planted into vegetated ground" in found["reason"]
    assert (out / "detect.png").exists()
    with rasterio.open(out / "score_landcover.tif") as raster:
        score = raster.read(1)
        assert raster.res == (30.0, 30.0)
    assert 0 <= np.nanmin(score) <= np.nanmax(score) <= 1


def test_two_seasons_end_with_exit_1_and_no_polygon(place, tmp_path, capsys):
    pair = scene(place, summer(2002)), scene(place, next(d for d in DENSE if d.year == 2004 and d.month == 10))
    code, _, err = ask(capsys, "detect", *pair, "--aoi", place / "aoi.geojson", "--kind", "landcover", "--out", tmp_path / "out", "--json")
    assert code == 1, err
    found = read(tmp_path / "out")
    assert (found["status"], found["features"]) == ("not_testable", [])
    assert "different seasons" in found["reason"]


def write_samples(path, many):
    """Write reference samples: thirty in the pit, so many anywhere."""
    rng = np.random.default_rng(1)
    pixels = [(PIT[0].start + n % 10, PIT[1].start + n // 10) for n in range(30)] + [tuple(p) for p in rng.integers(32, 97, (many, 2))]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["lon", "lat", "class"])
        for row, col in pixels:
            point = reproject(box(*2 * GRID.affine.__mul__((col + 0.5, row + 0.5))).centroid, CRS, "EPSG:4326")
            inside = PIT[0].start <= row < PIT[0].stop and PIT[1].start <= col < PIT[1].stop
            rows.writerow([point.x, point.y, "cleared" if inside else "unchanged"])


def test_a_dense_series_dates_the_clearing_and_samples_give_its_area(place, tmp_path, capsys):
    out, samples = tmp_path / "out", tmp_path / "samples.csv"
    write_samples(samples, 60)
    scenes = [scene(place, day) for day in DENSE]
    code, told, err = ask(capsys, "detect", *scenes, "--aoi", place / "aoi.geojson", "--kind", "landcover", "--reference", samples, "--out", out)
    assert code == 0, err
    (cleared,) = [f["properties"] for f in read(out)["features"]]
    assert cleared["class"] == "cleared"
    assert cleared["last_date_without"] < CLEARED.isoformat() <= cleared["first_date_with"]
    areas = json.loads((out / "areas.json").read_text())
    row = next(c for c in areas["classes"] if c["name"] == "cleared")
    assert row["low_m2"] <= 90_000 <= row["high_m2"]
    assert "95 %" in told
    listed = json.loads((out / "series.json").read_text())
    assert len(listed["scenes"]) + len(listed["left_out"]) == len(DENSE)


def test_samples_that_do_not_suffice_are_told_and_the_patches_stand(place, tmp_path, capsys):
    out, samples = tmp_path / "out", tmp_path / "samples.csv"
    write_samples(samples, 60)
    pair = scene(place, summer(2002)), scene(place, summer(2004))
    asked = ("detect", *pair, "--aoi", place / "aoi.geojson", "--kind", "landcover", "--reference", samples, "--out", out)
    code, told, err = ask(capsys, *asked)
    assert code == 0, err
    assert "cleared: 0.0" in told
    assert read(out)["areas_m2"]["cleared"][1] < 90_000 < read(out)["areas_m2"]["cleared"][2]
    rows = samples.read_text().splitlines()
    samples.write_text("\n".join([rows[0], *(row for row in rows[1:] if "unchanged" in row)]))
    code, told, err = ask(capsys, *asked)
    assert code == 1, err
    assert "too few reference samples" in read(out)["reason"]
    assert not (out / "areas.json").exists()


def test_few_dates_are_compared_by_season_in_other_years(place, tmp_path, capsys):
    days = [day for day in DENSE if day.month in (7, 8)][:8]
    scenes = [scene(place, day) for day in days]
    code, _, err = ask(capsys, "detect", *scenes, "--aoi", place / "aoi.geojson", "--kind", "landcover", "--out", tmp_path / "out")
    assert code == 0, err
    found = read(tmp_path / "out")
    assert "too few to follow" in found["reason"]
    cleared = [f["properties"] for f in found["features"] if f["properties"]["class"] == "cleared" and f["properties"]["area_m2"] > 80_000]
    assert cleared
    assert all(c["last_date_without"] < CLEARED.isoformat() <= c["first_date_with"] for c in cleared)
    assert len(cleared) == 1, "a change is reported once, however many pairs show it"
    assert cleared[0]["confirmed"] == "yes"


COUNTY = {"name": "the county", "box": [120.0, 41.0, 120.5, 41.5], "source": "a gazetteer"}
YEAR_2003 = {"start": 2003, "end": 2003}
CLAIMS = [
    {"id": "L-1", "camp": "land", "quote": "A pit was dug.", "readings": [{"text": "a pit", "metric": "landcover", "subject": "mine"}]},
    {
        "id": "L-2",
        "camp": "land",
        "quote": "The pit was dug in 2003.",
        "readings": [{"text": "the pit was dug", "metric": "date", "subject": "mine", "aspect": "appeared", "interval": YEAR_2003}],
    },
    {
        "id": "L-3",
        "camp": "land",
        "quote": "A tower was built in 2003.",
        "readings": [{"text": "a tower", "metric": "presence", "subject": "tower", "aspect": "appeared", "interval": YEAR_2003}],
    },
    {
        "id": "L-5",
        "camp": "land",
        "quote": "The pit has 9 ha.",
        "readings": [
            {
                "text": "the pit that was dug has 9 ha",
                "metric": "area",
                "subject": "mine",
                "aspect": "appeared",
                "quantity": {"low": 90_000, "high": 90_000, "unit": "m2", "about": True},
                "interval": YEAR_2003,
            }
        ],
    },
    {
        "id": "L-6",
        "camp": "land",
        "quote": "Land was cleared in 2003.",
        "readings": [{"text": "land was cleared", "metric": "landcover", "subject": "field", "aspect": "appeared", "interval": YEAR_2003}],
    },
    {
        "id": "L-4",
        "camp": "land",
        "quote": "It lies in the county.",
        "readings": [{"text": "in the county", "metric": "position", "subject": "camp", "where": [{"relation": "in", "place": "the county"}]}],
    },
]


@pytest.mark.timeout(300)
def test_a_run_has_a_series_of_its_own_that_verifies(place, tmp_path, capsys):
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    for day in [d for d in DENSE if d.year in (2002, 2003, 2004) and d.month in (7, 8)]:
        (scenes / scene(place, day).name).write_bytes(scene(place, day).read_bytes())
    ledger = tmp_path / "claims.yaml"
    ledger.write_text(json.dumps({"document": "test", "title": "A test document", "places": [COUNTY], "claims": CLAIMS}))
    settings = tmp_path / "config.yaml"
    write_samples(tmp_path / "samples.csv", 900)
    settings.write_text(f"kinds: [landcover]\nreport_date: 2013-02-25\nland_samples: {tmp_path / 'samples.csv'}\n")
    run = ("run", place / "aoi.geojson", "--scenes", scenes, "--claims", ledger, "--config", settings, "--workers", "1", "--out", tmp_path / "run")
    code, _, err = ask(capsys, *run)
    assert code in (0, 1), err
    names = {p.name for p in (tmp_path / "run" / "series").iterdir()}
    assert names == {"findings.geojson", "findings.gpkg", "score_landcover.tif", "series.json", "areas.json", "detect.png"}
    code, told, err = ask(capsys, *run)
    assert code in (0, 1), err
    assert "nothing to do" in told
    code, _, err = ask(capsys, "verify", tmp_path / "run")
    assert code == 0, err
    verdicts = {v["claim"]: v for v in json.loads((tmp_path / "run" / "verdicts.json").read_text())["verdicts"]}
    (dated,) = verdicts["L-2"]["readings"]
    assert dated["evidence"] == ["landcover-series"]
    assert "did so between 2002" in dated["reason"]
    assert verdicts["L-5"]["outcome"] == "partly", verdicts["L-5"]["reason"]
    assert verdicts["L-5"]["readings"][0]["measured"]["low"] < 0.09 < verdicts["L-5"]["readings"][0]["measured"]["high"]
    assert "planted clearings" in verdicts["L-6"]["reason"]
    assert "was not searched for guard towers" in verdicts["L-3"]["reason"]
    assert verdicts["L-4"]["outcome"] == "contradicted"
    assert "outside of the county" in verdicts["L-4"]["reason"]
    recorded = tmp_path / "run" / "verdicts.json"
    recorded.write_text(recorded.read_text().replace('"contradicted"', '"supported"'))
    manifest = tmp_path / "run" / "manifest.json"
    named = json.loads(manifest.read_text())
    named["outputs"]["verdicts.json"] = hashlib.sha256(recorded.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(named))
    code, _, err = ask(capsys, "verify", tmp_path / "run")
    assert code == 2
    assert "does not follow from the records" in err
    assert "L-4" in err


# --- what is refused --------------------------------------------------------------------------------------------------------------------------


def refused(told, *words):
    code, out, err = told
    assert code == 2, err
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert all(word in err for word in words), err


def test_more_than_two_scenes_are_for_land_cover(place, tmp_path, capsys):
    scenes = [scene(place, day) for day in DENSE[:3]]
    refused(ask(capsys, "detect", *scenes, "--aoi", place / "aoi.geojson", "--kind", "towers", "--out", tmp_path / "o"), "land cover only")
    refused(ask(capsys, "detect", *scenes, "--aoi", place / "aoi.geojson", "--out", tmp_path / "o"), "land cover only")
    one = scene(place, DENSE[0])
    refused(ask(capsys, "detect", one, one, one, "--aoi", place / "aoi.geojson", "--kind", "landcover", "--out", tmp_path / "o"), "too few scenes")


def test_clearings_are_planted_for_land_cover(place, tmp_path, capsys):
    pair = scene(place, summer(2002)), scene(place, summer(2004))
    code, told, err = ask(capsys, "sensitivity", *pair, "--aoi", place / "aoi.geojson", "--kind", "landcover", "--out", tmp_path / "o")
    assert code == 0, err
    assert "of control ground" in told
    (curve,) = json.loads((tmp_path / "o" / "sensitivity.json").read_text())["sensitivity"]
    assert curve["kind"] == "landcover"
    assert curve["control_km2"] > 5
    assert curve["curve"][-1]["probability"] > 0.7
    assert (tmp_path / "o" / "sensitivity.png").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lon,lat,class\n129.7,41.9,village\n", ("village", "cleared")),
        ("lon,lat\n129.7,41.9\n", ("reference samples", "class")),
        ("lon,lat,class\nsouth,41.9,cleared\n", ("reference samples",)),
        ("lon,lat,class\n41.9,129.7,cleared\n", ("beyond the earth",)),
        ("lon,lat,class\n", ("no sample",)),
        (None, ("no such file",)),
    ],
)
def test_bad_samples_are_told_in_one_line_before_the_work(place, tmp_path, capsys, text, words):
    samples = tmp_path / "samples.csv"
    if text is not None:
        samples.write_text(text)
    pair = scene(place, summer(2002)), scene(place, summer(2004))
    arguments = ("detect", *pair, "--aoi", place / "aoi.geojson", "--kind", "landcover", "--reference", samples, "--out", tmp_path / "out")
    refused(ask(capsys, *arguments), *words)
    assert not (tmp_path / "out").exists()
