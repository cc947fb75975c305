"""Many dates on one reference: links, loops, who is to blame, and what lands on disk."""

import json
from itertools import pairwise

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy import ndimage
from skimage.io import imread

from camwatch.cli import execute
from camwatch.pipeline.pair import on_frame
from camwatch.pipeline.view import View
from camwatch.rasters import write_raster
from camwatch.registration import CheckPoints, Registration
from camwatch.registration.lattice import Lattice
from camwatch.registration.loops import blame, close, further, refused
from camwatch.report.stackpage import stack_page
from camwatch.scenes import open_scene
from test_registration import disturb, move, scene, shift_matrix, turned_matrix

CRS = "EPSG:32652"
BOX = GeoBox((400, 500), Affine(0.5, 0, 559_000, 0, -0.5, 4_633_000), CRS)
SIDE = 420
DAYS = ("2010-05-01", "2011-06-02", "2012-07-03", "2013-08-04", "2014-09-05")
VARIANCE = (4e-4, 1e-4, 9e-4)
"""Of the column, covariance, variance of the row, in px²."""


# --- one loop ---------------------------------------------------------------------------------------------------------------------------------


def link(matrix, box=BOX, variance=VARIANCE, field=None):
    """A registration that answers `matrix` (moving pixel → reference pixel) with one covariance throughout."""
    rows, cols = Lattice.counts(box.shape, 100.0)
    precision = Lattice.over(box.shape, 100.0, np.broadcast_to(np.array(variance), (rows, cols, 3)).copy(), 1)
    none = np.zeros((0, 2))
    return Registration("ok", "made", "affine", np.asarray(matrix, float)[:2], field, precision, box, 9, CheckPoints(none, none, none), none, none)


def whole(matrix):
    return np.vstack([matrix, [0, 0, 1]])


A, B = turned_matrix(2.0, 1.03, BOX.shape), turned_matrix(-1.0, 0.98, BOX.shape) @ whole(shift_matrix(40.0, -90.0))


def test_links_that_agree_close_their_loop_exactly():
    between = np.linalg.inv(whole(A)) @ whole(B)  # pixel of b → pixel of the reference → pixel of a
    loop = close(("a", "b"), (link(A), link(B), link(between)), BOX, limit_px=0.5)
    assert loop.max_px < 1e-7
    assert loop.closed is True


def test_an_error_of_any_link_is_what_the_loop_misses():
    between = np.linalg.inv(whole(A)) @ whole(B)
    error = whole(shift_matrix(0.7, -1.1))  # content seems to lie 0.7 rows further down and 1.1 columns further left
    by_between = close(("a", "b"), (link(A), link(B), link(between @ np.linalg.inv(error))), BOX, limit_px=0.5)
    np.testing.assert_allclose(by_between.closure, [[1.1, -0.7]] * 81, atol=1e-9)
    assert by_between.mean_px == pytest.approx((-0.7, 1.1))
    assert by_between.rmse_px == pytest.approx(np.hypot(0.7, 1.1))
    assert by_between.closed is False
    by_second = close(("a", "b"), (link(A), link(B @ np.linalg.inv(error)), link(between)), BOX, limit_px=0.5)
    np.testing.assert_allclose(by_second.closure, [[-1.1, 0.7]] * 81, atol=1e-9)


def test_a_field_takes_part():
    bump = np.zeros((*Lattice.counts(BOX.shape, 100.0), 2))
    bump[2, 2] = (3.0, 0.0)  # content at node (2, 2), pixel (199.5, 199.5), lies 3 columns further right
    bent = link(np.eye(3), field=Lattice.over(BOX.shape, 100.0, bump, 3))
    loop = close(("a", "b"), (bent, link(np.eye(3)), link(np.eye(3))), BOX, limit_px=0.5)
    at = np.hypot(*(loop.positions - 199.5).T).argmin()
    assert loop.closure[at, 0] == pytest.approx(3.0, abs=0.2)  # the nearest point is 12 pixels away
    assert abs(loop.closure[0]).max() < 0.1
    assert loop.rmse_px < loop.max_px


