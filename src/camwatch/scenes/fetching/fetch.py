"""One Item of a STAC API → a folder with the window of each band and an Item of their own, complete or to be gone on with.

`FOLDER/<band>.tif.part` is a band that is there while others are not, `FOLDER/<id>.json.part` the Item as far as it has come. Neither looks like a
product to anybody. Once all bands are there they get their names, and the Item gets its name last.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapely.geometry import mapping

from camwatch.errors import SceneError
from camwatch.scenes.build import EXTENSIONS
from camwatch.scenes.fetching.cog import geobox_of, widened, window_of, write_cog
from camwatch.scenes.fetching.layouts import contents
from camwatch.scenes.fetching.ranges import RemoteFile, open_remote
from camwatch.scenes.fetching.remote import shown
from camwatch.scenes.fetching.sentinel2 import contradicted
from camwatch.scenes.fetching.stated import plain_name
from camwatch.scenes.footprint import outline, pixel_m
from camwatch.scenes.hashes import FILE_EXTENSION, sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odc.geo.geobox import GeoBox

    from camwatch.scenes.fetching.layouts import Contents
    from camwatch.scenes.fetching.remote import Http
    from camwatch.scenes.fetching.stated import Raster

    Sign = Callable[[str], str]
    Tell = Callable[[str], None]

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_MULTIHASH = "1220"
"""Code of SHA2-256 and length, which the STAC `file` extension puts before the digits."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is wanted of every scene.

    Attributes
    ----------
    bounds : (float, float, float, float)
        West, south, east, north of the area, EPSG:4326.
    margin_m : float
        Ground brought on each side of it.
    bands : tuple of str
        Names of bands; all where empty.
    limit : int
        Bytes that may be brought, and that a window may unpack to, for one file.
    api : str
        Address of the STAC API, for the Item's links.
    sign : callable (address) -> address, or None
    """

    bounds: tuple[float, float, float, float]
    margin_m: float = 1000.0
    bands: tuple[str, ...] = ()
    limit: int = 512 * 2**20
    api: str = ""
    sign: Sign | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """A scene that is there: path of its Item, and how many files were brought and how many were there already."""

    id: str
    path: Path
    fetched: int
    kept: int


def bring(http: Http, document: Mapping[str, Any], folder: Path, job: Job, tell: Tell) -> Brought:
    """Bring the window of each wanted band of an Item into `folder`, and write its Item.

    Files that an earlier, interrupted or complete, fetch brought for the same window and whose SHA-256 agrees are kept.

    Parameters
    ----------
    document : mapping
        The Item as the API gave it.
    folder : path
        A folder of its own.
    tell : callable (name)
        Told before each file.

    Raises
    ------
    SceneError
        When the Item or a file of it cannot be used or had; what has come so far stays for the next time.
    """
    item = plain_name(str(document["id"]))
    final, draft = folder / f"{item}.json", folder / f"{item}.json.part"
    wanted = contents(document, job.bands, lambda address: http.ask(_signed(address, job)).body)
    window = list(widened(job.bounds, job.margin_m))
    if final.exists() and _window(_read(final)) != window:
        got, remedy = "another window of this scene", "give another --out, or remove that folder"
        raise SceneError("folder holds something else", where=folder, got=got, expected=f"{[round(side, 5) for side in window]}", remedy=remedy)
    known = [said["assets"] for said in (_read(final), _read(draft)) if _window(said) == window]
    assets: dict[str, Any] = {name: asset for those in known for name, asset in those.items() if any(map(Path.is_file, _files(folder, name)))}
    fetched = 0
    for raster in wanted.rasters:
        if not _there(folder, raster, assets.get(raster.name)):
            tell(raster.name)
            assets[raster.name] = _bring_one(http, raster, folder, window, job, doubtful=wanted.doubtful)
            fetched += 1
            _write(draft, _item(document, wanted, assets, window, job))
    if fetched or draft.exists() or not final.exists():
        said = _item(document, wanted, assets, window, job)
        for part in sorted(folder.glob("*.tif.part")):
            if part.name.removesuffix(".tif.part") in assets:
                part.replace(part.with_suffix(""))
            else:
                part.unlink()  # of a request that was given up for this one
        _write(final, said)
    draft.unlink(missing_ok=True)
    return Brought(item, final, fetched, len(wanted.rasters) - fetched)


def _signed(address: str, job: Job) -> str:
    return address if job.sign is None else job.sign(address)


def _there(folder: Path, raster: Raster, asset: Mapping[str, Any] | None) -> bool:
    """Whether a file has been brought already, from the same place, with the same meaning, and is as it was."""
    if asset is None or asset["camwatch:source"]["href"] != shown(raster.href):
        return False
    if any(not stated.items() <= written.items() for stated, written in zip(raster.raster, asset["raster:bands"], strict=False)):
        return False  # the archive has corrected what the numbers mean
    return any(file.is_file() and _MULTIHASH + sha256_of(file) == asset["file:checksum"] for file in _files(folder, raster.name))


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    """Return where a band lies once its scene is complete, and until then."""
    return folder / f"{name}.tif", folder / f"{name}.tif.part"


def _window(said: Mapping[str, Any]) -> Any:
    """Return the window of an Item that an earlier fetch wrote; None where it is none of those."""
    return said.get("properties", {}).get("camwatch:window")


def _bring_one(http: Http, raster: Raster, folder: Path, window: Sequence[float], job: Job, *, doubtful: bool) -> dict[str, Any]:
    """Bring the window of one raster; return its asset."""
    remote = RemoteFile(http, raster.href, sign=job.sign, limit=job.limit)
    where = shown(raster.href)
    with open_remote(remote) as dataset:
        if raster.eo and len(raster.eo) != dataset.count:
            raise SceneError("Item and file do not agree", where=where, got=f"{dataset.count} bands", expected=f"{len(raster.eo)}")
        part = window_of(dataset, window, job.limit, where)
        values = dataset.read(window=part)
        if remote.failure is not None:
            raise remote.failure
        if doubtful and raster.raster and contradicted(raster.name, raster.raster[0], values[0]):
            what = "Item says that an offset is still to be applied, and the pixels deny it: reflectance would be negative"
            raise SceneError(
                what, where=where, got=f"offset {raster.raster[0]['offset']}", remedy="fetch it from sentinel-2-c1-l2a, or another --api"
            )
        path = _files(folder, raster.name)[1]
        write_cog(path, dataset, values, part, raster.raster)
        geobox = geobox_of(dataset, part)
        numbers = [
            {"data_type": dataset.dtypes[n], **({} if dataset.nodata is None else {"nodata": _json(dataset.nodata)})} for n in range(dataset.count)
        ]
    return _asset(raster, path, geobox, numbers)


def _asset(raster: Raster, path: Path, geobox: GeoBox, numbers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    crs = str(geobox.crs)
    stated = raster.raster or ({},) * len(numbers)
    said: dict[str, Any] = {
        "href": f"./{raster.name}.tif",
        "type": COG,
        "roles": ["mask"] if raster.mask else ["data"],
        "proj:shape": list(geobox.shape),
        "proj:transform": list(geobox.affine)[:6],
        **({"proj:code": crs} if crs.startswith("EPSG:") else {"proj:code": None, "proj:wkt2": crs}),
        "gsd": round(pixel_m(geobox), 6),
        "raster:bands": [{**own, **more} for own, more in zip(numbers, stated, strict=True)],
        "file:checksum": _MULTIHASH + sha256_of(path),
        "file:size": path.stat().st_size,
        "camwatch:source": {"asset": raster.key, "href": shown(raster.href)},
    }
    return said | ({"camwatch:mask": raster.mask} if raster.mask else {"eo:bands": [dict(band) for band in raster.eo]})


def _item(document: Mapping[str, Any], wanted: Contents, assets: Mapping[str, Any], window: list[float], job: Job) -> dict[str, Any]:
    """Return the Item as it is written: what the archive says of the scene, the outline of the windows, and where all came from."""
    from affine import Affine
    from odc.geo.geobox import GeoBox

    boxes = [GeoBox(tuple(a["proj:shape"]), Affine(*a["proj:transform"]), a["proj:code"] or a["proj:wkt2"]) for a in assets.values()]
    geometry = outline(min(boxes, key=pixel_m))
    # Of `camwatch:` only what a simulated archive says of itself is believed; `proj:` is about the whole scene.
    own = {k: v for k, v in document["properties"].items() if not k.startswith(("camwatch:", "proj:")) or k == "camwatch:simulated"}
    collection = str(document["collection"])
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": sorted({*EXTENSIONS, FILE_EXTENSION}),
        "id": document["id"],
        "collection": collection,
        "geometry": mapping(geometry),
        "bbox": list(geometry.bounds),
        "properties": {**own, **wanted.said, "camwatch:window": window},
        "assets": dict(assets),
        "links": [
            {"rel": "derived_from", "href": f"{job.api}/collections/{collection}/items/{document['id']}", "type": "application/geo+json"},
            {"rel": "collection", "href": f"{job.api}/collections/{collection}", "type": "application/json"},
        ],
    }


def _json(value: float) -> float | str:
    """JSON has no NaN; STAC writes it as a string."""
    return value if value == value else "nan"  # noqa: PLR0124  NaN is what differs from itself


def _read(path: Path) -> dict[str, Any]:
    """Return an Item that an earlier fetch wrote; empty where there is none that can be read."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _write(path: Path, said: Mapping[str, Any]) -> None:
    part = path.with_name(f".{path.name}.tmp")
    part.write_text(json.dumps(said, sort_keys=True, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)
