"""Products of strangers: what reads elsewhere, grows, never ends, or lies is refused in one line; what is merely odd still opens."""

import gzip
import io
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS

from camwatch.errors import CamwatchError, ConfigError, SceneError, printable
from camwatch.imagery import load
from camwatch.rasters import write_raster
from camwatch.scenes import open_scene, scan
from camwatch.scenes.access import archives, limits
from camwatch.scenes.access.files import Files, on_disk, open_files
from camwatch.scenes.access.gdal import DRIVERS, open_raster, read_header
from camwatch.scenes.item import files_of, native_geobox
from camwatch.scenes.sane import refuse_nonsense, sensible
from canary import Canary
from products import BOX, DN, MAKERS, envi, landsat, pack, picture, plain, sentinel2, stac_item, striped, write_jp2

VRT = (
    '<VRTDataset rasterXSize="32" rasterYSize="24"><SRS>EPSG:32652</SRS><GeoTransform>560000,30,0,4650000,0,-30</GeoTransform>'
    '<VRTRasterBand dataType="UInt16" band="1"><SimpleSource><SourceFilename>{}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>'
)
WMS = '<GDAL_WMS><Service name="TMS"><ServerUrl>{}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service><DataWindow/></GDAL_WMS>'


@pytest.fixture
def canary(tmp_path_factory):
    bird = Canary(tmp_path_factory.mktemp("elsewhere"))
    yield bird
    bird.close()


@pytest.fixture
def strict(monkeypatch):
    """A hundredth of the limits, so that bombs of a few megabytes are bombs."""
    monkeypatch.setenv(limits.VARIABLE, "0.01")


def attempt(path: Path) -> str:
    """Open and load one product; return the error in one line, empty where it was answered."""
    try:
        item = open_scene(path)
        load(item, native_geobox(item))
    except CamwatchError as error:
        told = str(error)
        if not told.isprintable():
            pytest.fail(ascii(told))
        return told
    return ""


def test_the_canary_sings(canary):
    # Were it deaf, every test that relies on it would pass.
    (canary.folder / "secret.txt").read_text()
    with rasterio.open(canary.folder / "secret.tif") as dataset:
        dataset.read()
    host, port = canary.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /asked HTTP/1.0\r\n\r\n")
        connection.recv(1000)
    assert {"secret.txt", "secret.tif", "/asked"} <= set(canary.touched())
    assert canary.touched() == []


# --- Messages ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b[31m", "\x9b", "\u202e", "\u2066", "\u200e", "\u061c", "\u2028", "\x85", "\udcff", "\x7f"])
def test_a_message_is_one_printable_line(sign):
    told = str(SceneError("wrong", where=Path(f"a{sign}b"), got=f"c{sign}d"))
    assert told.isprintable()
    assert told.startswith("a ")
    told.encode()


def test_printable_keeps_what_is_harmless_and_shortens_what_is_endless():
    assert printable("회령 22호; Ä × ′ x.tif") == "회령 22호; Ä × ′ x.tif"
    told = str(SceneError("wrong", got="head" + "x" * 10**7 + "tail", remedy="mend it"))
    assert len(told) < 700
    assert "head" in told
    assert told.endswith("tail; mend it")


# --- Limits -----------------------------------------------------------------------------------------------------------------------------------


def test_a_limit_names_the_factor_that_admits_the_file(tmp_path, monkeypatch):
    path = plain(tmp_path)
    monkeypatch.setenv(limits.VARIABLE, "0.002")
    (tmp_path / "camp_20110529.json").write_text(" " * 200_000)
    with pytest.raises(
        SceneError, match=rf"metadata member is too large.*got .*expected at most 67,108; if you trust this file, set {limits.VARIABLE}="
    ):
        Files(tmp_path, "folder", ()).read("camp_20110529.json")
    monkeypatch.setenv(limits.VARIABLE, "1")
    assert len(Files(tmp_path, "folder", ()).read("camp_20110529.json")) == 200_000
    monkeypatch.setenv(limits.VARIABLE, "0.001")
    with pytest.raises(SceneError, match="too many bands"):
        open_scene(path)
    for nonsense in ("many", "-1", "0", "nan", "inf", ""):
        monkeypatch.setenv(limits.VARIABLE, nonsense)
        with pytest.raises(ConfigError, match=limits.VARIABLE):
            open_scene(path)


def test_the_limits_admit_what_the_archives_deliver():
    # Bytes as delivered and unpacked: a Landsat .tar.gz, a Sentinel-2 .zip, a SPOT .zip, a film scan of 30 000 × 60 000 pixels (uncompressed, LZW).
    for packed, unpacked in ((0.25e9, 2e9), (0.8e9, 1.2e9), (0.05e9, 0.2e9), (1.8e9, 1.8e9), (0.3e9, 1.8e9), (50e9, 55e9)):
        assert unpacked <= limits.LIMITS.from_bytes(int(packed))


