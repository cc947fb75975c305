"""What is a product: recognised from names alone, in a folder or in an archive, then handed to the reader of its family."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from camwatch.errors import CamwatchError, MissingInputError, SceneError
from camwatch.scenes import dates
from camwatch.scenes.files import Files, is_archive, open_files
from camwatch.scenes.landsat import read_landsat
from camwatch.scenes.raster import ENVI_SUFFIXES, SUFFIXES, read_raster, sidecars, stac_document, stem_of
from camwatch.scenes.sentinel2 import MTD, read_sentinel2
from camwatch.scenes.stac import member_of, read_stac

if TYPE_CHECKING:
    from datetime import date, datetime

    import pystac

_MTL = re.compile(r"^(.+)_MTL\.(txt|xml|json)$", re.IGNORECASE)
_MTL_ORDER = ("txt", "xml", "json")
_NO_SCENE = re.compile(r"(_udm2?|_thumb_(large|small)|_pvi|_browse)$", re.IGNORECASE)
"""Stems of companions that are no scenes of their own: usable-data masks, previews."""


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
    """

    items: tuple[pystac.Item, ...]
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True, slots=True)
class _Product:
    """One recognised product: the reader's name, the member that identifies it, and the files among which it looks."""

    kind: Literal["landsat", "sentinel2", "stac", "raster"]
    name: str
    files: Files

    @property
    def path(self) -> Path:
        """What a user would call it."""
        if self.files.kind != "folder":
            return self.files.root
        whole = self.files.root / self.name
        return whole.parent if self.kind == "sentinel2" else whole

    def read(self, given: datetime | date | str | None) -> pystac.Item:
        if self.kind == "raster":
            return read_raster(self.files, self.name, given)
        reader = {"landsat": read_landsat, "sentinel2": read_sentinel2, "stac": read_stac}[self.kind]
        item = reader(self.files, self.name)
        if given is not None:
            _refuse_contradiction(item, given, self.path)
        return item


def open_scene(path: Path | str, *, date: datetime | date | str | None = None) -> pystac.Item:
    """Return the STAC Item of one product; no pixels are read.

    Parameters
    ----------
    path : path
        A folder that holds one product, an archive (.zip, .tar, .tar.gz), a metadata file (MTL, MTD_MSIL*.xml, STAC Item), or one raster.
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
    if not path.exists():
        raise MissingInputError("no such file or folder", where=path)
    return _product_at(path).read(date)


def scan(folder: Path | str) -> Catalogue:
    """Recognise every product under a folder; no pixels are read, nothing is unpacked.

    What looks like a product and cannot be used is listed with the reason and does not end the scan.

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
    products = recognise(files)
    for name in files.names:
        if is_archive(Path(name)) and not any(_belongs(product, name) for product in products):
            try:
                products = [*products, _product_at(files.root / name)]
            except CamwatchError as error:
                unreadable.append(Unreadable(files.root / name, str(error)))
    for product in products:
        try:
            items.append(product.read(None))
        except CamwatchError as error:
            unreadable.append(Unreadable(product.path, str(error)))

    def order(item: pystac.Item) -> tuple[str, str, str]:
        return (item.datetime.isoformat() if item.datetime else "", item.id, next(iter(item.assets.values())).href)

    return Catalogue(tuple(sorted(items, key=order)), tuple(sorted(unreadable, key=lambda entry: str(entry.path))))


def _belongs(product: _Product, name: str) -> bool:
    return product.kind == "sentinel2" and name.startswith(product.name.rsplit("/", 1)[0] + "/")


def _product_at(path: Path) -> _Product:
    """Return the one product at a path; SceneError where there is none or a choice of several."""
    if path.is_file() and not is_archive(path):
        return _product_of_file(path)
    products = recognise(open_files(path))
    whole = [product for product in products if product.kind != "raster"] or products
    if len(whole) == 1:
        return whole[0]
    where = "archive" if path.is_file() else "folder"
    if not whole:
        raise SceneError(f"no scene in this {where}", where=path, expected="Landsat MTL, Sentinel-2 SAFE, a STAC Item, or a georeferenced raster")
    names = ", ".join([product.name for product in whole[:3]] + ["…"] * (len(whole) > 3))
    raise SceneError(f"{where} holds {len(whole)} scenes", where=path, got=names, expected="one", remedy="name one of them")


