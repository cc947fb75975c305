"""A canary: files and an address that nothing may touch; the kernel and a server notice when something does."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from camwatch.rasters import write_raster
from products import BOX, DN

if TYPE_CHECKING:
    from pathlib import Path

_ACCESS, _OPEN, _NONBLOCK = 0x1, 0x20, 0o4000
"""inotify(7): IN_ACCESS, IN_OPEN, IN_NONBLOCK."""


class Canary:
    """`folder` holds files, `address` is a web server on this machine; `touched()` says which of them were opened, read or asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_raster(folder / "secret.tif", DN, BOX)
        (folder / "secret.vrt").write_text("<VRTDataset rasterXSize='1' rasterYSize='1'/>")
        (folder / "secret.gsb").write_bytes(bytes(1000))
        (folder / "secret.txt").write_text("2011-05-29")
        with zipfile.ZipFile(folder / "secret.zip", "w") as archive:
            archive.write(folder / "secret.tif", "x.tif")
        asked = self._asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            do_HEAD = do_GET  # noqa: N815 - the name that the server calls

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        libc = ctypes.CDLL(None, use_errno=True)
        self._watch = libc.inotify_init1(_NONBLOCK)
        assert self._watch >= 0, os.strerror(ctypes.get_errno())
        assert libc.inotify_add_watch(self._watch, os.fsencode(folder), _ACCESS | _OPEN) >= 0, os.strerror(ctypes.get_errno())

    def touched(self) -> list[str]:
        """Return the names of the files that were opened or read and the paths that were asked for since the last call."""
        names = []
        try:
            events = os.read(self._watch, 2**16)
        except BlockingIOError:
            events = b""
        while events:
            size = struct.unpack_from("iIII", events)[3]
            names.append(os.fsdecode(events[16 : 16 + size].rstrip(b"\0")))
            events = events[16 + size :]
        names += self._asked
        self._asked.clear()
        return names

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        os.close(self._watch)
