"""Tiles: each pixel is answered for once, and sees its surroundings."""

import numpy as np
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from shapely.geometry import Point

from camwatch.pipeline.tiles import tiles_of

sides = st.integers(1, 700)


@settings(max_examples=60, deadline=None)
@given(height=sides, width=sides, side=st.integers(40, 300), overlap=st.integers(0, 60))
def test_every_pixel_belongs_to_one_core_and_every_window_holds_its_core(height, width, side, overlap):
    geobox = GeoBox((height, width), Affine(0.5, 0, 559_000, 0, -0.5, 4_633_000), "EPSG:32652")
    times = np.zeros((height, width), int)
    for tile in tiles_of(geobox, side, overlap):
        times[tile.core] += 1
        core, seen = geobox[tile.core], tile.window[tile.inner]
        assert (core.shape, core.affine) == (seen.shape, seen.affine)
        assert max(core.shape) <= 1.25 * side + 1
    assert (times == 1).all()


def test_a_place_on_the_edge_of_two_cores_has_one_that_answers():
    geobox = GeoBox((200, 200), Affine(0.5, 0, 559_000, 0, -0.5, 4_633_000), "EPSG:32652")
    tiles = tiles_of(geobox, 100, 10)
    assert len(tiles) == 4
    for x, y in ((559_050, 4_632_950), (559_050, 4_632_980), (559_000, 4_633_000)):
        assert sum(tile.answers_for(Point(x, y), geobox) for tile in tiles) == 1
