"""Sentinel-2 of every processing baseline: real metadata completed with small images, and what each level and naming lays out, read back."""

import re
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS
from shapely import Polygon

from camwatch.errors import SceneError
from camwatch.imagery import load
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan
from camwatch.scenes.access.files import Files
from camwatch.scenes.access.gml import RING_LIMIT, read_polygons
from camwatch.scenes.families.sentinel2 import find_sentinel2

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

COMMON = {
    "B1": "coastal",
    "B2": "blue",
    "B3": "green",
    "B4": "red",
    "B5": "rededge071",
    "B6": "rededge075",
    "B7": "rededge078",
    "B8": "nir",
    "B8A": "nir08",
    "B9": "nir09",
    "B10": "cirrus",
    "B11": "swir16",
    "B12": "swir22",
}
AIR = {"coastal", "nir09", "cirrus"}
TREES = {
    "L1C 03.01": "S2A_MSIL1C_20210908T042701_N0301_R133_T46RER_20210908T070248",
    "L2A 02.12": "S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857",
    "L2A 04.00": "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126",
}
AWS_TILE = "S2A_OPER_MSI_L2A_TL_VGS1_20220401T110010_A035382_T34LBP"


def grid(res: int, *, east=600_000, crs="EPSG:32633") -> GeoBox:
    """600 m by 600 m of a granule."""
    return GeoBox((600 // res, 600 // res), Affine(res, 0, east, 0, -res, 4_000_020), crs)


def write_image(path: Path, res: int, values=1500, *, bits=None, dtype=np.uint16, box=None) -> Path:
    """A band as the archive writes it: GeoTIFF, or lossless JPEG 2000 with 15 bits where `bits` says so."""
    box = box or grid(res)
    pixels = np.broadcast_to(np.asarray(values, dtype), (np.shape(values)[0] if np.ndim(values) == 3 else 1, *box.shape))
    if path.suffix != ".jp2":
        return write_raster(path, pixels, box)
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "count": len(pixels),
        "height": box.shape[0],
        "width": box.shape[1],
        "dtype": pixels.dtype,
        "crs": str(box.crs),
        "transform": box.affine,
    }
    options = {"QUALITY": "100", "REVERSIBLE": "YES", "RESOLUTIONS": "1"} | ({"NBITS": str(bits)} if bits else {})
    with rasterio.open(path, "w", driver="JP2OpenJPEG", **profile, **options) as dataset:
        dataset.write(pixels)
    return path


def complete(source: Path, folder: Path, *, only: str = "") -> Path:
    """Real metadata of a SAFE folder with a small image for each that it lists (`only`: of one resolution folder)."""
    safe = folder / source.name
    for xml in source.rglob("MTD_*.xml"):
        target = safe / xml.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(xml.read_bytes())
    text = next(source.glob("MTD_*.xml")).read_text()
    suffix, bits = (".tif", None) if 'imageFormat="GeoTIFF"' in text else (".jp2", 15)
    for listed in re.findall(r"<IMAGE_FILE>(.*)</IMAGE_FILE>", text):
        band = re.search(r"_(B\w\w|SCL)(?:_(\d\d)m)?$", listed)
        if band is not None and only in listed:
            native = 10 if band[1] in {"B02", "B03", "B04", "B08"} else 60 if band[1] in {"B01", "B09", "B10"} else 20
            kind = (4, np.uint8) if band[1] == "SCL" else (1500, np.uint16)
            write_image(safe / (listed + suffix), int(band[2] or native), kind[0], dtype=kind[1], bits=bits)
    return safe


@pytest.fixture
def tree(shared, tmp_path):
    def build(key: str, **options) -> Path:
        return complete(shared / "data/products/sentinel2_metadata" / f"{TREES[key]}.SAFE", tmp_path, **options)

    return build


def stated(text: str, tag: str) -> str:
    return re.search(rf"<{tag}[^>]*>([^<]*)</{tag}>", text)[1]


@pytest.mark.parametrize("key", TREES)
def test_real_metadata_says_the_same_as_the_item(tree, key):
    safe = tree(key)
    item = open_scene(safe)
    product, tile = next(safe.glob("MTD_*.xml")).read_text(), next(safe.glob("GRANULE/*/MTD_TL.xml")).read_text()

    assert item.id == stated(product, "PRODUCT_URI").removesuffix(".SAFE")
    assert item.datetime == datetime.fromisoformat(stated(tile, "SENSING_TIME"))
    assert item.properties["platform"] == stated(product, "SPACECRAFT_NAME").lower()
    level, baseline = key.split()
    assert item.properties["processing:level"] == level
    assert item.properties["s2:processing_baseline"] == baseline == stated(product, "PROCESSING_BASELINE")
    assert item.properties["camwatch:processing"] == f"{level} baseline {baseline}"
    assert item.properties["s2:geometric_quality"] == "PASSED"
    assert scene.calibration(item) == ("surface reflectance" if level == "L2A" else "toa reflectance")
    assert scene.position_error_m(item) == pytest.approx(20 / 1.7308, abs=0.05)  # radial: the 95 % quantile is 1.7308 times the root mean square

    zenith, azimuth = map(float, re.search(r"<Mean_Sun_Angle>\s*<ZENITH\D*>([\d.]+)<.*?>\s*<AZIMUTH\D*>([\d.]+)<", tile).groups())
    assert scene.sun(item) == (azimuth, 90 - zenith)
    views = dict(re.findall(r'<Mean_Viewing_Incidence_Angle bandId="(\d+)">\s*<ZENITH_ANGLE[^>]*>([\d.]+)<', tile))
    assert item.properties["view:off_nadir"] == pytest.approx(np.mean([float(views[str(n)]) for n in range(1, 8)]))

    ids = {COMMON[band]: band_id for band_id, band in re.findall(r'bandId="(\d+)" physicalBand="(\w+)"', product)}
    sizes = {COMMON[band]: int(size) for band, size in re.findall(r'physicalBand="(\w+)">\s*<RESOLUTION>(\d+)<', product)}
    offsets = dict(re.findall(r'_ADD_OFFSET band_id="(\d+)">(-?\d+)<', product))
    scale = float(stated(product, "BOA_QUANTIFICATION_VALUE" if level == "L2A" else "QUANTIFICATION_VALUE"))
    bands = scene.bands_of(item)
    assert {band.name for band in bands} == set(ids) - ({"cirrus"} if level == "L2A" else set())
    assert (baseline == "04.00") == bool(offsets)
    for band in bands:
        assert band.scale == 1 / scale
        assert band.offset == float(offsets.get(ids[band.name], 0)) / scale
        assert band.nodata == 0
        # The metadata state 65535; the archive's JPEG 2000 has 15 bits, so there the highest code is 32767.
        assert band.saturated == (32767 if band.href.endswith(".jp2") else 65535)
        assert band.geobox == grid(sizes[band.name])
    assert set(scene.default_bands(item)) == {band.name for band in bands} - AIR
    assert scene.cloud_mask(item) == ("SCL" if level == "L2A" else "none")


def test_names_do_not_win_over_metadata(tree):
    safe = tree("L2A 02.12", only="R20m")
    renamed = safe.rename(safe.with_name("S2B_MSIL1C_20220413T150759_N0400_R025_T33XWJ_20220414T082126.SAFE"))
    item = open_scene(renamed)
    assert item.id == TREES["L2A 02.12"]
    assert item.properties["camwatch:processing"] == "L2A baseline 02.12"
    assert item.properties["platform"] == "sentinel-2a"
    assert item.datetime is not None
    assert item.datetime.year == 2019
    assert {band.offset for band in scene.bands_of(item)} == {0.0}
    assert scene.calibration(item) == "surface reflectance"


def test_the_20_m_folder_by_itself(tree):
    item = open_scene(tree("L2A 04.00", only="R20m"))
    # B08 has no 20 m version. The metadata lists B01 at 20 m, which is the 60 m band interpolated: it is none of the native ones.
    assert scene.band_names(item) == ("blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir08", "swir16", "swir22")
    assert {band.geobox for band in scene.bands_of(item)} == {grid(20)}
    assert scene.gsd_m(item) == 20
    assert scene.cloud_mask(item) == "SCL"


def test_the_60_m_folder_by_itself(tree):
    item = open_scene(tree("L2A 02.12", only="R60m"))
    assert {band.geobox for band in scene.bands_of(item)} == {grid(60)}
    assert scene.cloud_mask(item) == "SCL"


def test_saturated_and_missing_pixels_by_the_special_values(tree, shared):
    safe = tree("L1C 03.01", only="_B0")
    values = np.full((60, 60), 5000)
    values[3, 4], values[5, 6] = 0, 32767
    write_image(next(safe.rglob("*_B04.jp2")), 10, values, bits=15)
    image = load(open_scene(safe), grid(10), bands=("red", "nir"))
    assert sorted(map(tuple, np.argwhere(~image.valid).tolist())) == [(3, 4), (5, 6)]
    assert np.array_equal(image.values[0][image.valid], np.full(3598, 5000, np.float32) * np.float32(1e-4))
    product = next(safe.glob("MTD_*.xml"))
    product.write_text(re.sub(r"(NODATA</SPECIAL_VALUE_TEXT>\s*<SPECIAL_VALUE_INDEX>)0", r"\g<1>5000", product.read_text()))
    assert {band.nodata for band in scene.bands_of(open_scene(safe))} == {5000}


# ---- layouts that have no sample: written as the product specification lays them out ----


def product_xml(*, level="1C", quantification='<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>', more="", baseline="02.04") -> str:
    return (
        f'<n1:Level-{level}_User_Product xmlns:n1="https://psd-13"><n1:General_Info><Product_Info>{more}<PROCESSING_LEVEL>Level-{level}</PROCESSING_LEVEL>'
        f"<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE><Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake></Product_Info>"
        f"{quantification}</n1:General_Info><n1:Quality_Indicators_Info><GEOMETRIC_QUALITY_FLAG>FAILED</GEOMETRIC_QUALITY_FLAG>"
        f"</n1:Quality_Indicators_Info></n1:Level-{level}_User_Product>"
    )


def tile_xml(tile_id: str, *, time="2016-09-29T10:23:44.107Z", level="1C") -> str:
    views = "".join(
        f'<Mean_Viewing_Incidence_Angle bandId="{n}"><ZENITH_ANGLE>{zenith}</ZENITH_ANGLE></Mean_Viewing_Incidence_Angle>'
        for n, zenith in ((0, 9), (1, 4), (2, "NaN"), (7, 5), (9, 9))
    )
    return (
        f'<n1:Level-{level}_Tile_ID xmlns:n1="https://psd-12"><n1:General_Info><TILE_ID metadataLevel="Brief">{tile_id}</TILE_ID>'
        f"<SENSING_TIME>{time}</SENSING_TIME></n1:General_Info>"
        f"<Tile_Angles><Mean_Sun_Angle><ZENITH_ANGLE>47</ZENITH_ANGLE><AZIMUTH_ANGLE>-20</AZIMUTH_ANGLE></Mean_Sun_Angle>{views}</Tile_Angles>"
        f"</n1:Level-{level}_Tile_ID>"
    )


OLD = "S2A_OPER_PRD_MSIL1C_PDMC_20160929T185902_R065_V20160929T102022_20160929T102344.SAFE"
OLD_MTD = "S2A_OPER_MTD_SAFL1C_PDMC_20160929T185902_R065_V20160929T102022_20160929T102344.xml"
OLD_TILES = {f"S2A_OPER_MSI_L1C_TL_SGS__20160929T154211_A006640_T32T{n}P_N02.04": n for n in "PQ"}


def write_old(folder: Path) -> Path:
    """Two granules in one product, as delivered before December 2016."""
    safe = folder / OLD
    for tile, n in OLD_TILES.items():
        stem, place = tile.removesuffix("_N02.04"), safe / "GRANULE" / tile
        for band, res in (("B02", 10), ("B04", 10), ("B11", 20), ("B10", 60)):
            write_image(place / "IMG_DATA" / f"{stem}_{band}.jp2", res, ord(n), box=grid(res, east=600_000 if n == "P" else 699_960))
        clouds = write_gml(place / "QI_DATA" / f"{stem.replace('MSI_L1C_TL', 'MSK_CLOUDS')}_B00_MSIL1C.gml", [])
        clouds.with_name(clouds.name.replace("CLOUDS", "NODATA")).write_text("unused")
        (place / f"{stem.replace('_MSI_', '_MTD_')}.xml").write_text(tile_xml(tile, time=f"2016-09-29T10:2{3 if n == 'P' else 4}:00Z"))
        (place / "QI_DATA" / f"{stem.replace('_MSI_', '_MTD_')}_Report.xml").write_text("<report/>")
    granules = "".join(f'<Granule_List><Granules granuleIdentifier="{tile}"/></Granule_List>' for tile in OLD_TILES)
    (safe / OLD_MTD).write_text(product_xml(more=f"<PRODUCT_URI>{OLD}</PRODUCT_URI><Product_Organisation>{granules}</Product_Organisation>"))
    (safe / "manifest.safe").write_text("<xfdu/>")
    return safe


def write_gml(path: Path, rings, *, crs="32633", dimension=2, kind="OPAQUE", holes=()) -> Path:
    def ring(corners, side):
        text = " ".join(" ".join([repr(float(c)) for c in corner] + ["7"] * (dimension - 2)) for corner in corners)
        return f'<gml:{side}><gml:LinearRing><gml:posList srsDimension="{dimension}">{text}</gml:posList></gml:LinearRing></gml:{side}>'

    features = "".join(
        f"<eop:MaskFeature><eop:maskType>{kind}</eop:maskType><eop:extentOf><gml:Polygon>{ring(corners, 'exterior')}"
        f"{''.join(ring(hole, 'interior') for hole in holes)}</gml:Polygon></eop:extentOf></eop:MaskFeature>"
        for corners in rings
    )
    envelope = f'<gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG:8.7:{crs}"/></gml:boundedBy>' if rings else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" xmlns:gml="http://www.opengis.net/gml/3.2">'
        f"{envelope}<eop:maskMembers>{features}</eop:maskMembers></eop:Mask>"
    )
    return path


