"""What the values of quality layers mean, and which of them make a pixel unusable. Nothing after `scenes` knows a product family: an Item carries
these fields with its quality layers.

What is dropped, and why:

- Landsat Collection 2 `QA_PIXEL`: fill (bit 0), dilated cloud (1), high-confidence cirrus (2), cloud (3), cloud shadow (4). Snow (5) and water
  (7) are ground one can look at, and stay. `QA_RADSAT`: the saturation bit of each band that is loaded (bit = band number - 1), and dropped pixels
  (9) of MSS, TM and ETM+. USGS LSDS-1618 and LSDS-1619.
- Landsat Collection 1 `BQA`: fill (0), dropped pixel (1), saturation in any band (2-3), cloud (4), high confidence of shadow (7-8) or of cirrus
  (11-12).
- Sentinel-2 `SCL`: no data (0), saturated or defective (1), cloud shadow (3), cloud of medium and high probability (8, 9), thin cirrus (10). Dark
  area (2) is topographic shadow and dark roofs as often as cloud shadow, unclassified (7) is mostly bright ground; both stay, as does snow (11).
- Sentinel-2 without an SCL: what lies in the polygons of `MSK_CLOUDS` (opaque clouds and cirrus), or the first two planes of `MSK_CLASSI` (likewise);
  the polygons of `MSK_SATURA`, each for its band. See `camwatch.scenes.sentinel2_layers`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Flag:
    """One field of a quality layer.

    Attributes
    ----------
    name : str
        `fill`, `saturated`, `defective`, `cloud`, `cloud shadow`, `cirrus`, …; a layer with a field whose name starts with `cloud` tells clouds.
    offset, length : int
        The field's lowest bit and its number of bits.
    values : tuple of int
        Values of the field that make a pixel unusable.
    band : int
        The sensor's band number to which alone it applies; 0 for all bands.
    """

    name: str
    offset: int
    length: int
    values: tuple[int, ...] = (1,)
    band: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the form that stands in an Item."""
        return {**asdict(self), "values": list(self.values)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Flag:
        """Read what :meth:`as_json` wrote."""
        return cls(str(said["name"]), int(said["offset"]), int(said["length"]), tuple(int(v) for v in said["values"]), int(said.get("band", 0)))


def _bits(**names: int) -> tuple[Flag, ...]:
    return tuple(Flag(name.replace("_", " "), bit, 1) for name, bit in names.items())


def _classes(**values: tuple[int, ...]) -> tuple[Flag, ...]:
    return tuple(Flag(name.replace("_", " "), 0, 8, those) for name, those in values.items())


FLAGS: dict[str, tuple[Flag, ...]] = {
    "QA_PIXEL": _bits(fill=0, cloud_dilated=1, cirrus=2, cloud=3, cloud_shadow=4),
    # OLI has no dropped pixels: its bit 9 is unused; terrain occlusion (11) only concerns the sun's and the sensor's geometry.
    "QA_RADSAT": (*(Flag("saturated", number - 1, 1, band=number) for number in range(1, 9)), Flag("dropped", 9, 1)),
    "BQA": (*_bits(fill=0, dropped=1, cloud=4), Flag("saturated", 2, 2, (1, 2, 3)), Flag("cloud shadow", 7, 2, (3,)), Flag("cirrus", 11, 2, (3,))),
    "SCL": (
        Flag("fill", 0, 8, (0,)),
        Flag("defective", 0, 8, (1,)),
        Flag("cloud shadow", 0, 8, (3,)),
        Flag("cloud", 0, 8, (8, 9)),
        Flag("cirrus", 0, 8, (10,)),
    ),
    "MSK_CLOUDS": (Flag("cloud", 0, 8),),
    "alpha": (Flag("outside", 0, 16, (0,)),),
    "internal": (Flag("outside", 0, 16, (0,)),),
}
"""Kind of quality layer → its fields. `alpha` is a band that tells transparency, `internal` the file's own mask."""
