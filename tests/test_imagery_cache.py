"""What is decoded is decoded once, only where it is needed, and the answer never depends on it."""

import os
import re
import shutil
import tarfile
import zipfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.io import MemoryFile

from camwatch import resources
from camwatch.imagery import load, stored
from camwatch.imagery.cache import SIDE, Cache, Square, identity, is_slow, user_cache
from camwatch.rasters import write_raster
from camwatch.resources import CACHE_VARIABLE
from camwatch.scenes import open_scene
from camwatch.scenes.build import build_item
from camwatch.scenes.facts import Channel, Facts, Layer

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

BOX = GeoBox((700, 1100), Affine(10, 0, 560_000, 0, -10, 4_650_000), "EPSG:32652")
WINDOWS = {
    "inside one square": ((60, 70), (40, 30)),
    "across squares": ((100, 600), (480, 400)),
    "at the far corner": ((80, 90), (620, 1010)),
    "beyond the edge": ((200, 200), (600, 1000)),
    "all": ((700, 1100), (0, 0)),
}


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch) -> Path:
    """The cache of a test."""
    folder = tmp_path / "kept"
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def decoded(monkeypatch) -> list[tuple[int, int, int, int]]:
    """Windows (column, row, width, height) that were read from files, in order."""
    seen = []
    plain = stored._pixels

    def noting(dataset, indexes, window, shape=None):
        seen.append(tuple(int(v) for v in window.flatten()))
        return plain(dataset, indexes, window, shape)

    monkeypatch.setattr(stored, "_pixels", noting)
    return seen


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def numbers(seed: int = 1, box: GeoBox = BOX, bands: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, (bands, *box.shape)).astype(np.uint16)


@cache
def encoded(content: bytes, shape: tuple[int, ...], kind: str, box: GeoBox, tile: int) -> bytes:
    """Return a JPEG 2000 file; many tests read the same one, and writing it takes longer than what they do with it."""
    profile = {"count": shape[0], "height": box.shape[0], "width": box.shape[1], "dtype": kind, "crs": str(box.crs)}
    options = {"QUALITY": "100", "REVERSIBLE": "YES", "blockxsize": tile, "blockysize": tile}
    with MemoryFile(ext=".jp2") as file:
        with file.open(driver="JP2OpenJPEG", transform=box.affine, **profile, **options) as dataset:
            dataset.write(np.frombuffer(content, kind).reshape(shape))
        return bytes(file.getbuffer())


def write(path: Path, values: np.ndarray, box: GeoBox = BOX, *, tile: int = 256) -> Path:
    path.write_bytes(encoded(values.tobytes(), values.shape, values.dtype.name, box, tile))
    return path


def part_of(shape: tuple[int, int], start: tuple[int, int]) -> GeoBox:
    return GeoBox(shape, BOX.affine * Affine.translation(start[1], start[0]), BOX.crs)


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("tile", [1024, 200])  # blocks of two squares, and blocks that squares do not fit
def test_the_same_numbers_with_and_without(tmp_path, monkeypatch, decoded, name, tile):
    values = numbers()
    item = open_scene(write(tmp_path / "x_20110529.jp2", values, tile=tile))
    target = part_of(*WINDOWS[name])
    first = load(item, target)
    count = len(decoded)
    assert count == 1
    second = load(item, target)
    assert len(decoded) == count  # nothing was decoded again
    monkeypatch.setenv(CACHE_VARIABLE, "off")
    without = load(item, target)
    assert len(decoded) == count + 1
    for image in (second, without):
        assert image.values.tobytes() == first.values.tobytes()
        assert image.valid.tobytes() == first.valid.tobytes()
    (rows, cols), (row, col) = WINDOWS[name]
    truth = values[0, row : row + rows, col : col + cols]
    assert (first.values[0, : truth.shape[0], : truth.shape[1]] == truth).all()
    assert first.valid.sum() == truth.size