def test_grids_of_the_links_do_not_matter():
    """A shift of 2 m and 3 m told on pixels of 0.5 m, of 2.5 m, and on a grid that begins elsewhere, is one shift."""
    coarse = GeoBox((80, 100), BOX.affine * Affine.scale(5), CRS)
    moved = GeoBox(BOX.shape, BOX.affine * Affine.translation(-33, 21), CRS)
    links = link(shift_matrix(4, 6)), link(shift_matrix(0.8, 1.2), coarse), link(np.eye(3), moved)
    loop = close(("a", "b"), links, BOX, limit_px=0.5)
    assert loop.max_px < 1e-9
    # In pixels of 0.5 m the coarse link's variance counts 25 times.
    np.testing.assert_allclose(loop.covariance[0], np.array([[4e-4, 1e-4], [1e-4, 9e-4]]) * 27, rtol=1e-9)
    coarsely = close(("a", "b"), links, coarse, limit_px=0.5)
    assert coarsely.se_px == pytest.approx(loop.se_px / 5)


def test_projections_of_the_links_do_not_matter():
    """The same error of 3 m east on ground that one link counts in zone 51."""
    there = Transformer.from_crs(CRS, "EPSG:32651", always_xy=True)
    x, y = there.transform(559_100.0, 4_632_900.0)
    far = GeoBox((400, 400), Affine(0.5, 0, x - 100, 0, -0.5, y + 100), "EPSG:32651")
    loop = close(("a", "b"), (link(np.eye(3)), link(np.eye(3)), link(np.eye(3), far)), BOX, limit_px=0.5)
    assert loop.max_px < 1e-6
    off = close(("a", "b"), (link(np.eye(3)), link(np.eye(3)), link(shift_matrix(0, 6), far)), BOX, limit_px=0.5)
    east = np.subtract(there.transform(x + 3, y, direction="INVERSE"), (559_100.0, 4_632_900.0))
    np.testing.assert_allclose(off.closure[40], [2 * east[0], -2 * east[1]], atol=2e-3)


def test_errors_as_large_as_stated_give_a_normalised_closure_of_one():
    rng = np.random.default_rng(3)
    covariance = np.array([[4e-4, 1e-4], [1e-4, 9e-4]])
    told = []
    for _ in range(400):
        wrong = [shift_matrix(row, col) for col, row in rng.multivariate_normal([0, 0], covariance, 3)]
        told.append(close(("a", "b"), tuple(map(link, wrong)), BOX, limit_px=0.5))
    assert np.mean([loop.normalised for loop in told]) == pytest.approx(1, abs=0.15)
    assert np.mean([loop.rmse_px**2 for loop in told]) == pytest.approx(told[0].se_px ** 2, rel=0.15)


@pytest.mark.parametrize(("missed", "variance", "closed"), [(0.49, 1e-6, True), (0.51, 1e-6, False), (0.51, 2e-2, None), (5.0, 2e-2, False)])
def test_an_open_loop_is_beyond_the_limit_and_beyond_doubt(missed, variance, closed):
    links = (link(np.eye(3), variance=(variance, 0, variance)), *(link(m, variance=(0, 0, 0)) for m in (np.eye(3), shift_matrix(missed, 0))))
    assert close(("a", "b"), links, BOX, limit_px=0.5).closed is closed


def test_a_link_that_loops_refuse_hands_nothing_on():
    found = refused(link(A), "the loop stays open")
    assert (found.status, found.model, found.reason, found.tie_points) == ("refused", "none", "the loop stays open", 0)
    assert found.precision is None
    np.testing.assert_array_equal(found.to_moving(np.array([[3.0, 4.0]])), [[3.0, 4.0]])
    assert np.isnan(found.se_px)


# --- who is to blame --------------------------------------------------------------------------------------------------------------------------


def loops_of(names, *, wrong=(), links=(), pairs=None):
    """Loops over neighbours, or `pairs`; open where a scene or a link between two is wrong."""
    pairs = pairs or list(pairwise(names))
    return {pair: not (set(pair) & set(wrong) or pair in links) for pair in pairs}


def test_one_open_loop_alone_cannot_tell():
    told = blame({("a", "b"): False})
    assert (told.wrong, told.doubtful) == (set(), {"a", "b"})
    assert told.blamed == {("a", "b"): ("a", "b")}


@pytest.mark.parametrize("culprit", "bcd")
def test_the_scene_common_to_two_open_loops_is_the_wrong_one(culprit):
    told = blame(loops_of("abcde", wrong=culprit))
    assert (told.wrong, told.doubtful) == ({culprit}, set())