def test_each_granule_of_an_old_product_is_a_scene(tmp_path):
    safe = write_old(tmp_path)
    items = scan(tmp_path).items
    assert [item.id for item in items] == list(OLD_TILES)
    assert [item.datetime for item in items] == [datetime(2016, 9, 29, 10, 23, tzinfo=UTC), datetime(2016, 9, 29, 10, 24, tzinfo=UTC)]
    for item, (tile, n) in zip(items, OLD_TILES.items(), strict=True):
        assert scene.band_names(item) == ("blue", "red", "cirrus", "swir16")
        assert {tile in band.href for band in scene.bands_of(item)} == {True}
        assert {tile in asset.href or asset.href.endswith(OLD_MTD) for asset in item.assets.values()} == {True}
        assert scene.native_geobox(item) == grid(10, east=600_000 if n == "P" else 699_960)
        assert scene.cloud_mask(item) == "MSK_CLOUDS"
        assert scene.sun(item) == (340, 43)
        assert item.properties["view:off_nadir"] == 4.5  # of B02 and B08; B03 has none, B01 and B09 do not count
        assert item.properties["s2:geometric_quality"] == "FAILED"
        assert item.properties["camwatch:processing"] == "L1C baseline 02.04"
    for several in (safe, safe / OLD_MTD, tmp_path):
        with pytest.raises(SceneError, match=rf"holds 2 scenes.*{'.*'.join(OLD_TILES)}"):
            open_scene(several)


