"""Dates of one place for measuring registration: rendered, with a known transform between them, and real ones that stay where they lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage
from skimage.io import imread

from camwatch.imagery.image import Image, Sun
from camwatch.render import chongjin, hoeryong, layout
from camwatch.render.optics import View
from camwatch.render.scene import Optics, render
from camwatch.render.texture import Texture, noise_table
from camwatch.render.world import Patch, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from camwatch.render.solids import Solid
    from camwatch.render.world import World

Ground = Literal["same", "season", "decade", "lean"]
Move = Literal["none", "shift", "similarity", "affine"]

MARGIN = 40
"""Pixels of the later date rendered beyond the frame, so that what moves in is content and not an edge."""


REACH_M = 1200
"""How far from the middle of a world frames are centred: camp, villages, fields, and some forest."""


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between the two dates beside light and radiometry; lengths in pixels.

    `swapped` is the share of buildings and trees that stand at one date only; `kept` the correlation of the ground's fine texture; `waves` the
    root mean square per axis of local displacements of the orthorectification; `loose` that of a third of the objects, each on its own;
    `off_nadir` the largest angle of view in degrees.
    """

    swapped: tuple[float, float]
    kept: float
    waves: tuple[float, float]
    loose: float
    off_nadir: float
    sun: bool


CHANGES: dict[Ground, Change] = {
    "same": Change((0, 0), 1.0, (0, 0), 0.0, 0.0, sun=False),
    "season": Change((0, 0), 0.8, (0, 0), 0.0, 0.0, sun=True),
    "decade": Change((0.2, 0.5), 0.3, (0.3, 1.0), 0.7, 0.0, sun=True),
    "lean": Change((0.2, 0.5), 0.3, (0.3, 1.0), 0.7, 12.0, sun=True),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What pair to render: `move` is the kind of transform between the dates, `size` the side of the frame in pixels."""

    ground: Ground
    move: Move
    gsd_m: float
    size: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Date:
    """One date and the truth.

    `matrix` (2, 3) leads from its pixel to the pixel of the first date: the transform common to the scene. `waves` (2, y, x) are the local
    displacements upon it, (col, row) in pixels of the first date, at each of its pixels.
    """

    image: Image
    matrix: NDArray[np.float64]
    waves: NDArray[np.float64]

    def on_first(self, points: NDArray[np.float64], *, local: bool) -> NDArray[np.float64]:
        """Return where pixels (n, 2) lie on the first date, with or without the local displacements."""
        out = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        if local:
            out = out + np.stack([ndimage.map_coordinates(w, points.T[::-1], order=1, mode="nearest") for w in self.waves], axis=1)
        return np.asarray(out)


def rendered(setting: Setting, count: int = 2) -> list[Date]:
    """Render one place at `count` dates, at most three.

    The truth is the transform common to the scene: local displacements are smooth noise from which the affine part over the frame is taken out.
    """
    gsd_m, size, change = setting.gsd_m, setting.size, CHANGES[setting.ground]
    rng = np.random.default_rng([setting.seed, size, round(10 * gsd_m), *map(ord, setting.ground), *map(ord, setting.move)])
    world = _world(("chongjin", "hoeryong")[int(rng.integers(2))], int(rng.integers(4)))
    centre = np.array(world.centre) + rng.uniform(-REACH_M, REACH_M, 2)
    houses, streets = _suburbs(rng, centre, size * gsd_m)
    world = replace(world, standing=(*world.standing, *houses), patches=(*world.patches, *streets))
    frame = GeoBox((size, size), Affine(gsd_m, 0, centre[0] - size * gsd_m / 2, 0, -gsd_m, centre[1] + size * gsd_m / 2), world.crs)
    wide = GeoBox((size + 2 * MARGIN,) * 2, frame.affine * Affine.translation(-MARGIN, -MARGIN), world.crs)
    share, sun, day = float(rng.uniform(*change.swapped)), _sun(rng), date(2005, 5, 20)
    out: list[Date] = []
    for number in range(count):
        if change.sun:
            sun, day = _sun(rng), date(2005 + number, 1 + int(rng.integers(12)), 15)
        view = View(float(rng.uniform(0, change.off_nadir)), float(rng.uniform(0, 360)))
        optics = Optics(sun, view, psf_px=float(rng.uniform(0.5, 0.8)))
        there = _then(world, number, change, rng, share=share, loose=change.loose * gsd_m * (number > 0)) if number or change.sun else world
        pixels = render(there.on(day), wide, ("pan",), optics)[0]
        matrix = _matrix(setting.move, size, rng) if number else np.eye(3)[:2]
        waves = _waves(size, float(rng.uniform(*change.waves)) if number else 0.0, rng)
        seen = _moved(pixels, matrix, waves, float(rng.uniform(0.0, 0.7)) if number else 0.0)
        out.append(Date(_image(_taken(seen, rng), frame, gsd_m), matrix, waves))
    return out


def real_pairs(data: Path) -> Iterator[tuple[str, tuple[Image, Image]]]:
    """Yield (class, (reference, moving)) of real pairs, large ones also in quarters; nothing where the folder lacks them."""
    for name, first, later in _whole_pairs(data):
        yield name, (first, later)
        parts = _parts(first.valid.shape, 2, 2)
        if min(first.valid.shape) >= 400:
            yield from ((f"{name} quarters", (cut(first, part), cut(later, part))) for part in parts)


def real_series(data: Path) -> Iterator[tuple[str, tuple[Image, Image, Image]]]:
    """Yield (class, three dates), whole and in tiles."""
    naip = [_plane(p, 3, 5.0, (723, 934)) for p in sorted((data / "series/naip_nd").glob("*.tif"))]
    pucallpa = [_plane(p, 3, 90.0, (377, 697)) for p in sorted((data / "series/landsat_pucallpa").glob("*.tif"))]
    for name, dates, layouts in (("naip", naip, ((1, 1), (2, 3), (4, 5))), ("pucallpa", pucallpa, ((1, 1), (2, 4)))):
        if len(dates) != 3:
            continue
        for rows, cols in layouts:
            for part in _parts(dates[0].valid.shape, rows, cols):
                one, two, three = (cut(image, part) for image in dates)
                yield f"{name} {rows}×{cols}", (one, two, three)


def cut(image: Image, part: tuple[slice, slice]) -> Image:
    """Return a rectangle of an image as an image of its own."""
    rows, cols = part
    geobox = GeoBox(
        (rows.stop - rows.start, cols.stop - cols.start), image.geobox.affine * Affine.translation(cols.start, rows.start), image.geobox.crs
    )
    return replace(image, values=image.values[:, rows, cols].copy(), valid=image.valid[rows, cols].copy(), geobox=geobox)


def only(image: Image, where: NDArray[np.bool_]) -> Image:
    """Return the image with everything outside `where` (y, x) declared unusable."""
    return replace(image, values=image.values.copy(), valid=image.valid & where)


@cache
def _world(name: str, seed: int) -> World:
    made: World = {"chongjin": chongjin, "hoeryong": hoeryong}[name].world(seed)
    return made


def _suburbs(rng: np.random.Generator, centre: NDArray[np.float64], side_m: float) -> tuple[list[Standing], list[Patch]]:
    """Return rows of houses along streets somewhere in the frame: the share of built-up ground varies from pair to pair."""
    houses, streets = list[Standing](), list[Patch]()
    for _ in range(int(rng.integers(0, 7))):
        place = centre + rng.uniform(-0.45, 0.45, 2) * min(side_m, 1500)
        counts, size = (int(rng.integers(2, 9)), int(rng.integers(2, 7))), (float(rng.uniform(9, 26)), float(rng.uniform(6, 13)))
        pitch, azimuth = (size[0] * rng.uniform(1.3, 2.2), size[1] * rng.uniform(1.8, 2.8)), float(rng.uniform(0, 180))
        made = layout.block((place[0], place[1]), counts, pitch, size, azimuth_deg=azimuth, rng=rng, keep=0.85, reflectance=(0.09, 0.3))
        houses += [Standing(s, "house") for s in made]
        along, cover = np.radians(azimuth), ("track", "paved")[int(rng.integers(2))]
        for row in range(counts[1] + 1):
            aside = (row - counts[1] / 2) * pitch[1]
            x, y = place + aside * np.array([np.cos(along), -np.sin(along)])
            length = pitch[0] * (counts[0] + rng.uniform(0, 3))
            streets.append(Patch(layout.rectangle((x, y), length, float(rng.uniform(2, 4)), azimuth), cover, float(rng.normal(0, 0.1))))
    return houses, streets


def _sun(rng: np.random.Generator) -> Sun:
    return Sun(float(rng.uniform(125, 215)), float(rng.uniform(25, 65)))


def _then(world: World, number: int, change: Change, rng: np.random.Generator, *, share: float, loose: float) -> World:
    """Return the world as it stands at one date; at any two, `share` of the buildings and trees stand at one only; `loose` is in metres."""

    def nudged(solid: Solid) -> Solid:
        dx, dy = rng.normal(0, loose, 2) * (rng.random() < 1 / 3)
        return replace(solid, x=solid.x + float(dx), y=solid.y + float(dy))

    def stays(count: int) -> NDArray[np.bool_]:
        # Each date lacks a share of its own; the golden section spreads fates evenly, alike at all dates.
        return np.asarray((np.arange(count) * 0.6180339887 - number / 3) % 1 >= share / 2)

    standing = tuple(replace(s, solid=nudged(s.solid)) for s, there in zip(world.standing, stays(len(world.standing)), strict=True) if there)
    trees = world.trees[stays(len(world.trees))].copy()
    trees[:, :2] += rng.normal(0, loose, (len(trees), 2)) * (rng.random((len(trees), 1)) < 1 / 3)
    if not number:
        return replace(world, standing=standing, trees=trees)
    texture, patches = world.texture, world.patches
    if change.kept < 1:
        table = change.kept * texture.table + (1 - change.kept**2) ** 0.5 * noise_table(int(rng.integers(1 << 30)))
        texture = Texture(np.asarray(table, np.float32))
    if change.sun:
        # Crops rotate: every field has another tone; some merge with what lies under them.
        patches = tuple(
            replace(p, tone=p.tone + float(rng.normal(0, 0.12)), vigour=p.vigour + float(rng.normal(0, 0.2)))
            for p in patches
            if rng.random() >= share / 2
        )
    return replace(world, standing=standing, trees=trees, texture=texture, patches=patches)


def _moved(wide: NDArray[Any], matrix: NDArray[np.float64], waves: NDArray[np.float64], blur: float) -> NDArray[np.float64]:
    """Return what a frame sees whose pixels lie where `matrix` and `waves` (2, y, x) say, on pixels rendered with a margin."""
    size = waves.shape[1]
    cols, rows = np.meshgrid(np.arange(size, dtype=float), np.arange(size, dtype=float))
    x, y = (m[0] * cols + m[1] * rows + m[2] + w + MARGIN for m, w in zip(matrix, waves, strict=True))
    seen = ndimage.map_coordinates(wide, [y, x], order=5, mode="mirror", output=np.float64)
    return np.asarray(ndimage.gaussian_filter(seen, blur))


def _matrix(move: Move, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return moving pixel → reference pixel; displacements are log-uniform, so that cases too small to be worth a richer model occur too."""

    def length(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    matrix = np.eye(3)[:2]
    if move == "none":
        return matrix
    heading = rng.uniform(0, 2 * np.pi)
    shift = length(0.05, 20) * np.array([np.cos(heading), np.sin(heading)])
    corner = size / 2 * np.sqrt(2)
    if move == "similarity":
        turn, scale = length(0.05, 8) / corner * rng.choice([-1, 1], 2)
        matrix[:, :2] += np.array([[scale, -turn], [turn, scale]]) * 2**-0.5
    elif move == "affine":
        matrix[:, :2] += rng.normal(0, 0.5, (2, 2)) * length(0.05, 8) / corner
    middle = np.full(2, (size - 1) / 2)
    matrix[:, 2] = middle - matrix[:, :2] @ middle + shift
    return matrix


def _waves(size: int, rms: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (2, y, x) displacements (col, row) in pixels, smooth over 20 to 80 pixels, without mean and without affine part over the frame."""
    if rms <= 0:
        return np.zeros((2, size, size))
    reach = float(np.exp(rng.uniform(np.log(20), np.log(80))))
    step = max(1, int(reach / 8))
    n = size // step + 3
    place = np.arange(size) / step + 1
    noise = [ndimage.gaussian_filter(rng.normal(size=(n, n)), reach / step / 2, mode="reflect") for _ in range(2)]
    fine = np.stack([ndimage.map_coordinates(v, np.meshgrid(place, place, indexing="ij"), order=3) for v in noise])
    ramp = np.linspace(-1, 1, size)
    basis = np.stack([np.ones((size, size)), np.tile(ramp, (size, 1)), np.tile(ramp[:, None], (1, size))]).reshape(3, -1)
    flat = fine.reshape(2, -1)
    flat = flat - (flat @ basis.T) @ np.linalg.inv(basis @ basis.T) @ basis
    return np.asarray((flat * rms / flat.std(axis=1, keepdims=True)).reshape(2, size, size))


def _taken(reflectance: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return digital numbers under some haze that drifts over the scene, some gain, some gamma, and noise."""
    size = reflectance.shape[0]
    haze = rng.uniform(0.0, 0.06) + rng.uniform(0, 0.03) * np.linspace(0, 1, size)[None] * rng.choice([-1, 1])
    signal = np.clip(reflectance * rng.uniform(0.7, 1.1) + haze, 1e-3, None)
    dn = rng.uniform(500, 900) * (signal / 0.2) ** rng.uniform(0.75, 1.2) * 0.2
    return np.asarray(np.clip(np.rint(dn + rng.normal(0, rng.uniform(1, 4), dn.shape)), 0, 255), np.float32)


def _image(values: NDArray[Any], geobox: GeoBox, gsd_m: float, valid: NDArray[np.bool_] | None = None) -> Image:
    planes = np.array(values, np.float32, ndmin=3)
    usable = np.ones(planes.shape[1:], bool) if valid is None else valid
    return Image(planes, usable, ("pan",), geobox, datetime(2012, 1, 1, tzinfo=UTC), None, gsd_m, "dn", "made")


def _grid(shape: tuple[int, int], gsd_m: float) -> GeoBox:
    return GeoBox(shape, Affine(gsd_m, 0, 500000, 0, -gsd_m, 4600000), "EPSG:32652")


def _plane(path: Path, bands: int, gsd_m: float, shape: tuple[int, int]) -> Image:
    with rasterio.open(path) as dataset:
        planes = dataset.read(list(range(1, bands + 1)))[:, : shape[0], : shape[1]].astype("float32")
    return _image(planes.mean(axis=0), _grid(shape, gsd_m), gsd_m, (planes > 0).any(axis=0))


def _picture(path: Path, gsd_m: float) -> Image:
    values = imread(path)[..., 1]
    return _image(values, _grid(values.shape, gsd_m), gsd_m)


def _whole_pairs(data: Path) -> Iterator[tuple[str, Image, Image]]:
    for path in sorted((data / "pairs/levir_cd/A").glob("*.png")):
        yield "levir 0.5 m", _picture(path, 0.5), _picture(path.parents[1] / "B" / path.name, 0.5)
    for path in sorted((data / "pairs/sztaki_airchange").glob("*_im1.png")):
        yield "sztaki 1.5 m", _picture(path, 1.5), _picture(path.with_name(path.name.replace("_im1", "_im2")), 1.5)
    for path in sorted((data / "pairs/xbd_geo").glob("joplin*_pre_disaster.tif")):
        later = path.with_name(path.name.replace("pre_", "post_"))
        yield "joplin 0.45 m", _plane(path, 3, 0.45, (1024, 1024)), _plane(later, 3, 0.45, (1024, 1024))
    folder = data / "pairs/landsat_taizhou"
    if folder.is_dir():
        yield "taizhou 30 m", _plane(folder / "2000TM", 4, 30.0, (400, 400)), _plane(folder / "2003TM", 4, 30.0, (400, 400))
    for name, dates in real_series(data):
        if name.endswith("1×1"):
            for i, j in ((0, 1), (1, 2), (2, 0)):
                yield f"{name.split()[0]} series", dates[i], dates[j]


def _parts(shape: tuple[int, ...], rows: int, cols: int) -> list[tuple[slice, slice]]:
    high, wide = shape[0] // rows, shape[1] // cols
    return [(slice(r * high, (r + 1) * high), slice(c * wide, (c + 1) * wide)) for r in range(rows) for c in range(cols)]


def blocks(shape: tuple[int, int], count: int, colours: int) -> list[NDArray[np.bool_]]:
    """Return `colours` masks (y, x) that share the ground in `count` × `count` blocks, (row + col) modulo `colours`."""
    place = sum(np.meshgrid(*(np.arange(n) * count // n for n in shape), indexing="ij"))
    return [np.asarray(place % colours == colour) for colour in range(colours)]


def halves(shape: tuple[int, int]) -> dict[str, list[NDArray[np.bool_]]]:
    """Return ways to share the ground between two: left and right, top and bottom, and blocks of a chessboard."""
    rows, cols = (np.arange(n) * 2 // n == 0 for n in shape)
    left, top = np.broadcast_to(cols[None], shape), np.broadcast_to(rows[:, None], shape)
    return {"left/right": [left, ~left], "top/bottom": [top, ~top], "blocks": blocks(shape, 4, 2)}
