"""The bundled camps, and one door for names and files."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from camwatch.aoi.geometry import WGS84
from camwatch.aoi.read import SUFFIXES, read_aoi
from camwatch.errors import AoiError, MissingInputError
from camwatch.resources import data_folder

if TYPE_CHECKING:
    from camwatch.aoi.records import Aoi

FARTHEST_KM = 50.0
"""An own outline of a bundled camp may lie this far from the bundled one; published positions of one camp differ by up to 12 km."""


def bundled() -> tuple[str, ...]:
    """Return the ids of the bundled camps, sorted."""
    return tuple(sorted(_camps()))


def load_aoi(name_or_path: str | Path) -> Aoi:
    """Load an area of interest by name or from a file.

    Parameters
    ----------
    name_or_path : str or Path
        Id or alias of a bundled camp, in any case and spacing, Korean too; or a vector file (GeoJSON, GeoPackage, KML, shapefile). A text that is a
        bundled name is never taken for a file.

    Returns
    -------
    Aoi
        Where the id of an own file is that of a bundled camp, its outlines take the place of the bundled outlines of the same id, its camp outline
        that of the bundled camp outline, and the other bundled outlines are kept after them.

    Raises
    ------
    MissingInputError
        When there is neither such a camp nor such a file.
    AoiError
        When the file holds an outline that cannot be used.
    """
    if isinstance(name_or_path, str):
        found = _names().get(_key(name_or_path))
        if found:
            return _camps()[found]
    path = Path(name_or_path)
    if not path.is_file() and isinstance(name_or_path, str) and path.suffix.lower() not in SUFFIXES and len(path.parts) < 2:
        near = get_close_matches(_key(name_or_path), list(_names()), n=1)
        hint = f"did you mean {_names()[near[0]]}?" if near else "give one of these, or the path of a vector file"
        raise MissingInputError("unknown camp", got=repr(name_or_path), expected=" | ".join(bundled()), remedy=hint)
    own = read_aoi(path)
    base = _camps().get(own.id.lower())
    if base is not None:
        return _overlaid(base, own)
    if not any(o.role in {"camp", "search-window"} or o.digitised for o in own.outlines):
        raise AoiError(
            "no outline of the whole site",
            where=path,
            got=", ".join(sorted({o.role for o in own.outlines})),
            expected="a feature with role camp or search-window",
            remedy="add one, or give the file the `id` of a bundled camp",
        )
    return own


def _overlaid(base: Aoi, own: Aoi) -> Aoi:
    """Return the bundled camp with the outlines of an own file in front."""
    for outline in own.outlines:
        here, there = outline.geometry.centroid, base.camp.geometry.centroid
        km = WGS84.inv(here.x, here.y, there.x, there.y)[2] / 1000
        if km > FARTHEST_KM:
            raise AoiError(
                f"outline {outline.id!r} is not where the camp {base.id!r} is",
                got=f"{km:,.0f} km away at ({here.x:.3f}, {here.y:.3f})",
                expected=f"within {FARTHEST_KM:.0f} km",
                remedy="check signs and order of the coordinates, or give the file another id",
            )
    ids = {o.id.lower() for o in own.outlines}
    new_camp = any(o.role == "camp" for o in own.outlines)
    kept = tuple(o for o in base.outlines if o.id not in ids and not (o.role == "camp" and new_camp))
    return replace(
        base, outlines=own.outlines + kept, distances=own.distances or base.distances, notes=own.notes or base.notes, posts=own.posts or base.posts
    )


@cache
def _camps() -> dict[str, Aoi]:
    return {aoi.id: aoi for aoi in map(read_aoi, sorted(data_folder("aoi").glob("*.geojson")))}


@cache
def _names() -> dict[str, str]:
    return {_key(name): camp for camp, aoi in _camps().items() for name in (aoi.id, aoi.name, *aoi.aliases)}


def _key(name: str) -> str:
    """Return a name without case, accents, spaces and punctuation; Hangul in its composed form."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(c for c in unicodedata.normalize("NFC", bare).casefold() if c.isalnum())