def test_a_granule_is_opened_by_its_folder_its_metadata_or_its_name_in_the_product(tmp_path):
    safe = write_old(tmp_path)
    tile = list(OLD_TILES)[1]
    place = safe / "GRANULE" / tile
    for path in (place, next(place.glob("*_MTD_*.xml")), safe / f"{OLD_MTD}#{tile}"):
        item = open_scene(path)
        assert item.id == tile
        assert item.datetime == datetime(2016, 9, 29, 10, 24, tzinfo=UTC)
        assert all(file.is_file() for file in scene.files_of(item))
        assert {band.scale for band in scene.bands_of(item)} == {1e-4}
    assert [item.id for item in scan(safe / "GRANULE").items] == list(OLD_TILES)


def test_an_archive_with_two_granules_holds_two_scenes(tmp_path):
    safe, packed = write_old(tmp_path), tmp_path / "packed"
    packed.mkdir()
    with zipfile.ZipFile(packed / "old.zip", "w") as out:
        for path in sorted(safe.rglob("*")):
            out.write(path, path.relative_to(tmp_path))
    assert [item.id for item in scan(packed).items] == list(OLD_TILES)
    with pytest.raises(SceneError, match="archive holds 2 scenes"):
        open_scene(packed / "old.zip")


def test_level_2a_of_early_sen2cor(tmp_path):
    safe = tmp_path / "S2A_USER_PRD_MSIL2A_PDMC_20160929T185902_R065_V20160929T102022_20160929T102344.SAFE"
    stem = "S2A_USER_MSI_L2A_TL_SGS__20160929T154211_A006640_T32TPP"
    place = safe / "GRANULE" / f"{stem}_N02.04"
    for res, bands in ((10, ("B02", "B08")), (20, ("B02", "B8A")), (60, ("B02", "B01"))):
        for band in bands:
            write_image(place / "IMG_DATA" / f"R{res}m" / f"{stem}_{band}_{res}m.jp2", res)
    for res in (20, 60):
        write_image(place / "IMG_DATA" / f"{stem.replace('MSI', 'SCL')}_{res}m.jp2", res, 4, dtype=np.uint8)
        write_image(place / "QI_DATA" / f"{stem.replace('MSI', 'CLD')}_{res}m.jp2", res, 99, dtype=np.uint8)  # a probability, no class
    (place / f"{stem.replace('MSI', 'MTD')}.xml").write_text(tile_xml("T", level="2A"))
    (place / "QI_DATA" / f"{stem.replace('MSI', 'MTD')}_Report.xml").write_text("<report/>")
    quantification = (
        "<L1C_TOA_QUANTIFICATION_VALUE>10000</L1C_TOA_QUANTIFICATION_VALUE><L2A_BOA_QUANTIFICATION_VALUE>2000</L2A_BOA_QUANTIFICATION_VALUE>"
    )
    uri = f"<PRODUCT_URI_2A>{safe.name}</PRODUCT_URI_2A>"
    (safe / f"{safe.stem.replace('PRD_MSI', 'MTD_SAF')}.xml").write_text(product_xml(level="2A", quantification=quantification, more=uri))
    item = open_scene(safe)
    assert item.id == safe.stem
    assert {band.name: band.geobox for band in scene.bands_of(item)} == {"coastal": grid(60), "blue": grid(10), "nir": grid(10), "nir08": grid(20)}
    assert scene.calibration(item) == "surface reflectance"
    assert {band.scale for band in scene.bands_of(item)} == {1 / 2000}
    assert [mask.kind for mask in scene.masks_of(item)] == ["SCL"]
    assert scene.masks_of(item)[0].geobox == grid(20)