# --- Folders ----------------------------------------------------------------------------------------------------------------------------------


def test_links_that_lead_out_are_not_followed_and_said_so(tmp_path, canary):
    folder = tmp_path / "named"
    product = landsat(folder)
    red = next(product.glob("*B4.TIF"))
    red.unlink()
    red.symlink_to(canary.folder / "secret.tif")
    (folder / "x_20110529.tif").symlink_to(canary.folder / "secret.tif")
    (folder / "elsewhere").symlink_to(canary.folder)
    (folder / "round").symlink_to(folder)
    found = scan(folder)
    assert found.items == ()
    assert [entry.path.name for entry in found.unreadable if "link leads out" in entry.reason] == [product.name + "_MTL.txt", "x_20110529.tif"]
    assert {entry.name for entry in open_files(folder).skipped} == {"elsewhere", "round"}
    assert "link leads out" in attempt(product)
    assert canary.touched() == []
    # The user names the link itself: that is where the product lies.
    assert attempt(folder / "x_20110529.tif") == "" or "tell when" in attempt(folder / "x_20110529.tif")


def test_links_within_the_folder_and_hard_links_are_files(tmp_path):
    whole = plain(tmp_path / "store", "a.tif")
    (tmp_path / "b_20110530.tif").hardlink_to(whole)
    (tmp_path / "c_20110531.tif").symlink_to("store/a.tif")
    (tmp_path / "gone_20110601.tif").symlink_to("nothing.tif")
    (tmp_path / "loop_20110601.tif").symlink_to("loop_20110601.tif")
    found = scan(tmp_path)
    assert [item.id for item in found.items] == ["b_20110530", "c_20110531"]
    assert {entry.name for entry in open_files(tmp_path).skipped} == {"gone_20110601.tif", "loop_20110601.tif"}


def test_what_is_no_file_is_not_waited_for(tmp_path):
    fifo, place = tmp_path / "x_20110529.tif", tmp_path / "s_20110529.tif"
    os.mkfifo(fifo)
    os.mkfifo(tmp_path / "x_20110529.zip")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        for path in (fifo, place, tmp_path / "x_20110529.zip", Path("/dev/zero")):
            with pytest.raises(SceneError):
                open_scene(path)
        assert scan(tmp_path).items == ()
        assert {entry.reason for entry in open_files(tmp_path).skipped} == {"no regular file"}
    plain(tmp_path, "y_20110529.tif")
    os.mkfifo(tmp_path / "y_20110529.json")  # where a STAC Item would be
    assert [item.id for item in scan(tmp_path).items] == ["y_20110529"]
    assert attempt(tmp_path / "y_20110529.tif") == ""


NAMES = [
    "a\nb",
    "a;rm -rf b",
    "\u202egnp",
    "a\u2066b",
    "\x1b[31mred",
    "-rf",
    "a b",
    "x{y}",
    "x}y",
    "x{y",
    "a,b",
    "%s%n",
    "$(x)",
    "`x`",
    "x?y#z",
    "x!y",
    "회령",
]
NAMES += ["GTIFF_DIR:1:x", "NETCDF:x", "vsicurl", "x.zip", "a&b<c>", "'\"", "*", "C:x", "~"]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_open_where_they_are_harmless(tmp_path, name):
    path = plain(tmp_path / name, f"{name}_20110529.tif")
    for where in (path, path.parent):
        item = open_scene(where)
        assert float(load(item, native_geobox(item)).values[0].mean()) == DN.mean()
        assert files_of(item) == (path,)
    path.write_bytes(b"damaged")
    assert "not a raster" in attempt(path)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "C:x"])
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_odd_names_in_archives(tmp_path, name, suffix):
    path = plain(tmp_path, f"x_{name}_20110529.tif")
    inside = f"{name}/{path.name}"
    archive = tmp_path / f"archive{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as out:
            out.write(path, inside)
    else:
        with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as out:  # GDAL does not know the names of the pax format
            out.add(path, inside)
    item = open_scene(archive)
    assert float(load(item, native_geobox(item)).values[0].mean()) == DN.mean()
    assert files_of(item) == (archive,)


def test_a_name_that_is_no_unicode_is_said(tmp_path):
    whole = plain(tmp_path, "a_20110529.tif")
    odd = os.fsencode(tmp_path) + b"/b\xff_20110529.tif"
    Path(os.fsdecode(odd)).write_bytes(whole.read_bytes())
    found = scan(tmp_path)
    assert len(found.items) == 1
    assert ["not valid UTF-8" in entry.reason and entry.reason.isprintable() for entry in found.unreadable] == [True]


