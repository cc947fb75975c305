"""The likeness of a line, the cheapest closed path on a lattice, and the line that is set on what is seen."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree
from shapely.geometry import Polygon

from camwatch.detect._course_cells import cell_m_of, cells_of, parted, sensor_m_of, tone_of
from camwatch.detect._course_gain import gathered
from camwatch.detect._course_graph import closed_path
from camwatch.detect._course_ground import LATTICE, Ground
from camwatch.detect._course_lattice import Lattice, coarser, part_of
from camwatch.detect._course_line import bridged, headings, settled
from camwatch.detect._course_own import PARTS, own_lattice
from camwatch.detect._course_place import placed
from camwatch.detect._course_profile import MARGIN, MOVES, extras, free_inputs, lattice_inputs, shipped
from camwatch.detect._course_region import Net, outline
from camwatch.detect._course_ring import resample
from camwatch.detect._course_search import kernel
from camwatch.detect._perimeter_band import Band
from camwatch.detect._trace import _left_out
from camwatch.imagery.image import Image, Sun


def lattice(on, side=61, step=4.0):
    """A square lattice on which `on` (row, col) places look like a line in every direction."""
    row, col = (each.ravel() for each in np.mgrid[0:side, 0:side])
    like = np.repeat(np.array(on, np.float32).reshape(-1, 1), len(MOVES), axis=1)
    return Lattice(row, col, np.column_stack([col * step, -row * step]), like, np.ones(row.size, bool), step)


def hollow(side=61, hole=6):
    row, col = np.mgrid[0:side, 0:side]
    return np.maximum(np.abs(row - side // 2), np.abs(col - side // 2)) > hole


def square(radius, side=61):
    row, col = np.mgrid[0:side, 0:side]
    return np.maximum(np.abs(row - side // 2), np.abs(col - side // 2)) == radius


def without(places, gone):
    keep = gone.ravel()
    return Lattice(places.row[keep], places.col[keep], places.point[keep], places.like[keep], places.valid[keep], places.step_m)


def found(on):
    places = without(lattice(on), hollow())
    middle = (30 * 4.0, -30 * 4.0)
    loop = closed_path(places, middle, np.array([[40, -40], [200, -40], [200, -200], [40, -200]], float))
    return places.point[loop.node], loop


def test_the_path_follows_a_ring_that_is_seen():
    points, loop = found(square(20))
    assert Polygon(points).area == pytest.approx(160.0**2, rel=0.01)
    assert Polygon(points).exterior.is_ccw
    assert loop.support.mean() > 0.98


def test_a_gap_is_bridged_and_told():
    on = square(20)
    on[10, 25:35] = False
    points, loop = found(on)
    assert Polygon(points).area == pytest.approx(160.0**2, rel=0.02)
    assert 0.02 < (loop.support < 0.5).mean() < 0.12


def test_a_ring_with_a_deep_bay_is_followed_into_it():
    on = square(24)
    on[6, 25:36] = False
    on[6:20, [25, 35]] = True
    on[20, 25:36] = True
    points, _ = found(on)
    assert Polygon(points).area == pytest.approx(192.0**2 - 40 * 56, rel=0.02)


def test_an_unseen_corner_is_not_cut_off():
    """Two sides beside one another are far apart along the outline: the way from one to the other costs what lies between them."""
    on = square(24)
    on[:24, :24] = False
    on[[6, 24], [24, 6]] = True
    places = without(lattice(on), hollow())
    middle, outline = (30 * 4.0, -30 * 4.0), np.array([[24, -24], [216, -24], [216, -216], [24, -216]], float)
    loop = closed_path(places, middle, outline, 60.0)
    assert Polygon(places.point[loop.node]).area == pytest.approx(192.0**2, rel=0.005)
    elsewhere = np.array([[60, -60], [180, -60], [180, -180], [60, -180]], float)
    cut = closed_path(places, middle, elsewhere)
    assert Polygon(places.point[cut.node]).area < 0.99 * 192.0**2


def test_an_outline_is_placed_where_it_is_seen():
    rng = np.random.default_rng(0)
    noise = lattice(rng.uniform(0, 0.5, (61, 61)))
    truth = lattice(np.maximum(square(20), rng.uniform(0, 0.5, (61, 61))))
    outline = np.array([[40, -40], [200, -40], [200, -200], [40, -200]], float)  # the square that is seen
    off = 120 + 0.9 * (outline - [120, -120]) + [-28, 20] - [0, 240]
    there = placed(truth, off, 60.0)
    assert Polygon(there.ring).symmetric_difference(Polygon(outline)).area < 0.04 * 160.0**2
    assert there.like > 0.8
    assert there.margin > 0.2
    assert placed(noise, off, 60.0).margin < 0.1
    assert placed(part_of(noise, noise.row == 0), off, 60.0) is None


def test_no_way_around_is_none():
    places = lattice(square(20))
    keep = hollow() & (np.arange(61)[None, :] < 31)
    assert closed_path(without(places, keep), (120.0, -120.0), np.array([[40, -40], [200, -40], [200, -200], [40, -200]], float)) is None


def test_a_coarser_lattice_keeps_what_is_seen():
    places = lattice(square(20))
    half = coarser(places)
    assert (len(half.row), half.step_m) == (31 * 31, 8.0)
    assert half.like.max(axis=1).sum() >= places.like.max(axis=1).sum() / 4
    assert np.ptp(half.point, axis=0) == pytest.approx(np.ptp(places.point, axis=0), abs=4.0)


def strip(azimuth_deg, sun):
    """The tone of a 6 m cleared strip with the shadow of a wall, across the middle of a tile, and the distance to the right of it."""
    rng = np.random.default_rng(0)
    row, col = np.mgrid[0:160, 0:160] + 0.5
    a = np.deg2rad(azimuth_deg)
    d = (col - 80) * np.cos(a) + (row - 80) * np.sin(a)  # to the right of (sin a, cos a)
    light = 100 * (1 + 0.06 * rng.standard_normal(row.shape)) * (1 + 0.3 * (np.abs(d) < 3))
    reach = -np.cos(np.deg2rad(sun.azimuth_deg - azimuth_deg - 90)) * 3 / np.tan(np.deg2rad(sun.elevation_deg))
    light[(d > min(reach, 0)) & (d < max(reach, 0))] *= 0.5
    return tone_of(gaussian_filter(light, 0.5).astype(np.float32), np.ones(light.shape, bool)), d


@pytest.mark.parametrize("azimuth", [0, 90, 45, 26.6])
def test_a_wall_is_known_by_its_profile(azimuth):
    sun = Sun(150, 40)
    tone, d = strip(azimuth, sun)
    row, col = (each.ravel() for each in np.mgrid[MARGIN : 160 - MARGIN : LATTICE, MARGIN : 160 - MARGIN : LATTICE])
    told = [extras(np.array([np.arctan2(-move[0], move[1])]), sun, 1.0) for move in MOVES]
    best = np.max([shipped()(lattice_inputs(tone, row * 160 + col, move, one))[0] for move, one in zip(MOVES, told, strict=True)], axis=0)
    away = np.abs(d[row, col])
    assert np.median(best[away < 1]) > 0.85
    assert np.median(best[away > 12]) < 0.3  # the best of eight directions of noise


@pytest.mark.parametrize("azimuth", [0, 70, 200])
def test_the_offset_points_to_the_line(azimuth):
    sun = Sun(150, 40)
    tone, d = strip(azimuth, sun)
    near = (np.abs(np.abs(d) - 2) < 0.6) & (np.abs(np.arange(160) - 80) < 40) & (np.abs(np.arange(160) - 80) < 40)[:, None]
    row, col = np.nonzero(near)
    heading = np.full(len(row), np.pi / 2 - np.deg2rad(azimuth))
    _, offset = shipped()(free_inputs(tone, np.column_stack([row, col]).astype(float), heading, extras(heading, sun, 1.0)))
    assert np.median(np.abs(offset + d[row, col])) < 1.2


def test_profiles_are_interpolated_as_scipy_does():
    rng = np.random.default_rng(0)
    tone = rng.normal(0, 1, (90, 90)).astype(np.float32)
    points, heading = rng.uniform(MARGIN, 90 - MARGIN, (20, 2)), rng.uniform(0, 2 * np.pi, 20)
    out = free_inputs(tone, points, heading, extras(heading, None, 1.0))[:, :54].reshape(20, 2, 27)
    for point, angle, halves in zip(points, heading, out, strict=True):
        across, along = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        places = point + np.arange(-13, 14)[:, None, None] * across + np.arange(6)[:, None] * along * np.array([1, -1])[:, None, None, None]
        wanted = map_coordinates(tone, places.reshape(-1, 2).T, order=1).reshape(2, 27, 6).mean(axis=2)
        assert halves == pytest.approx(wanted - wanted.mean(), abs=1e-4)


def test_profiles_are_taken_to_the_right_of_the_direction():
    tone = np.zeros((80, 80), np.float32)
    tone[45] = 1  # a line that runs east, 5 cells south of the middle
    east = np.zeros(1)
    for values in (
        lattice_inputs(tone, np.array([40 * 80 + 40]), MOVES[0], extras(east, None, 1.0)),
        free_inputs(tone, np.array([[40.0, 40.0]]), east, extras(east, None, 1.0)),
    ):
        assert [half.argmax() for half in np.split(values[0, :54], 2)] == [13 + 5, 13 + 5]
    told = extras(east, Sun(180, 45), 1.0)[0]
    assert told[0] == pytest.approx(-1.0)  # the sun is in the south: the shadow falls north, to the left of what runs east
    assert extras(east, None, 2.5)[0, 2] == 0


@pytest.fixture(scope="module")
def walled():
    """A square wall of 160 m on plain ground, and what it encloses."""
    rng = np.random.default_rng(1)
    truth = Polygon([(60, -60), (60, -220), (220, -220), (220, -60)])
    x, y = np.mgrid[0:280, 0:280][::-1] + 0.5
    away = np.maximum(np.abs(x - 140), np.abs(y - 140)) - 80
    light = 100 * (1 + 0.05 * rng.standard_normal(away.shape)) * (1 + 0.35 * (np.abs(away) < 2.5))
    geobox = GeoBox(away.shape, Affine(1, 0, 0, 0, -1, 0), "EPSG:32652")
    values = gaussian_filter(light, 0.5).astype(np.float32)[None]
    valid = np.ones(away.shape, bool)
    valid[:, 265:] = False
    image = Image(values, valid, ("pan",), geobox, datetime(2010, 5, 1, tzinfo=UTC), Sun(150, 40), 1.0, "dn", "s", simulated=True)
    return Ground(image, shipped()), truth


def test_a_rough_ring_settles_on_the_wall(walled):
    ground, truth = walled
    rough = np.asarray(truth.buffer(-3, join_style="mitre").exterior.coords)[:-1]
    ring, like, seen, scatter = settled(ground, rough, 2.0)
    assert Polygon(ring).area == pytest.approx(truth.area, rel=0.01)
    assert Polygon(ring).length == pytest.approx(truth.length, rel=0.02)
    assert seen.all()
    assert np.median(like) > 0.7
    assert scatter < 0.6


def test_what_is_not_observed_is_no_line(walled):
    ground, _ = walled
    places = ground.lattice(Polygon([(240, -200), (290, -200), (290, -100), (240, -100)]))
    beyond = places.point[:, 0] > 265
    assert beyond.any()
    assert not places.valid[beyond].any()
    assert not places.like[beyond].any()
    assert places.valid[~beyond].all()


def test_a_gap_is_laid_beside_the_prior_with_its_corner():
    truth = np.array([(0, 0), (200, 0), (200, 200), (0, 200)], float)
    ring = resample(truth, 2.0)
    lost = np.hypot(*(ring - [200, 200]).T) < 40
    cut = ring.copy()
    cut[lost] = np.linspace(ring[np.flatnonzero(lost)[0]], ring[np.flatnonzero(lost)[-1]], lost.sum())
    assert Polygon(cut).area < 39_500
    assert Polygon(bridged(cut, ~lost, truth + np.array([4, -3]), 25.0)).area == pytest.approx(40_000, rel=0.005)
    # A prior that lies elsewhere says nothing.
    assert bridged(cut, ~lost, truth + np.array([90, 0]), 25.0).tobytes() == cut.tobytes()


def test_the_kernel_is_one_piece():
    bar = Polygon([(0, 0), (300, 0), (300, 100), (180, 100), (180, 40), (120, 40), (120, 100), (0, 100)])
    assert isinstance(kernel(bar, 30), Polygon)
    assert not kernel(bar, 200).is_empty


def test_a_bay_that_the_line_left_out_is_told():
    bay = np.array([(0, 0), (200, 0), (200, 200), (130, 200), (130, 60), (70, 60), (70, 200), (0, 200)], float)
    band = Band(bay, 25.0, 1.0, 25.0)
    assert _left_out(resample(bay + np.array([5, -5]), 2.0), band) == 0
    across = resample(np.array([(0, 0), (200, 0), (200, 200), (0, 200)], float), 2.0)
    # All of the bay's 340 m but some 25 m at either side of its mouth.
    assert _left_out(across, band) == pytest.approx(340 - 2 * 27, abs=8)


def test_a_region_under_pressure_fills_its_walls_and_bridges_their_gaps():
    """A room of 400 m with gaps of 40 m in its walls: the cheapest path around the middle is short, the region fills the room."""
    seen = np.zeros((8, 80, 80), np.float32)
    seen[:, 20:61, [20, 60]] = 1
    seen[:, [20, 60], 20:61] = 1
    seen[:, 20, 38:42] = 0
    seen[:, 50:54, 60] = 0
    inner, outer = np.zeros((80, 80), bool), np.ones((80, 80), bool)
    inner[36:45, 24:33] = True
    outer[1:-1, 1:-1] = False
    net = Net.of(seen, inner, outer, 10.0)
    axes = np.array([[10.0, 0.0], [0.0, -10.0], [0.0, 0.0]])
    held = outline(net.region(0.002), axes)
    assert held.area == pytest.approx(400.0**2, rel=0.08)
    assert held.exterior.is_ccw
    assert net.region(-0.1).sum() == inner.sum()
    assert outline(net.region(0.2), axes).area > 3 * 400.0**2  # more ground pays for an outline that is not seen


def test_what_is_gathered_follows_a_course_and_not_a_spot():
    planes = np.zeros((8, 40, 40), np.float32)
    planes[0, 20, :] = 1
    planes[0, 5, 20] = 1
    found = gathered(planes, 7, 1.0)
    assert found[0, 20, 20] == pytest.approx(1.0)
    assert found[0, 5, 20] == pytest.approx(1 / 15, abs=1e-6)
    assert found[4, 20, 20] < 0.1


@pytest.mark.parametrize(
    ("gsd", "pixel", "cell", "resolved"),
    [(0.5, 0.5, 1.0, 1.0), (2.5, 2.5, 2.5, 2.5), (5.0, 5.0, 2.5, 5.0), (10.0, 10.0, 10 / 3, 10.0), (5.0, 2.5, 2.5, 5.0)],
)
def test_a_cell_is_a_pixel_or_a_metre_or_part_of_a_coarse_pixel(gsd, pixel, cell, resolved):
    image = flat(np.full((40, 40), 80.0), pixel, gsd)
    assert (cell_m_of(image), sensor_m_of(image)) == pytest.approx((cell, resolved))
    assert Ground(image, shipped()).cell_m == pytest.approx(cell)


def test_a_coarse_pixel_is_parted_linearly_and_in_its_place():
    plane = np.random.default_rng(4).normal(80, 10, (30, 40)).astype(np.float32)
    row, col = np.mgrid[0:36, 0:36] + np.array([11, 20])[:, None, None]
    wanted = map_coordinates(plane, [(row + 0.5) / 3 - 0.5, (col + 0.5) / 3 - 0.5], order=1)
    pixels = plane[11 // 3 - 1 :, 20 // 3 - 1 :]
    assert parted(pixels, (11 - 3 * (11 // 3 - 1), 20 - 3 * (20 // 3 - 1)), 36, 3) == pytest.approx(wanted, abs=1e-3)
    image = flat(plane, 10.0, 10.0)
    tone, valid = cells_of(image, 11, 20, 36)
    assert valid.all()
    assert tone == pytest.approx(tone_of(wanted.astype(np.float32), valid), abs=1e-3)
    assert not cells_of(image, -40, 0, 36)[1].any()


def flat(plane, pixel, gsd):
    """An image of one band."""
    grid = GeoBox(plane.shape, Affine(pixel, 0, 500_000, 0, -pixel, 4_600_000), "EPSG:32652")
    usable = np.ones(plane.shape, bool)
    return Image(plane[None].astype(np.float32), usable, ("pan",), grid, datetime(2010, 5, 1, tzinfo=UTC), None, gsd, "dn", "s", simulated=True)


class Shown:
    """Ground on which the profile of each place of a lattice is given."""

    cell_m = 4.0

    def __init__(self, profile):
        self.profile = profile

    def profiles(self, _, place, _way):
        return self.profile[place].astype(np.float32)


def test_a_ring_knows_its_own_line_by_the_profile_that_it_shows_elsewhere():
    """Two lines look alike to the perceptron; of the ring's profile is one of them where the ring is not seen."""
    rng = np.random.default_rng(2)
    places = without(lattice(np.zeros((61, 61))), hollow())
    ring = resample(np.array([[40.0, -200], [200, -200], [200, -40], [40, -40]]), 4.0)
    rival = resample(np.array([[12.0, -228], [228, -228], [228, -12], [12, -12]]), 4.0)
    on, beside = (np.abs(cKDTree(each).query(places.point)[0]) < 3 for each in (ring, rival))
    kinds = np.array([[np.exp(-0.5 * ((k - 13) / 2) ** 2) for k in range(27)], [np.exp(-0.5 * ((k - 9) / 1) ** 2) for k in range(27)]])
    profile = 1.5 * (on[:, None] * kinds[0] + beside[:, None] * kinds[1]) + rng.normal(0, 0.5, (len(on), 27))
    like = np.where(on | beside, 0.5, 0.2).astype(np.float32)[:, None].repeat(8, axis=1)
    unseen = np.abs(ring[:, 1] + 40) < 1
    found = own_lattice(Shown(profile), replace(places, like=like), ring, np.where(unseen, 0.0, 0.6))
    along = found.like[:, MOVES.index((0, 1))]
    north = places.point[:, 1] > -60
    middle = np.abs(places.point[:, 0] - 120) < 60
    assert along[on & north & middle].mean() > 0.8
    assert along[beside & north & middle].mean() < 0.45  # both looked alike before, 0.5
    across = MOVES.index((-1, 0))
    assert found.like[north & middle, across] == pytest.approx(like[north & middle, across])  # not a direction of the ring there