def write_l1c(folder: Path, *, more="", quantification=None, bands=(("B02", 10), ("B04", 10), ("B11", 20))) -> Path:
    safe = folder / "S2A_MSIL1C_20170719T000219_N0205_R030_T33TTT_20170719T000218.SAFE"
    place = safe / "GRANULE" / "L1C_T33TTT_A001915_20170719T000218"
    for band, res in bands:
        write_image(place / "IMG_DATA" / f"T33TTT_20170719T000219_{band}.tif", res)
    (place / "QI_DATA").mkdir()
    (place / "MTD_TL.xml").write_text(tile_xml("T33TTT"))
    named = {} if quantification is None else {"quantification": quantification}
    (safe / "MTD_MSIL1C.xml").write_text(product_xml(more=more, **named))
    return safe


def square(col: int, row: int, side: int) -> list[tuple[int, int]]:
    """Corners in map coordinates of a square of 10 m pixels."""
    x, y = 600_000 + 10 * col, 4_000_020 - 10 * row
    return [(x, y), (x + 10 * side, y), (x + 10 * side, y - 10 * side), (x, y - 10 * side), (x, y)]


def test_clouds_of_level_1c_before_baseline_4_are_polygons(tmp_path):
    safe = write_l1c(tmp_path)
    place = next(safe.rglob("QI_DATA"))
    write_gml(place / "MSK_CLOUDS_B00.gml", [square(5, 8, 6), square(40, 30, 4)])
    item = open_scene(safe)
    assert scene.cloud_mask(item) == "MSK_CLOUDS"
    (mask,) = scene.masks_of(item)
    assert mask.is_vector
    assert mask.geobox == grid(10)
    valid = load(item, grid(10), bands=("blue",)).valid
    assert not valid[8:14, 5:11].any()
    assert not valid[30:34, 40:44].any()
    # Nothing further than the pixels that the outlines touch.
    far = np.ones(valid.shape, bool)
    far[7:15, 4:12] = far[29:35, 39:45] = False
    assert valid[far].all()


