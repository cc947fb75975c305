"""The only door to a stranger's raster: which drivers may open it, with which options, and what its header says.

A VRT is never opened: it is a programme that names other files. Nothing reaches the network.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rasterio
from odc.geo.geobox import GeoBox
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.io import DatasetReader

from camwatch.errors import SceneError
from camwatch.scenes.files import on_disk
from camwatch.scenes.hdf4 import SCHEME as HDF4
from camwatch.scenes.hdf4 import open_hdf4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from affine import Affine

DRIVERS = ["GTiff", "JP2OpenJPEG", "ENVI", "HFA", "PNG", "JPEG"]
"""Formats with pixels of their own and nothing to execute or to follow. A cloud optimised GeoTIFF is opened by GTiff."""

_TAME: dict[str, Any] = {
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "none",
    "GDAL_HTTP_MAX_RETRY": 0,
    "PROJ_NETWORK": "OFF",
    "GDAL_NUM_THREADS": 1,
    "VRT_SHARED_SOURCE": 0,
}


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

    @property
    def georeferenced(self) -> bool:
        """Whether a CRS and a transform place the pixels."""
        return self.crs is not None and not self.transform.is_identity and self.transform.determinant != 0

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
        Let GDAL look for world files, headers and masks beside the raster. Bands of a product need none.

    Raises
    ------
    SceneError
        When the file is none of the allowed formats, or damaged; also when reading inside the block fails.
    """
    if href.startswith(HDF4):
        with open_hdf4(href) as image:
            yield image
        return
    siblings = "TRUE" if companions else "EMPTY_DIR"
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN=siblings, **_TAME):
        try:
            # rasterio.open would take one driver only; its reader takes a list.
            with DatasetReader(href, driver=DRIVERS) as dataset:
                yield dataset
        except (RasterioIOError, RasterioError) as error:
            raise SceneError(
                "not a raster that can be opened",
                where=href,
                got=" ".join(str(error).split())[:160],
                expected="a complete " + ", ".join(DRIVERS) + " file",
                remedy="check the file or download it again",
            ) from error


def read_header(href: str, *, companions: bool = False) -> Header:
    """Return what a raster says about itself, without reading a pixel; SceneError where it cannot be opened or is cut short."""
    with warnings.catch_warnings():
        # Said in our own words, as an error, where it matters. Only headers of strangers' files meet it, so pixels can be read from threads.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with open_raster(href, companions=companions) as dataset:
            return _header(dataset, href)


def _header(dataset: Any, href: str) -> Header:
    _refuse_truncated(dataset, href)
    count = dataset.count
    code = dataset.crs.to_epsg() if dataset.crs else None
    return Header(
        driver=dataset.driver,
        crs=None if not dataset.crs else f"EPSG:{code}" if code else dataset.crs.to_wkt(),
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
        per_dataset_mask=any(MaskFlags.per_dataset in f and MaskFlags.alpha not in f for f in dataset.mask_flag_enums),
        tags={**dataset.tags(ns="ENVI"), **dataset.tags(ns="IMAGERY"), **dataset.tags()},
        files=tuple(dataset.files),
        other_georeference="ground control points" if dataset.gcps[0] else "rational polynomials" if dataset.tags(ns="RPC") else "",
    )


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