def test_nothing_outside_the_window_s_blocks_is_decoded(tmp_path, decoded):
    """The tiles of a JPEG 2000 file other than those under the window are overwritten: whoever decoded them would fail or see it."""
    values = numbers()
    path = write(tmp_path / "x_20110529.jp2", values, tile=256)
    item = open_scene(path)
    data = bytearray(path.read_bytes())
    wanted = {5 * row + col for row in (0, 1) for col in (2, 3)}  # 5 tiles across; rows 300-500 and columns 540-890 lie in the squares of these
    starts = [found.start() for found in re.finditer(rb"\xff\x90\x00\x0a", bytes(data))]  # SOT, the start of a tile-part, and its length
    assert len(starts) == 15
    for start in starts:
        tile, length = int.from_bytes(data[start + 4 : start + 6], "big"), int.from_bytes(data[start + 6 : start + 10], "big")
        if tile not in wanted:
            data[start + 14 : start + length] = b"\x00" * (length - 14)
    path.write_bytes(data)
    item = open_scene(path)
    for _ in range(2):
        image = load(item, part_of((200, 350), (310, 540)))
        assert (image.values[0] == values[0, 310:510, 540:890]).all()
    assert decoded == [(512, 0, 512, 512)]


def test_only_what_is_missing_is_decoded(tmp_path, decoded):
    item = open_scene(write(tmp_path / "x_20110529.jp2", numbers(), tile=512))
    load(item, part_of((400, 400), (50, 50)))
    load(item, part_of((400, 800), (50, 50)))
    assert decoded == [(0, 0, 512, 512), (512, 0, 512, 512)]


def test_plain_tiffs_are_not_kept(tmp_path, kept):
    path = write_raster(tmp_path / "x_20110529.tif", numbers(), BOX)
    load(open_scene(path), part_of((60, 70), (40, 30)))
    with tarfile.open(tmp_path / "plain_20110529.tar", "w") as out:
        out.add(path, "x_20110529.tif")
    load(open_scene(tmp_path / "plain_20110529.tar"), part_of((60, 70), (40, 30)))
    assert not kept.exists()


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_members_of_compressed_archives_are_kept(tmp_path, decoded, suffix):
    values = numbers(bands=3)
    path, archive = write_raster(tmp_path / "x_20110529.tif", values, BOX, nodata=7), tmp_path / f"a{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
            out.write(path, "x_20110529.tif")
    else:
        with tarfile.open(archive, "w:gz") as out:
            out.add(path, "x_20110529.tif")
    path.unlink()
    item = open_scene(archive)
    for _ in range(2):
        image = load(item, part_of((400, 600), (300, 300)))
        truth = values[:, 300:700, 300:900]
        assert (image.values == truth).all()
        assert (image.valid == (truth != 7).all(axis=0)).all()  # the declared no-data value is remembered with the pixels
    assert len(decoded) == 1


def test_a_file_that_was_replaced_is_decoded_again(tmp_path):
    path = write(tmp_path / "x_20110529.jp2", numbers(1))
    item, target = open_scene(path), part_of((60, 70), (40, 30))
    load(item, target)
    said = path.stat()
    write(tmp_path / "y_20110529.jp2", numbers(2)).replace(path)
    os.utime(path, ns=(said.st_atime_ns, said.st_mtime_ns))  # as a copy that keeps times does
    assert (load(item, target).values[0] == numbers(2)[0, 40:100, 30:100]).all()


