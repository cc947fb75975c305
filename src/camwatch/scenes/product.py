"""What a product family has to offer: how it recognises its products among file names, and how it reads one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    import pystac

    from camwatch.scenes.access.files import Files

    Given = datetime | date | str | None


@dataclass(frozen=True, slots=True)
class Found:
    """One product among the members of a folder or archive.

    Attributes
    ----------
    name : str
        The member that identifies it: its metadata, or the raster where there is none. A document that describes several products adds `#` and
        the product's name.
    members : frozenset of str
        All members that belong to it; no later family looks at them.
    folder : bool
        A user would name the folder in which `name` lies, not `name` itself.
    """

    name: str
    members: frozenset[str] = field(repr=False)
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """One family of products.

    Attributes
    ----------
    name : str
    find : callable (files) -> sequence of Found
        Recognises products; `files` holds only what no earlier family owns. Reads names first and small metadata only where a name is not enough;
        never a raster. Raises nothing for a damaged product: that is for `read` to say.
    read : callable (files, name, given date) -> pystac.Item
        `files` holds the members of the product only.
    dated : bool
        The product states its own time; a date given by the user may only agree with it. Where False, the given date goes before all others.
    alone : bool
        A user may name one raster of it and means the product (an image with its description beside it). Where False, a raster that is named
        alone is read alone: one band of a Landsat product.
    """

    name: str
    find: Callable[[Files], Sequence[Found]]
    read: Callable[[Files, str, Given], pystac.Item]
    dated: bool = True
    alone: bool = False
