"""Ways to damage a product, or to make it lie; every one takes bytes and a random generator and returns other bytes."""

from __future__ import annotations

import json
import re
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Mutation = Callable[[bytes, np.random.Generator], bytes]

NUMBERS = [
    "nan",
    "inf",
    "-inf",
    "1e308",
    "-1e308",
    "1e-308",
    "-1",
    "0",
    "",
    "9" * 400,
    "1e400",
    "0x10",
    "١٢",
    "1,5",
    "--",
    "2147483648",
    "-0.0",
    "1_0",
]
WORDS = [
    "",
    " ",
    "x",
    "\u202ecba\u2066",
    "a\nb",
    "\x1b[31m",
    "../../elsewhere/secret.tif",
    "ELSEWHERE/secret.tif",
    "ELSEWHERE/secret.vrt",
    "/vsicurl/ADDRESS/x.tif",
    "ADDRESS/x.tif",
    "NETCDF:ELSEWHERE/secret.tif:x",
    "GTIFF_DIR:1:ELSEWHERE/secret.tif",
    "/vsizip/{ELSEWHERE/secret.zip}/x.tif",
    "y" * 100_000,
    "9999-99-99",
    "0000-00-00T00:00:00Z",
    "2015-07-10T99:99:99+99:99",
    "EPSG:999999",
    "+proj=utm +zone=52 +nadgrids=ELSEWHERE/secret.gsb",
]
VALUES: list[Any] = [None, True, [], {}, [[]], "", "x", -1, 0, 1e308, 10**400, float("nan"), float("-inf"), ["x"] * 3, {"href": 1}, [None], 2**63]


def _at(data: bytes, rng: np.random.Generator, near: int | None = None) -> int:
    return int(rng.integers(0, max(1, min(len(data), near or len(data)))))


def flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    new = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        if new:
            new[_at(data, rng, 1500 if rng.random() < 0.6 else None)] ^= 1 << int(rng.integers(8))
    return bytes(new)


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: _at(data, rng, 600 if rng.random() < 0.3 else None)]


def cut_front(data: bytes, rng: np.random.Generator) -> bytes:
    return data[_at(data, rng, 600) :]


def swap(data: bytes, rng: np.random.Generator) -> bytes:
    size = int(rng.integers(1, 200))
    a, b = sorted((_at(data, rng), _at(data, rng)))
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


def wipe(data: bytes, rng: np.random.Generator) -> bytes:
    a, size = _at(data, rng, 1500 if rng.random() < 0.5 else None), int(rng.integers(1, 400))
    fill = bytes(size) if rng.random() < 0.5 else rng.bytes(size)
    return data[:a] + fill + data[a + size :]


def insert(data: bytes, rng: np.random.Generator) -> bytes:
    a = _at(data, rng)
    return data[:a] + rng.bytes(int(rng.integers(1, 60))) + data[a:]


def extreme(data: bytes, rng: np.random.Generator) -> bytes:
    """Write the largest, smallest and most negative integers where a header may keep a size or an offset."""
    new = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        size = int(rng.choice([1, 2, 4, 8]))
        value = [b"\xff" * size, bytes(size), b"\x7f" + b"\xff" * (size - 1), b"\xff" * (size - 1) + b"\x7f", b"\x80" + bytes(size - 1)][
            rng.integers(5)
        ]
        a = _at(data, rng, 800 if rng.random() < 0.7 else None)
        new[a : a + size] = value
    return bytes(new)


def nothing(data: bytes, rng: np.random.Generator) -> bytes:
    return b""


def other_magic(data: bytes, rng: np.random.Generator) -> bytes:
    """Be a programme, under the name of a raster."""
    source = [
        b"<VRTDataset rasterXSize='32' rasterYSize='24'><VRTRasterBand dataType='Byte' band='1'>%s</VRTRasterBand></VRTDataset>"
        % b"<SimpleSource><SourceFilename>ELSEWHERE/secret.tif</SourceFilename></SimpleSource>",
        b"<GDAL_WMS><Service name='TMS'><ServerUrl>ADDRESS/${z}/${x}/${y}.png</ServerUrl></Service></GDAL_WMS>",
        b"ELSEWHERE/secret.tif",
        b"\x89HDF\r\n\x1a\n" + bytes(600),
        b"CDF\x01" + bytes(100),
        b"EHFA_HEADER_TAG\0" + bytes(500),
        b"NITF02.10" + bytes(800),
        b"%PDF-1.4\n" + bytes(100),
    ]
    start = source[rng.integers(len(source))]
    return start if rng.random() < 0.5 else start + data


