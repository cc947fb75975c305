"""A grid fitted to points lies where it was made to lie, and its figures say no more than the points know."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from camwatch.errors import SceneError
from camwatch.scenes.placement import Placement, place

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

SHAPE = (3000, 4000)
TRUE = np.array([[1.8, 0.4, 560_000.0], [0.3, -2.1, 4_650_000.0]])


def ground(pixels, matrix=TRUE, bend=0.0):
    """Metres of UTM 52 N under pixels; `bend` metres of a square term at the far corner."""
    x, y = (np.asarray(pixels, float) / SHAPE[::-1]).T
    return np.asarray(pixels) @ matrix[:, :2].T + matrix[:, 2] + bend * np.column_stack([x * x, x * y])


def degrees(metres, crs="EPSG:32652"):
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*np.asarray(metres).T)
    return np.column_stack([lon, lat])


def spread(n, seed=0):
    return np.random.default_rng(seed).uniform((0, 0), SHAPE[::-1], (n, 2))


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 12), st.floats(-180, 180), st.floats(0.3, 20), st.floats(0.5, 2), st.floats(-179.9, 179.9), st.floats(-75, 75))
def test_an_affine_comes_back(n, turn, size, stretch, lon, lat):  # noqa: PLR0917 (hypothesis fills them)
    zone = int((lon + 180) // 6) + 1
    crs = f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(zone * 6 - 183, lat)  # on the central meridian
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    linear = size * np.array([[c, -s], [s, c]]) @ np.diag([stretch, 1 if n % 2 else -1])  # every other one mirrored
    corners = np.array([(0, 0), (4000, 100), (300, 3000)])
    pixels = np.vstack([corners, spread(n - 3)])
    metres = pixels @ linear.T + (x, y)
    if abs(lat) < 2:
        return  # near the equator points may fall into either half of the zone
    placement = place(SHAPE, pixels, degrees(metres, crs))
    assert str(placement.geobox.crs) == crs
    a = placement.geobox.affine
    np.testing.assert_allclose(pixels @ np.array([[a.a, a.b], [a.d, a.e]]).T + (a.c, a.f), metres, atol=1e-3)
    assert placement.geobox.shape == SHAPE
    assert placement.rmse_m < 1e-3
    assert placement.outlier is None


def test_residuals_are_those_of_least_squares():
    pixels = spread(9)
    noisy = ground(pixels) + np.random.default_rng(1).normal(0, 5, (9, 2))
    placement = place(SHAPE, pixels, degrees(noisy))
    design = np.column_stack([pixels, np.ones(9)])
    off = np.hypot(*(noisy - design @ np.linalg.lstsq(design, noisy, rcond=None)[0]).T)
    assert placement.rmse_m == pytest.approx(np.sqrt((off**2).mean()), rel=1e-6)
    assert placement.worst_m == pytest.approx(off.max(), rel=1e-6)
    assert placement.n == 9
    alone = []
    for k in range(9):
        rest = np.arange(9) != k
        fit = np.linalg.lstsq(design[rest], noisy[rest], rcond=None)[0]
        alone.append(np.hypot(*(noisy[k] - design[k] @ fit)))
    assert placement.withheld_rmse_m == pytest.approx(np.sqrt(np.mean(np.square(alone))), rel=1e-6)
    assert placement.error_m == placement.withheld_rmse_m


def test_three_points_tell_nothing_and_four_half():
    three = place(SHAPE, spread(3), degrees(ground(spread(3)) + 50))
    assert three.rmse_m < 1e-6
    assert three.error_m is three.withheld_rmse_m is None
    corners = np.array([(0, 0), (4000, 0), (4000, 3000), (0, 3000)])
    rng = np.random.default_rng(2)
    seen, true = [], []
    for _ in range(300):
        placement = place(SHAPE, corners, degrees(ground(corners) + rng.normal(0, 5, (4, 2))))
        assert placement.outlier is None
        a = placement.geobox.affine
        seen.append(placement.error_m**2)
        # A further good point, in the middle of the upper edge.
        true.append(sum((np.array(a * (2000, 0)) - ground([(2000, 0)])[0]) ** 2) + 2 * 5**2)
    assert np.sqrt(np.mean(seen)) == pytest.approx(np.sqrt(np.mean(true)), rel=0.4)


def test_a_blunder_is_named_and_good_points_are_not():
    rng = np.random.default_rng(3)
    for n in (5, 8, 15):
        named = []
        for seed in range(60):
            pixels = spread(n, seed)
            metres = ground(pixels) + rng.normal(0, 4, (n, 2))
            named.append(place(SHAPE, pixels, degrees(metres)).outlier)
            wrong = seed % n
            metres[wrong] += (3000, -2000)
            placement = place(SHAPE, pixels, degrees(metres))
            if placement.outlier is not None:
                assert placement.outlier == wrong
                assert placement.outlier_m == pytest.approx(np.hypot(3000, 2000), rel=0.1)
                named.append(None)
            else:
                assert n == 5  # two degrees of freedom are left to judge by
        assert named.count(None) == len(named)
        assert len(named) > (90 if n == 5 else 119)


def test_bent_rasters_are_called_bent_and_none_of_their_points_wrong():
    pixels = spread(14)
    noise = np.random.default_rng(4).normal(0, 1, (14, 2))
    straight, bent = (place(SHAPE, pixels, degrees(ground(pixels, bend=metres) + noise)) for metres in (0, 300))
    assert bent.bent_rmse_m < 4
    assert bent.withheld_rmse_m > 20
    assert bent.outlier is None
    assert straight.bent_rmse_m > 0.7 * straight.withheld_rmse_m
    assert place(SHAPE, pixels[:9], degrees(ground(pixels[:9], bend=300))).bent_rmse_m is None


def test_points_across_the_antimeridian_stay_together():
    pixels = np.array([(0, 0), (100, 0), (0, 100), (100, 100)])
    placement = place((100, 100), pixels, [(179.99, 51.01), (-179.99, 51.01), (179.99, 51.0), (-179.99, 51.0)])
    assert str(placement.geobox.crs) in {"EPSG:32601", "EPSG:32660"}
    assert placement.worst_m < 1
    assert abs(placement.geobox.affine.determinant) ** 0.5 == pytest.approx(12.5, rel=0.02)  # 1403 m by 1113 m


@pytest.mark.parametrize(
    ("pixels", "lonlat", "what"),
    [
        ([(0, 0), (1, 1)], [(129, 42), (129, 43)], "too few control points; got 2"),
        ([(0, 0), (1, 1), (2, 2), (3, 3)], [(129, 42), (129.1, 42), (129, 42.1), (129.1, 42.1)], "on one line"),
        ([(0, 0), (1, 0), (0, 1)], [(129, 42), (129, 42), (129, 42)], "on one line"),
        ([(0, 0), (1, 0), (0, 1)], [(42, 129), (42, 129.1), (42.1, 129)], r"no degrees; got \(42, 129\) at point 1"),
        ([(0, 0), (1, 0), (0, float("nan"))], [(129, 42), (129.1, 42), (129, 42.1)], "no numbers"),
        ([(0, 0), (1, 0), (0, 1)], [(129, 42), (129.1, 42)], "too few"),
    ],
)
def test_points_that_place_nothing(pixels, lonlat, what):
    with pytest.raises(SceneError, match=what) as caught:
        place((10, 10), pixels, lonlat, where="scan.points")
    assert str(caught.value).startswith("scan.points: ")


def test_a_placement_is_a_value():
    placement = place(SHAPE, spread(6), degrees(ground(spread(6))))
    assert isinstance(placement, Placement)
    assert placement == place(SHAPE, spread(6), degrees(ground(spread(6))))
