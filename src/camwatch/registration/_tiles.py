"""Tiles: what each says about where the moving image lies, once gain, offset and shading of its own are taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from camwatch.imagery.work import for_each
from camwatch.registration._features import Kind, channels
from camwatch.registration._planes import clear_of_gaps
from camwatch.registration._warp import Warp, smooth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.registration._planes import Ground

FILLED = 0.02
"""A tile needs this share of its weight; the noise of what little it holds is in its variance, so the threshold is low."""

LEAST_NOISE = 0.002
"""Variance of a pixel's residual over the variance of the tile, at least: unequal radiometry and interpolation leave as much."""

SLACK = 8
"""Pixels by which a crop of the moving image is larger than what the current transform needs."""


@dataclass(frozen=True, slots=True)
class View:
    """How tiles are looked at: what is compared, after which smoothing, in tiles of which side (pixels of the level)."""

    kind: Kind
    sigma: float
    tile: int

    @property
    def erode(self) -> int:
        """Pixels beside a gap that the filters contaminate."""
        return int(np.ceil(3 * self.sigma)) + 2 if self.kind == "intensity" else 3


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The normal equations of each tile, (n, …), scaled by its own noise.

    `hessian` (n, 2, 2) in 1/px² and `gradient` (n, 2) in 1/px say: a step e lowers the misfit by ½ eᵀHe − gᵀe. `correlation` (n,) is that
    of the tile under the current transform, 0 where it has too few pixels. `centres` (n, 2) are (col, row) on the level.
    """

    hessian: NDArray[np.float64]
    gradient: NDArray[np.float64]
    correlation: NDArray[np.float64]
    centres: NDArray[np.float64]

    @property
    def own(self) -> NDArray[np.float64]:
        """Return the step that each tile would take alone, (n, 2)."""
        return np.asarray(np.einsum("nij,nj->ni", np.linalg.inv(self.ridged), self.gradient), np.float64)

    @property
    def variance(self) -> NDArray[np.float64]:
        """Return the variance of each tile's own step by its noise alone, summed over both axes, (n,)."""
        ridged = self.ridged
        return 1 / ridged[:, 0, 0] + 1 / ridged[:, 1, 1]

    @property
    def ridged(self) -> NDArray[np.float64]:
        """Return `hessian` with a small share of its trace added, (n, 2, 2): a tile of one straight edge, or of nothing, becomes invertible."""
        ridge = 1e-3 * np.trace(self.hessian, axis1=1, axis2=2) + 1e-9
        return np.asarray(self.hessian + ridge[:, None, None] * np.eye(2), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """The reference's side of every product, once for all steps.

    `weight` (n, pixel); `products` (channel, n, 4, pixel): the weighted reference, its two derivatives and minus its Laplacian, each freed from what
    the nuisances explain in its tile, so that a product with the warped moving image needs no mean, no slope and no mask of its own; `fixed` (n, 11):
    the sums without the moving image; `nuisance` (n, k, pixel) and `inverse` (n, k, k): what may differ between the dates without
    telling of place, weighted, and its inverse weighted Gram matrix; `enough` (n,): tiles that hold enough pixels.
    """

    weight: NDArray[np.float32]
    products: NDArray[np.float32]
    fixed: NDArray[np.float64]
    nuisance: NDArray[np.float32]
    inverse: NDArray[np.float64]
    enough: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A rectangle of the reference cut into tiles, with the piece of the moving image that lies under it.

    `frame` is the shape that is warped, its first pixel at `origin` (col, row); `cut` takes the whole tiles out of it. `source` are the spline
    coefficients of the moving image from pixel `source_origin` on. `centres` (n, 2) are the tiles' (col, row).
    """

    view: View
    frame: tuple[int, int]
    origin: NDArray[np.float64]
    cut: tuple[slice, slice]
    source: NDArray[np.float32]
    source_origin: NDArray[np.float64]
    probes: Probes
    centres: NDArray[np.float64]

    def look(self, warp: Warp) -> NDArray[np.float64]:
        """Return the sums of each tile (n, 11), named by `COLUMN`: products of the reference a, the moving image b and derivatives x, y of a."""
        warped = warp.sample(self.source, self.source_origin, self.origin, self.frame, 3)
        probes, out = self.probes, self.probes.fixed.copy()
        for products, values in zip(probes.products, channels(warped, self.view.kind), strict=True):
            b = _tiled(values[self.cut], self.view.tile)
            wb = probes.weight * b
            ab, bx, by, curve = np.matmul(products, b[:, :, None])[:, :, 0].T.astype(np.float64)
            known = np.matmul(probes.nuisance, b[:, :, None])[:, :, 0].astype(np.float64)
            bb = np.einsum("np,np->n", wb, b).astype(np.float64) - np.einsum("ni,nij,nj->n", known, probes.inverse, known)
            out[:, COLUMN["ab"]] += ab
            out[:, COLUMN["bb"]] += bb
            out[:, COLUMN["bx"]] += bx
            out[:, COLUMN["by"]] += by
            out[:, COLUMN["pair"]] += curve
        return out


COLUMN = {name: number for number, name in enumerate(("aa", "ab", "bb", "ax", "ay", "bx", "by", "xx", "xy", "yy", "pair"))}


def cut_block(reference: Ground, moving: Ground, warp: Warp, view: View, *, rectangle: tuple[int, int, int, int], taper: float) -> Block | None:
    """Cut the tiles of `rectangle` (row0, row1, col0, col1; whole tiles) for a transform near `warp` (of this level).

    `taper` is the width in pixels over which weight rises from the reference's border inwards: a tile that drifts over the border must not
    switch on or off at once. None when the moving image does not reach the rectangle.
    """
    row0, row1, col0, col1 = rectangle
    halo = view.erode + (2 if view.kind == "intensity" else 8)
    top, left = max(row0 - halo, 0), max(col0 - halo, 0)
    bottom, right = min(row1 + halo, reference.shape[0]), min(col1 + halo, reference.shape[1])
    frame, origin = (bottom - top, right - left), np.array([left, top], np.float64)
    reached = warp.reach(origin, frame)
    low = np.maximum(np.floor(reached[0]).astype(int) - SLACK - halo, 0)
    high = np.minimum(np.ceil(reached[1]).astype(int) + SLACK + halo, moving.shape[::-1])
    if (high - low < 16).any():
        return None
    a = reference.window(slice(top, bottom), slice(left, right))
    b = moving.window(slice(low[1], high[1]), slice(low[0], high[0]))
    plain, start = _prepared(a.values), low.astype(np.float64)
    content = [_smoothed(plain, view.sigma)]
    if view.kind == "intensity":
        content.append(_smoothed(plain**2, view.sigma))
    source = ndimage.spline_filter(_smoothed(_prepared(b.values), view.sigma), 3, output=np.float32, mode="mirror")
    weight = warp.inside(origin, frame, moving.shape, view.erode)
    if not a.complete:
        weight *= clear_of_gaps(a.valid, view.erode)
    if not b.complete:
        weight *= warp.sample(clear_of_gaps(b.valid, view.erode), start, origin, frame, 1) > 0.99
    weight *= _border(reference.shape, (top, bottom, left, right), view.erode, taper)
    cut = slice(row0 - top, row1 - top), slice(col0 - left, col1 - left)
    rows, cols = np.arange(row0, row1, view.tile), np.arange(col0, col1, view.tile)
    half = (view.tile - 1) / 2
    centres = np.stack([np.tile(cols + half, len(rows)), np.repeat(rows + half, len(cols))], axis=1)
    probes = _probes(view, content, _tiled(weight[cut], view.tile), cut)
    return Block(view=view, frame=frame, origin=origin, cut=cut, source=source, source_origin=start, probes=probes, centres=centres)


def _probes(view: View, content: list[NDArray[np.float32]], w: NDArray[np.float32], cut: tuple[slice, slice]) -> Probes:
    """Return the probes of tiles with weights `w`; `content` is the reference and, where intensities are compared, its smoothed square."""
    tile, planes = view.tile, channels(content[0], view.kind)
    fixed, products = np.zeros((len(w), len(COLUMN))), np.empty((len(planes), len(w), 4, tile * tile), np.float32)
    count = w.sum(axis=1).astype(np.float64)
    free = _nuisances(tile, [_tiled(v[cut], tile) for v in content[1:] and content], w)
    weighted, inverse = _gram(free, w)
    for number, values in enumerate(planes):
        x, y = np.zeros_like(values), np.zeros_like(values)
        x[:, 1:-1] = (values[:, 2:] - values[:, :-2]) * np.float32(0.5)
        y[1:-1] = (values[2:] - values[:-2]) * np.float32(0.5)
        bend = np.zeros_like(values)
        bend[:, 1:-1] -= (x[:, 2:] - x[:, :-2]) * np.float32(0.5)
        bend[1:-1] -= (y[2:] - y[:-2]) * np.float32(0.5)
        f, fx, fy, fb = (_freed(_tiled(v[cut], tile), free, weighted, inverse) for v in (values, x, y, bend))
        wf, wx, wy = w * f, w * fx, w * fy
        for place, product in enumerate((wf, wx, wy, w * fb)):
            products[number, :, place] = product
        for name, one, other in (("aa", wf, f), ("ax", wx, f), ("ay", wy, f), ("xx", wx, fx), ("xy", wx, fy), ("yy", wy, fy)):
            fixed[:, COLUMN[name]] += np.einsum("np,np->n", one, other)
    return Probes(w, products, fixed, weighted, inverse, count > FILLED * tile * tile)


def _nuisances(tile: int, content: list[NDArray[np.float32]], w: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what may differ between the dates without telling of place, (n, k, pixel): a plane, and a bent tone curve.

    The plane takes haze and shading. `content` holds the smoothed reference and its smoothed square, (n, pixel); what the square has beyond the
    plane and the reference itself is the second term of any tone curve (gamma, saturation, another sun). Without it edges seem to move towards their
    sharper side, by 0.015 px over a scene whose shadows all fall to one side. Where only orientations are compared, there is none.
    """
    ramp = (np.arange(tile, dtype=np.float32) - (tile - 1) / 2) / np.float32(tile)
    plane = np.broadcast_to(np.stack([np.ones(tile * tile, np.float32), np.tile(ramp, tile), np.repeat(ramp, tile)]), (len(w), 3, tile * tile))
    if not content:
        return plane
    values, squares = content
    # About the tile's mean: the difference of large numbers would leave rounding only.
    mean = (w * values).sum(axis=1, keepdims=True) / np.maximum(w.sum(axis=1, keepdims=True), np.float32(1e-6))
    linear = np.concatenate([plane, (values - mean)[:, None]], axis=1)
    bent = _freed(squares - 2 * mean * values + mean**2, linear, *_gram(linear, w))
    return np.concatenate([plane, bent[:, None]], axis=1)


def _gram(free: NDArray[np.float32], w: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the weighted functions (n, k, pixel) and the inverse of their weighted Gram matrix (n, k, k)."""
    weighted = w[:, None] * free
    gram = np.matmul(weighted, free.swapaxes(1, 2)).astype(np.float64)
    # Each function counts in its own unit, so that the ridge is the same small share of all.
    size = np.sqrt(np.einsum("nii->ni", gram) + 1e-9)
    scaled = gram / (size[:, :, None] * size[:, None]) + 1e-6 * np.eye(free.shape[1])
    return weighted, np.linalg.inv(scaled) / (size[:, :, None] * size[:, None])


def _freed(v: NDArray[np.float32], free: NDArray[np.float32], weighted: NDArray[np.float32], inverse: NDArray[np.float64]) -> NDArray[np.float32]:
    known = np.matmul(weighted, v[:, :, None])[:, :, 0]
    explained = np.einsum("nij,nj->ni", inverse, known).astype(np.float32)
    return np.asarray(v - np.matmul(explained[:, None], free)[:, 0], np.float32)


def weigh(blocks: list[Block], warp: Warp, trust: NDArray[np.float64]) -> Evidence:
    """Turn what the tiles of `blocks` see under `warp` into normal equations.

    Each tile's own gain and noise come from its correlation ρ: the moving tile is taken as the reference times a gain plus noise, of which the
    maximum-likelihood weight is ρ² / (1 − ρ²), so that a tile that really changed switches itself off. The curvature is measured across the pair,
    where noise does not enter, and pooled over tiles with the weights `trust` of the previous step (n,).
    """
    sums = np.concatenate(for_each(lambda block: block.look(warp), blocks, at_once=True))
    aa, ab, bb, ax, ay, bx, by, xx, xy, yy, pair = sums.T
    enough = np.concatenate([block.probes.enough for block in blocks])
    tiny = 1e-9 * max(float(aa.max(initial=0)), 1e-12)
    enough &= (aa > tiny) & (bb > 0)
    rho = np.where(enough, ab / np.sqrt(np.maximum(aa * bb, 1e-30)), 0)
    rho = np.clip(rho, 0, 0.9999)
    count = np.concatenate([block.probes.weight.sum(axis=1) for block in blocks]).astype(np.float64)
    # 1 / variance of the residual of one pixel, reference − gain × moving.
    precision = np.where(rho > 0, rho**2 / np.maximum(1 - rho**2, LEAST_NOISE) * count / np.maximum(aa, tiny + 1e-30), 0)
    gain = np.where(rho > 0, aa / np.where(rho > 0, ab, 1), 0)
    weights = precision * trust
    curvature = float((weights * gain * pair).sum() / max(float((weights * (xx + yy)).sum()), 1e-30))
    curvature = min(max(curvature, 0.3), 1.0)
    hessian = (precision * curvature)[:, None, None] * np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
    gradient = precision[:, None] * np.stack([ax - gain * bx, ay - gain * by], -1)
    centres = np.concatenate([block.centres for block in blocks])
    return Evidence(hessian, gradient, rho, centres)


def _prepared(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale to about zero mean and unit spread, so that float32 sums stay exact enough for 16-bit counts and for reflectances."""
    centred = values - np.float32(values.mean(dtype=np.float64))
    spread = float(centred.std(dtype=np.float64))
    centred *= np.float32(1 / spread if spread > 0 else 1)
    return centred


def _smoothed(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    out: NDArray[np.float32] = ndimage.gaussian_filter(values, sigma, truncate=3)
    return out


def _border(shape: tuple[int, int], rectangle: tuple[int, int, int, int], margin: int, taper: float) -> NDArray[np.float32]:
    def ramp(start: int, stop: int, size: int) -> NDArray[np.float32]:
        place = np.arange(start, stop, dtype=np.float32)
        return smooth((np.minimum(place, size - 1 - place) - np.float32(margin)) / np.float32(taper))

    top, bottom, left, right = rectangle
    return ramp(top, bottom, shape[0])[:, None] * ramp(left, right, shape[1])[None]


def _tiled(values: NDArray[np.float32], tile: int) -> NDArray[np.float32]:
    rows, cols = values.shape[0] // tile, values.shape[1] // tile
    return values.reshape(rows, tile, cols, tile).swapaxes(1, 2).reshape(rows * cols, tile * tile)