def tiff_entry(data: bytes, rng: np.random.Generator) -> bytes:
    """Change type, count or value of some entries of a TIFF's directories (TIFF 6.0, section 2; BigTIFF likewise)."""
    new = bytearray(data)
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    size, start = (20, 8) if big else (12, 4)
    at = struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, 8 if big else 4)[0]
    count = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, at)[0]
    entries = [at + (8 if big else 2) + n * size for n in range(min(max(count, 1), 200))]
    for _ in range(int(rng.integers(1, 3))):
        entry = int(rng.choice(entries))
        what = rng.integers(4)
        value = int(rng.choice([0, 1, 2, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1, 1000, 30000]))
        if what == 0:
            struct.pack_into(f"{order}H", new, entry + 2, int(rng.integers(0, 20)))
        elif what == 1:
            struct.pack_into(f"{order}I", new, entry + 4, value)
        elif what == 2:
            struct.pack_into(f"{order}H", new, entry, int(rng.integers(254, 345)))
        else:
            struct.pack_into(f"{order}I", new, entry + start + (8 if big else 4), value)
    return bytes(new)


def tiff_text(data: bytes, rng: np.random.Generator) -> bytes:
    """Append the text of a tag in which GDAL keeps metadata of any domain, and let the first ASCII or the last entry be that tag."""
    text = b'<GDALMetadata><Item name="OVERVIEW_FILE" domain="OVERVIEWS">ELSEWHERE/secret.tif</Item>'
    text += b'<Item name="SCALE" sample="0" role="scale">' + NUMBERS[rng.integers(len(NUMBERS))].encode() + b"</Item></GDALMetadata>\0"
    if data[:4] != b"II*\0":
        return tiff_entry(data, rng)
    new = bytearray(data + bytes(len(data) % 2))
    at = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, at)[0]
    entries = [data[at + 2 + n * 12 : at + 14 + n * 12] for n in range(count)]
    entries = [entry for entry in entries if struct.unpack_from("<H", entry)[0] != 42112]
    entries = sorted([*entries, struct.pack("<HHII", 42112, 2, len(text), len(new))], key=lambda entry: struct.unpack_from("<H", entry)[0])
    new += text + bytes(len(text) % 2)
    struct.pack_into("<I", new, 4, len(new))
    return bytes(new) + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def jp2_box(data: bytes, rng: np.random.Generator) -> bytes:
    """Change the length of a box, or a field of the SIZ or COD marker (ISO/IEC 15444-1, annexes A and I)."""
    new = bytearray(data)
    boxes = [found.start() - 4 for found in re.finditer(rb"jP  |ftyp|jp2h|ihdr|colr|uuid|asoc|xml |lbl |jp2c", data)]
    siz = data.find(b"\xff\x51")
    value = int(rng.choice([0, 1, 7, 8, 100, 65535, 2**31 - 1, 2**32 - 1]))
    if rng.random() < 0.4 and boxes:
        struct.pack_into(">I", new, int(rng.choice(boxes)), value)
    elif siz >= 0:
        struct.pack_into(">I", new, siz + 6 + 4 * int(rng.integers(0, 20)), value)
    return bytes(new)


def number_in_text(data: bytes, rng: np.random.Generator) -> bytes:
    text = data.decode("utf-8", "replace")
    found = list(re.finditer(r"(?<![\w.])-?\d+(\.\d+)?(e-?\d+)?", text))
    if not found:
        return flip_bits(data, rng)
    one = found[rng.integers(len(found))]
    return (text[: one.start()] + NUMBERS[rng.integers(len(NUMBERS))] + text[one.end() :]).encode()


def word_in_text(data: bytes, rng: np.random.Generator) -> bytes:
    text = data.decode("utf-8", "replace")
    found = list(re.finditer(r"(?<=[>\"=:] )[^<>\"\n]+|(?<=[>\"=:])[^<>\"\n]+", text))
    if not found:
        return flip_bits(data, rng)
    one = found[rng.integers(len(found))]
    return (text[: one.start()] + WORDS[rng.integers(len(WORDS))] + text[one.end() :]).encode("utf-8", "surrogatepass")


