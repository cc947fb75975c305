"""A raster whose values are its own pixel coordinates comes back at the right place to 1/1000 px through every path, from every format.

Bands 1 and 2 hold 200 · (column + ½) and 200 · (row + ½): whole numbers, which every format keeps exactly, and a linear ramp, which every kernel must
reproduce. So what a target pixel holds, over 200, is where in the source it was taken from; where it should have been comes from pyproj in float64.
"""

import tarfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.shutil import copy

from camwatch.imagery import load
from camwatch.resources import CACHE_VARIABLE
from camwatch.scenes import open_scene

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

ROWS, COLS, PX, UNIT = 230, 260, 10.0, 200
TOLERANCE_PX = 1e-3
NORTH_UP = Affine(PX, 0, 560_000, 0, -PX, 4_650_000)
SOURCES = {
    "north-up": NORTH_UP,
    "bottom-up": Affine(PX, 0, 560_000, 0, PX, 4_650_000 - ROWS * PX),
    "rotated": NORTH_UP * Affine.rotation(11.5),
    "oblong": NORTH_UP * Affine.scale(1, 0.8),
}
FORMATS: dict[str, dict[str, Any]] = {
    "tiled": {"driver": "GTiff", "tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate", "predictor": 2},
    "striped": {"driver": "GTiff", "tiled": False, "blockysize": 7, "compress": "lzw"},
    "plain": {"driver": "GTiff", "tiled": False, "interleave": "band"},
    "cog": {"driver": "COG", "blocksize": 128, "compress": "deflate", "overviews": "IGNORE_EXISTING"},
    "jp2": {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "blockxsize": 64, "blockysize": 128, "YCBCR420": "NO", "YCC": "NO"},
    "envi": {"driver": "ENVI", "interleave": "bil"},
}
SUFFIX = {"jp2": ".jp2", "envi": ".img"}
CONTAINERS = ("file", ".zip", ".tar", ".tar.gz")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("truth")


@pytest.fixture(autouse=True)
def own_cache(folder, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(folder / "kept"))


