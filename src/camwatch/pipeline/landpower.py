"""What size of clearing a pair would have shown: squares of open ground planted into the later date, and searched for as everything else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect import LandcoverParams, detect_landcover
from camwatch.detect._land_cover import BARE, VEGETATED, comparable, cover_of, tells_cover
from camwatch.rasters import mask_of
from camwatch.sensitivity import Sensitivity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.aoi import Site
    from camwatch.findings import Findings
    from camwatch.imagery import Image

    Mask = NDArray[np.bool_]

SIDES_PX = (2, 3, 4, 6, 8)
"""Sides of the planted squares."""
MOST_EACH, LEAST_EACH = 12, 4
"""Squares of each size, as many as fit; with fewer nothing is measured."""
DISTURBED = 0.05
"""Share of the vegetated ground that is planted over at most: the search learns from the rest what did not change."""
APART_PX = 3
"""Vegetated ground that a square keeps about itself."""
LEAST_OPEN = 50
"""Pixels of open ground from which planted squares take their reflectance."""
SPREAD = 0.25
"""How far the pixels of one clearing differ, as a share of how far open ground differs from place to place."""
BLUR_PX = 0.5
"""Standard deviation of a sensor's point spread."""
SEEN = 0.5
"""Share of a square that must be reported for it to be found."""
SURE = 0.8
"""Share of planted clearings found, from which a size is named."""


@dataclass(frozen=True, slots=True)
class _Square:
    row: int
    col: int
    side: int

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.row, self.row + self.side), slice(self.col, self.col + self.side)


def clearings_found(before: Image, after: Image, site: Site, found: Findings, *, seed: int = 0) -> Sensitivity | None:
    """Return how many clearings of each size the search finds again; None where there is no ground to plant on, or bands do not tell.

    Parameters
    ----------
    before, after : Image
        Registered, on one grid.
    site : Site
        The ground that is searched: all that the images show.
    found : Findings
        What the search found there.
    seed : int
        Of places and reflectances.

    Returns
    -------
    Sensitivity
        `sizes_m` are sides of squares. Clearings are planted into ground that was vegetated, is told, and did not change.
    """
    shared = tuple(name for name in before.bands if name in after.bands)
    if found.status != "searched" or not tells_cover(shared):
        return None
    score = np.asarray(found.score)
    told = np.isfinite(score)
    first, second = comparable(before, after, shared, told, np.nan_to_num(score, nan=1.0).astype(np.float32))
    covers = [cover_of(shared, planes, reflectance=before.calibration != "dn") for planes in (first, second)]
    is_open = [told & (cover.ndvi <= BARE) & ~cover.wet for cover in covers]
    supply = after.values[:, is_open[0] & is_open[1]].T
    rng = np.random.default_rng(seed)
    squares = _places(told & (covers[0].ndvi >= VEGETATED) & (score < LandcoverParams().probability), rng)
    if len(supply) < LEAST_OPEN or not squares:
        return None
    again = detect_landcover(before, replace(after, values=_planted(after.values, squares, supply, rng)), site)
    reported = np.zeros(score.shape, bool)
    for record in again.records:
        if record.change == "appeared":
            reported |= mask_of(record.geometry, before.geobox)
    hits = {side: [bool(reported[s.window].mean() >= SEEN) for s in squares if s.side == side] for side in SIDES_PX}
    hits = {side: of for side, of in hits.items() if len(of) >= LEAST_EACH}
    return Sensitivity(
        kind="landcover",
        sizes_m=tuple(side * before.pixel_m for side in hits),
        planted=tuple(len(of) for of in hits.values()),
        found=tuple(sum(of) for of in hits.values()),
        false_alarms=0,
        control_km2=0.0,
        control="none: this pair shows too little ground outside the outline",
    )


def in_words(measured: Sensitivity | None) -> str:
    """Return from which size on planted clearings are found, in a sentence; empty where nothing was measured."""
    if measured is None or not measured.sizes_m:
        return ""
    sizes, planted, found = measured.sizes_m, measured.planted, measured.found
    for index, size in enumerate(sizes):
        hits, of = sum(found[index:]), sum(planted[index:])
        if hits >= SURE * of and found[index] >= SURE * planted[index]:
            return f"Of clearings from {size:g} m on that were planted into vegetated ground, {hits} of {of} are found."
    told = f"Of {sum(planted)} clearings up to {sizes[-1]:g} m that were planted into vegetated ground only {sum(found)} are found"
    return f"{told}: it misses many."


def _places(ground: Mask, rng: np.random.Generator) -> list[_Square]:
    """Return squares of every size on some ground, apart from one another, the largest first."""
    each = min(int(DISTURBED * ground.sum() / sum(side**2 for side in SIDES_PX)), MOST_EACH)
    if each < LEAST_EACH:
        return []
    free, squares = ground.copy(), []
    for side in reversed(SIDES_PX):
        reach = side + 2 * APART_PX
        for _ in range(each):
            # The filter's origin is the middle of its window; its result there says that all of the window is free.
            middles = np.flatnonzero(ndi.minimum_filter(free, reach, mode="constant", cval=False))
            if not middles.size:
                break
            row, col = (int(n) - reach // 2 for n in divmod(int(rng.choice(middles)), ground.shape[1]))
            free[row : row + reach, col : col + reach] = False
            squares.append(_Square(row + APART_PX, col + APART_PX, side))
    return squares


def _planted(values: NDArray[np.float32], squares: list[_Square], supply: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return values (band, y, x) with squares of open ground, blurred as a sensor does; each has the tone of one of the `supply` (pixel, band)."""
    out = values.copy()
    for square in squares:
        rows, cols = (slice(part.start - APART_PX, part.stop + APART_PX) for part in square.window)
        share = np.zeros((square.side + 2 * APART_PX,) * 2, np.float32)
        share[APART_PX:-APART_PX, APART_PX:-APART_PX] = 1.0
        share = ndi.gaussian_filter(share, BLUR_PX)
        tone = supply[rng.integers(len(supply))]
        ground = tone + SPREAD * (supply[rng.integers(len(supply), size=share.shape)] - tone)
        out[:, rows, cols] += share * (np.moveaxis(ground, -1, 0) - out[:, rows, cols])
    return out
