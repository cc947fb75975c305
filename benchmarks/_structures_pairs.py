"""Labelled pairs for the benchmarks of new and razed buildings: real ones, read where they lie, and rendered ones, drawn from their seeds.

The real ones are not part of this repository: CAMWATCH_TEST_DATA names the folder that holds `data/`, by default `shared` beside the checkout.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import Resampling, reproject
from scipy import ndimage as ndi
from skimage.io import imread

from camwatch.rasters import SIMULATED_TAG, write_raster
from camwatch.render.settlement import LabelledPair, Recipe, labelled_pair
from camwatch.render.settlement.canvas import BUILDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Labels = NDArray[np.int32]
    Picture = NDArray[np.uint8]

DATA = Path(os.environ.get("CAMWATCH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared")) / "data"
CRS, CORNER = "EPSG:32652", (559_000.0, 4_633_000.0)
"""Where pictures without a place of their own are put."""

DAYS = ("2011:05:01 02:00:00", "2013:05:01 02:00:00")
RGB = ("red", "green", "blue")
LUMINANCE = np.array([0.35, 0.40, 0.25], np.float32)
"""Weights of red, green and blue in the one band of a panchromatic sensor."""

LEVIR_M, SZTAKI_M = 0.5, 1.5
ROUND_LABELS_M = 20.0
"""Ground around a drawn change that belongs to it: labels of 1.5 m pictures are coarse, and works reach beyond them."""

HOUSES = np.ones((3, 3))


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two products and what is known of their buildings.

    Attributes
    ----------
    name : str
    files : (Path, Path)
        Before and after.
    grid : GeoBox
        Of the labels.
    pixel_m : float
        Of the labels.
    came, gone, stays : (y, x) int32
        Buildings by number, 0 = none; in pictures taken for quiet there is none.
    unsure : (y, x) bool
        Ground where a report is neither right nor wrong.
    days : (date, date), or (None, None)
        For products that do not tell.
    simulated : bool
    """

    name: str
    files: tuple[Path, Path]
    grid: GeoBox
    pixel_m: float
    came: Labels
    gone: Labels
    stays: Labels
    unsure: NDArray[np.bool_]
    days: tuple[dt.date | None, dt.date | None] = (None, None)
    simulated: bool = False

    def backwards(self) -> Pair:
        """Return the pair with its dates exchanged: what came is gone."""
        return replace(
            self,
            name=f"{self.name} backwards",
            files=(self.files[1], self.files[0]),
            came=self.gone,
            gone=self.came,
            days=(self.days[1], self.days[0]),
        )


def levir(folder: Path, *, pixel_m: float = LEVIR_M, colour: bool = True, first: int | None = None) -> Iterator[Pair]:
    """Yield the LEVIR-CD test pairs: buildings that came; labels stay at half a metre whatever the pixel."""
    place = DATA / "pairs/levir_cd"
    for path in sorted((place / "label").glob("*.png"))[:first]:
        truth = imread(path)
        came = numbered((truth if truth.ndim == 2 else truth[..., 0]) > 127)
        pictures = [imread(place / date / path.name)[..., :3] for date in "AB"]
        files = written(folder, path.stem, pictures, LEVIR_M, pixel_m=pixel_m, colour=colour)
        yield Pair(path.stem, files, grid_of(came.shape, LEVIR_M), LEVIR_M, came, *_nothing(came.shape, 2), came < 0)


def joplin() -> Pair | None:
    """Return the pair of Joplin: destroyed buildings are gone, with major damage or unclassified they count neither way; None if absent."""
    place = DATA / "pairs/xbd_geo"
    before, after, damage = (place / f"joplin-tornado_00000000_{name}.tif" for name in ("pre_disaster", "post_disaster", "damage"))
    if not damage.is_file():
        return None
    with rasterio.open(damage) as dataset:
        level, grid = dataset.read(1), GeoBox.from_rio(dataset)
    gone, stays = numbered(level == 4), numbered((level == 1) | (level == 2))
    return Pair("Joplin", (before, after), grid, 0.45, *_nothing(gone.shape, 1), gone, stays, (level == 3) | (level == 255))


def major_damage() -> Labels:
    """Return the buildings of Joplin with major damage."""
    with rasterio.open(DATA / "pairs/xbd_geo/joplin-tornado_00000000_damage.tif") as dataset:
        return numbered(dataset.read(1) == 3)


def sztaki(folder: Path) -> Iterator[Pair]:
    """Yield the SZTAKI AirChange pairs as quiet ground: all drawn changes, buildings and other works, and their surroundings are left out."""
    for path in sorted((DATA / "pairs/sztaki_airchange").glob("*_gt.png")):
        name = path.name.removesuffix("_gt.png")
        drawn = imread(path) > 127
        unsure = ndi.distance_transform_edt(~drawn) * SZTAKI_M <= ROUND_LABELS_M if drawn.any() else drawn
        pictures = [imread(path.with_name(f"{name}_im{number}.png"))[..., :3] for number in (1, 2)]
        files = written(folder, name, pictures, SZTAKI_M)
        yield Pair(name, files, grid_of(drawn.shape, SZTAKI_M), SZTAKI_M, *_nothing(drawn.shape, 3), unsure)


def naip() -> Iterator[Pair]:
    """Yield the dates of NAIP in North Dakota two by two: wetlands, nothing was built."""
    yield from _series(sorted((DATA / "series/naip_nd").glob("*.tif")), 5.0, [None] * 3)