def _product_of_file(path: Path) -> _Product:
    path = path.resolve()
    name = path.name
    if _MTL.match(name) or MTD.search(name):
        files = open_files(path.parent)
        return _Product("landsat" if _MTL.match(name) else "sentinel2", name, files)
    if name.lower().endswith(".json"):
        return _Product("stac", name, open_files(path.parent))
    if name.lower().endswith(".hdr"):
        data = [path.with_suffix(suffix) for suffix in ENVI_SUFFIXES]
        name = next((p.name for p in data if p.is_file()), name)
    # A single raster may lie among thousands: look for its sidecar only.
    beside = tuple(candidate for candidate in sidecars(name) if (path.parent / candidate).is_file())
    return _Product("raster", name, Files(path.parent, "folder", (name, *beside)))


def recognise(files: Files) -> list[_Product]:
    """Return the products among the members of a folder or archive, each member counted once, in the order of their names."""
    products: list[_Product] = []
    left = list(files.names)

    def under(prefix: str) -> Files:
        return replace(files, names=tuple(name for name in files.names if name.startswith(prefix)))

    for name in [name for name in left if MTD.search(name)]:
        prefix = name[: len(name) - len(name.rsplit("/", 1)[-1])]
        products.append(_Product("sentinel2", name, under(prefix)))
        left = [other for other in left if not other.startswith(prefix)] if prefix else []
    for name in _chosen_mtl(left):
        folder = name[: len(name) - len(name.rsplit("/", 1)[-1])]
        products.append(_Product("landsat", name, under(folder)))
        stem = _stem(name)
        left = [other for other in left if not (other.startswith(folder) and other.rsplit("/", 1)[-1].startswith(stem))]
    beside = {candidate for name in left if name.lower().endswith(SUFFIXES) for candidate in sidecars(name)}
    for name in [name for name in left if name.lower().endswith(".json")]:
        document = stac_document(files, name)
        if document is None or name in beside:
            continue  # an Item named like a raster is read with that raster
        products.append(_Product("stac", name, files))
        owned = {member_of(files, name, str(asset.get("href", ""))) for asset in document.get("assets", {}).values()}
        left = [other for other in left if other not in owned]
    products += [_Product("raster", name, files) for name in left if _may_be_scene(name, set(left))]
    return sorted(products, key=lambda product: product.name)


def _may_be_scene(name: str, left: set[str]) -> bool:
    if name.rsplit("/", 1)[-1].startswith(".") or _NO_SCENE.search(stem_of(name)):
        return False
    if name.lower().endswith(SUFFIXES):
        return True
    # An ENVI raster has any suffix or none; the header beside it gives it away.
    suffix = Path(name).suffix.lower()
    bases = (name, name[: len(name) - len(suffix)])
    return suffix in ENVI_SUFFIXES and any(f"{base}{header}" in left for base in bases for header in (".hdr", ".HDR"))


def _chosen_mtl(names: list[str]) -> list[str]:
    """Return one MTL for each product, the text where there is a choice."""
    chosen: dict[str, str] = {}
    for name in names:
        found = _MTL.match(name)
        if found:
            other = chosen.get(found[1])
            if other is None or _MTL_ORDER.index(found[2].lower()) < _MTL_ORDER.index(other.rsplit(".", 1)[-1].lower()):
                chosen[found[1]] = name
    return sorted(chosen.values())


def _stem(name: str) -> str:
    found = _MTL.match(name.rsplit("/", 1)[-1])
    return found[1] if found else name


def _refuse_contradiction(item: pystac.Item, given: datetime | date | str, path: Path) -> None:
    when = dates.as_time(given)
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
