"""HLS granules written as the LP DAAC delivers them (tags, CMR record and names as in real granules) come back as Items that say the same."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.errors import SceneError
from camwatch.imagery import load
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

BOX = GeoBox((4, 5), Affine(30, 0, 499_980, 0, -30, 4_600_020), "EPSG:32652")
L30, S30 = "HLS.L30.T52TEM.2021186T020406.v2.0", "HLS.S30.T52TEM.2021187T022551.v2.0"
SCALING = {"add_offset": "0", "scale_factor": "0.0001", "_FillValue": "-9999"}
TAGS = {
    L30: {
        "LANDSAT_PRODUCT_ID": "LC08_L1TP_115031_20210705_20210713_02_T1; LC08_L1TP_115032_20210705_20210713_02_T1",
        "SENSING_TIME": "2021-07-05T02:04:29.8721750Z; 2021-07-05T02:04:06.0065510Z",
        "MEAN_SUN_AZIMUTH_ANGLE": "128.415474410642",
        "MEAN_SUN_ZENITH_ANGLE": "24.5",
        "MEAN_VIEW_ZENITH_ANGLE": "2.5638699586765",
        "ACCODE": "Lasrc; Lasrc",
    },
    S30: {
        "PRODUCT_URI": "S2B_MSIL1C_20210706T021609_N0301_R003_T52TEM_20210706T042036.SAFE",
        "SPACECRAFT_NAME": "Sentinel-2B",
        "SENSING_TIME": "2021-07-06T02:25:51.208242Z",
        "MEAN_SUN_AZIMUTH_ANGLE": "-220.5",
        "MEAN_SUN_ZENITH_ANGLE": "21.25",
        "ACCODE": "LaSRC",
    },
}
RAMP = np.arange(20, dtype=np.int16).reshape(4, 5) * 100 - 50  # reflectance may be negative


def write_granule(folder: Path, granule: str, bands: tuple[str, ...], *, fmask: np.ndarray | None = None, tags: dict[str, str] | None = None) -> Path:
    """Band n of `bands` holds the ramp + n; the first pixel has no data."""
    said = TAGS[granule] if tags is None else tags
    for n, band in enumerate(bands):
        values = RAMP + np.int16(n)
        values[0, 0] = -9999
        write_raster(folder / f"{granule}.{band}.tif", values, BOX, nodata=-9999 if said else None, tags={**said, **SCALING} if said else None)
    write_raster(folder / f"{granule}.SZA.tif", np.full(BOX.shape, 2450, np.uint16), BOX)
    quality = np.full(BOX.shape, 1 << 6, np.uint8) if fmask is None else fmask
    write_raster(folder / f"{granule}.Fmask.tif", quality, BOX, nodata=255, tags=said or None)
    return folder


def test_a_granule_of_landsat(tmp_path):
    quality = np.full(BOX.shape, 0, np.uint8)
    # Bits 0 to 7 in the second row and the first three of the third, fill in the fourth: only 1, 2, 3 and fill take a pixel out.
    quality.flat[5:13] = 1 << np.arange(8, dtype=np.uint8)
    quality[3, 4] = 255
    item = open_scene(write_granule(tmp_path, L30, ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B09", "B10"), fmask=quality))
    assert item.id == L30
    assert item.properties["camwatch:family"] == "hls"
    assert scene.acquired(item) == datetime(2021, 7, 5, 2, 4, 6, 6551, UTC)
    assert item.properties["camwatch:date_source"] == "SENSING_TIME of the metadata"
    assert scene.sun(item) == (pytest.approx(128.415474410642), 65.5)
    assert (item.properties["platform"], item.properties["instruments"]) == ("landsat-8", ["oli"])
    assert item.properties["view:incidence_angle"] == pytest.approx(2.5638699586765)
    assert item.properties["camwatch:processing"] == "HLS v2.0 Lasrc"
    assert scene.gsd_m(item) == 30
    assert scene.calibration(item) == "surface reflectance"
    assert scene.cloud_mask(item) == "FMASK"
    assert scene.band_names(item) == ("coastal", "blue", "green", "red", "nir", "swir16", "swir22")
    image = load(item, BOX)
    for n, name in enumerate(scene.band_names(item)):
        assert np.abs(image.band(name) - (RAMP + n) * 1e-4)[1:].max() < 3e-8
    lost = {(0, 0), (1, 1), (1, 2), (1, 3), (3, 4)}
    assert set(zip(*(place.tolist() for place in np.nonzero(~image.valid)), strict=True)) == lost


def test_the_near_infrared_of_both_products_is_the_matched_one(tmp_path):
    both = open_scene(write_granule(tmp_path / "both", S30, ("B04", "B08", "B8A", "B11")))
    assert scene.band_names(both) == ("red", "nir", "swir16", "nir_broad")
    assert load(both, BOX, bands=("nir",)).values[0, 1, 1] == pytest.approx((RAMP[1, 1] + 2) * 1e-4)
    broad = open_scene(write_granule(tmp_path / "broad", S30, ("B04", "B08")))
    assert scene.band_names(broad) == ("red", "nir")
    assert (broad.properties["platform"], broad.properties["instruments"]) == ("sentinel-2b", ["msi"])
    assert scene.sun(broad) == (139.5, 68.75)


CMR = (
    "<Granule><GranuleUR>{granule}</GranuleUR><Temporal><RangeDateTime><BeginningDateTime>2021-07-05T02:04:06.500000Z</BeginningDateTime>"
    "</RangeDateTime></Temporal><Platforms><Platform><ShortName>LANDSAT-9</ShortName></Platform></Platforms><AdditionalAttributes>{more}"
    "</AdditionalAttributes></Granule>"
)
ATTRIBUTE = "<AdditionalAttribute><Name>{}</Name><Values>{}</Values></AdditionalAttribute>"


def test_without_tags_what_lies_beside_speaks(tmp_path):
    """The tags of the rasters, then the CMR record, then the STAC Item, and the file name last; which one it was is said."""
    write_granule(tmp_path, L30, ("B04",), tags={})
    item = open_scene(tmp_path)
    assert (scene.acquired(item), item.properties["camwatch:date_source"]) == (datetime(2021, 7, 5, 2, 4, 6, tzinfo=UTC), "file name")
    assert scene.sun(item) is None
    image = load(item, BOX)
    assert image.values[0, 1, 1] == pytest.approx(RAMP[1, 1] * 1e-4)
    assert (image.valid.sum(), image.valid[0, 0]) == (19, False)

    stac = {"type": "Feature", "stac_version": "1.0.0", "properties": {"datetime": "2021-07-05T02:04:07Z", "view:sun_azimuth": 120.5}}
    (tmp_path / f"{L30}_stac.json").write_text(json.dumps(stac))
    item = open_scene(tmp_path)
    assert (scene.acquired(item).second, item.properties["camwatch:date_source"]) == (7, "STAC Item beside the rasters")

    (tmp_path / f"{L30}.cmr.xml").write_text(CMR.format(granule=L30, more=""))
    item = open_scene(tmp_path)
    assert (scene.acquired(item).microsecond, item.properties["camwatch:date_source"]) == (500_000, "BeginningDateTime of the CMR record")
    assert item.properties["platform"] == "landsat-9"

    values = {"SENSING_TIME": "2021-07-05T02:04:08Z", "MEAN_SUN_AZIMUTH_ANGLE": "121.25", "MEAN_SUN_ZENITH_ANGLE": "30"}
    more = "".join(ATTRIBUTE.format(name, f"<Value>{value}</Value>") for name, value in values.items())
    (tmp_path / f"{L30}.cmr.xml").write_text(CMR.format(granule=L30, more=more))
    item = open_scene(tmp_path)
    assert (scene.acquired(item).second, scene.sun(item)) == (8, (121.25, 60))

    write_granule(tmp_path, L30, ("B04",), tags={"SENSING_TIME": "2021-07-05T02:04:09Z"})
    item = open_scene(tmp_path)
    assert (scene.acquired(item).second, scene.sun(item)) == (9, (121.25, 60))
    assert len(scan(tmp_path).items) == 1  # the STAC Item beside it is no second scene


def test_metadata_wins_over_the_file_name(tmp_path):
    item = open_scene(write_granule(tmp_path, L30, ("B04",), tags={**TAGS[L30], "SENSING_TIME": "2019-03-02T02:10:00Z"}))
    assert scene.acquired(item) == datetime(2019, 3, 2, 2, 10, tzinfo=UTC)


def test_granules_in_one_folder_are_told_apart(tmp_path):
    write_granule(tmp_path, L30, ("B04", "B05"))
    write_granule(tmp_path, S30, ("B04", "B8A"))
    catalogue = scan(tmp_path)
    assert catalogue.unreadable == ()
    assert [item.id for item in catalogue.items] == [L30, S30]
    assert open_scene(tmp_path / f"{S30}.B04.tif").id == S30
    with pytest.raises(SceneError, match="holds 2 scenes"):
        open_scene(tmp_path)


def test_what_cannot_be_used_is_refused_in_one_line(tmp_path):
    cases = {
        "only quality": (write_granule(tmp_path / "a", L30, ()), "without a band of reflectance"),
        "sun": (write_granule(tmp_path / "b", L30, ("B04",), tags={**TAGS[L30], "MEAN_SUN_ZENITH_ANGLE": "400"}), "impossible sun zenith"),
        "view": (write_granule(tmp_path / "c", L30, ("B04",), tags={**TAGS[L30], "MEAN_VIEW_ZENITH_ANGLE": "-91"}), "impossible view zenith"),
        "date": (write_granule(tmp_path / "d", L30, ("B04",), tags={}), "states no date"),
        "record": (write_granule(tmp_path / "e", L30, ("B04",)), "cannot be parsed"),
    }
    for path in (tmp_path / "d").iterdir():
        path.rename(path.with_name(path.name.replace("2021186", "2021999")))
    (tmp_path / "e" / f"{L30}.cmr.xml").write_text("<Granule><Name>")
    for folder, message in cases.values():
        with pytest.raises(SceneError, match=message) as caught:
            open_scene(folder)
        assert "\n" not in str(caught.value)
        assert str(folder) in str(caught.value)


def test_a_foreign_json_beside_it_does_no_harm(tmp_path):
    write_granule(tmp_path, L30, ("B04",))
    (tmp_path / f"{L30}.json").write_text(json.dumps({"type": "Feature", "stac_version": "1.0.0", "properties": ["no", "mapping"]}))
    (tmp_path / f"{L30}_other.json").write_text("[1, 2")
    assert open_scene(tmp_path).id == L30