def test_saturation_of_level_1c_counts_for_its_band(tmp_path):
    safe = write_l1c(tmp_path)
    place = next(safe.rglob("QI_DATA"))
    for band in ("B04", "B11", "B12"):
        write_gml(place / f"MSK_SATURA_{band}.gml", [square(5, 8, 6)])
    item = open_scene(safe)
    numbers = {band.name: band.number for band in scene.bands_of(item)}
    assert len(set(numbers.values()) - {0}) == 3  # a field of band 0 would count for all bands
    masks = {mask.href[-7:-4]: mask for mask in scene.masks_of(item)}
    assert set(masks) == {"B04", "B11"}  # no band, no mask
    assert [flag.band for flag in masks["B04"].flags] == [numbers["red"]]
    assert [flag.band for flag in masks["B11"].flags] == [numbers["swir16"]]
    assert masks["B11"].geobox == grid(20)
    assert scene.cloud_mask(item) == "none"


def test_clouds_of_level_1c_from_baseline_4_are_planes_of_a_raster(tmp_path):
    safe = write_l1c(tmp_path)
    place = next(safe.rglob("QI_DATA"))
    planes = np.zeros((3, 10, 10), np.uint8)
    planes[0, 2, 3] = planes[1, 5, 6] = planes[2, 8, 8] = 1
    write_image(place / "MSK_CLASSI_B00.jp2", 60, planes, dtype=np.uint8)
    item = open_scene(safe)
    assert scene.cloud_mask(item) == "MSK_CLASSI"
    valid = load(item, grid(10), bands=("blue",)).valid
    expected = np.ones((10, 10), bool)
    expected[2, 3] = expected[5, 6] = False  # opaque cloud, cirrus; snow is ground
    assert np.array_equal(valid, expected.repeat(6, 0).repeat(6, 1))
    write_image(place / "MSK_CLASSI_B00.jp2", 60, planes[:1], dtype=np.uint8)
    with pytest.raises(SceneError, match="lacks planes"):
        open_scene(safe)


