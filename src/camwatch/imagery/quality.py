"""Quality layers → `valid`. Polarity is converted here, once: True = usable. What the layers mean stands in their Items (`camwatch.scenes.flags`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from camwatch.scenes.flags import Flag
    from camwatch.scenes.layers import Band


def usable(flags: Iterable[Flag], layer: NDArray[Any], bands: Sequence[Band]) -> NDArray[np.bool_]:
    """Return which pixels of a quality layer are usable.

    Parameters
    ----------
    flags : iterable of Flag
        The layer's fields and their unusable values.
    layer : (y, x) unsigned integers
    bands : sequence of Band
        The bands that are loaded: a field that belongs to one band counts only with it.

    Returns
    -------
    (y, x) bool array
    """
    loaded = {band.number for band in bands} | {0}
    good = np.ones(layer.shape, bool)
    for flag in flags:
        if flag.band in loaded:
            part = (layer >> flag.offset) & min((1 << flag.length) - 1, np.iinfo(layer.dtype).max)
            for value in flag.values:
                good &= part != value
    return good
