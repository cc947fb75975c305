"""Quality layers → `valid`. Polarity is converted here, once: True = usable.

What is dropped, and why:

- Landsat Collection 2 `QA_PIXEL`: fill (bit 0), dilated cloud (1), high-confidence cirrus (2), cloud (3), cloud shadow (4). Snow (5) and water
  (7) are ground one can look at, and stay. `QA_RADSAT`: the saturation bit of each band that is loaded (bit = band number - 1), and dropped pixels
  (9) of MSS, TM and ETM+. USGS LSDS-1618 and LSDS-1619.
- Landsat Collection 1 `BQA`: fill (0), dropped pixel (1), saturation in any band (2-3), cloud (4), high confidence of shadow (7-8) or of cirrus
  (11-12).
- Sentinel-2 `SCL`: no data (0), saturated or defective (1), cloud shadow (3), cloud of medium and high probability (8, 9), thin cirrus (10). Dark
  area (2) is topographic shadow and dark roofs as often as cloud shadow, unclassified (7) is mostly bright ground; both stay, as does snow (11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.scenes.item import Band

_QA_PIXEL = 0b0001_1111
_DROPPED = 1 << 9
_SCL = (0, 1, 3, 8, 9, 10)


def usable(kind: str, layer: NDArray[Any], bands: Sequence[Band]) -> NDArray[np.bool_]:
    """Return which pixels of a quality layer are usable.

    Parameters
    ----------
    kind : str
        `QA_PIXEL`, `QA_RADSAT`, `BQA`, `SCL`, `alpha` or `internal`.
    layer : (y, x) unsigned integers
    bands : sequence of Band
        The bands that are loaded, for the bits that belong to one band.

    Returns
    -------
    (y, x) bool array
    """
    good: NDArray[np.bool_]
    if kind == "QA_PIXEL":
        good = (layer & _QA_PIXEL) == 0
    elif kind == "QA_RADSAT":
        bits = sum(1 << (number - 1) for number in {band.number for band in bands if band.number})
        # OLI has no dropped pixels: its bit 9 is unused; terrain occlusion (11) only concerns the sun's and the sensor's geometry.
        good = (layer & (bits | _DROPPED)) == 0
    elif kind == "BQA":
        good = ((layer & 0b0001_1111) == 0) & ((layer >> 7) & 3 != 3) & ((layer >> 11) & 3 != 3)
    elif kind == "SCL":
        good = ~np.isin(layer, _SCL)
    elif kind in ("alpha", "internal"):
        good = layer > 0
    else:
        raise ValueError(f"quality layer: got {kind!r}; expected QA_PIXEL, QA_RADSAT, BQA, SCL, alpha or internal")
    return good