def test_two_members_two_bands_and_two_places_are_told_apart(tmp_path):
    with zipfile.ZipFile(tmp_path / "a_20110529.zip", "w") as out:
        for n in (1, 2):
            out.write(write(tmp_path / f"b{n}.jp2", numbers(n)), f"b{n}.jp2")
    hrefs = [f"/vsizip/{{{tmp_path / 'a_20110529.zip'}}}/b{n}.jp2" for n in (1, 2)]
    item = build_item(
        Facts("x", "test", datetime(2011, 5, 29, tzinfo=UTC), "here", "dn", simulated=True),
        [Layer(f"b{n}", href, (Channel(f"b{n}"),)) for n, href in enumerate(hrefs, 1)],
    )
    for start in ((0, 0), (600, 700)):
        for _ in range(2):
            values = load(item, part_of((60, 70), start)).values
            for n in (1, 2):
                assert (values[n - 1] == numbers(n)[0, start[0] : start[0] + 60, start[1] : start[1] + 70]).all()


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "swap", "foreign", "folder"])
def test_a_damaged_entry_is_decoded_again_and_mended(tmp_path, kept, decoded, harm):
    values = numbers()
    item = open_scene(write(tmp_path / "x_20110529.jp2", values, tile=512))
    target = part_of((60, 900), (40, 30))
    load(item, target)
    first, second = entries(kept)[:2]
    sound = first.read_bytes()
    if harm == "cut":
        first.write_bytes(sound[:-1])
    elif harm == "flip":
        first.write_bytes(sound[:5000] + bytes([sound[5000] ^ 1]) + sound[5001:])
    elif harm == "empty":
        first.write_bytes(b"")
    elif harm == "swap":
        shutil.copy(second, first)
    elif harm == "foreign":
        first.write_bytes(b"something else" * 1000)
    else:
        first.unlink()
        first.mkdir()
    for _ in range(2):
        assert (load(item, target).values[0] == values[0, 40:100, 30:930]).all()
    if harm != "folder":
        assert first.read_bytes() == sound
        assert len(decoded) == 2  # mended once


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path, monkeypatch):
    values = numbers()
    item = open_scene(write(tmp_path / "x_20110529.jp2", values))
    (tmp_path / "file").write_text("not a folder")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    for folder in (tmp_path / "file", closed / "below", Path("/proc/nowhere")):
        monkeypatch.setenv(CACHE_VARIABLE, str(folder))
        assert (load(item, part_of((60, 70), (40, 30))).values[0] == values[0, 40:100, 30:100]).all()


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    square = Square(np.zeros((SIDE, SIDE), np.uint8), None)
    size = SIDE * SIDE + 1000
    small = Cache(tmp_path / "small", limit=64 * 3 * size)  # three entries in each of 64 folders
    keys = [str(n) for n in range(400)]
    for key in keys:
        small.put(key, square)
    assert sum(path.stat().st_size for path in entries(small.folder)) <= small.limit
    there = [key for key in keys if small.get(key) is not None]
    assert 100 < len(there) < 400
    assert keys[-1] in there
    folder = small._path(keys[-1]).parent
    mates = [key for key in keys if small._path(key).parent == folder and key in there]
    assert len(mates) == 3
    for age, key in enumerate(mates):
        os.utime(small._path(key), ns=(10**18, 10**18 - age))  # the last one is the oldest
    os.utime(small._path(mates[-1]))  # … but was just used
    more = (str(n) for n in range(400, 4000))
    small.put(next(key for key in more if small._path(key).parent == folder), square)
    assert [small.get(key) is not None for key in mates] == [True, False, True]


def test_where_it_lies_and_what_is_slow(monkeypatch, tmp_path):
    assert user_cache() == Cache(tmp_path / "kept" / "pixels")
    monkeypatch.setenv(CACHE_VARIABLE, "OFF")
    assert user_cache() is None
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setattr(resources.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == Cache(tmp_path / "camwatch" / "pixels")
    slow = ("/a/b.JP2", "/vsizip/{/a/b.zip}/c.tif", "/vsitar/{/a/b.tar.gz}/c.tif", "/vsitar/{/a/b.tgz}/c.tif", "/vsitar/{/a/b.tar}/c.jp2")
    assert all(is_slow(href) for href in slow)
    assert not any(is_slow(href) for href in ("/a/b.tif", "/vsitar/{/a/b.tar}/c.tif", "https://example.org/c.jp2"))
    assert identity(str(tmp_path / "nothing.jp2")) is None
