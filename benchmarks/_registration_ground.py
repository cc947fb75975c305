"""Grounds for pairs with a known transform: rendered, manufactured, and real pixels read in place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.warp import reproject
from scipy import ndimage
from skimage.io import imread

from camwatch.imagery.image import Sun
from camwatch.render import View
from camwatch.render.demo import world_of
from camwatch.render.scene import Optics, render

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.render.world import World

DATA = Path(os.environ.get("CAMWATCH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared")) / "data"
"""Real pixels for measuring; cases that need them are skipped where they are absent."""

PLACES = ((0, 0), (-700, -420), (420, 1150), (900, -900), (-1500, 500), (1100, 2600))
"""Metres east and north of the middle of the simulated camp; each seed looks at another place."""

SUMMER, AUTUMN, WINTER = date(2013, 8, 5), date(2013, 10, 20), date(2014, 2, 5)
"""Days between which nothing is built."""

BEFORE, AFTER = date(2009, 10, 12), date(2014, 3, 22)
"""Days between which walls, posts and buildings come and go."""

MORNING, NOON, EVENING = Sun(135, 42), Sun(165, 45), Sun(225, 42)


class NoDataError(Exception):
    """The real pixels of a case are not here."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What lies under a pair.

    Attributes
    ----------
    values : (band, y, x) float32
        About 0..255.
    bands : tuple of str
    margin : int
        Pixels around the frame on every side: what a moved image sees beyond the reference's edge.
    pixel_m : float
    """

    values: NDArray[np.float32]
    bands: tuple[str, ...]
    margin: int
    pixel_m: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the frame."""
        return self.values.shape[1] - 2 * self.margin, self.values.shape[2] - 2 * self.margin

    def of(self, *bands: str) -> Ground:
        """Return the same ground in some of its bands."""
        return Ground(self.values[[self.bands.index(name) for name in bands]], bands, self.margin, self.pixel_m)


def grid(shape: tuple[int, int], pixel_m: float) -> GeoBox:
    """Return the grid that all made images lie on."""
    return GeoBox(shape, Affine(pixel_m, 0, 559_000, 0, -pixel_m, 4_633_000), "EPSG:32652")


@cache
def _world(camp: str) -> World:
    return world_of(camp)


@lru_cache(maxsize=12)
def rendered(
    day: date,
    sun: Sun,
    pixel_m: float,
    *,
    seed: int = 0,
    size: int = 1024,
    margin: int = 64,
    bands: tuple[str, ...] = ("pan",),
    view: View | None = None,
    camp: str = "chongjin",
) -> Ground:
    """Return a simulated camp on a day under a sun; the same ground whatever the day, the sun, the bands and the view."""
    side = size + 2 * margin
    east, north = PLACES[seed % len(PLACES)]
    left, top = _world(camp).centre[0] + east - side * pixel_m / 2, _world(camp).centre[1] + north + side * pixel_m / 2
    box = GeoBox((side, side), Affine(pixel_m, 0, left, 0, -pixel_m, top), _world(camp).crs)
    seen = render(_world(camp).on(day), box, bands, Optics(sun, view or View(), psf_px=0.6, oversample=2))
    return Ground(_stretched(seen), bands, margin, pixel_m)