def lines_of_text(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.split(b"\n")
    a, b = (int(rng.integers(len(lines))) for _ in range(2))
    what = rng.integers(4)
    if what == 0:
        del lines[a]
    elif what == 1:
        lines.insert(b, lines[a])
    elif what == 2:
        lines[a], lines[b] = lines[b], lines[a]
    else:
        lines = lines[:a] + lines[a : a + 1] * int(rng.integers(2, 3000)) + lines[a:]
    return b"\n".join(lines)


def encoding(data: bytes, rng: np.random.Generator) -> bytes:
    text = data.decode("utf-8", "replace")
    return [
        text.encode("utf-16"),
        b"\xef\xbb\xbf" + data,
        data.replace(b"a", b"\xff"),
        b"\xff\xfe" + data,
        data.replace(b"\n", b"\r\n"),
        data + b"\0" * 50,
        text.encode("utf-32"),
    ][rng.integers(7)]


def structure(data: bytes, rng: np.random.Generator) -> bytes:
    """Replace, rename, repeat, nest or drop a part of an XML or JSON document."""
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return json.dumps(_other_json(json.loads(data), rng)).encode()
        except (ValueError, RecursionError):
            return cut(data, rng)
    tags = list(re.finditer(rb"<(\w[\w:]*)[^<>]*>[^<>]*</\1>", data))
    if not tags:
        return lines_of_text(data, rng)
    one = tags[rng.integers(len(tags))]
    middle = [
        b"",
        one[0] * 2,
        one[0] * 500,
        b"<a>" * 3000 + b"</a>" * 3000,
        b"<" + one[1] + b"/>",
        b"<x>" + one[0] + b"</x>",
        one[0].replace(one[1], b"y:" + one[1]),
        one[0][: len(one[0]) // 2],
        b"<" + one[1] + b">" + one[0] + b"</" + one[1] + b">",
        b"<!-- -->",
    ][rng.integers(10)]
    return data[: one.start()] + middle + data[one.end() :]


def _other_json(document: Any, rng: np.random.Generator) -> Any:
    """Replace, drop, rename or wrap one value of a JSON document, each with the same chance, however deep it lies."""
    places: list[tuple[Any, Any]] = []
    left = [document]
    while left:
        value = left.pop()
        entries = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
        places += [(value, key) for key, _ in entries]
        left += [entry for _, entry in entries]
    if not places or rng.random() < 0.02:
        return VALUES[rng.integers(len(VALUES))]
    parent, key = places[rng.integers(len(places))]
    what = rng.random()
    if what < 0.6:
        parent[key] = VALUES[rng.integers(len(VALUES))]
    elif what < 0.7:
        parent[key] = [parent[key]]
    elif what < 0.8:
        parent[key] = WORDS[rng.integers(len(WORDS))]
    elif isinstance(parent, dict):
        value = parent.pop(key)
        if what < 0.9:
            parent[f"x{key}"] = value
    return document


def entities(data: bytes, rng: np.random.Generator) -> bytes:
    """Put a document type before an XML document: entities that grow, that lie elsewhere, a DTD elsewhere."""
    if data.lstrip()[:1] != b"<":
        return b'{"a":' * 5000 + data
    body = re.sub(rb"^\s*<\?xml.*?\?>", b"", data)
    name = (re.search(rb"<(\w+)", body) or [b"", b"x"])[1]
    growing = b'<!ENTITY a "' + b"a" * 50 + b'">' + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 20) for n in range(8))
    start = [
        b"<!DOCTYPE " + name + b" [" + growing + b"]>",
        b"<!DOCTYPE " + name + b" [<!ENTITY i SYSTEM 'file://ELSEWHERE/secret.tif'>]>",
        b"<!DOCTYPE " + name + b" SYSTEM 'ADDRESS/x.dtd'>",
        b"<!DOCTYPE " + name + b" [<!ENTITY % p SYSTEM 'ADDRESS/p.dtd'> %p;]>",
        b"<?xml-stylesheet href='ADDRESS/x.xsl'?>",
    ][rng.integers(5)]
    text = re.sub(rb">([^<>&]+)<", rb">&i;<", body, count=2)
    return b"<?xml version='1.0'?>" + start + (text if b"SYSTEM 'file" in start or b"growing" in start else body)


BYTES: list[Mutation] = [flip_bits, flip_bits, flip_bits, cut, cut_front, swap, wipe, insert, extreme, nothing]
TEXT: list[Mutation] = [
    number_in_text,
    number_in_text,
    word_in_text,
    word_in_text,
    lines_of_text,
    encoding,
    structure,
    structure,
    entities,
    flip_bits,
    cut,
]
RASTER: dict[bytes, list[Mutation]] = {b"II": [tiff_entry, tiff_entry, tiff_text], b"MM": [tiff_entry], b"\0\0": [jp2_box, jp2_box]}
NAMES = [
    "a\nb.tif",
    "a;b.tif",
    "\u202egnp.tif",
    "a b.tif",
    "-rf.tif",
    "x{y}.tif",
    "x}.tif",
    "%s%n.tif",
    "$(x).tif",
    "a,b.tif",
    "GTIFF_DIR:1:x.tif",
    "x?y#z.tif",
]


def is_text(name: str) -> bool:
    """Whether a file holds metadata as text."""
    return name.lower().endswith((".txt", ".xml", ".json", ".hdr", ".imd", ".dim", ".met", ".til", ".gml", ".points", "w"))


def mutate(data: bytes, name: str, rng: np.random.Generator) -> tuple[str, bytes]:
    """Return what was done to the content of a file, and the new content; addresses stand for themselves as `ELSEWHERE` and `ADDRESS`."""
    chosen = [*TEXT] if is_text(name) else [*BYTES, *3 * RASTER.get(data[:2], []), other_magic]
    names = []
    for _ in range(int(rng.choice([1, 1, 1, 1, 2]))):
        one = chosen[rng.integers(len(chosen))]
        names.append(one.__name__)
        try:
            data = one(data, rng)
        except struct.error:  # what another mutation left is no TIFF or JP2 any more
            data = cut(data, rng)
    return "+".join(names), data
