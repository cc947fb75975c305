"""Which products lie in a folder or archive, family by family, and which one a path means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from camwatch.errors import MissingInputError, SceneError
from camwatch.scenes import dates
from camwatch.scenes.access.files import Files, folder_of, is_archive, open_files
from camwatch.scenes.families.aster import ASTER
from camwatch.scenes.families.declassified import DECLASSIFIED, RASTER
from camwatch.scenes.families.dimap import DIMAP
from camwatch.scenes.families.hls import HLS
from camwatch.scenes.families.landsat import LANDSAT, LANDSAT_BANDS
from camwatch.scenes.families.maxar import MAXAR
from camwatch.scenes.families.planet import PLANET
from camwatch.scenes.families.raster import ENVI_SUFFIXES, SUFFIXES, sidecars
from camwatch.scenes.families.sentinel2 import SENTINEL2
from camwatch.scenes.families.stac import STAC
from camwatch.scenes.families.vendors import OTHER_VENDORS
from camwatch.scenes.product import Family, Found

if TYPE_CHECKING:
    from datetime import date, datetime

    import pystac

    from camwatch.scenes.product import Given

FAMILIES: tuple[Family, ...] = (SENTINEL2, LANDSAT, HLS, PLANET, DIMAP, MAXAR, OTHER_VENDORS, ASTER, STAC, LANDSAT_BANDS, DECLASSIFIED, RASTER)
"""Asked in this order; what one recognises as its own, the next ones do not see. Plain rasters are what is left."""


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

    @property
    def id(self) -> str:
        """What its Item is called; empty where it cannot be read."""
        try:
            return self.read(None).id
        except SceneError:
            return ""

    def read(self, given: Given) -> pystac.Item:
        """Return its Item; SceneError where it cannot be used, or a given date contradicts it."""
        item = self.family.read(self.files, self.found.name, given)
        if given is not None and self.family.dated:
            _refuse_contradiction(item, given, self.path)
        return item


def recognise(files: Files) -> list[Product]:
    """Return the products among the members of a folder or archive, each member counted once, in the order of their names."""
    products: list[Product] = []
    left = frozenset(files.names)
    for family in FAMILIES:
        for found in family.find(replace(files, names=tuple(name for name in files.names if name in left))):
            products.append(Product(family, found, replace(files, names=tuple(sorted(found.members)))))
            left -= found.members
    return sorted(products, key=lambda product: product.found.name)


def whole(products: list[Product]) -> list[Product]:
    """Return the products with metadata, and plain rasters only where there are none: previews lie beside many a product."""
    return [product for product in products if product.family is not RASTER] or products


def products_of_archive(path: Path) -> list[Product]:
    """Return all products in an archive; SceneError where there is none."""
    products = whole(recognise(open_files(path)))
    if not products:
        raise _nothing(path)
    return products


def product_at(path: Path) -> Product:
    """Return the one product at a path.

    Where a path holds several, `PATH#NAME` means one of them: by the name that the refusal lists, by what stands after its last `/` or `#`, or by
    the name of the scene, as a scan tells it.

    Raises
    ------
    MissingInputError
        When there is nothing at `path`.
    SceneError
        When there is no product, or a choice of several.
    """
    path, name = _selected(path)
    inside = path.is_dir() or is_archive(path)
    products = whole(recognise(open_files(path))) if inside else _products_of_file(path.resolve())
    if not products:
        raise _nothing(path)
    chosen = [p for p in products if not name or p.found.name == name or p.found.name.endswith((f"#{name}", f"/{name}"))]
    chosen = chosen or [p for p in products if p.id == name]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join([product.found.name for product in products[:3]] + ["…"] * (len(products) > 3))
    if not chosen:
        raise SceneError(f"no scene of this name in the {_kind(path)}", where=path, got=name, expected=names)
    remedy = "scan it, or name one: PATH#NAME"
    raise SceneError(f"{_kind(path)} holds {len(products)} scenes", where=path, got=names, expected="one", remedy=remedy)


def _selected(path: Path) -> tuple[Path, str]:
    """Split `PATH#NAME`; a path that exists as it stands has no such part."""
    if path.exists():
        return path, ""
    # NAME may hold slashes and marks of its own: the shortest part before a mark that exists is the file.
    text = str(path)
    for place in (n for n, letter in enumerate(text) if letter == "#"):
        if Path(text[:place]).exists():
            return Path(text[:place]), text[place + 1 :]
    raise MissingInputError("no such file or folder", where=path)


def _kind(path: Path) -> str:
    return "folder" if path.is_dir() else "archive" if is_archive(path) else "file"


def _nothing(path: Path) -> SceneError:
    wanted = "Landsat MTL, Sentinel-2 SAFE, a vendor's metadata, a STAC Item, or a georeferenced raster"
    return SceneError(f"no scene in this {_kind(path)}", where=path, expected=wanted)


def _products_of_file(path: Path) -> list[Product]:
    """Return what a metadata file describes, or the product that a raster belongs to; a raster of no product is one by itself."""
    name = path.name
    if name.lower().endswith(".hdr"):
        data = [path.with_suffix(suffix) for suffix in ENVI_SUFFIXES]
        name = next((p.name for p in data if p.is_file()), name)
    if name.lower().endswith(SUFFIXES):
        # A raster may lie among thousands of folders: its description lies right beside it.
        beside = Files(path.parent, "folder", tuple(sorted(entry.name for entry in path.parent.iterdir() if entry.is_file())))
        owners = [p for p in recognise(beside) if p.family.alone and name in p.found.members]
    else:
        there = [p for p in recognise(open_files(path.parent)) if p.family is not RASTER]
        named = [p for p in there if name in (p.found.name, p.found.name.rpartition("#")[0])]
        owners = named or [p for p in there if name in p.found.members]
    if owners:
        return owners
    found = Found(name, frozenset({name, *(candidate for candidate in sidecars(name) if (path.parent / candidate).is_file())}))
    return [Product(RASTER, found, Files(path.parent, "folder", tuple(sorted(found.members))))]


def _refuse_contradiction(item: pystac.Item, given: datetime | date | str, path: Path) -> None:
    when = dates.given_time(given, path)
    if item.datetime is not None and abs(item.datetime.date() - when.date()) > timedelta(days=1):
        raise SceneError(
            "given date contradicts the product's own metadata",
            where=path,
            got=f"{when:%Y-%m-%d}",
            expected=f"{item.datetime:%Y-%m-%d}",
            remedy="leave the date out",
        )