def test_the_scene_classification_goes_before_the_masks_of_level_1c(tree):
    safe = tree("L2A 02.12", only="R20m")
    place = next(safe.glob("GRANULE/*")) / "QI_DATA"
    write_gml(place / "MSK_CLOUDS_B00.gml", [])
    write_image(place / "MSK_CLDPRB_20m.tif", 20, 99, dtype=np.uint8)
    assert [mask.kind for mask in scene.masks_of(open_scene(safe))] == ["SCL"]
    next(safe.rglob("*_SCL_20m.tif")).unlink()
    assert [mask.kind for mask in scene.masks_of(open_scene(safe))] == ["MSK_CLOUDS"]


# ---- granules without their product ----


def test_a_tile_from_aws_wants_its_products_metadata(shared, tmp_path):
    source = shared / "data/products/sentinel2_metadata"
    tile = tmp_path / AWS_TILE
    for band, res in (("B02", 10), ("B8A", 20), ("SCL", 20)):
        write_image(tile / f"R{res}m" / f"{band}.jp2", res, 4, dtype=np.uint8 if band == "SCL" else np.uint16)
    write_image(tile / "preview" / "B04.jp2", 60)
    for name in ("metadata.xml", "tileInfo.json"):
        (tile / name).write_bytes((source / AWS_TILE / name).read_bytes())
    with pytest.raises(SceneError, match=r"baseline 04\.00; put its product's MTD_MSIL2A\.xml beside it"):
        open_scene(tile)
    (failure,) = scan(tmp_path).unreadable  # its bands are no scenes of their own
    assert failure.path == tile

    other = (source / f"{TREES['L2A 04.00']}.SAFE" / "MTD_MSIL2A.xml").read_text()
    (tile / "MTD_MSIL2A.xml").write_text(other)
    with pytest.raises(SceneError, match="metadata of another product"):
        open_scene(tile)
    own = re.search(r"<TILE_ID[^>]*>([^<]*)", (tile / "metadata.xml").read_text())[1]
    (tile / "MTD_MSIL2A.xml").write_text(re.sub(r'granuleIdentifier="[^"]*"', f'granuleIdentifier="{own}"', other))
    item = open_scene(tile)
    assert {band.name: (band.offset, band.geobox) for band in scene.bands_of(item)} == {"blue": (-0.1, grid(10)), "nir08": (-0.1, grid(20))}
    assert item.datetime == datetime(2022, 4, 1, 9, 3, 19, 283_082, UTC)
    assert scene.cloud_mask(item) == "SCL"