def test_a_stretch_does_not_vouch_for_itself():
    """A fifth of the first course follows something else: its profile is not learnt from there."""
    rng = np.random.default_rng(3)
    places = without(lattice(np.zeros((61, 61))), hollow())
    ring = resample(np.array([[40.0, -200], [200, -200], [200, -40], [40, -40]]), 4.0)
    away, nearest = cKDTree(ring).query(places.point)
    on, astray = away < 3, nearest * PARTS // len(ring) == 2
    kinds = np.array([[np.exp(-0.5 * ((k - 13) / 2) ** 2) for k in range(27)], [-np.exp(-0.5 * ((k - 13) / 2) ** 2) for k in range(27)]])
    profile = 1.5 * on[:, None] * kinds[astray.astype(int)] + rng.normal(0, 0.5, (len(on), 27))
    like = np.where(on, 0.5, 0.2).astype(np.float32)[:, None].repeat(8, axis=1)
    found = own_lattice(Shown(profile), replace(places, like=like), ring, np.full(len(ring), 0.6))
    heading = headings(ring)[0][nearest]
    way = np.abs(np.sin(heading[:, None] - np.array([np.arctan2(-row, col) for row, col in MOVES]))).argmin(axis=1)
    told = found.like[np.arange(len(on)), way]
    assert told[on & ~astray].mean() > 0.75
    assert told[on & astray].mean() < 0.45
    assert told[on & astray].max() < 0.6


def test_too_little_that_is_seen_teaches_nothing():
    places = without(lattice(np.zeros((61, 61))), hollow())
    ring = resample(np.array([[40.0, -200], [200, -200], [200, -40], [40, -40]]), 4.0)
    like = np.random.default_rng(5).uniform(0.1, 0.9, (len(places.row), 8)).astype(np.float32)
    found = own_lattice(Shown(np.zeros((len(places.row), 27))), replace(places, like=like), ring, np.full(len(ring), np.nan))
    assert found.like == pytest.approx(like, abs=1e-5)
