"""How much a stranger's file may ask for.

The defaults admit every product that the archives deliver (a Landsat .tar of 2 GB, a Sentinel-2 .zip of 1.2 GB, a delivery of 50 GB in many files, a
film scan of 30 000 x 60 000 pixels, metadata of 30 MB). What asks for more is refused with one line, which names the factor that would admit it.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from camwatch.errors import ConfigError, SceneError

VARIABLE = "CAMWATCH_LIMIT_FACTOR"
"""Environment variable; a number by which every limit is multiplied."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is accepted, before the factor.

    Attributes
    ----------
    text : int
        Bytes of one metadata member.
    members : int
        Entries of one archive.
    unpacked : int
        Bytes that an archive or a raster may always unpack to.
    ratio : int
        Bytes that each byte of a larger archive or raster may unpack to. Real products stay under 10; deflate itself reaches 1000 on zeros.
    block : int
        Bytes of one block (tile or strip) of a raster with all its bands, which a decoder holds at once.
    bands : int
        Bands of one raster.
    """

    text: int = 32 * 2**20
    members: int = 100_000
    unpacked: int = 2**30
    ratio: int = 200
    block: int = 2**30
    bands: int = 1000

    def from_bytes(self, size: int) -> int:
        """Return how many bytes a file of `size` bytes may unpack to."""
        return max(self.unpacked, self.ratio * size)


LIMITS = Limits()


def factor() -> float:
    """Return by what the limits are multiplied: `CAMWATCH_LIMIT_FACTOR`, 1 where it is not set; ConfigError where it is no positive number."""
    text = os.environ.get(VARIABLE, "1")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ConfigError("not a factor", where=VARIABLE, got=repr(text), expected="a positive number", remedy="set it to a number, or unset it")
    return value


def refuse_over(limit: int, amount: int, what: str, *, where: object) -> None:
    """Raise SceneError when `amount` exceeds `limit` times the factor; the message says what would admit it."""
    if amount > limit * factor():
        remedy = f"if you trust this file, set {VARIABLE}={math.ceil(amount / limit)}"
        raise SceneError(what, where=where, got=f"{amount:,}", expected=f"at most {int(limit * factor()):,}", remedy=remedy)