def test_a_granule_alone_and_a_product_without_granule(tmp_path):
    safe = write_l1c(tmp_path)
    tile = next(safe.rglob("MTD_TL.xml"))
    text = tile.read_text()
    tile.unlink()
    with pytest.raises(SceneError, match="without a granule's metadata"):
        open_scene(safe)
    tile.write_text(text)
    (safe / "MTD_MSIL1C.xml").unlink()
    for path in (safe, tile.parent, tile):
        with pytest.raises(SceneError, match=r"without its product's metadata.*MTD_MSIL1C\.xml"):
            open_scene(path)


# ---- damaged and contradictory metadata ----

LIST = "".join(f'<RADIO_ADD_OFFSET band_id="{n}">-1000</RADIO_ADD_OFFSET>' for n in range(13))
QUANTIFIED = "<QUANTIFICATION_VALUE>10000</QUANTIFICATION_VALUE>"


@pytest.mark.parametrize(
    ("quantification", "match"),
    [
        ("", "no quantification"),
        ("<QUANTIFICATION_VALUE>0</QUANTIFICATION_VALUE>", "is no quantification"),
        ("<QUANTIFICATION_VALUE>ten</QUANTIFICATION_VALUE>", "is no number"),
        (QUANTIFIED + LIST.replace('"11"', '"13"'), "offset of B11 is not stated"),
        (QUANTIFIED + LIST.replace("-1000", "nan", 1), "is no number"),
        (QUANTIFIED + LIST.replace("-1000", "", 1), "is no number"),
        (QUANTIFIED + LIST.replace('"3"', '"three"'), "is no number"),
        (
            QUANTIFIED
            + "<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>x</SPECIAL_VALUE_INDEX></Special_Values>",
            "number",
        ),
    ],
)
def test_numbers_that_are_none_are_named(tmp_path, quantification, match):
    with pytest.raises(SceneError, match=match) as caught:
        open_scene(write_l1c(tmp_path, quantification=quantification))
    assert "\n" not in str(caught.value)


def test_offsets_of_level_1c(tmp_path):
    mixed = LIST.replace('band_id="11">-1000', 'band_id="11">-250')
    item = open_scene(write_l1c(tmp_path, quantification=QUANTIFIED + mixed))
    assert {band.name: band.offset for band in scene.bands_of(item)} == {"blue": -0.1, "red": -0.1, "swir16": -0.025}


def test_a_granule_without_a_time_is_refused(tmp_path):
    safe = write_l1c(tmp_path)
    tile = next(safe.rglob("MTD_TL.xml"))
    tile.write_text(tile.read_text().replace("2016-09-29T10:23:44.107Z", "soon"))
    with pytest.raises(SceneError, match="states no sensing time; got 'soon'"):
        open_scene(safe)


# ---- GML ----


def test_polygons_with_holes_and_heights(tmp_path):
    outer, hole = square(0, 0, 30), square(10, 10, 5)
    path = write_gml(tmp_path / "a.gml", [outer], holes=[hole], dimension=3)
    found = read_polygons(str(path), "EPSG:32633")
    assert found.equals(Polygon(outer, [hole]))
    assert found.equals(read_polygons(str(path), CRS.from_epsg(32633).to_wkt()))
    assert not found.has_z
    opened = write_gml(tmp_path / "b.gml", [outer[:-1], square(50, 50, 1)])  # a ring that does not come back to its first corner
    assert read_polygons(str(opened)).area == 300**2 + 10**2
    assert read_polygons(str(write_gml(tmp_path / "c.gml", []))).is_empty
    assert read_polygons(str(write_gml(tmp_path / "d.gml", [outer[:2]]))).is_empty


def test_polygons_in_archives(tmp_path):
    path = write_gml(tmp_path / "a.gml", [square(0, 0, 3)])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.write(path, "QI_DATA/a.gml")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as out:
        out.add(path, "QI_DATA/a.gml")
    for kind, archive in (("zip", "a.zip"), ("tar", "a.tar.gz")):
        assert read_polygons(Files(tmp_path / archive, kind, ()).href("QI_DATA/a.gml")).area == 900


