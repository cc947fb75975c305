"""The scenes under a folder, and the one at a path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from camwatch.errors import CamwatchError, SceneError
from camwatch.scenes.access.files import is_archive, open_files
from camwatch.scenes.duplicates import duplicates
from camwatch.scenes.recognise import product_at, products_of_archive, recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    import pystac

    from camwatch.scenes.product import Given

    Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that looks like a product and cannot be used: where, and why in one line."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The scenes under a folder.

    Attributes
    ----------
    items : tuple of pystac.Item
        By (datetime, id, first href).
    unreadable : tuple of Unreadable
        By path.
    duplicates : tuple of tuple of pystac.Item
        Groups of items that show one acquisition, the best first.
    """

    items: tuple[pystac.Item, ...]
    unreadable: tuple[Unreadable, ...]
    duplicates: tuple[tuple[pystac.Item, ...], ...] = ()

    @property
    def distinct(self) -> tuple[pystac.Item, ...]:
        """The items without the lesser products of an acquisition."""
        lesser = {id(item) for group in self.duplicates for item in group[1:]}
        return tuple(item for item in self.items if id(item) not in lesser)


def open_scene(path: Path | str, *, date: Given = None) -> pystac.Item:
    """Return the STAC Item of one product; no pixels are read.

    Parameters
    ----------
    path : path
        A folder that holds one product, an archive (.zip, .tar, .tar.gz), a metadata file (MTL, MTD_MSIL*.xml, a vendor's, a STAC Item), or one
        raster. Where it holds several, `PATH#NAME` means one of them: `collection.json#2`, `both.zip#NAME`.
    date : datetime, date or str, optional
        When a plain raster was taken; it goes before what the raster says of itself. A product with metadata of its own keeps its own time, and
        a given date that contradicts it by more than a day is refused.

    Raises
    ------
    MissingInputError
        When there is nothing at `path`.
    SceneError
        When it cannot be used as a scene; one line says why and what to do.
    """
    return product_at(Path(path)).read(date)


def scan(folder: Path | str, *, progress: Progress | None = None) -> Catalogue:
    """Recognise every product under a folder; no pixels are read, nothing is unpacked.

    What looks like a product and cannot be used is listed with the reason and does not end the scan.

    Parameters
    ----------
    folder : path
    progress : callable (what, done, total), optional
        Told before each product.

    Raises
    ------
    MissingInputError
        When the folder does not exist.
    SceneError
        When `folder` is a file.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise SceneError("not a folder", where=folder, expected="a folder of products", remedy="open a single product by itself")
    files = open_files(folder)
    items: list[pystac.Item] = []
    unreadable = [Unreadable(files.root / entry.name, entry.reason) for entry in files.skipped]
    show = progress or _silent
    products = recognise(files)
    owned = frozenset().union(*(product.found.members for product in products))
    archives = [name for name in files.names if is_archive(Path(name)) and name not in owned]
    for n, name in enumerate(archives):
        show("opening archives", n, len(archives))
        try:
            products += products_of_archive(files.root / name)
        except CamwatchError as error:
            unreadable.append(Unreadable(files.root / name, str(error)))
    for n, product in enumerate(products):
        show("reading headers", n, len(products))
        try:
            items.append(product.read(None))
        except CamwatchError as error:
            unreadable.append(Unreadable(product.path, str(error)))

    def order(item: pystac.Item) -> tuple[str, str, str]:
        return (item.datetime.isoformat() if item.datetime else "", item.id, next(iter(item.assets.values())).href)

    ordered = tuple(sorted(items, key=order))
    return Catalogue(ordered, tuple(sorted(unreadable, key=lambda entry: str(entry.path))), duplicates(ordered))


def _silent(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""