def test_a_backslash_cannot_become_a_slash(tmp_path, canary):
    # Opened through rasterio, this name would be that of a file elsewhere.
    name = f"x_20110529\\..\\{os.path.relpath(canary.folder, tmp_path)}/secret.tif".replace("/", "\\")
    (tmp_path / "x_20110529").mkdir()
    plain(tmp_path, name)
    (entry,) = scan(tmp_path).unreadable
    assert "backslash" in entry.reason
    assert canary.touched() == []


def test_braces_cannot_turn_an_archive_into_another(tmp_path, canary):
    decoy = tmp_path / "a}"
    decoy.mkdir()
    archive = pack(landsat(tmp_path / "loose"), decoy / "b.zip")
    assert "must not hold braces" in attempt(archive)
    assert on_disk("/vsizip/{/x/a.zip}/b}/c.tif") == Path("/x/a.zip")


# --- Archives ---------------------------------------------------------------------------------------------------------------------------------


def zipped(path: Path, *entries: tuple[str, bytes], **fields: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in fields.items():
                setattr(info, key, value)
            out.writestr(info, data)
    return path


@pytest.mark.parametrize(
    "name", ["../x_20110529.tif", "/etc/x_20110529.tif", "a/../../x", "..\\x", "\\\\host\\x", "C:\\x", "c:x", "/vsicurl/http://x/y.tif"]
)
def test_members_that_point_elsewhere(tmp_path, name):
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        out.addfile(tarfile.TarInfo(name), io.BytesIO())
    for archive in (zipped(tmp_path / "a.zip", (name, b"")), tmp_path / "a.tar"):
        assert "points outside" in attempt(archive)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_members_that_readers_understand_in_different_ways(tmp_path):
    data = plain(tmp_path).read_bytes()
    assert "two members of one name" in attempt(zipped(tmp_path / "a.zip", ("x_20110529.tif", data), ("x_20110529.tif", b"")))
    link = zipped(tmp_path / "b.zip", ("x_20110529.tif", b"/etc/passwd"), external_attr=(stat.S_IFLNK | 0o777) << 16)
    assert "no scene" in attempt(link)
    assert [entry.name for entry in open_files(link).skipped] == ["x_20110529.tif"]
    # The name in front of the data is another one than in the directory.
    whole = zipped(tmp_path / "c.zip", ("item.json", b"{}")).read_bytes()
    (tmp_path / "c.zip").write_bytes(whole.replace(b"item.json", b"evil.json", 1))
    with pytest.raises(SceneError, match=r"member item.json cannot be read"):
        open_files(tmp_path / "c.zip").read("item.json")


def test_zips_that_claim_what_they_do_not_hold(tmp_path):
    archive = pack(landsat(tmp_path / "loose"), tmp_path / "a.zip")
    data = archive.read_bytes()
    directory = data.rfind(b"PK\1\2")
    for at, value, told in (
        (directory + 24, 2**31, "unpacks to too many"),  # 2 GiB in a file of some kB
        (directory + 42, 0, "overlap"),  # the last member is the first one
        (directory + 42, 2**31, "overlap, or it is cut short"),
        (directory + 20, 2**31, "overlap, or it is cut short"),
        (directory + 8, 1, "encrypted"),
        (directory + 10, 14, "packed with method 14"),
        (data.rfind(b"PK\5\6") + 12, 2**32 - 2, "archive cannot be read"),
    ):
        field = "<H" if value < 2**16 and value else "<I"
        new = bytearray(data)
        struct.pack_into(field, new, at, value)
        archive.write_bytes(new)
        assert told in attempt(archive), (at, value)
    for share in (0.2, 0.9, 0.999):
        archive.write_bytes(data[: int(len(data) * share)])
        assert "archive cannot be read" in attempt(archive)


@pytest.mark.usefixtures("strict")
def test_a_member_that_grows_beyond_its_word_is_cut_off(tmp_path):
    archive = zipped(tmp_path / "a.zip", ("item.json", b" " * 30_000_000))
    data = archive.read_bytes()
    new = bytearray(data)
    for at in (data.rfind(b"PK\1\2") + 24, 22):
        struct.pack_into("<I", new, at, 10)
    archive.write_bytes(new)
    tracemalloc.start()
    with pytest.raises(SceneError, match="cannot be read"):
        open_files(archive).read("item.json")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.usefixtures("strict")
def test_bombs_are_defused_before_they_are_unpacked(tmp_path):
    zeros = bytes(20_000_000)  # at a hundredth of the limits, 10.7 MB are too much
    bomb = zipped(tmp_path / "a.zip", ("x_20110529.tif", zeros))
    assert bomb.stat().st_size < 50_000
    assert "unpacks to too many bytes" in attempt(bomb)
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as out:
        for n in range(2):
            info = tarfile.TarInfo(f"{n}_20110529.tif")
            info.size = len(zeros)
            out.addfile(info, io.BytesIO(zeros))
    tracemalloc.start()
    assert "unpacks to too many bytes" in attempt(tmp_path / "b.tar.gz")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    # One header as large as the whole bomb: tar keeps long names there.
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, len(zeros)
    (tmp_path / "c.tar.gz").write_bytes(gzip.compress(header.tobuf() + zeros + bytes(1024)))
    assert "header in the archive is too large" in attempt(tmp_path / "c.tar.gz")
    many = zipped(tmp_path / "d.zip", *((f"{n}.txt", b"") for n in range(1001)))
    assert "too many members" in attempt(many)
    with tarfile.open(tmp_path / "e.tar", "w") as out:
        for n in range(1001):
            out.addfile(tarfile.TarInfo(f"{n}.txt"))
    assert "too many members" in attempt(tmp_path / "e.tar")


def test_tar_members_that_are_no_files(tmp_path, canary):
    kinds = {
        "l": tarfile.SYMTYPE,
        "h": tarfile.LNKTYPE,
        "c": tarfile.CHRTYPE,
        "b": tarfile.BLKTYPE,
        "f": tarfile.FIFOTYPE,
        "s": tarfile.GNUTYPE_SPARSE,
    }
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        for name, kind in kinds.items():
            info = tarfile.TarInfo(f"{name}_20110529.tif")
            info.type, info.linkname = kind, str(canary.folder / "secret.tif")
            out.addfile(info)
        out.add(plain(tmp_path), "good_20110529.tif")
    files = open_files(tmp_path / "a.tar")
    assert files.names == ("good_20110529.tif",)
    assert {entry.name[0] for entry in files.skipped} == set(kinds)
    assert attempt(tmp_path / "a.tar") == ""
    assert canary.touched() == []


def test_a_tar_that_is_damaged_is_not_read_in_part(tmp_path):
    whole = pack(landsat(tmp_path / "loose"), tmp_path / "a.tar")
    data = whole.read_bytes()
    with tarfile.open(whole) as archive:
        starts = [member.offset for member in archive][2:]
    for start in starts:
        new = bytearray(data)
        new[start + 150] ^= 1  # the check sum
        whole.write_bytes(new)
        assert "damaged or cut short" in attempt(whole)
        whole.write_bytes(data[: start + 100])
        assert "cut short" in attempt(whole) or "cannot be read" in attempt(whole)
    packed = gzip.compress(data)
    for share in (0.3, 0.7):
        (tmp_path / "b.tar.gz").write_bytes(packed[: int(len(packed) * share)])
        assert "cannot be read" in attempt(tmp_path / "b.tar.gz")


@pytest.mark.parametrize("size", [-512, -(2**62), 2**62, 2**88])
def test_a_tar_that_claims_absurd_sizes_ends(tmp_path, size):
    for kind in (tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        info = tarfile.TarInfo("x_20110529.tif")
        info.type = kind
        header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
        header[124:136] = (b"\xff" if size < 0 else b"\x80") + (size % 256**11).to_bytes(11, "big")
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(2048))
        assert attempt(tmp_path / "a.tar")


def test_archives_in_archives_are_not_entered(tmp_path):
    inner = pack(landsat(tmp_path / "loose"), tmp_path / "inner.zip")
    assert "no scene" in attempt(zipped(tmp_path / "outer.zip", ("inner.zip", inner.read_bytes())))


def test_other_damage_is_told_as_such(tmp_path):
    with pytest.raises(SceneError, match=r"x: broken \(no more\); download it again"), archives.told("broken", "x"):
        raise EOFError("no more")
    with pytest.raises(AssertionError), archives.told("broken", "x"):
        raise AssertionError  # a defect of ours is not hidden


# --- Rasters ----------------------------------------------------------------------------------------------------------------------------------


def test_only_formats_that_follow_nothing_open():
    assert DRIVERS == ["GTiff", "JP2OpenJPEG", "PNG", "JPEG", "ENVI"]


@pytest.mark.parametrize("name", ["x_20110529.tif", "x_20110529.jp2", "x_20110529.png", "x_20110529.img", "x_20110529.jpg"])
def test_programmes_under_the_name_of_a_raster(tmp_path, canary, name):
    for text in (
        VRT.format(canary.folder / "secret.tif"),
        VRT.format(f"/vsicurl/{canary.address}/x.tif"),
        VRT.format(f"/vsis3/{canary.address}/x.tif"),
        WMS.format(canary.address),
        str(canary.folder / "secret.tif"),
        f"/vsicurl/{canary.address}/x.tif",
        f"WMS:{canary.address}?SERVICE=WMS",
        f'{{"type": "FeatureCollection", "features": [], "x": "{canary.address}"}}',
    ):
        (tmp_path / name).write_text(text)
        assert "not a raster" in attempt(tmp_path / name)
        assert "not a raster" in attempt(zipped(tmp_path / "a.zip", (name, text.encode())))
    assert canary.touched() == []


def test_overviews_that_a_tag_puts_elsewhere(tmp_path, canary):
    for place in (canary.folder / "secret.tif", f"/vsicurl/{canary.address}/x.none", f"/vsicurl/{canary.address}/x.tif", ":::BASE:::x"):
        path = plain(tmp_path)
        with rasterio.open(path, "r+") as dataset:
            dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(place))
        assert "names overviews in another file" in attempt(path)
        path.unlink()
    assert canary.touched() == []


