"""Real ground of three dates at 5 m (NAIP, wetlands and fields) with no camp in it: outlines thrown at random must not be answered."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from shapely import affinity

from benchmarks._perimeter_scenes import ring
from benchmarks._structures_pairs import DATA
from camwatch.aoi.records import Site
from camwatch.detect import detect_perimeter
from camwatch.imagery.image import Image

if TYPE_CHECKING:
    from shapely.geometry import Polygon

FOLDER = DATA / "series/naip_nd"
EDGE_M = 100.0


def images() -> list[Image]:
    """Return the dates on the grid of the first."""
    paths = sorted(FOLDER.glob("*.tif"))
    with rasterio.open(paths[0]) as first:
        grid = GeoBox(first.shape, Affine(*first.transform[:6]), first.crs)
    out = []
    for path in paths:
        options = {"crs": grid.crs, "transform": grid.affine, "height": grid.shape[0], "width": grid.shape[1], "resampling": Resampling.bilinear}
        with rasterio.open(path) as source, WarpedVRT(source, **options) as on_grid:
            values = on_grid.read((1, 2, 3)).astype(np.float32) + 1
        day = datetime.strptime(path.stem.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC)
        out.append(Image(values, np.ones(grid.shape, bool), ("red", "green", "blue"), grid, day, None, 5.0, "dn", path.stem))
    return out


def thrown(rng: np.random.Generator, grid: GeoBox, length_m: float) -> Polygon:
    """Return a ring somewhere on a grid."""
    shape, box = ring(rng, length_m), grid.extent.boundingbox
    west, south, east, north = shape.bounds
    right = rng.uniform(box.left + EDGE_M - west, box.right - EDGE_M - east)
    up = rng.uniform(box.bottom + EDGE_M - south, box.top - EDGE_M - north)
    return affinity.translate(shape, right, up)


def run(trials: int, seed: int) -> str:
    """Search around random outlines, for each pair of neighbouring dates; return what was answered."""
    dates = images()
    said: Counter[str] = Counter()
    for number in range(trials):
        outline = thrown(np.random.default_rng((seed, number)), dates[0].geobox, 1000 * (3 + 3 * (number % 2)))
        site = Site("none", outline.convex_hull, outline, outline, 20.0, {}, nominal=False)
        for before, after in pairwise(dates):
            found = detect_perimeter(before, after, site)
            said[found.status] += 1
            said["one date looks like a line"] += "something beside the outline" in found.reason
    return f"{sum(said[status] for status in ('searched', 'not_testable'))} pairs at 5 m without a camp: {dict(said)}"
