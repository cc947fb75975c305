"""The only door to a stranger's raster: which drivers may open it, with which options, and what its header says.

What a raster can try, and what becomes of it:

- be a programme that names other files or addresses (VRT, WMS, a tile index), under whatever name: only `DRIVERS` open, and none of them follows
  anything. ERDAS Imagine is not among them: its pixels and overviews may lie in any file that it names.
- have such a programme beside it, as overviews, mask or metadata: GDAL is shown nothing that lies beside a raster. ENVI alone needs its header; a
  mask beside it is refused. World files and `.aux.xml` are read by `camwatch.scenes.access.beside`.
- name overviews elsewhere in a tag (`OVERVIEW_FILE`), or a datum grid elsewhere in its CRS: refused.
- claim more pixels, bands or larger blocks than its bytes can hold: refused (`camwatch.scenes.access.limits`), nothing is allocated for it.
- be cut short or damaged: refused in one line, when opened or when the pixels are read.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import MaskFlags
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.io import DatasetReader

from camwatch.aoi import LONLAT
from camwatch.errors import SceneError
from camwatch.scenes.access.beside import envi_header, read_beside, refuse_grids
from camwatch.scenes.access.files import on_disk
from camwatch.scenes.access.film import SCHEME as FILM
from camwatch.scenes.access.film import open_film
from camwatch.scenes.access.hdf4 import SCHEME as HDF4
from camwatch.scenes.access.hdf4 import open_hdf4
from camwatch.scenes.access.limits import LIMITS, refuse_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from affine import Affine

DRIVERS = ["GTiff", "JP2OpenJPEG", "PNG", "JPEG", "ENVI"]
"""Formats with pixels of their own and nothing to execute or to follow. A cloud optimised GeoTIFF is opened by GTiff."""

_TAME: dict[str, Any] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # a raster lies alone, whatever is beside it
    "GDAL_PAM_ENABLED": "NO",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "/dev/null",  # the only address that may be fetched is none
    "PROJ_NETWORK": "OFF",
    "GDAL_NUM_THREADS": 1,
    "GDAL_CACHEMAX": 64 * 2**20,  # bytes of decoded blocks; by default a twentieth of the machine's memory, and each process has its own
}

_ONE_AT_A_TIME = Lock()
"""Python's filter of warnings belongs to all threads. Files are opened one at a time, their pixels are read at will."""

