"""The reflectance of each cell of a tile: spectra of its cover, as green as season and place make it, with the ground's texture, or under snow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.land import CODE, green_share, season_of, spectra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.render.cells import Cells
    from camwatch.render.world import Moment

GRAINS = {0.6: 0.55, 1.7: 0.5, 5.0: 0.45, 16.0: 0.5, 60.0: 0.5, 240.0: 0.45}
"""Sizes in metres and amplitudes of the ground's texture; close to equal power per octave, as natural ground has."""

_ROUGH = {
    "water": 0.03,
    "snow": 0.05,
    "paved": 0.05,
    "track": 0.09,
    "bare": 0.08,
    "yard": 0.09,
    "field": 0.075,
    "paddy": 0.06,
    "forest": 0.16,
    "scrub": 0.15,
    "crown": 0.12,
    "village": 0.14,
    "garden": 0.14,
    "rubble": 0.22,
    "spoil": 0.14,
    "gravel": 0.10,
}


def lay_snow(moment: Moment, ground: Cells, inner: tuple[slice, slice], direct: NDArray[np.float32]) -> None:
    """Leave old snow where the sun hardly reaches the slope."""
    amount = season_of(moment.day.timetuple().tm_yday).snow
    if amount <= 0.02:
        return
    cover = ground.cover[inner]
    patchy = moment.world.texture.noise(ground.x[inner[1]], ground.y[inner[0]] + 3000, {12.0: 0.04, 50.0: 0.07, 200.0: 0.06})
    lying = (amount * 2.2 * (1.25 - direct) + patchy > 0.55) & np.isin(cover, [CODE["scrub"], CODE["field"], CODE["forest"], CODE["garden"]])
    cover[lying] = CODE["snow"]


def albedo_of(moment: Moment, ground: Cells, inner: tuple[slice, slice], bands: Sequence[str]) -> NDArray[np.float32]:
    """Return the reflectance (band, y, x) of the cells in the window `inner` of a tile, on the moment's day."""
    season = season_of(moment.day.timetuple().tm_yday)
    dry, green = spectra(bands, season)
    cover, x, y = ground.cover[inner], ground.x[inner[1]], ground.y[inner[0]]
    texture = moment.world.texture.noise(x, y, GRAINS)
    patchy = moment.world.texture.noise(x + 900, y, {8.0: 0.5, 35.0: 0.6, 150.0: 0.6})
    rough = np.array([_ROUGH[name] for name in CODE], np.float32)
    share = green_share(season)
    index = cover.astype(np.intp)
    # How far a cover greens and varies with the place; what never greens stays as it is.
    swing = np.where(share > 0, np.float32(0.3 + season.herbs), np.float32(0))
    patchy *= np.float32(0.12)
    patchy += ground.vigour[inner]
    leaf = np.take(share, index)
    leaf += np.take(swing, index) * patchy
    np.clip(leaf, 0, 1, out=leaf)
    texture *= np.take(rough, index)
    texture += ground.tone[inner]
    texture += 1
    np.clip(texture, 0.35, 2.0, out=texture)
    out = np.empty((len(bands), *cover.shape), np.float32)
    for band in range(len(bands)):
        plane = np.take(green[band] - dry[band], index)
        plane *= leaf
        plane += np.take(dry[band], index)
        np.multiply(plane, texture, out=out[band])
    return out
