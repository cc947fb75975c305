"""A remote raster as a file of which only the pages that are needed are brought; GDAL itself never reaches the network."""

from __future__ import annotations

import io
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from camwatch.errors import SceneError
from camwatch.scenes.fetching.remote import PIECE, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from camwatch.scenes.fetching.remote import Answer, Http

PAGE = PIECE
KINDS = {b"II*\0": "GTiff", b"MM\0*": "GTiff", b"II+\0": "GTiff", b"MM\0+": "GTiff", b"\0\0\0\x0c": "JP2OpenJPEG"}
"""How a file begins → the one driver that may open it: TIFF, BigTIFF, JPEG 2000."""

_TAME: dict[str, Any] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "/dev/null",
    "PROJ_NETWORK": "OFF",
    "GDAL_NUM_THREADS": 1,
}


class RemoteFile:
    """The bytes behind an address, in pages that are asked for once.

    Parameters
    ----------
    http : Http
    address : str
    sign : callable (address) -> address, optional
        Gives the address a signature; asked again when a signature has run out.
    limit : int
        Bytes that may be brought.

    Attributes
    ----------
    failure : BaseException or None
        Why bytes could not be had, an interruption by the user among the reasons. GDAL swallows what a file raises, so it is kept here for
        :func:`open_remote` to raise.

    Raises
    ------
    SceneError
        When the server does not give the beginning of the file.
    """

    def __init__(self, http: Http, address: str, *, sign: Callable[[str], str] | None = None, limit: int) -> None:
        self.address = address
        self.size = -1
        self.failure: BaseException | None = None
        self._http, self._sign, self._left = http, sign, limit
        self._pages: dict[int, bytes] = {}
        self._version = ""
        self._signed = address if sign is None else sign(address)
        self._bring(0, 1)

    def read(self, start: int, count: int) -> bytes:
        """Return `count` bytes from `start`, fewer at the end of the file; SceneError where the server does not give them."""
        end = min(start + count, self.size)
        if end <= start:
            return b""
        first, last = start // PAGE, (end - 1) // PAGE + 1
        missing = [n for n in range(first, last) if n not in self._pages]
        if missing:
            self._bring(missing[0], missing[-1] + 1)
        joined = b"".join(self._pages[n] for n in range(first, last))
        return joined[start - first * PAGE : end - first * PAGE]

    def _bring(self, first: int, last: int) -> None:
        """Bring pages `first` to before `last` in one request."""
        start, end = first * PAGE, last * PAGE if self.size < 0 else min(last * PAGE, self.size)
        if end - start > self._left:
            raise SceneError("file asks for too many bytes", where=shown(self.address), remedy="raise --max-mb if the window really is that large")
        check, headers = self._checker(start, end), {"Range": f"bytes={start}-{end - 1}"}
        answer = self._http.ask(self._signed, headers=headers, accept=frozenset({206, 401, 403}), limit=end - start, check=check)
        if answer.status in (401, 403) and self._sign is not None and self.size >= 0:
            self._signed = self._sign(self.address)  # the signature has run out
            answer = self._http.ask(self._signed, headers=headers, accept=frozenset({206}), limit=end - start, check=check)
        if answer.status in (401, 403):
            got, remedy = f"HTTP status {answer.status}", "the archive wants a log-in or a signed address: give --sign URL, or another --api"
            raise SceneError("server does not hand it out", where=shown(self.address), got=got, remedy=remedy)
        self._left -= len(answer.body)
        self.size = _span(answer)[2]
        version = answer.headers.get("etag", "")
        if self._version not in ("", version):
            raise SceneError("file changed while it was read", where=shown(self.address), remedy="start the same command again")
        self._version = version
        for n in range(first, last):
            self._pages[n] = answer.body[n * PAGE - start : (n + 1) * PAGE - start]

    def _checker(self, start: int, end: int) -> Callable[[Answer], str]:
        def check(answer: Answer) -> str:
            if answer.status in (401, 403):
                return ""
            begin, stop, size = _span(answer)
            wanted = min(end, size)
            if (begin, stop + 1) != (start, wanted) or len(answer.body) != wanted - start or self.size not in (-1, size):
                return f"bytes {begin}-{stop} of {size} ({len(answer.body)} bytes) where {start}-{end - 1} were asked for"
            return ""

        return check


def _span(answer: Answer) -> tuple[int, int, int]:
    """Return first byte, last byte and size of the file as `Content-Range` states them; (-1, -1, -1) where it does not."""
    found = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", answer.headers.get("content-range", "").strip())
    return (int(found[1]), int(found[2]), int(found[3])) if found else (-1, -1, -1)


class _Cursor(io.RawIOBase):
    """A place in a remote file, as GDAL wants it; it ends the file where bytes cannot be had."""

    def __init__(self, remote: RemoteFile) -> None:
        self._remote, self._at = remote, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._remote.size)[whence]
        return self._at

    def read(self, count: int = -1) -> bytes:
        if self._remote.failure is not None:
            return b""
        try:
            data = self._remote.read(self._at, self._remote.size if count < 0 else count)
        except BaseException as error:  # noqa: BLE001  kept, and raised where GDAL cannot swallow it
            self._remote.failure = error
            return b""
        self._at += len(data)
        return data


@contextmanager
def open_remote(remote: RemoteFile) -> Iterator[Any]:
    """Open a remote GeoTIFF or JPEG 2000 for reading, as a context manager.

    Raises
    ------
    SceneError
        When it is neither, damaged, or its bytes cannot be had; also when reading inside the block fails.
    """
    start = remote.read(0, 64)
    driver = KINDS.get(start[:4])
    if driver is None:
        got = "a web page" if start.lstrip()[:1] == b"<" else repr(start[:12])
        raise SceneError("not a raster", where=shown(remote.address), got=got, expected="a GeoTIFF or JPEG 2000")
    with rasterio.Env(**_TAME), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said in our own words where it matters
        try:
            with rasterio.open(f"remote-{id(remote):x}", driver=driver, opener=lambda *_, **__: _Cursor(remote)) as dataset:
                yield dataset
        except RasterioError as error:
            if remote.failure is not None:
                raise remote.failure from error
            # Pixels that cannot be decoded: what rasterio says itself is only that there was something before. GDAL's name of the file is ours alone.
            said = re.sub(r"(/vsi\w+/)?remote-[0-9a-f]+", "file", " ".join(str(error.__cause__ or error).split()))[:160]
            raise SceneError("not a raster that can be opened", where=shown(remote.address), got=said, expected=f"a whole {driver} file") from error
        if remote.failure is not None:  # GDAL may have gone on without what it could not have
            raise remote.failure