_COMPLEX_INTEGER = {"complex_int16": 4}
"""Bytes of the one type of pixels that numpy has not."""


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What a raster says about itself; no pixel was read.

    Attributes
    ----------
    driver : str
    crs : str or None
        `EPSG:n` where there is a code, WKT otherwise.
    shape : (int, int)
        Rows, columns.
    transform : Affine
    count : int
    dtype : str
    nodata : tuple of float or None
        Declared value of each band.
    scales, offsets : tuple of float
        Declared scaling of each band.
    descriptions : tuple of str
        Description of each band, empty where it has none.
    roles : tuple of str
        Colour interpretation of each band, e.g. `red`, `alpha`, `undefined`.
    wavelengths : tuple of float or None
        Micrometres, where the header says.
    per_dataset_mask : bool
        A mask band belongs to the file.
    tags : mapping of str to str
        All dataset tags, those of GDAL's `IMAGERY` and `ENVI` domains among them.
    files : tuple of str
        The raster and its companions (headers, world files).
    other_georeference : str
        `ground control points` or `rational polynomials` where those are what georeferences the raster.
    rpc : mapping of str to str
        Rational polynomials in its tags, as GDAL's `RPC` domain tells them; see `camwatch.scenes.rpc`.
    """

    driver: str
    crs: str | None
    shape: tuple[int, int]
    transform: Affine
    count: int
    dtype: str
    nodata: tuple[float | None, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    descriptions: tuple[str, ...]
    roles: tuple[str, ...]
    wavelengths: tuple[float | None, ...]
    per_dataset_mask: bool
    tags: Mapping[str, str]
    files: tuple[str, ...]
    other_georeference: str
    rpc: Mapping[str, str] = field(default_factory=dict)

    @property
    def georeferenced(self) -> bool:
        """Whether a CRS and a transform place the pixels."""
        # Units of the CRS, a millimetre in degrees to a thousand kilometres: numbers outside would be lost in rounding.
        sane = 1e-16 < abs(self.transform.determinant) < 1e12 and all(abs(number) < 1e9 for number in self.transform)
        return self.crs is not None and not self.transform.is_identity and sane

    @property
    def geobox(self) -> GeoBox:
        """The grid; only where `georeferenced`."""
        return GeoBox(self.shape, self.transform, self.crs)


@contextmanager
def open_raster(href: str, *, companions: bool = False) -> Iterator[Any]:
    """Open a raster for reading, as a context manager.

    Parameters
    ----------
    href : str
        A path, or a GDAL path into an archive.
    companions : bool
        The raster may be one of ENVI, whose header lies beside it. Bands of a product need none.

    Raises
    ------
    SceneError
        When the file is none of the allowed formats, or damaged; also when reading inside the block fails.
    """
    if href.startswith(HDF4):
        with open_hdf4(href) as image:
            yield image
        return
    if href.startswith(FILM):
        with open_film(href, open_raster) as frame:
            yield frame
        return
    path = on_disk(href)
    if path is None:
        raise SceneError("raster does not lie on this machine", where=href, remedy="fetch it first")
    if path.exists() and not path.is_file():
        raise SceneError("not a regular file", where=href)
    with rasterio.Env(**_TAME):
        try:
            with _dataset(href, companions=companions) as dataset:
                _refuse_reaching(dataset, href)
                _refuse_bombs(dataset, href, path.stat().st_size)
                yield dataset
        except (RasterioError, CPLE_BaseError, CRSError, UnicodeError) as error:
            raise SceneError(
                "not a raster that can be opened",
                where=href,
                got=" ".join(str(error).split())[:160],
                expected="a complete " + ", ".join(DRIVERS) + " file",
                remedy="check the file or download it again",
            ) from error


def _dataset(href: str, *, companions: bool) -> Any:
    """Return the open dataset."""
    try:
        return _reader(href, [name for name in DRIVERS if name != "ENVI"])
    except RasterioIOError:
        if not companions or envi_header(href) is None:
            raise
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="TRUE"):
        return _reader(href, ["ENVI"])


def _reader(href: str, drivers: list[str]) -> Any:
    # rasterio.open would take one driver only; its reader takes a list.
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # Said in our own words, as an error, where it matters; what is placed by other means than its own header is opened too.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return DatasetReader(href, driver=drivers)


def _refuse_reaching(dataset: Any, href: str) -> None:
    """Raise SceneError when a dataset names files elsewhere that GDAL would open on the next occasion."""
    elsewhere = dataset.tags(ns="OVERVIEWS").get("OVERVIEW_FILE")
    if elsewhere is not None:
        raise SceneError("raster names overviews in another file", where=href, got=elsewhere, remedy="do not trust this file")


def _refuse_bombs(dataset: Any, href: str, size: int) -> None:
    """Raise SceneError when a dataset claims more than a file of `size` bytes can hold."""
    refuse_over(LIMITS.bands, dataset.count, "raster has too many bands", where=href)
    width = max(_COMPLEX_INTEGER.get(dtype) or np.dtype(dtype).itemsize for dtype in set(dataset.dtypes)) * dataset.count
    refuse_over(LIMITS.from_bytes(size), dataset.height * dataset.width * width, "raster unpacks to too many bytes", where=href)
    refuse_over(LIMITS.block, max(rows * cols for rows, cols in dataset.block_shapes) * width, "raster has too large blocks", where=href)


def read_header(href: str, *, companions: bool = False) -> Header:
    """Return what a raster says about itself, without reading a pixel; SceneError where it cannot be opened or is cut short."""
    with open_raster(href, companions=companions) as dataset:
        header = _header(dataset, href)
    return _placed_beside(header, href) if companions and not header.georeferenced and not header.other_georeference else header


def _header(dataset: Any, href: str) -> Header:
    _refuse_truncated(dataset, href)
    count = dataset.count
    envi = envi_header(href) if dataset.driver == "ENVI" else None
    return Header(
        driver=dataset.driver,
        crs=_crs(dataset.crs, href),
        shape=dataset.shape,
        transform=dataset.transform,
        count=count,
        dtype=dataset.dtypes[0],
        nodata=tuple(dataset.nodatavals),
        scales=tuple(dataset.scales),
        offsets=tuple(dataset.offsets),
        descriptions=tuple(text or "" for text in dataset.descriptions),
        roles=tuple(role.name for role in dataset.colorinterp),
        wavelengths=tuple(_wavelength(dataset.tags(n)) for n in range(1, count + 1)),
        # GDAL would look for the mask of an ENVI raster in another file.
        per_dataset_mask=envi is None and any(MaskFlags.per_dataset in f and MaskFlags.alpha not in f for f in dataset.mask_flag_enums),
        tags={**dataset.tags(ns="ENVI"), **dataset.tags(ns="IMAGERY"), **dataset.tags()},
        files=(href,) if envi is None else (href, envi),
        other_georeference="ground control points" if dataset.gcps[0] else "rational polynomials" if dataset.tags(ns="RPC") else "",
        rpc=dataset.tags(ns="RPC"),
    )


def _crs(crs: CRS | None, href: str) -> str | None:
    """Return `EPSG:n` or WKT; SceneError for a CRS that names files."""
    if not crs:
        return None
    wkt: str = crs.to_wkt()
    refuse_grids(wkt, href)
    code = crs.to_epsg()
    text = f"EPSG:{code}" if code else wkt
    if not _on_earth(text):
        raise SceneError("CRS of the raster is none of the Earth's", where=href, got=text[:80], expected="degrees, or a map projection")
    return text


@lru_cache(maxsize=64)
def _on_earth(crs: str) -> bool:
    """Whether PROJ knows how to get from a CRS to longitude and latitude; it does not from local or vertical ones."""
    try:
        Transformer.from_crs(crs, LONLAT)
    except ProjError:
        return False
    return True


def _placed_beside(header: Header, href: str) -> Header:
    """Return a header completed by the georeference that lies beside the raster."""
    beside = read_beside(href)
    try:
        crs = _crs(CRS.from_wkt(beside.wkt), href) if beside.wkt else header.crs
    except CRSError as error:
        raise SceneError("CRS beside the raster cannot be read", where=href, got=beside.wkt[:80], expected="WKT") from error
    return replace(header, crs=crs, transform=beside.transform or header.transform, files=(*header.files, *beside.hrefs))


def _wavelength(tags: Mapping[str, str]) -> float | None:
    try:
        value = float(tags["wavelength"])
    except (KeyError, ValueError):
        return None
    unit = tags.get("wavelength_units", "").lower()
    return value / 1000 if unit.startswith("nano") or value > 100 else value


def _refuse_truncated(dataset: Any, href: str) -> None:
    """Raise SceneError when the last block of a TIFF lies past the end of the file, which GDAL notices only when that block is read."""
    path = on_disk(href)
    if dataset.driver != "GTiff" or path is None or href != str(path):
        return
    size = path.stat().st_size
    for band in {1, dataset.count}:
        rows, cols = dataset.block_shapes[band - 1]
        last = f"{(dataset.width - 1) // cols}_{(dataset.height - 1) // rows}"
        start = dataset.get_tag_item(f"BLOCK_OFFSET_{last}", "TIFF", bidx=band)
        length = dataset.get_tag_item(f"BLOCK_SIZE_{last}", "TIFF", bidx=band)
        if start and length and int(start) + int(length) > size:
            raise SceneError(
                "TIFF is cut short", where=href, got=f"{size} bytes", expected=f"at least {int(start) + int(length)}", remedy="download it again"
            )
