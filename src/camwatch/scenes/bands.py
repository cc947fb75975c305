"""Which band is which, from what a plain raster says about its bands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from camwatch.scenes.layers import ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.scenes.access.gdal import Header

_WORDS = (
    ("", r"(thermal|mid|middle|long ?wave) ?(wave ?)?(infra ?red|ir)?|tirs? ?\d*|[ml]wir ?\d*"),
    ("pan", r"pan(chromatic)?"),
    ("coastal", r"coastal( aerosol| blue)?"),
    ("blue", r"blue"),
    ("green", r"green"),
    ("yellow", r"yellow"),
    ("rededge", r"red ?edge"),
    ("swir22", r"swir ?2\d?|short ?wave ?infra ?red ?2\d?"),
    ("swir16", r"swir ?1\d?|short ?wave ?infra ?red ?1\d?"),
    ("", r"swir|short ?wave ?infra ?red"),
    ("nir08", r"nir ?08|nir narrow|narrow nir"),
    ("nir09", r"nir ?09|nir ?2|near ?infra ?red ?2"),
    ("nir", r"nir ?1?|near ?infra ?red ?1?|infra ?red"),
    # Last of the colours: "infra red" and "red edge" are not red.
    ("red", r"red"),
)
"""Common name and the words for it, the first that is found counts; empty for what shows no structures or has no common name of its own."""
_WAVELENGTHS = (
    ("coastal", 0.40, 0.45),
    ("blue", 0.45, 0.515),
    ("green", 0.515, 0.585),
    ("yellow", 0.585, 0.625),
    ("red", 0.625, 0.69),
    ("rededge", 0.69, 0.76),
    ("nir", 0.76, 0.90),
    ("nir09", 0.90, 1.05),
    ("swir16", 1.55, 1.75),
    ("swir22", 2.08, 2.35),
)
"""Common name, lower and upper centre wavelength in µm (STAC `eo` extension, where it tells neighbours apart)."""
_ROLES = {"red", "green", "blue", "pan", "coastal", "rededge", "nir"}


def name_bands(header: Header) -> tuple[str, ...]:
    """Return a name for each band: its common name, `b1`, `b2`, … where nothing says which it is, empty for alpha.

    Descriptions count before wavelengths, wavelengths before colour interpretation. A fourth band without interpretation behind red, green and blue
    is near infrared (the layout of aerial RGBN deliveries). One single band of unknown colour is panchromatic. Bands that would get the same name
    (three red edges) are numbered.
    """
    numbers = range(header.count)
    alpha = {n - 1 for n in alpha_bands(header)}
    for source in (_from_descriptions(header.descriptions), _from_wavelengths(header.wavelengths), _from_roles(header.roles)):
        given = [name for n, name in enumerate(source) if name and n not in alpha]
        if given:
            return tuple("" if n in alpha else source[n] if given.count(source[n]) == 1 else f"b{n + 1}" for n in numbers)
    if header.count - len(alpha) == 1:
        return tuple("" if n in alpha else "pan" for n in numbers)
    return tuple("" if n in alpha else f"b{n + 1}" for n in numbers)


def name_vendor_bands(header: Header) -> tuple[str, ...]:
    """Return a name for each band of a vendor's image whose metadata names none: as :func:`name_bands`, but colours count only up to three bands.

    Vendors deliver four bands as blue, green, red, near infrared; that GDAL calls them red, green, blue is its writer's default.
    """
    if header.count <= 3 or any(header.descriptions) or any(header.wavelengths):
        return name_bands(header)
    return tuple(f"b{n}" for n in range(1, header.count + 1))


def alpha_bands(header: Header) -> tuple[int, ...]:
    """Return the numbers, from 1, of the bands that tell transparency.

    GDAL calls the fourth band of any four-band byte file alpha when its writer said nothing; a description that names a colour knows better.
    """
    return tuple(n + 1 for n in range(header.count) if header.roles[n] == "alpha" and not common_name(header.descriptions[n]))


def common_name(text: str) -> str:
    """Return the common name that a description means, empty where it means none."""
    words = re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
    if words in ORDER:
        return words
    for name, pattern in _WORDS:
        if re.search(rf"(?:^| )(?:{pattern})(?: band)?(?: |$)", words):
            return name
    return ""


def _from_descriptions(descriptions: Sequence[str]) -> list[str]:
    return [common_name(text) for text in descriptions]


def _from_wavelengths(wavelengths: Sequence[float | None]) -> list[str]:
    def name(wavelength: float | None) -> str:
        return "" if wavelength is None else next((name for name, low, high in _WAVELENGTHS if low <= wavelength < high), "")

    return [name(wavelength) for wavelength in wavelengths]


def _from_roles(roles: Sequence[str]) -> list[str]:
    names = [role if role in _ROLES else "" for role in roles]
    if names[:3] == ["red", "green", "blue"] and len(roles) > 3 and roles[3] == "undefined" and (len(roles) == 4 or "alpha" in roles[4:]):
        names[3] = "nir"
    return names