def test_a_scene_at_the_end_is_in_doubt_until_another_date_is_asked():
    loops = loops_of("abcd", wrong="a")
    assert blame(loops).doubtful == {"a"}
    asked = further(loops, "abcd", set(loops))
    assert asked == (("a", "c"),)
    told = blame(loops | {("a", "c"): False})
    assert (told.wrong, told.doubtful) == ({"a"}, set())


def test_a_wrong_link_between_two_dates_refuses_neither():
    told = blame(loops_of("abcd", links=[("b", "c")]))
    assert (told.wrong, told.doubtful) == (set(), set())
    assert told.blamed == {("b", "c"): ()}


def test_three_dates_have_no_fourth_to_ask():
    assert further({("a", "b"): False}, "ab", {("a", "b")}) == ()
    assert further(loops_of("abcd"), "abcd", set()) == ()


def test_faults_that_do_not_touch_are_told_apart():
    told = blame(loops_of("abcdefg", wrong="bf"))
    assert (told.wrong, told.doubtful) == ({"b", "f"}, set())


def test_when_everything_is_open_everyone_is_refused():
    told = blame(loops_of("abcd", wrong="abcd"))
    assert told.wrong | told.doubtful >= {"b", "c"}
    assert all(set(names) for names in told.blamed.values())


def test_a_fault_that_cancels_in_one_loop_clears_nobody():
    """A seam inside c leads its links to the reference and to a astray alike; b and d see one side of it each."""
    told = blame({("a", "b"): True, ("a", "c"): True, ("b", "c"): False, ("c", "d"): False})
    assert (told.wrong, told.doubtful) == ({"c"}, set())


def test_a_loop_that_cannot_tell_says_nothing():
    assert blame({("a", "b"): None}) == blame({})


# --- from files to files ----------------------------------------------------------------------------------------------------------------------


def save(path, values, day, *, nodata=None, west=559_000.0):
    box = GeoBox(values.shape, Affine(0.5, 0, west, 0, -0.5, 4_633_000), CRS)
    tags = {"TIFFTAG_DATETIME": f"{day.replace('-', ':')} 02:00:00"} if day else None
    return write_raster(path, np.clip(values, 0 if nodata == 0 else 1, 255).astype("uint8"), box, nodata=nodata, tags=tags)


TRUTHS = (shift_matrix(2.6, -1.75), turned_matrix(0.3, 1.001, (SIDE, SIDE)), shift_matrix(-0.37, 5.24))


@pytest.fixture(scope="module")
def ground():
    return scene(SIDE, seed=4)


@pytest.fixture(scope="module")
def dates(ground, tmp_path_factory):
    """A reference and three later dates whose transforms are known, each with noise and radiometry of its own."""
    folder, rng = tmp_path_factory.mktemp("dates"), np.random.default_rng(8)
    paths = [save(folder / "reference.tif", disturb(ground, rng), DAYS[0])]
    for number, (truth, day) in enumerate(zip(TRUTHS, DAYS[1:], strict=False), 1):
        paths.append(save(folder / f"date{number}.tif", disturb(move(ground, truth), rng), day))
    return paths


