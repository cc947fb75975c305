"""What is a product: recognised in a folder or in an archive, family by family, then handed to the reader of its family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from camwatch.errors import CamwatchError, MissingInputError, SceneError
from camwatch.scenes import dates
from camwatch.scenes.aster import ASTER
from camwatch.scenes.declassified import DECLASSIFIED
from camwatch.scenes.dimap import DIMAP
from camwatch.scenes.duplicates import duplicates
from camwatch.scenes.files import Files, is_archive, open_files
from camwatch.scenes.hls import HLS
from camwatch.scenes.landsat import LANDSAT
from camwatch.scenes.maxar import MAXAR
from camwatch.scenes.planet import PLANET
from camwatch.scenes.product import Family, Found, folder_of
from camwatch.scenes.raster import ENVI_SUFFIXES, RASTER, SUFFIXES, sidecars
from camwatch.scenes.sentinel2 import SENTINEL2
from camwatch.scenes.stac import STAC
from camwatch.scenes.vendors import OTHER_VENDORS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pystac

    from camwatch.scenes.product import Given

    Progress = Callable[[str, int, int], None]

FAMILIES: tuple[Family, ...] = (SENTINEL2, LANDSAT, HLS, PLANET, DIMAP, MAXAR, OTHER_VENDORS, ASTER, STAC, DECLASSIFIED, RASTER)
"""Asked in this order; what one recognises as its own, the next ones do not see. Plain rasters are what is left."""


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


@dataclass(frozen=True, slots=True)
class Product:
    """One recognised product: its family, what was found, and the files among which its reader looks."""

    family: Family
    found: Found
    files: Files

    @property
    def path(self) -> Path:
        """What a user would call it."""
        if self.files.kind != "folder":
            return self.files.root
        return self.files.root / (folder_of(self.found.name) if self.found.folder else self.found.name)

    def read(self, given: Given) -> pystac.Item:
        """Return its Item; SceneError where it cannot be used, or a given date contradicts it."""
        item = self.family.read(self.files, self.found.name, given)
        if given is not None and self.family.dated:
            _refuse_contradiction(item, given, self.path)
        return item


def open_scene(path: Path | str, *, date: Given = None) -> pystac.Item:
    """Return the STAC Item of one product; no pixels are read.

    Parameters
    ----------
    path : path
        A folder that holds one product, an archive (.zip, .tar, .tar.gz), a metadata file (MTL, MTD_MSIL*.xml, a vendor's, a STAC Item), one Item
        of an ItemCollection (`collection.json#2`), or one raster.
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
    path = Path(path)
    if not path.exists() and not _collection(path):
        raise MissingInputError("no such file or folder", where=path)
    return _product_at(path).read(date)


def _collection(path: Path) -> bool:
    """Whether a path names one Item of an ItemCollection: `collection.json#2`."""
    file, mark, _ = path.name.rpartition("#")
    return bool(mark) and path.with_name(file).is_file()


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
    unreadable: list[Unreadable] = []
    show = progress or _silent
    products = recognise(files)
    owned = frozenset().union(*(product.found.members for product in products))
    archives = [name for name in files.names if is_archive(Path(name)) and name not in owned]
    for n, name in enumerate(archives):
        show("opening archives", n, len(archives))
        try:
            products += recognise_archive(files.root / name)
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


def recognise_archive(path: Path) -> list[Product]:
    """Return all products in an archive; SceneError where there is none."""
    products = _whole(recognise(open_files(path)))
    if not products:
        raise _nothing(path)
    return products


def recognise(files: Files) -> list[Product]:
    """Return the products among the members of a folder or archive, each member counted once, in the order of their names."""
    products: list[Product] = []
    left = frozenset(files.names)
    for family in FAMILIES:
        for found in family.find(replace(files, names=tuple(name for name in files.names if name in left))):
            products.append(Product(family, found, replace(files, names=tuple(sorted(found.members)))))
            left -= found.members
    return sorted(products, key=lambda product: product.found.name)


def _product_at(path: Path) -> Product:
    """Return the one product at a path; SceneError where there is none or a choice of several."""
    if not path.is_dir() and not is_archive(path):
        return _product_of_file(path.resolve())
    whole = _whole(recognise(open_files(path)))
    if not whole:
        raise _nothing(path)
    return _only(whole, path)


def _whole(products: list[Product]) -> list[Product]:
    """Return the products with metadata, and plain rasters only where there are none: previews lie beside many a product."""
    return [product for product in products if product.family is not RASTER] or products


def _kind(path: Path) -> str:
    return "folder" if path.is_dir() else "archive" if is_archive(path) else "file"


def _nothing(path: Path) -> SceneError:
    wanted = "Landsat MTL, Sentinel-2 SAFE, a vendor's metadata, a STAC Item, or a georeferenced raster"
    return SceneError(f"no scene in this {_kind(path)}", where=path, expected=wanted)


def _only(whole: list[Product], path: Path) -> Product:
    if len(whole) == 1:
        return whole[0]
    names = ", ".join([product.found.name for product in whole[:3]] + ["…"] * (len(whole) > 3))
    raise SceneError(f"{_kind(path)} holds {len(whole)} scenes", where=path, got=names, expected="one", remedy="name one of them")


def _product_of_file(path: Path) -> Product:
    """Return the product that a metadata file describes or that a raster belongs to; a raster of no product is one by itself."""
    name = path.name
    if name.lower().endswith(".hdr"):
        data = [path.with_suffix(suffix) for suffix in ENVI_SUFFIXES]
        name = next((p.name for p in data if p.is_file()), name)
    if name.lower().endswith(SUFFIXES):
        # A raster may lie among thousands of folders: its description lies right beside it.
        beside = Files(path.parent, "folder", tuple(sorted(entry.name for entry in path.parent.iterdir() if entry.is_file())))
        owner = next((p for p in recognise(beside) if p.family.alone and name in p.found.members), None)
    else:
        described = [p for p in recognise(open_files(path.parent)) if p.found.name == name or p.found.name.rpartition("#")[0] == name]
        owner = _only(described, path) if described else None
    if owner is not None:
        return owner
    companions = [candidate for candidate in sidecars(name) if (path.parent / candidate).is_file()]
    found = Found(name, frozenset({name, *companions}))
    return Product(RASTER, found, Files(path.parent, "folder", tuple(sorted(found.members))))


def _refuse_contradiction(item: pystac.Item, given: Given, path: Path) -> None:
    when = None if given is None else dates.as_time(given)
    if when is None:
        raise SceneError("given date is no date", where=path, got=repr(given), expected="YYYY-MM-DD")
    if item.datetime is not None and abs(item.datetime.date() - when.date()) > timedelta(days=1):
        raise SceneError(
            "given date contradicts the product's own metadata",
            where=path,
            got=f"{when:%Y-%m-%d}",
            expected=f"{item.datetime:%Y-%m-%d}",
            remedy="leave the date out",
        )
