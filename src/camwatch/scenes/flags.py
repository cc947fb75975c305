"""What the values of quality layers mean, and which of them make a pixel unusable. Nothing after `scenes` knows a product family: an Item carries
these fields with its quality layers.

What is dropped, and why:

- Landsat Collection 2 `QA_PIXEL`: fill (bit 0), dilated cloud (1), high-confidence cirrus (2), cloud (3), cloud shadow (4). Snow (5) and water
  (7) are ground one can look at, and stay. MSS sets only fill and cloud. `QA_RADSAT`: the saturation bit of each band that is loaded (bit = band
  number - 1), dropped pixels (9; MSS, TM, ETM+), and ground hidden from the sensor by terrain (11; OLI). Bit 5 of ETM+ is its thermal band in low
  gain, bit 8 that in high gain, or the cirrus band of OLI; the panchromatic band has none, bit 7 is unused. The same in Level 1 and Level 2. USGS
  LSDS-1414, 1415, 1416 and 1822 (Level 1 data format control books of ETM+, TM, MSS, OLI), LSDS-1618 and 1619 (Level 2 product guides).
- Landsat Collection 1 `BQA`: fill (0), dropped pixel or, of OLI, ground hidden by terrain (1), cloud (4), high confidence of shadow (7-8) or of
  cirrus (11-12). How many bands are saturated (2-3) is not used: it does not say which, and would drop bright roofs from bands that show them well.
  A saturated band has the end of its quantised range as DN, which the band itself declares.
- HLS `Fmask`: fill (255), cloud (1), adjacent to cloud or shadow (2), cloud shadow (3): what NASA's own index products drop. Snow (4), water (5)
  and the aerosol level (6-7) stay, cirrus (0) is reserved and not used. HLS Product User Guide v2.0, table 9.
- Sentinel-2 `SCL`: no data (0), saturated or defective (1), cloud shadow (3), cloud of medium and high probability (8, 9), thin cirrus (10). Dark
  area (2) is topographic shadow and dark roofs as often as cloud shadow, unclassified (7) is mostly bright ground; both stay, as does snow (11).
- Sentinel-2 without an SCL: what lies in the polygons of `MSK_CLOUDS` (opaque clouds and cirrus), or the first two planes of `MSK_CLASSI` (likewise);
  the polygons of `MSK_SATURA`, each for its band. See `camwatch.scenes.families.sentinel2_layers`.
- Planet's Unusable Data Mask `UDM`: blackfill (bit 0), cloud (1), missing or suspect data in any band (2-7). Its cloud is a brightness threshold on a
  reduced picture: it takes snow, and rarely a large bright roof, for cloud, and knows no shadow. Planet Imagery Product Specifications (2021), UDM.
- Planet's Usable Data Mask 2 `UDM2`: cloud shadow (band 3), heavy haze (5), cloud (6); of band 8, which repeats the `UDM`, blackfill and missing data
  but not its cruder cloud. Light haze (4) stays: land cover is "reliably" recognised through it, through heavy haze only "fairly", and version 2.1,
  which has one haze, calls so what is seen through to the ground. Snow (2) is ground. Planet, Usable Data Mask.
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


_DEFECTIVE = tuple(Flag("defective", bit, 1) for bit in range(2, 8))

FLAGS: dict[str, tuple[Flag, ...]] = {
    "QA_PIXEL": _bits(fill=0, cloud_dilated=1, cirrus=2, cloud=3, cloud_shadow=4),
    "QA_RADSAT": (*(Flag("saturated", number - 1, 1, band=number) for number in range(1, 8)), *_bits(dropped=9, hidden=11)),
    "BQA": (*_bits(fill=0, dropped=1, cloud=4), Flag("cloud shadow", 7, 2, (3,)), Flag("cirrus", 11, 2, (3,))),
    "FMASK": (Flag("fill", 0, 8, (255,)), *_bits(cloud=1, cloud_adjacent=2, cloud_shadow=3)),
    "SCL": (
        Flag("fill", 0, 8, (0,)),
        Flag("defective", 0, 8, (1,)),
        Flag("cloud shadow", 0, 8, (3,)),
        Flag("cloud", 0, 8, (8, 9)),
        Flag("cirrus", 0, 8, (10,)),
    ),
    "UDM": (*_bits(fill=0, cloud=1), *_DEFECTIVE),
    "MSK_CLOUDS": (Flag("cloud", 0, 8),),
    "alpha": (Flag("outside", 0, 16, (0,)),),
    "internal": (Flag("outside", 0, 16, (0,)),),
    "film": (Flag("outside", 0, 8, (0,)),),
    "control": (Flag("outside", 0, 8, (0,)),),
}
"""Kind of quality layer → its fields. `alpha` is a band that tells transparency, `internal` the file's own mask, `film` the exposed frame of a
scan, `control` the reach of its control points."""

UDM2: dict[int, tuple[Flag, ...]] = {
    6: (Flag("cloud", 0, 8),),
    3: (Flag("cloud shadow", 0, 8),),
    5: (Flag("haze", 0, 8),),
    8: (Flag("fill", 0, 1), *_DEFECTIVE),
}
"""Band of Planet's Usable Data Mask 2 → its fields."""