def test_polygons_of_the_real_product(shared):
    archive = next((shared / "data/products").glob("S2B_MSIL1C*.zip"))
    with zipfile.ZipFile(archive) as members:
        names = {name.rsplit("/", 1)[-1]: name for name in members.namelist()}
        text = members.read(names["MSK_DETFOO_B02.gml"]).decode()
    files = Files(archive, "zip", ())
    corners = np.array(re.search(r"<gml:posList[^>]*>([^<]*)", text)[1].split(), float).reshape(-1, 3)
    x, y = (corners[:, :2] - corners[0, :2]).T
    footprint = read_polygons(files.href(names["MSK_DETFOO_B02.gml"]), "EPSG:32756")
    assert footprint.area == pytest.approx(abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2)
    assert read_polygons(files.href(names["MSK_CLOUDS_B00.gml"]), "EPSG:32756").is_empty
    item = open_scene(archive)
    assert scene.cloud_mask(item) == "MSK_CLOUDS"
    assert len(scene.masks_of(item)) == 14  # and saturation of each band
    assert set(scene.band_names(item)) == set(COMMON.values())
    assert item.properties["camwatch:processing"] == "L1C baseline 02.05"


@pytest.mark.parametrize(("name", "band"), [("red", "B04"), ("swir16", "B11"), ("cirrus", "B10")])
def test_reflectance_of_the_real_product(shared, name, band):
    item = open_scene(next((shared / "data/products").glob("S2B_MSIL1C*.zip")))
    (href,) = (found.href for found in scene.bands_of(item) if found.name == name)
    assert href.endswith(f"_{band}.jp2")
    with rasterio.open(href) as dataset:
        dn = dataset.read(1)
    image = load(item, scene.native_geobox(item, (name,)), bands=(name,))
    assert np.array_equal(image.valid, dn > 0)  # half the tile lies beside the swath; its masks mark nothing
    assert np.array_equal(image.values[0][dn > 0], dn[dn > 0].astype(np.float32) * np.float32(1 / 10_000))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("8.7:32633", "8.7:32634", "another CRS"),
        ('srsDimension="2"', 'srsDimension="3"', "cannot be read"),
        ('srsDimension="2"', 'srsDimension="1"', "no number"),
        ('srsDimension="2"', 'srsDimension="0"', "cannot be read|no number"),
        ("600000.0", "nan", "no number"),
        ("600000.0", "x", "cannot be read"),
        ("posList", "pos", "without gml:posList"),
        ("exterior", "surface", "one outer ring"),
        ("<eop:Mask ", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><eop:Mask ', "entities"),
        ("</eop:Mask>", "", "cannot be parsed"),
    ],
)
def test_damaged_gml_is_named(tmp_path, old, new, match):
    path = write_gml(tmp_path / "a.gml", [square(0, 0, 3)])
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(SceneError, match=match) as caught:
        read_polygons(str(path), "EPSG:32633")
    assert "\n" not in str(caught.value)


def test_a_ring_without_end_is_refused(tmp_path):
    path = write_gml(tmp_path / "a.gml", [square(0, 0, 3)])
    path.write_text(path.read_text().replace("600000.0", "1 " * (RING_LIMIT // 2 + 1), 1))
    with pytest.raises(SceneError, match="too many corners"):
        read_polygons(str(path))


@pytest.mark.parametrize("href", ["https://example.org/MSK_CLOUDS_B00.gml", "/vsicurl/https://example.org/a.gml", "/nowhere/a.gml"])
def test_gml_that_is_not_here(href):
    with pytest.raises(SceneError):
        read_polygons(href)


def test_products_are_found_by_their_names_alone():
    names = [
        f"{n}.SAFE/GRANULE/L1C_{g}/{m}" for n in range(3) for g in range(n) for m in ("MTD_TL.xml", "IMG_DATA/T_B02.jp2", "QI_DATA/MTD_TL_Report.xml")
    ]
    names += [f"{n}.SAFE/{m}" for n in range(3) for m in ("MTD_MSIL1C.xml", "manifest.safe")] + ["x/metadata.xml", "y.jp2"]
    found = {found.name: found.members for found in find_sentinel2(Files(Path("/nowhere"), "folder", tuple(sorted(names))))}
    assert set(found) == {"0.SAFE/MTD_MSIL1C.xml", "1.SAFE/MTD_MSIL1C.xml", "2.SAFE/MTD_MSIL1C.xml#L1C_0", "2.SAFE/MTD_MSIL1C.xml#L1C_1"}
    assert found["1.SAFE/MTD_MSIL1C.xml"] == {name for name in names if name.startswith("1.SAFE/")}
    assert found["2.SAFE/MTD_MSIL1C.xml#L1C_0"] == {name for name in names if name.startswith("2.SAFE/") and "L1C_1" not in name}
