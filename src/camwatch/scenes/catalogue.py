"""The scenes under a folder, and the one at a path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from camwatch.errors import CamwatchError
from camwatch.scenes.access.files import base_of, folder_of, is_archive, open_files
from camwatch.scenes.duplicates import duplicates
from camwatch.scenes.recognise import product_at, products_of_archive, recognise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pystac

    from camwatch.scenes.product import Given
    from camwatch.scenes.recognise import Product

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
    """Recognise every product under a folder, in an archive, or the one that a file describes; no pixels are read, nothing is unpacked.

    What looks like a product and cannot be used is listed with the reason and does not end the scan.

    Parameters
    ----------
    folder : path
    progress : callable (what, done, total), optional
        Told before each product.

    Raises
    ------
    MissingInputError
        When there is nothing at `folder`.
    """
    folder = Path(folder)
    if folder.is_file():
        return _of_file(folder, progress or _silent)
    files = open_files(folder)
    unreadable = [Unreadable(files.root / entry.name, entry.reason) for entry in files.skipped]
    for name in results(files.names):
        unreadable.append(Unreadable(files.root / name, "results of camwatch, no downloads; keep them in a folder of their own"))
        files = replace(files, names=tuple(other for other in files.names if not other.startswith(name)))
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
    return _read(products, unreadable, show)


def _of_file(path: Path, show: Progress) -> Catalogue:
    try:
        products = products_of_archive(path) if is_archive(path) else [product_at(path)]
    except CamwatchError as error:
        return Catalogue((), (Unreadable(path, str(error)),))
    return _read(products, [], show)


def _read(products: Sequence[Product], unreadable: list[Unreadable], show: Progress) -> Catalogue:
    items: list[pystac.Item] = []
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


def results(names: Sequence[str]) -> list[str]:
    """Return the folders, with their slash, into which camwatch wrote: `out/` of a single verb, or those of a run beside its manifest."""
    there = frozenset(names)
    found = set()
    for name in names:
        folder, base = folder_of(name), base_of(name)
        if any(base == record and f"{folder}{other}" in there for record, other in _RECORDS):
            found.add(folder)
        if base == "manifest.json" and f"{folder}verdicts.json" in there:
            found |= {f"{folder}{own}/" for own in ("pairs", "report", "state")}
    outer = sorted(folder for folder in found if folder and not any(folder != other and folder.startswith(other) for other in found))
    return [folder for folder in outer if any(name.startswith(folder) for name in names)]


_RECORDS = (("registration.json", "registration.png"), ("findings.geojson", "findings.gpkg"), ("sensitivity.json", "sensitivity.png"))
"""Pairs of files that together only camwatch writes."""


def _silent(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""