def test_what_lies_beside_a_raster_is_not_shown_to_gdal(tmp_path, canary):
    aux = '<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{}</MDI></Metadata></PAMDataset>'
    makers = {"tif": plain, "jp2": MAKERS["jp2"], "png": picture}
    for suffix, make in makers.items():
        path = make(tmp_path)
        for target in (str(canary.folder / "secret.tif"), f"/vsicurl/{canary.address}/x.tif"):
            for beside in ("ovr", "msk", "OVR"):
                (tmp_path / f"{path.name}.{beside}").write_text(VRT.format(target))
            if suffix != "png":
                (tmp_path / f"{path.name}.aux.xml").write_text(aux.format(target))
            (tmp_path / "camp_20110529.ovr").write_text(WMS.format(canary.address))
            (tmp_path / "camp_20110529.tab").symlink_to(canary.folder / "secret.txt")
            assert attempt(path) == ""
            header = read_header(str(path), companions=True)
            assert not any("ovr" in file.lower() or "msk" in file for file in header.files)
            (tmp_path / "camp_20110529.tab").unlink()
        path.unlink()
    assert canary.touched() == []


def test_an_envi_raster_brings_its_header_and_nothing_else(tmp_path, canary):
    path = envi(tmp_path)
    header = path.with_suffix(".hdr")
    assert attempt(path) == ""
    (tmp_path / f"{path.name}.ovr").write_text(VRT.format(canary.folder / "secret.tif"))
    (tmp_path / f"{path.name}.aux.xml").write_text("<PAMDataset/>")
    assert attempt(path) == ""
    assert read_header(str(path), companions=True).files == (str(path), str(header))
    mask = tmp_path / f"{path.name}.MSK"
    mask.write_text(VRT.format(canary.folder / "secret.tif"))
    assert "mask beside it" in attempt(path)
    mask.unlink()
    text = header.read_text()
    header.write_text(text + "file compression = 1\n")
    assert "compressed" in attempt(path)
    header.unlink()
    header.symlink_to(canary.folder / "secret.txt")
    assert "link leads out" in attempt(path)
    header.unlink()
    header.write_text(text)
    path.with_suffix(".sta").symlink_to(canary.folder / "secret.txt")
    assert "link leads out" in attempt(path)
    assert canary.touched() == []


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_picture_is_placed_by_the_files_beside_it(tmp_path, suffix):
    path = picture(tmp_path, suffix)
    for where in (path, pack_one(tmp_path, path)):
        item = open_scene(where)
        assert native_geobox(item) == BOX
    header = read_header(str(path), companions=True)
    assert header.crs == "EPSG:32652"
    assert header.files == (str(path), f"{path}.aux.xml", str(path.with_suffix(f".{suffix[0]}{suffix[-1]}w")))
    world = path.with_suffix(f".{suffix[0]}{suffix[-1]}w")
    for nonsense in ("30\n0\n0\n-30\n560015", "30\n0\n0\n-30\nnan\n0", "x", "\xff"):
        world.write_text(nonsense)
        assert "beside the raster is damaged" in attempt(path)
    world.unlink()
    (tmp_path / f"{path.name}.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32652</SRS><GeoTransform>560000,30,0,4650000,0,-30</GeoTransform></PAMDataset>"
    )
    assert "CRS beside the raster cannot be read" in attempt(path)


