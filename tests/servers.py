"""Real servers on the loopback interface: files with byte ranges and with faults, a signer, a STAC API that pages, and `rustac serve`."""

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


class Archive(ThreadingHTTPServer):
    """Files by path, and what goes wrong with the next requests for them.

    `faults[path]` is a list that each request for the path takes one entry from: `429`, `500`, `404`, … (a status; `429:2` with `Retry-After: 2`),
    `stall` (headers, then silence), `trickle` (a byte now and then), `half` (half of the body, then the connection closes), `elsewhere` (a wrong
    `Content-Range`), `whole` (the range is ignored), `html`, `->URL` (a redirect), `changed` (another ETag), `ok`. One with `*` before it stays:
    `*500` for ever.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.sent = 0
        self.signed_only: set[str] = set()
        self.signature = 0
        self.pages: list[list[dict]] = []
        self.paging = "POST"
        self.queries: list[dict] = []
        self.open = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that hangs up in time is what the tests want."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Archive

    def log_message(self, *_):
        """Silent."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if urlsplit(self.path).path == "/stac/search":
            if self._fault("/stac/search"):
                return None
            if self.server.paging == "GET only":
                return self._give(405, b"no")
            return self._page(body, int(body.get("token", 0)))
        return self._give(404, b"no")

    def do_GET(self):
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.server.asked.append((parts.path, self.headers.get("Range", "")))
        if parts.path == "/sign":
            if self._fault("/sign"):
                return None
            self.server.signature += 1
            signed = {"href": f"{query['href']}?sig={self.server.signature}", "msft:expiry": "2030-01-01T00:00:00Z"}
            return self._give(200, json.dumps(signed).encode(), "application/json")
        if parts.path == "/stac/search":
            return None if self._fault(parts.path) else self._page(query, int(query.get("token", 0)))
        if parts.path in self.server.signed_only and query.get("sig") != str(self.server.signature):
            return self._give(403, b"<Error>signature</Error>", "application/xml")
        if parts.path not in self.server.files:
            return self._give(404, b"no such file")
        return None if self._fault(parts.path) else self._file(self.server.files[parts.path])

    def _page(self, query: dict, number: int):
        self.server.queries.append(query)
        pages = self.server.pages
        links = []
        if number + 1 < len(pages):
            search = f"{self.server.address}/stac/search"
            links = [
                {"rel": "next", "method": "POST", "href": search, "merge": True, "body": {"token": number + 1}}
                if self.server.paging == "POST"
                else {"rel": "next", "href": f"{search}?token={number + 1}"}
            ]
        page = {"type": "FeatureCollection", "features": pages[number] if number < len(pages) else [], "links": links}
        return self._give(200, json.dumps(page).encode(), "application/geo+json")

    def _give(self, status: int, body: bytes, kind="text/plain", **headers: str):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.server.sent += len(body)
        self.wfile.write(body)

    def _file(self, data: bytes, *, shift=0, etag='"1"'):
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not found:
            return self._give(200, data, "application/octet-stream")
        start, end = int(found[1]), min(int(found[2]), len(data) - 1)
        span = f"bytes {start + shift}-{end + shift}/{len(data)}"
        return self._give(206, data[start : end + 1], "image/tiff", Content_Range=span, ETag=etag)

    def _fault(self, path: str) -> bool:
        """Do what the next fault of a path says; return whether that was an answer."""
        waiting = self.server.faults.get(path)
        if not waiting:
            return False
        fault = waiting[0] if waiting[0].startswith("*") else waiting.pop(0)
        fault = fault.lstrip("*")
        if fault == "ok":
            return False
        data = self.server.files.get(path, b"x" * 4096)
        if fault[0].isdigit():
            status, _, after = fault.partition(":")
            self._give(int(status), b"busy", **({"Retry_After": after} if after else {}))
        elif fault.startswith("->"):
            self._give(302, b"", Location=fault[2:])
        elif fault == "html":
            self._give(200, b"<!DOCTYPE html><html>log in</html>", "text/html")
        elif fault == "whole":
            self._give(200, data, "image/tiff")
        elif fault == "elsewhere":
            self._file(data, shift=512)
        elif fault == "changed":
            self._file(data, etag='"2"')
        else:
            self._broken(fault, data)
        return True

    def _broken(self, fault: str, data: bytes):
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, end = (int(found[1]), min(int(found[2]), len(data) - 1)) if found else (0, len(data) - 1)
        body = data[start : end + 1]
        self.send_response(206 if found else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2 if fault == "half" else 10])
        self.wfile.flush()
        while fault == "trickle" and not self.server.open.wait(0.02):
            self.wfile.write(body[:1])
            self.wfile.flush()
        if fault == "stall":
            self.server.open.wait(20)
        self.close_connection = True


@contextmanager
def archive() -> Iterator[Archive]:
    with Archive() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.open.set()
            server.shutdown()
            thread.join()


@contextmanager
def rustac(folder: Path, items: list[dict]) -> Iterator[str]:
    """A STAC API of somebody else's making, with these Items; yields its address."""
    program = Path(sys.executable).with_name("rustac")
    command = str(program) if program.is_file() else shutil.which("rustac")
    assert command, "rustac is not installed: pip install 'camwatch[test]'"
    paths = []
    for n, item in enumerate(items):
        paths.append(folder / f"{n}.json")
        paths[-1].write_text(json.dumps(item))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        [command, "serve", "--addr", here, "--create-collections", *map(str, paths)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            assert process.poll() is None, "rustac serve ended"
            try:
                with urllib.request.urlopen(f"http://{here}/", timeout=1) as answer:
                    assert answer.status == 200
                    break
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.05)
        yield f"http://{here}"
    finally:
        process.terminate()
        process.wait(10)