def _stretched(reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each band so that its brightest hundredth starts at 220."""
    top = np.quantile(reflectance, 0.99, axis=(1, 2), keepdims=True)
    return np.asarray(np.clip(220 * reflectance / top, 1, 255), np.float32)


@lru_cache(maxsize=6)
def made(seed: int = 0, *, size: int = 1024, margin: int = 64, pixel_m: float = 0.5) -> Ground:
    """Return roofs, fields and grain, blurred as a sensor blurs."""
    rng = np.random.default_rng([seed, 1])
    side = size + 2 * margin
    out = 15 * ndimage.zoom(rng.normal(size=(side // 16 + 2,) * 2), 16, order=3)[:side, :side]
    for _ in range(side * side // 500):
        row, col = rng.integers(0, side, 2)
        high, wide = rng.integers(5, 26, 2)
        out[row : row + high, col : col + wide] += rng.normal(0, 30)
    out += rng.normal(0, 6, out.shape)
    return Ground(np.asarray(120 + ndimage.gaussian_filter(out, 1.2), np.float32)[None], ("pan",), margin, pixel_m)


def repeated(kind: str, unique: int, seed: int = 0, *, size: int = 1024, margin: int = 64) -> Ground:
    """Return rows of equal roofs, or furrows, with a few `unique` objects that tell one period from the next."""
    rng = np.random.default_rng([seed, 2])
    side = size + 2 * margin
    y, x = np.mgrid[:side, :side].astype(np.float32)
    if kind == "roofs":
        out = np.where(((y % 36) < 14) & ((x % 52) < 38), np.float32(190), np.float32(100))
    else:
        angle = np.deg2rad(17 + 40 * seed)
        out = 120 + 40 * np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / 11.0)
    for _ in range(unique):
        row, col = rng.integers(margin, side - margin, 2)
        high, wide = rng.integers(8, 40, 2)
        out[row : row + high, col : col + wide] = rng.uniform(40, 240)
    return Ground(np.asarray(ndimage.gaussian_filter(out, 1.2), np.float32)[None], ("pan",), margin, 0.5)


def roads(lines: int, seed: int = 0, *, parallel: bool, size: int = 1024, margin: int = 64) -> Ground:
    """Return bright straight lines across ground without any texture."""
    rng = np.random.default_rng([seed, 6])
    side = size + 2 * margin
    y, x = np.mgrid[:side, :side] - side / 2
    out, angle = np.full((side, side), 110.0), rng.uniform(0, np.pi)
    for n in range(lines):
        a = angle if parallel else angle + np.pi * (n + rng.uniform(-0.2, 0.2)) / lines
        off = x * np.cos(a) + y * np.sin(a) - rng.uniform(-0.3, 0.3) * size
        out += 60 * np.exp(-0.5 * (off / 3) ** 2)
    return Ground(np.asarray(out, np.float32)[None], ("pan",), margin, 0.5)


def _at(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        raise NoDataError(f"{'/'.join(parts)} is not here")
    return path


@lru_cache(maxsize=8)
def levir(seed: int, date_: str) -> Ground:
    """Return a tile of the earlier (`A`) or the later date (`B`), green."""
    names = sorted(p.name for p in _at("pairs/levir_cd", "A").glob("*.png"))
    plane = imread(_at("pairs/levir_cd", date_, names[seed % len(names)]))[..., 1]
    return Ground(np.asarray(plane, np.float32)[None], ("green",), 0, 0.5)


def sztaki(seed: int, number: int) -> Ground:
    """Return image 1 or 2 of an aerial pair, its mean over the colours."""
    name = ("szada_2", "tiszadob_1", "szada_3", "tiszadob_2", "szada_4")[seed % 5]
    plane = imread(_at("pairs/sztaki_airchange", f"{name}_im{number}.png")).mean(axis=2)
    return Ground(np.asarray(plane, np.float32)[None], ("pan",), 0, 1.5)


def raster(bands: tuple[str, ...], pixel_m: float, *parts: str) -> Ground:
    """Return a raster's bands in their order, each scaled to 0..255."""
    with rasterio.open(_at(*parts)) as dataset:
        values = dataset.read(range(1, len(bands) + 1)).astype("float32")
    low, high = (np.quantile(values, q, axis=(1, 2), keepdims=True) for q in (0.002, 0.998))
    return Ground(np.asarray(np.clip(250 * (values - low) / (high - low), 0, 255), np.float32), bands, 0, pixel_m)


def naip(year: int) -> Ground:
    """Return one of three years, on the grid of 2014."""
    names = {2009: "20090818", 2010: "20100629", 2014: "20140720"}
    with rasterio.open(_at("series/naip_nd", f"m_4709963_se_14_1_{names[2014]}.tif")) as dataset:
        transform, crs, shape = dataset.transform, dataset.crs, dataset.shape
    with rasterio.open(_at("series/naip_nd", f"m_4709963_se_14_1_{names[year]}.tif")) as dataset:
        values = np.zeros((4, *shape), np.float32)
        source = dataset.read().astype("float32")
        reproject(
            source, values, src_transform=dataset.transform, src_crs=dataset.crs, dst_transform=transform, dst_crs=crs, resampling=Resampling.cubic
        )
    return Ground(np.clip(values[:, 8:-8, 8:-8], 0, 255), ("red", "green", "blue", "nir"), 0, 5.0)


def landsat5() -> Ground:
    """Return the seven bands of a real Landsat 5 crop; `lwir11` was resampled from 120 m."""
    names = ("blue", "green", "red", "nir", "swir16", "lwir11", "swir22")
    folder = "landsat5_tm_LT52240631988227CUB02"
    planes = [raster((name,), 30.0, "products", folder, f"LT52240631988227CUB02_B{n}.TIF").values[0] for n, name in enumerate(names, 1)]
    return Ground(np.stack(planes), names, 0, 30.0)


def xbd(name: str) -> tuple[Ground, Ground]:
    """Return both dates of a tile, the later one on the earlier one's grid, and believed as delivered."""
    out = []
    with rasterio.open(_at("pairs/xbd_geo", f"{name}_pre_disaster.tif")) as pre:
        transform, crs, shape = pre.transform, pre.crs, pre.shape
    for when in ("pre", "post"):
        with rasterio.open(_at("pairs/xbd_geo", f"{name}_{when}_disaster.tif")) as dataset:
            plane = dataset.read().astype("float32").mean(axis=0)
            if crs is not None and dataset.transform != transform:
                moved = np.zeros(shape, np.float32)
                reproject(
                    plane, moved, src_transform=dataset.transform, src_crs=crs, dst_transform=transform, dst_crs=crs, resampling=Resampling.cubic
                )
                plane = moved
        out.append(Ground(np.asarray(plane, np.float32)[None], ("pan",), 0, 0.45))
    return out[0], out[1]
