"""The direct light on hills and crowns, relative to flat open ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.optics import sun_vector
from camwatch.render.texture import Lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Sun
    from camwatch.render.world import Moment


def light_on_relief(moment: Moment, x: NDArray[np.float64], y: NDArray[np.float64], sun: Sun) -> NDArray[np.float32]:
    """Return the direct light on the terrain relative to flat ground, interpolated from the relief's own lattice."""
    relief = moment.world.relief
    e, n, up = sun_vector(sun)
    reach = np.array([-2, 3])
    rows = np.clip(((relief.top - y[[0, -1]]) / relief.cell_m).astype(int) + reach, 0, relief.values.shape[0])
    cols = np.clip(((x[[0, -1]] - relief.left) / relief.cell_m).astype(int) + reach, 0, relief.values.shape[1])
    part = relief.values[rows[0] : rows[1], cols[0] : cols[1]]
    if min(part.shape) < 2:
        return np.ones((len(y), len(x)), np.float32)
    south, east = np.gradient(part, relief.cell_m)
    light = (up - e * east + n * south) / np.sqrt(1 + east**2 + south**2) / up
    corner = relief.left + float(cols[0]) * relief.cell_m, relief.top - float(rows[0]) * relief.cell_m
    return Lattice(np.clip(light, 0.08, 2).astype(np.float32), *corner, relief.cell_m).at(x, y)


def light_on_crowns(heights: NDArray[np.float32], cell_m: float, sun: Sun) -> NDArray[np.float32]:
    """Return the direct light on crowns relative to flat ground."""
    e, n, up = sun_vector(sun)
    east, south = np.zeros_like(heights), np.zeros_like(heights)
    east[:, 1:-1] = (heights[:, 2:] - heights[:, :-2]) * np.float32(0.5 / cell_m)
    south[1:-1] = (heights[2:] - heights[:-2]) * np.float32(0.5 / cell_m)
    np.clip(east, -1.2, 1.2, out=east)
    np.clip(south, -1.2, 1.2, out=south)
    light = np.float32(up) - np.float32(e) * east + np.float32(n) * south
    return np.asarray(np.clip(light / np.sqrt(1 + east**2 + south**2) / np.float32(up), 0.05, 1.8), np.float32)