def pucallpa() -> Iterator[Pair]:
    """Yield the Landsat dates of Pucallpa two by two: a city grew, but 89 m pixels cannot show a building."""
    years = (1985, 2000, 2015)
    files = [DATA / f"series/landsat_pucallpa/{year}.tif" for year in years]
    yield from _series([file for file in files if file.is_file()], 89.2, [dt.date(year, 7, 1) for year in years])


def rendered(
    folder: Path, seeds: Iterable[int], recipe: Recipe, *, pixel_m: float | None = None, colour: bool = True, keep: Path | None = None
) -> Iterator[Pair]:
    """Yield rendered pairs, as they are or averaged to another pixel; labels stay on the pixels that were drawn."""
    for seed in seeds:
        drawn = kept_pair(seed, recipe, keep)
        numbers = [np.where(kind == BUILDING, number, 0).astype(np.int32) for kind, number in zip(drawn.kinds, drawn.numbers, strict=True)]
        fate = [drawn.changes[number] for number in numbers]
        came, gone = np.where(fate[1] == 1, numbers[1], 0), np.where(fate[0] == 2, numbers[0], 0)
        stays = np.where(fate[0] == 0, numbers[0], 0)
        files = written(folder, f"seed{seed}", drawn.pictures, drawn.pixel_m, pixel_m=pixel_m, colour=colour, tags=SIMULATED_TAG)
        # A gap between two buildings of one number, or a tree over one, makes it no two.
        grid = grid_of(came.shape, drawn.pixel_m)
        yield Pair(f"seed {seed}", files, grid, drawn.pixel_m, came, gone, stays, came < 0, simulated=True)


def kept_pair(seed: int, recipe: Recipe, keep: Path | None) -> LabelledPair:
    """Return a rendered pair, from the folder of those that were kept where it lies there."""
    if keep is None:
        return labelled_pair(seed, recipe)
    low, high = recipe.pixel_m
    path = keep / f"{seed}-{recipe.side}-{low:g}-{high:g}-{recipe.quiet:g}.npz"
    if path.is_file():
        with np.load(path) as held:
            both = ((held[f"{name}0"], held[f"{name}1"]) for name in ("pictures", "kinds", "numbers"))
            return LabelledPair(*both, held["changes"], float(held["pixel_m"]))
    pair = labelled_pair(seed, recipe)
    keep.mkdir(parents=True, exist_ok=True)
    planes = {f"{name}{date}": getattr(pair, name)[date] for name in ("pictures", "kinds", "numbers") for date in (0, 1)}
    part = path.with_name(f"{os.getpid()}.part.npz")
    np.savez_compressed(part, **planes, changes=pair.changes, pixel_m=np.float64(pair.pixel_m))
    part.rename(path)
    return pair


def numbered(mask: NDArray[np.bool_]) -> Labels:
    """Return the connected parts of a mask by number; parts that touch at a corner are one."""
    return np.asarray(ndi.label(mask, HOUSES)[0], np.int32)


def grid_of(shape: tuple[int, ...], pixel_m: float) -> GeoBox:
    """Return the grid of a picture that has no place of its own."""
    return GeoBox(shape, Affine(pixel_m, 0, CORNER[0], 0, -pixel_m, CORNER[1]), CRS)


def written(
    folder: Path,
    name: str,
    pictures: Iterable[Picture],
    drawn_m: float,
    *,
    pixel_m: float | None = None,
    colour: bool = True,
    tags: dict[str, str] | None = None,
) -> tuple[Path, Path]:
    """Write two (y, x, 3) pictures with pixels of `drawn_m` as dated products, averaged to pixels of `pixel_m`, in colour or as one band."""
    step = pixel_m or drawn_m
    files = []
    for date, (picture, day) in enumerate(zip(pictures, DAYS, strict=True)):
        bands = np.moveaxis(np.asarray(picture, np.float32), 2, 0)
        bands = bands if colour else np.tensordot(LUMINANCE, bands, 1)[None]
        bands = averaged(bands, drawn_m, step)
        path = folder / f"{name}_{step:.3f}_{'rgb' if colour else 'pan'}_{date}.tif"
        values = np.clip(np.rint(bands), 0, 255).astype(np.uint8)
        write_raster(path, values, grid_of(values.shape[1:], step), bands=RGB if colour else ("pan",), tags={"TIFFTAG_DATETIME": day, **(tags or {})})
        files.append(path)
    return files[0], files[1]


def averaged(bands: NDArray[np.float32], drawn_m: float, pixel_m: float) -> NDArray[np.float32]:
    """Return (band, y, x) values as means over larger pixels, the last ones that are whole."""
    if pixel_m <= drawn_m * (1 + 1e-9):
        return bands
    shape = [int(n * drawn_m / pixel_m + 1e-6) for n in bands.shape[1:]]
    out = np.empty((len(bands), *shape), np.float32)
    places = {"src_transform": grid_of(bands.shape[1:], drawn_m).affine, "dst_transform": grid_of(out.shape[1:], pixel_m).affine}
    reproject(bands, out, src_crs=CRS, dst_crs=CRS, resampling=Resampling.average, **places)
    return out


def _series(files: list[Path], pixel_m: float, days: list[dt.date | None] | list[dt.date]) -> Iterator[Pair]:
    for (first, day), (second, other) in combinations(zip(files, days, strict=False), 2):
        with rasterio.open(first) as dataset:
            grid = GeoBox.from_rio(dataset)
        nothing = _nothing(grid.shape, 3)
        yield Pair(f"{first.stem} to {second.stem}", (first, second), grid, pixel_m, *nothing, nothing[0] < 0, (day, other))


def _nothing(shape: tuple[int, ...], count: int) -> list[Labels]:
    return [np.zeros(shape, np.int32)] * count