def pack_one(folder: Path, path: Path) -> Path:
    """Pack a raster with what lies beside it."""
    return zipped(folder / "packed.zip", *((other.name, other.read_bytes()) for other in folder.iterdir() if other.stem.startswith(path.stem)))


def test_a_crs_cannot_name_a_grid_elsewhere(tmp_path, canary):
    path = picture(tmp_path)
    grid = canary.folder / "secret.gsb"
    for crs in (f"+proj=utm +zone=52 +ellps=bessel +nadgrids={grid} +type=crs", f"+proj=longlat +ellps=bessel +geoidgrids={grid} +type=crs"):
        for wkt in {CRS(crs).to_wkt(version) for version in ("WKT2_2019", "WKT1_GDAL")}:
            assert "secret" in wkt
            (tmp_path / f"{path.name}.aux.xml").write_text(f"<PAMDataset><SRS>{wkt.replace('&', '')}</SRS></PAMDataset>")
            image = envi(tmp_path)
            header = image.with_suffix(".hdr").read_text().splitlines()
            told = [line for line in header if not line.startswith("coordinate system string")]
            image.with_suffix(".hdr").write_text("\n".join([*told, f"coordinate system string = {{{wkt}}}"]))
            canary.touched()  # by this test itself
            for raster in (path, image):
                assert "names a file" in attempt(raster)
            assert canary.touched() == []