@cache
def written(folder: Path, form: str, source: str, container: str) -> Path | None:
    """A product on disk; None where the format cannot say where such pixels lie."""
    stem = f"{form}_{source}"
    path = folder / container.strip(".") / f"{stem}_20110529{SUFFIX.get(form, '.tif')}"
    path.parent.mkdir(exist_ok=True)
    rows, cols = np.mgrid[:ROWS, :COLS]
    values = np.stack([UNIT * cols + UNIT // 2, UNIT * rows + UNIT // 2, np.full_like(rows, 777)]).astype(np.uint16)
    options = dict(FORMATS[form])
    driver = options.pop("driver")
    profile = {"height": ROWS, "width": COLS, "count": 3, "dtype": "uint16", "crs": "EPSG:32652", "transform": SOURCES[source]}
    plain = path.with_suffix(".plain") if driver == "COG" else path
    with rasterio.open(plain, "w", **profile, **({"driver": "GTiff"} if driver == "COG" else {"driver": driver, **options})) as dataset:
        dataset.write(values)
    if driver == "COG":
        with rasterio.open(plain, "r+") as dataset:
            dataset.build_overviews([2, 4], Resampling.average)
        copy(plain, path, driver="COG", **options)
        plain.unlink()
    with rasterio.open(path) as dataset:
        if not dataset.transform.almost_equals(SOURCES[source], 1e-6):
            return None
    files = [one for one in sorted(path.parent.glob(f"{path.stem}.*")) if not one.name.endswith(".aux.xml")]
    if container == "file":
        return path
    archive = folder / f"{stem}{container}"
    if container == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
            for one in files:
                out.write(one, f"delivery/{one.name}")
    else:
        with tarfile.open(archive, "w:gz" if container.endswith("gz") else "w") as out:
            for one in files:
                out.add(one, f"./delivery/{one.name}")
    return archive


def sources_of(target: GeoBox, source: Affine) -> tuple[np.ndarray, np.ndarray]:
    """Column and row in the source of the centre of each target pixel."""
    rows, cols = np.mgrid[: target.shape[0], : target.shape[1]] + 0.5
    a, b = target.affine, ~source
    x, y = a.a * cols + a.b * rows + a.c, a.d * cols + a.e * rows + a.f
    if str(target.crs) != "EPSG:32652":
        x, y = Transformer.from_crs(str(target.crs), "EPSG:32652", always_xy=True).transform(x, y)
    return b.a * x + b.b * y + b.c, b.d * x + b.e * y + b.f


def check(product: Path, target: GeoBox, source: Affine, *, chunk: int | None = None) -> bool:
    """Load onto a target, at once or in chunks: all that the source shows is there, nothing else, and everything in its place.

    False where the target does not reach the source.
    """
    item = open_scene(product)
    col, row = sources_of(target, source)
    apart = (
        np.abs(np.diff(col, axis=1)).max(),
        np.abs(np.diff(row, axis=0)).max(),
        np.abs(np.diff(row, axis=1)).max(),
        np.abs(np.diff(col, axis=0)).max(),
    )
    step = max(1.0, *apart)
    rim = 0.5 + 1.5 * step  # a kernel of two, and a block that the source's edge cuts
    inside = (col > rim) & (row > rim) & (col < COLS - rim) & (row < ROWS - rim)
    outside = (col < -0.01) | (row < -0.01) | (col > COLS + 0.01) | (row > ROWS + 0.01)
    if not inside.any():
        return False
    height, width = target.shape
    side = chunk or max(height, width)
    for top in range(0, height, side):
        for left in range(0, width, side):
            part = np.s_[top : min(height, top + side), left : min(width, left + side)]
            if chunk and not inside[part].any():
                continue  # such a chunk may lie outside the scene, which is an error of its own
            image = load(item, target[part])
            where = {name: image.values[n] / UNIT for n, name in enumerate(image.bands)}
            found_col, found_row = (where[first if first in where else second] for first, second in (("b1", "red"), ("b2", "green")))
            assert image.valid[inside[part]].all()
            assert not image.valid[outside[part]].any()
            error = np.hypot(found_col - col[part], found_row - row[part])
            assert error[image.valid].max() < TOLERANCE_PX
    return True


def target_of(place: tuple[float, float], turn: float, scale: float, crs: str, side: int) -> GeoBox:
    """A target grid of `side` pixels, `scale` times the source's, whose corner lies about at a place (in source pixels, north-up)."""
    x, y = NORTH_UP * place
    if crs == "EPSG:32652":
        return GeoBox((side, side + 7), Affine.translation(x, y) * Affine.rotation(turn) * Affine.scale(PX * scale, -PX * scale), crs)
    x, y = Transformer.from_crs("EPSG:32652", crs, always_xy=True).transform(x, y)
    pixel = PX * scale * (1 / 111_320 if crs == "EPSG:4326" else 1)
    return GeoBox((side, side + 7), Affine.translation(x, y) * Affine.scale(pixel, -pixel), crs)


AIM = {
    "windowed": ((-37, 41), 0.0, 1.0, "EPSG:32652", 120),
    "shifted": ((20.37, 41.81), 0.0, 1.0, "EPSG:32652", 90),
    "rotated": ((60, 40), 7.0, 1.0, "EPSG:32652", 100),
    "other zone": ((50, 40), 0.0, 1.0, "EPSG:32653", 110),
    "degrees": ((50, 40), 0.0, 1.0, "EPSG:4326", 110),
    "finer": ((50, 40), 0.0, 0.31, "EPSG:32652", 150),
    "2× coarser": ((-11, 7), 0.0, 2.0, "EPSG:32652", 80),
    "3.7× coarser": ((5, 7), 0.0, 3.7, "EPSG:32652", 60),
    "12× coarser": ((-20, -20), 0.0, 12.0, "EPSG:32652", 24),
    "12× coarser, other zone": ((-20, -20), 0.0, 12.0, "EPSG:32653", 24),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_in_every_container_by_every_path(folder, form, container):
    for source, affine in SOURCES.items() if container == "file" else [("north-up", NORTH_UP)]:
        product = written(folder, form, source, container)
        if product is None:
            assert (form, source) in {("envi", "bottom-up"), ("envi", "rotated"), ("jp2", "bottom-up")}  # its writer has no words for it
            continue
        for aim in AIM.values():
            assert check(product, target_of(*aim), affine)
        assert check(product, target_of(*AIM["windowed"]), affine, chunk=50)


@dataclass(frozen=True)
class Case:
    form: str
    container: str
    source: str
    place: tuple[float, float]
    turn: float
    scale: float
    crs: str
    chunk: int | None


CASES = st.builds(
    Case,
    form=st.sampled_from(sorted(FORMATS)),
    container=st.sampled_from(CONTAINERS),
    source=st.sampled_from(sorted(SOURCES)),
    place=st.tuples(st.floats(-60, 200), st.floats(-60, 170)),
    turn=st.floats(-20, 20),
    scale=st.one_of(st.sampled_from([1.0, 2.0, 3.7, 12.0]), st.floats(0.25, 14)),
    crs=st.sampled_from(["EPSG:32652", "EPSG:32652", "EPSG:32653", "EPSG:32651", "EPSG:4326"]),
    chunk=st.sampled_from([None, None, 17, 40]),
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(case=CASES)
@example(case=Case("jp2", ".zip", "rotated", (10.5, 20.5), -11.5, 1.0, "EPSG:32652", 17))
@example(case=Case("cog", ".tar", "bottom-up", (0.0, 0.0), 0.0, 1.0, "EPSG:32652", 40))
def test_any_format_any_way(folder, case):
    product = written(folder, case.form, case.source, case.container)
    assume(product is not None)
    assert product is not None
    side = max(8, min(80, round(160 / case.scale)))
    assume(check(product, target_of(case.place, case.turn, case.scale, case.crs, side), SOURCES[case.source], chunk=case.chunk))


def test_the_check_itself_notices_a_hundredth_of_a_pixel(folder):
    product = written(folder, "tiled", "north-up", "file")
    assert product is not None
    assert check(product, target_of(*AIM["shifted"]), NORTH_UP)
    for nudge in (Affine.translation(0.01, 0), Affine.translation(0, -0.01)):
        with pytest.raises(AssertionError):
            check(product, target_of(*AIM["shifted"]), NORTH_UP * nudge)