def ask(capsys, *arguments):
    code = execute(["register", *map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.fixture
def undrawn(monkeypatch):
    """Pages are not drawn: a third of the time of tests that look at none."""
    monkeypatch.setattr("camwatch.report.stackpage.stack_page", lambda path, *_, **__: path)
    monkeypatch.setattr("camwatch.report.registration_page", lambda path, **_: path)


@pytest.fixture(scope="module")
def stacked(dates, tmp_path_factory):
    out = tmp_path_factory.mktemp("stacked")
    assert execute(["register", *map(str, dates), "--out", str(out)]) == 0
    return out


def test_a_stack_finds_every_date_and_closes_every_loop(stacked):
    document = json.loads((stacked / "stack.json").read_text())
    assert [row["scene"] for row in document["scenes"]] == ["date1", "date2", "date3"]
    for row, truth in zip(document["scenes"], TRUTHS, strict=True):
        assert (row["status"], row["loops"]["verdict"], row["loops"]["open"]) == ("ok", "closed", 0)
        middle = (SIDE - 1) / 2
        lies = np.linalg.solve(truth[:, :2], np.array([middle, middle]) - truth[:, 2]) - middle
        assert row["shift_px"] == pytest.approx(lies[::-1], abs=0.02)
    assert [loop["scenes"] for loop in document["loops"]] == [["reference", "date1", "date2"], ["reference", "date2", "date3"]]
    for loop in document["loops"]:
        assert loop["closed"] is True
        assert loop["rmse_px"] < 3 * loop["se_px"]
        # A corner, where three affine answers meet that are each good to 0.005 px there.
        assert loop["max_px"] < 0.025
    assert len(document["links"]) == 5
    assert imread(stacked / "stack.png").shape[:2] == (2480, 3508)


def test_each_date_of_a_stack_is_what_a_pair_gives(stacked, dates, tmp_path, capsys):
    code, _, _ = ask(capsys, dates[0], dates[2], "--out", tmp_path)
    assert code == 0
    for name in ("registered.tif", "registration.png"):
        assert (stacked / "date2" / name).read_bytes() == (tmp_path / name).read_bytes()
    alone, among = (json.loads((folder / "registration.json").read_text()) for folder in (tmp_path, stacked / "date2"))
    assert among.pop("loops") == {"verdict": "closed", "closed": 2, "open": 0}
    assert among == alone
    assert not (tmp_path / "stack.json").exists()


def test_the_order_of_the_arguments_changes_no_byte(stacked, dates, tmp_path, capsys):
    code, out, _ = ask(capsys, dates[0], dates[3], dates[1], dates[2], "--out", tmp_path, "--json")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "stack.json").read_text())
    here, there = ({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")} for folder in (tmp_path, stacked))
    assert here == there


@pytest.mark.usefixtures("undrawn")
def test_a_scene_with_a_seam_is_named(ground, tmp_path, capsys):
    """Half of one date lies six pixels beside the other half; two neighbours show one half each, under what their other half has no data."""
    rng, half = np.random.default_rng(9), SIDE // 2
    paths = [save(tmp_path / "reference.tif", disturb(ground, rng), DAYS[0]), save(tmp_path / "date1.tif", disturb(ground, rng), DAYS[1])]
    left, right, seam = (disturb(move(ground, TRUTHS[0]), rng) for _ in range(3))
    left[:, half + 40 :] = right[:, : half - 40] = 0
    seam[:, half:] = disturb(move(ground, TRUTHS[0] @ whole(shift_matrix(0, 6))), rng)[:, half:]
    paths += [save(tmp_path / f"date{n}.tif", v, DAYS[n], nodata=0) for n, v in ((2, left), (3, seam), (4, right))]
    code, out, _ = ask(capsys, *paths, "--out", tmp_path / "out")
    assert code == 1
    rows = {row["scene"]: row for row in json.loads((tmp_path / "out/stack.json").read_text())["scenes"]}
    assert {name for name, row in rows.items() if row["status"] == "refused"} == {"date3"}
    assert "refused" in out
    assert not (tmp_path / "out/date3/registered.tif").exists()
    assert (tmp_path / "out/date4/registered.tif").exists()
    assert json.loads((tmp_path / "out/date3/registration.json").read_text())["status"] == "refused"


@pytest.mark.usefixtures("undrawn")
def test_pixel_sizes_and_map_projections_may_differ(dates, ground, tmp_path, capsys):
    """Beside 0.5 m in zone 52 one date of 1 m, and one of 1.5 m in zone 51."""
    rng = np.random.default_rng(11)
    soft = ndimage.gaussian_filter(move(ground, TRUTHS[0]), 1.0)
    box = GeoBox((SIDE // 2, SIDE // 2), Affine(1, 0, 558_999.75, 0, -1, 4_633_000.25), CRS)
    second = write_raster(tmp_path / "20120703_second.tif", disturb(soft, rng)[::2, ::2].clip(1, 255).astype("uint8"), box)
    there = Transformer.from_crs(CRS, "EPSG:32651", always_xy=True)
    x, y = there.transform(559_000 + SIDE / 4, 4_633_000 - SIDE / 4)
    far = GeoBox((130, 130), Affine(1.5, 0, x - 97.5, 0, -1.5, y + 97.5), "EPSG:32651")
    col, row = np.meshgrid(np.arange(130) + 0.5, np.arange(130) + 0.5)
    east, north = there.transform(*(far.affine * (col.ravel(), row.ravel())), direction="INVERSE")
    places = (4_633_000 - np.array(north)) / 0.5 - 0.5, (np.array(east) - 559_000) / 0.5 - 0.5
    seen = ndimage.map_coordinates(ndimage.gaussian_filter(move(ground, TRUTHS[2]), 1.5), places, order=5, mode="reflect").reshape(130, 130)
    third = write_raster(tmp_path / "20130804_third.tif", disturb(seen, rng, 1.0).clip(1, 255).astype("uint8"), far)
    code, _, _ = ask(capsys, dates[0], dates[1], second, third, "--out", tmp_path / "out")
    assert code == 0
    document = json.loads((tmp_path / "out/stack.json").read_text())
    assert [loop["pixel_m"] for loop in document["loops"]] == [1.0, 1.5]
    assert all(loop["closed"] and loop["rmse_px"] < 0.05 for loop in document["loops"])
    # The shift of 5.24 columns of 0.5 m is one of 1.75 pixels of 1.5 m; norths of the two zones differ by 4 degrees.
    assert np.hypot(*document["scenes"][2]["shift_px"]) == pytest.approx(np.hypot(0.37, 5.24) / 3, abs=0.03)


@pytest.mark.usefixtures("undrawn")
def test_dates_that_show_no_common_ground_are_in_no_loop(dates, ground, tmp_path, capsys):
    rng, half = np.random.default_rng(12), SIDE // 2
    left = save(tmp_path / "left.tif", disturb(ground, rng)[:, : half - 5], DAYS[3])
    right = save(tmp_path / "right.tif", disturb(ground, rng)[:, half + 5 :], DAYS[4], west=559_000.0 + (half + 5) / 2)
    code, _, _ = ask(capsys, dates[0], left, right, "--out", tmp_path / "out")
    assert code == 0
    document = json.loads((tmp_path / "out/stack.json").read_text())
    assert [row["loops"]["verdict"] for row in document["scenes"]] == ["untested", "untested"]
    assert document["loops"] == []
    assert [link["status"] for link in document["links"]] == ["ok", "ok", "refused"]


def test_a_part_that_a_scene_does_not_show_is_not_valid(dates):
    item = open_scene(dates[0])
    frame = GeoBox((3 * SIDE, SIDE), Affine(0.5, 0, 559_000, 0, -0.5, 4_633_000), CRS)
    source = on_frame(View(item, ("pan",)), frame, ("pan",))
    seen, unseen = source.load(frame[:SIDE]), source.load(frame[2 * SIDE :])
    assert seen.valid.all()
    assert unseen.geobox == frame[2 * SIDE :]
    assert not unseen.valid.any()


@pytest.mark.usefixtures("undrawn")
def test_a_date_elsewhere_is_refused_and_the_others_go_on(dates, ground, tmp_path, capsys):
    away = save(tmp_path / "away.tif", ground, DAYS[4], west=570_000.0)
    code, out, _ = ask(capsys, *dates[:2], away, "--out", tmp_path / "out")
    assert code == 1
    document = json.loads((tmp_path / "out/stack.json").read_text())
    assert [(row["scene"], row["status"], row["folder"]) for row in document["scenes"]] == [("date1", "ok", "date1"), ("away", "refused", None)]
    assert "does not show" in document["scenes"][1]["reason"]
    assert document["loops"] == []
    assert document["scenes"][0]["loops"] == {"verdict": "untested", "closed": 0, "open": 0}
    assert "away" in out


def test_a_stack_of_scenes_elsewhere_is_one_line(dates, ground, tmp_path, capsys):
    away = [save(tmp_path / f"away{n}.tif", ground, DAYS[n], west=570_000.0) for n in (3, 4)]
    code, out, err = ask(capsys, dates[0], *away, "--out", tmp_path / "out")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "no scene can be compared" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("undrawn")
def test_days_are_given_one_for_each_date(dates, ground, tmp_path, capsys):
    for year in (1985, 1986):
        (tmp_path / f"box{year}").mkdir()
        save(tmp_path / f"box{year}" / "scene.tif", disturb(ground, np.random.default_rng(year)), "")
    same = [tmp_path / f"box{year}" / "scene.tif" for year in (1986, 1985)]
    code, _, err = ask(capsys, dates[0], *same, "--after-date", "1986-01-01", "--out", tmp_path / "out")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "--after-date" in err
    days = [word for day in ("", "1986-01-01", "1985-01-01") for word in ("--after-date", day)]  # the first one's file tells
    code, _, _ = ask(capsys, *dates[:2], *same, *days, "--out", tmp_path / "out", "--json")
    assert code == 0
    document = json.loads((tmp_path / "out/stack.json").read_text())
    assert [row["acquired"][:4] for row in document["scenes"]] == ["1985", "1986", "2011"]
    folders = [row["folder"] for row in document["scenes"]]
    assert len(set(folders)) == 3
    assert all((tmp_path / "out" / folder / "registered.tif").exists() for folder in folders)


def test_a_long_stack_has_a_longer_page(stacked, tmp_path):
    document = json.loads((stacked / "stack.json").read_text())
    row, loop = document["scenes"][0], document["loops"][0]
    links = {link["moving"]: link for link in document["links"] if link["reference"] == "reference"}
    names = [f"date{n}" for n in range(60)]
    document["scenes"] = [{**row, "scene": name} for name in names]
    document["links"] = [{**links["date1"], "moving": name} for name in names]
    document["links"] += [{**links["date1"], "reference": a, "moving": b} for a, b in pairwise(names)]
    document["loops"] = [{**loop, "scenes": ["reference", a, b]} for a, b in pairwise(names)]
    document["simulated"] = True
    page = imread(stack_page(tmp_path / "stack.png", document))
    assert page.shape[0] > page.shape[1] == 3508
    assert tuple(page[20, 20, :3]) == (0xB3, 0, 0x1B)  # the band that says SIMULATED


# --- real dates -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("undrawn")
def test_five_dates_of_a_real_town_close(shared, tmp_path, capsys):
    """One photograph under five known transforms, noises and radiometries: closures are no larger than the links' own errors say."""
    town = imread(shared / "data/pairs/levir_cd/A/test_1.png")[..., 1].astype(float)[200:712, 200:712]
    rng, shape = np.random.default_rng(10), (512, 512)
    truths = [shift_matrix(2.6, -1.75), turned_matrix(0.2, 1.0008, shape), shift_matrix(-0.37, 5.24), turned_matrix(-0.35, 0.999, shape)]
    paths = [save(tmp_path / "reference.tif", disturb(town, rng), DAYS[0])]
    paths += [save(tmp_path / f"d{n}.tif", disturb(move(town, truth), rng), DAYS[n]) for n, truth in enumerate(truths, 1)]
    code, _, _ = ask(capsys, *paths, "--out", tmp_path / "out")
    assert code == 0
    document = json.loads((tmp_path / "out/stack.json").read_text())
    assert all(loop["rmse_px"] < 0.02 and loop["normalised"] < 4 for loop in document["loops"])
    for row, truth in zip(document["scenes"], truths, strict=True):
        found = np.array(next(link for link in document["links"] if link["moving"] == row["scene"])["matrix"])
        corners = np.array([[0, 511, 0, 511], [0, 0, 511, 511], [1, 1, 1, 1]])
        assert np.hypot(*((found - truth) @ corners)).max() < 0.03


@pytest.mark.parametrize(
    ("names", "days"),
    [
        ([f"naip_nd/m_4709963_se_14_1_{day}" for day in (20100629, 20090818, 20140720)], ()),
        ([f"landsat_pucallpa/{year}" for year in (2000, 1985, 2015)], ("2000-07-01", "1985-07-01", "2015-07-01")),
    ],
    ids=["naip", "landsat"],
)
@pytest.mark.usefixtures("undrawn")
def test_three_real_dates_hold_together(shared, tmp_path, capsys, names, days):
    paths = [shared / "data/series" / f"{name}.tif" for name in names]
    given = [word for option, day in zip(("--before-date", "--after-date", "--after-date"), days, strict=False) for word in (option, day)]
    code, _, _ = ask(capsys, *paths, *given, "--out", tmp_path / "out", "--json")
    assert code == 0
    (loop,) = json.loads((tmp_path / "out/stack.json").read_text())["loops"]
    assert loop["closed"] is not False
    assert loop["rmse_px"] < 0.7  # wetlands at three water levels, a river that moved by kilometres