def test_a_crs_of_no_place_on_earth(tmp_path):
    local = 'ENGCRS["site",EDATUM["pole"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
    path = picture(tmp_path)
    (tmp_path / f"{path.name}.aux.xml").write_text(f"<PAMDataset><SRS>{local}</SRS></PAMDataset>")
    assert "none of the Earth's" in attempt(path)


@pytest.mark.parametrize("reference", ["{address}/crs", "{folder}/secret.txt", "+init={folder}/secret.txt:1", "/vsicurl/{address}/crs"])
def test_a_jp2_cannot_name_its_crs_elsewhere(tmp_path, canary, reference):
    path = write_jp2(tmp_path / "x_20110529.jp2", DN, BOX, GeoJP2="NO", GMLJP2="YES")
    data = path.read_bytes()
    assert data.count(b"urn:ogc:def:crs:EPSG::32652") == 4
    target = reference.format(address=canary.address, folder=canary.folder).encode()
    path.write_bytes(renamed_boxes(data, b"urn:ogc:def:crs:EPSG::32652", target))
    assert attempt(path)
    assert canary.touched() == []


def renamed_boxes(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replace text in the XML boxes of a JP2 and correct the lengths of the boxes around it."""
    out, at = b"", 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        size = size or len(data) - at
        content = data[at + 8 : at + size]
        content = renamed_boxes(content, old, new) if kind == b"asoc" else content.replace(old, new) if kind == b"xml " else content
        out += struct.pack(">I4s", len(content) + 8, kind) + content
        at += size
    return out


def tiff(path: Path, **entries: int) -> Path:
    """A TIFF of one strip whose entries say whatever they are told to say."""
    tags = {"width": (256, 32), "length": (257, 24), "bits": (258, 8), "compression": (259, 1), "photometric": (262, 1), "strip": (273, 8)}
    tags |= {"samples": (277, 1), "rows": (278, 24), "bytes": (279, 768)}
    said = sorted((number, entries.get(name, value)) for name, (number, value) in tags.items())
    directory = b"".join(struct.pack("<HHII", number, 4, 1, value) for number, value in said)
    path.write_bytes(b"II*\0" + struct.pack("<I", 776) + bytes(768) + struct.pack("<H", len(said)) + directory + bytes(4))
    return path


def test_headers_that_claim_what_no_file_holds(tmp_path):
    huge = 2**30
    cases = [
        {"width": huge, "length": huge},
        {"width": 100_000, "length": 100_000, "rows": 1},
        {"width": huge, "length": 1, "rows": 1},
        {"width": 10**9, "length": 2},
        {"width": 40_000, "length": 40_000, "rows": 40_000, "bytes": 2**32 - 1},
        {"samples": 65_535},
        {"bits": 2**16},
        {"strip": 2**32 - 1},
        {"width": 0},
        {"rows": 2**32 - 1, "length": 2**31 - 1},
    ]
    for entries in cases:
        path = tiff(tmp_path / "x_20110529.tif", **entries)
        tracemalloc.start()
        assert attempt(path), entries
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
        tracemalloc.stop()
    png = bytearray(picture(tmp_path).read_bytes())
    struct.pack_into(">II", png, 16, 2**31 - 1, 2**31 - 1)
    (tmp_path / "camp_20110529.png").write_bytes(png)
    assert attempt(tmp_path / "camp_20110529.png")
    jp2 = bytearray(MAKERS["jp2"](tmp_path).read_bytes())
    siz = jp2.index(b"\xff\x51")
    struct.pack_into(">II", jp2, siz + 6, 2**31 - 1, 2**31 - 1)
    (tmp_path / "camp_20110529.jp2").write_bytes(jp2)
    assert attempt(tmp_path / "camp_20110529.jp2")
    hdr = envi(tmp_path).with_suffix(".hdr")
    text = hdr.read_text()
    for claim in ("samples = 1000000000", "lines = 2000000000", "bands = 1000000000", "samples = -1", "header offset = 99999999999999999999"):
        key = claim.split(" =")[0]
        hdr.write_text("".join(claim + "\n" if line.startswith(key) else line for line in text.splitlines(keepends=True)))
        assert attempt(hdr.with_suffix(".img")), claim


def test_a_sparse_raster_may_be_large_but_not_endless(tmp_path):
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "crs": "EPSG:32652", "transform": BOX.affine, "sparse_ok": True, "tiled": True}
    for name, side in (("large_20110529.tif", 30_000), ("endless_20110529.tif", 300_000)):
        with rasterio.open(tmp_path / name, "w", width=side, height=side, **profile):
            pass
    item = open_scene(tmp_path / "large_20110529.tif")
    assert load(item, native_geobox(item)[:10, :10]).values.max() == 0
    assert "unpacks to too many bytes" in attempt(tmp_path / "endless_20110529.tif")


def test_a_raster_on_the_network_is_not_opened(canary):
    for href in (f"{canary.address}/x.tif", f"/vsicurl/{canary.address}/x.tif", "s3://bucket/x.tif"):
        with pytest.raises(SceneError, match="does not lie on this machine"), open_raster(href):
            pass
    assert canary.touched() == []


@pytest.mark.parametrize(
    "numbers", [(np.nan, 0, 0, 0, np.nan, 0), (1e300, 0, 0, 0, -1e300, 0), (1e-300, 0, 0, 0, -1e-300, 0), (30, 30, 5e5, 30, 30, 4e6)]
)
def test_an_absurd_affine_places_nothing(tmp_path, numbers):
    path = plain(tmp_path)
    with rasterio.open(path, "r+") as dataset:
        dataset.transform = Affine(*numbers)
    assert "no georeference" in attempt(path)


def test_coordinates_beyond_the_projection(tmp_path):
    far = GeoBox((24, 32), Affine(30, 0, 5e8, 0, -30, -8e8), "EPSG:32652")
    assert attempt(write_raster(tmp_path / "x_20110529.tif", DN, far))


# --- Metadata ---------------------------------------------------------------------------------------------------------------------------------

ENTITIES = "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9))


@pytest.mark.parametrize(
    "start",
    [
        f"<!DOCTYPE Product [<!ENTITY a 'aaaaaaaaaa'>{ENTITIES}]>",
        "<!DOCTYPE Product [<!ENTITY a SYSTEM 'file://{folder}/secret.txt'>]>",
        "<!DOCTYPE Product [<!ENTITY a SYSTEM '{address}/x'>]>",
        "<!DOCTYPE Product [<!ENTITY % a SYSTEM '{address}/x'> %a;]>",
        "<!DOCTYPE Product SYSTEM '{address}/x.dtd'>",
        "<!DOCTYPE Product PUBLIC 'x' '{folder}/secret.txt'>",
        "<?xml-stylesheet type='text/xsl' href='{address}/x.xsl'?>",
    ],
)
def test_xml_that_grows_or_lies_elsewhere(tmp_path, canary, start):
    start = start.replace("{folder}", str(canary.folder)).replace("{address}", canary.address)
    safe = sentinel2(tmp_path, start)
    metadata = safe / "MTD_MSIL2A.xml"
    if "ENTITY" in start:
        metadata.write_text(metadata.read_text().replace("Sentinel-2A", "&a;").replace("&a;", "&j;" if "ENTITY j" in start else "&a;"))
        assert "declares entities" in attempt(safe)
    else:
        assert attempt(safe) == ""  # a document type alone harms nobody; real ASTER metadata has one
    mtl = landsat(tmp_path, "xml")
    text = next(mtl.glob("*_MTL.xml"))
    text.write_text(
        text.read_text().replace("<LANDSAT_METADATA_FILE>", start.replace("Product", "LANDSAT_METADATA_FILE") + "<LANDSAT_METADATA_FILE>")
    )
    assert bool(attempt(mtl)) == ("ENTITY" in start)
    assert canary.touched() == []


@pytest.mark.parametrize(
    "part", ["<a>" * 200_000 + "</a>" * 200_000, "<a/>" * 200_000, f"<a b='{'x' * 5_000_000}'/>", "<!--" + "-\n" * 10**6 + "-->"]
)
def test_xml_that_is_deep_wide_or_long(tmp_path, part):
    safe = sentinel2(tmp_path)
    metadata = safe / "MTD_MSIL2A.xml"
    metadata.write_text(metadata.read_text().replace("</Product>", f"{part}</Product>"))
    attempt(safe)  # an answer or one line, in time


DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        DEEP.encode(),
        b"[" * 100_000,
        b'{"type":"Feature","stac_version":"1.0.0","properties":{"datetime":"2014-05-06"},"assets":{"a":' + DEEP.encode() + b"}}",
        b'{"type":"Feature","stac_version":"1.0.0","x":' + b"9" * 100_000 + b"}",
        b'{"type":"Feature","type":"x","stac_version":"1.0.0"}',
        b'{"type":"FeatureCollection","features":[{"type":"Feature","stac_version":1}]}',
        b"\xff\xfe\xfd",
        b"NaN",
        b"",
    ],
)
def test_json_that_is_deep_or_no_json_is_no_item(tmp_path, text):
    plain(tmp_path)
    (tmp_path / "camp_20110529.json").write_bytes(text)
    (tmp_path / "other.json").write_bytes(text)
    assert [item.id for item in scan(tmp_path).items] == ["camp_20110529"]


def test_an_item_in_other_encodings(tmp_path):
    path = stac_item(tmp_path)
    text = path.read_text()
    for data in (b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16"), text.encode("utf-32-le")):
        path.write_bytes(data)
        assert attempt(path) == ""
    path.write_bytes(text.replace("mine", "m\xefne").encode("latin-1"))
    assert attempt(path)


@pytest.mark.parametrize(
    "href", ["{folder}/secret.tif", "../elsewhere0/secret.tif", "/vsicurl/{address}/x.tif", "{address}/x.tif", "file://{folder}/secret.tif"]
)
def test_an_item_cannot_name_rasters_elsewhere(tmp_path, canary, href):
    path = stac_item(tmp_path / "product")
    document = json.loads(path.read_text())
    relative = os.path.relpath(canary.folder, path.parent)
    target = href.replace("../elsewhere0", relative).format(address=canary.address, folder=canary.folder)
    document["assets"] = {"ms": {**document["assets"]["ms"], "href": target}}
    path.write_text(json.dumps(document))
    assert "without pixels" in attempt(path)
    assert canary.touched() == []


@pytest.mark.parametrize("value", ["{folder}/secret.tif", "../../elsewhere/secret.tif", "/vsicurl/{address}/x.tif", "x\0y", "."])
def test_an_mtl_cannot_name_bands_elsewhere(tmp_path, canary, value):
    product = landsat(tmp_path)
    mtl = next(product.glob("*_MTL.txt"))
    lines = mtl.read_text().splitlines()
    named = value.format(address=canary.address, folder=canary.folder)
    mtl.write_text("\n".join(f'    {line.split("=")[0]}= "{named}"' if "FILE_NAME" in line else line for line in lines))
    assert "MTL without pixels" in attempt(product)
    assert canary.touched() == []


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("view:sun_elevation", 1e308, "-90 to 90"),
        ("view:sun_azimuth", -1, "0 to 360"),
        ("gsd", 0, "0.001 to 1e+06"),
        ("accuracy:geometric_rmse", float("nan"), "0 to 1e+06"),
        ("anything", float("inf"), "a finite number"),
        ("proj:transform", [30, 0, float("nan")], "a finite number"),
        ("raster:bands", [{"scale": 1}, {"scale": 1e300}], "-1e+09 to 1e+09"),
    ],
)
def test_an_item_that_says_what_cannot_be_is_refused(tmp_path, field, value, wanted):
    item = open_scene(plain(tmp_path))
    refuse_nonsense(item)
    item.properties[field] = value
    with pytest.raises(SceneError, match="makes no sense") as caught:
        refuse_nonsense(item)
    assert f"expected {wanted};" in str(caught.value)


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("x"), AttributeError("x"), OverflowError("x"), ValueError("x")])
def test_a_document_with_values_of_other_types_makes_no_sense(error):
    with pytest.raises(SceneError, match=rf"a.json: document makes no sense \({type(error).__name__}: '?x'?\)"), sensible("document", "a.json"):
        raise error
    with pytest.raises(AssertionError), sensible("document", "a.json"):
        raise AssertionError
    with pytest.raises(SceneError, match=r"^as it was$"), sensible("document", "a.json"):
        raise SceneError("as it was")


# --- The command line -------------------------------------------------------------------------------------------------------------------------


def test_the_command_line_lists_what_it_cannot_read(tmp_path):
    folder = tmp_path / "down\u202eloads"
    landsat(folder / "good")
    data = striped(tmp_path).read_bytes()
    for n, name in enumerate(NAMES):
        (folder / "bad").mkdir(exist_ok=True)
        (folder / "bad" / f"{name}_20110529.tif").write_bytes(data[: n * 7])
    zipped(folder / "a\nb.zip", ("../x.tif", b""))
    (folder / "c.tar").write_bytes(b"no archive")
    os.mkfifo(folder / "fifo_20110529.tif")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff_20110529.tif")).write_bytes(data)
    command = [sys.executable, "-c", "from camwatch.cli import main; main()", "scenes", "scan", str(folder)]
    for extra in ([], ["--json"]):
        done = subprocess.run([*command, *extra], capture_output=True, timeout=60, check=False, env={**os.environ, "PYTHONIOENCODING": "utf-8"})
        told = done.stdout.decode()
        assert done.returncode == 1, done.stderr.decode()
        assert "Traceback" not in done.stderr.decode() + told
        if extra:
            assert len(json.loads(told)["unreadable"]) >= len(NAMES) + 2
        else:
            assert all(line.isprintable() for line in told.splitlines())
            assert told.count("not readable:") >= len(NAMES) + 4
