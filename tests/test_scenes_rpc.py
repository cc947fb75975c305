"""Rational polynomials: a camera of which every ray is known, its model in each text that delivers one, and GDAL's own transformer as the oracle."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.rpc import RPC
from rasterio.transform import RPCTransformer

from camwatch.errors import SceneError
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan
from camwatch.scenes.access.files import open_files
from camwatch.scenes.rpc import pairs_of, rpc_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),  # affine 3 about odc-geo's own arithmetic
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),  # about pixels that their model places, not the raster
]

HEADERS = "data/products/vendor_headers/gcore/data"
SHAPE = (600, 800)
LON, LAT, HEIGHT = 129.6, 41.8, 300.0
METRES = (111_320 * math.cos(math.radians(LAT)), 111_132.0)  # of a degree, as the camera below sees it
GSD = 0.6


@dataclass(frozen=True)
class Camera:
    """A pinhole `range_m` away on a sphere-free Earth (a degree is METRES), leaning by `lean` (tangent) towards the east; `range_m` inf is affine."""

    lean: float = 0.4
    range_m: float = math.inf

    def pixel(self, lon, lat, height):
        """Column and row, from the centre of the first pixel, of points on the ground."""
        east, north, up = (lon - LON) * METRES[0], (lat - LAT) * METRES[1], height - HEIGHT
        nearer = 1 - (up + self.lean * east) / self.range_m / math.hypot(1, self.lean)  # distance along the optical axis, relative
        return (east - self.lean * up) / nearer / GSD + (SHAPE[1] - 1) / 2, -north / nearer / GSD + (SHAPE[0] - 1) / 2

    def rpc(self):
        """The same as rational polynomials: exactly, as numerators and denominator are linear."""
        scales = {"long": 0.004, "lat": 0.003, "height": 500.0, "samp": SHAPE[1] / 2, "line": SHAPE[0] / 2}
        east, north, up = scales["long"] * METRES[0], scales["lat"] * METRES[1], scales["height"]
        far = self.range_m * math.hypot(1, self.lean)
        denominator = [1, -self.lean * east / far, 0, -up / far] + [0] * 16
        column = [0, east / GSD / scales["samp"], 0, -self.lean * up / GSD / scales["samp"]] + [0] * 16
        row = [0, 0, -north / GSD / scales["line"], 0] + [0] * 16
        offsets = {"long": LON, "lat": LAT, "height": HEIGHT, "samp": (SHAPE[1] - 1) / 2, "line": (SHAPE[0] - 1) / 2}
        return offsets, scales, {"samp": (column, denominator), "line": (row, denominator)}


def as_text(camera):
    """Of GeoEye, KOMPSAT, EROS, Planet."""
    offsets, scales, terms = camera.rpc()
    lines = [f"{axis.upper()}_OFF: {value:+.9f} units" for axis, value in offsets.items()]
    lines += [f"{axis.upper()}_SCALE: {value:+.9f} units" for axis, value in scales.items()]
    for axis, sides in terms.items():
        for side, numbers in zip(("NUM", "DEN"), sides, strict=True):
            lines += [f"{axis.upper()}_{side}_COEFF_{n}: {number:+.15E}" for n, number in enumerate(numbers, 1)]
    return "\n".join(lines)


def as_rpb(camera, *, bias=-1.0, rand=-1.0):
    """Of Maxar."""
    offsets, scales, terms = camera.rpc()
    lines = [f"\t{axis}Offset = {value:.9f};" for axis, value in offsets.items()] + [
        f"\t{axis}Scale = {value:.9f};" for axis, value in scales.items()
    ]
    for axis, sides in terms.items():
        for side, numbers in zip(("Num", "Den"), sides, strict=True):
            lines.append(f"\t{axis}{side}Coef = (\n" + ",\n".join(f"\t\t\t{number:+.15E}" for number in numbers) + ");")
    head = f'satId = "WV02";\nbandId = "P";\nSpecId = "RPC00B";\nBEGIN_GROUP = IMAGE\n\terrBias = {bias};\n\terrRand = {rand};\n'
    return head + "\n".join(lines) + "\nEND_GROUP = IMAGE\nEND;\n"


def as_xml(camera):
    """Of Maxar's XML."""
    offsets, scales, terms = camera.rpc()
    inside = "".join(f"<{axis.upper()}OFFSET>{value:.9f}</{axis.upper()}OFFSET>" for axis, value in offsets.items())
    inside += "".join(f"<{axis.upper()}SCALE>{value:.9f}</{axis.upper()}SCALE>" for axis, value in scales.items())
    for axis, sides in terms.items():
        for side, numbers in zip(("NUM", "DEN"), sides, strict=True):
            key = f"{axis.upper()}{side}COEF"
            inside += f"<{key}List><{key}>{' '.join(f'{number:.15e}' for number in numbers)}</{key}></{key}List>"
    return f"<RPB><SATID>WV02</SATID><IMAGE>{inside}</IMAGE></RPB>"


def as_tags(camera):
    offsets, scales, terms = camera.rpc()
    return RPC(
        height_off=offsets["height"],
        height_scale=scales["height"],
        lat_off=offsets["lat"],
        lat_scale=scales["lat"],
        long_off=offsets["long"],
        long_scale=scales["long"],
        line_off=offsets["line"],
        line_scale=scales["line"],
        samp_off=offsets["samp"],
        samp_scale=scales["samp"],
        line_num_coeff=list(terms["line"][0]),
        line_den_coeff=list(terms["line"][1]),
        samp_num_coeff=list(terms["samp"][0]),
        samp_den_coeff=list(terms["samp"][1]),
        err_bias=None,
        err_rand=None,
    )


def write(path, rpc=None, *, shape=SHAPE, count=1):
    with rasterio.open(path, "w", driver="GTiff", height=shape[0], width=shape[1], count=count, dtype="uint16", tiled=True) as dataset:
        dataset.write(np.ones((count, *shape), np.uint16))
        if rpc is not None:
            dataset.rpcs = rpc
    return path


def misses(item, camera):
    """By how many pixels the Item's grid misses the camera, at every tenth pixel: (root mean square, largest)."""
    box = scene.native_geobox(item)
    rows, cols = np.mgrid[0.5 : SHAPE[0] : 10, 0.5 : SHAPE[1] : 10]
    x, y = box.affine * (cols.ravel(), rows.ravel())
    lon, lat = Transformer.from_crs(str(box.crs), "EPSG:4326", always_xy=True).transform(x, y)
    column, row = camera.pixel(np.asarray(lon), np.asarray(lat), HEIGHT)
    off = np.hypot(column + 0.5 - cols.ravel(), row + 0.5 - rows.ravel())
    return float(np.sqrt((off**2).mean())), float(off.max())


AFFINE = Camera()
SATELLITE = Camera(range_m=770_000)
AIRCRAFT = Camera(range_m=3_000)


def imd(**more):
    values = {"bandId": "P", "panSharpenAlgorithm": "None", "numRows": SHAPE[0], "numColumns": SHAPE[1], "productLevel": "LV1B", **more}
    text = "".join(f"{key} = {value};\n" for key, value in values.items())
    image = "BEGIN_GROUP = IMAGE_1\nsatId = WV02;\nfirstLineTime = 2011-05-11T02:30:15Z;\nmeanOffNadirViewAngle = 20.0;\nEND_GROUP = IMAGE_1\n"
    return text + "BEGIN_GROUP = BAND_P\nabsCalFactor = 0.01;\nEND_GROUP = BAND_P\n" + image


def plain(folder, camera):
    return write(folder / "x_20110511.tif", as_tags(camera))


def plain_beside(folder, camera):
    (folder / "x_20110511_RPC.TXT").write_text(as_text(camera))
    return write(folder / "x_20110511.tif")


def maxar(folder, camera):
    (folder / "x.IMD").write_text(imd())
    (folder / "x.RPB").write_text(as_rpb(camera))
    return write(folder / "x.tif")


def maxar_tags(folder, camera):
    (folder / "x.IMD").write_text(imd())
    return write(folder / "x.tif", as_tags(camera))


def maxar_xml(folder, camera):
    said = "<IMD><BANDID>P</BANDID><BAND_P/><IMAGE><SATID>WV02</SATID><FIRSTLINETIME>2011-05-11T02:30:15Z</FIRSTLINETIME></IMAGE></IMD>"
    (folder / "x.XML").write_text(f"<isd>{said}{as_xml(camera)}</isd>")
    return write(folder / "x.tif")


def geoeye(folder, camera):
    (folder / "po_1_metadata.txt").write_text("Source Image Metadata\nSensor: GeoEye-1\nAcquisition Date/Time: 2011-05-11 02:30 GMT\n")
    (folder / "po_1_pan_0000000_rpc.txt").write_text(as_text(camera))
    return write(folder / "po_1_pan_0000000.tif")


def kompsat(folder, camera):
    said = "AUX_SATELLITE_NAME\tKOMPSAT2\nAUX_STRIP_ACQ_DATE_UT\t20110511\nAUX_STRIP_ACQ_START_UT\t023015.0\n"
    (folder / "x.txt").write_text(said)
    (folder / "x.rpc").write_text(as_text(camera).replace(": +", ":\t ").replace("E", "e"))
    return write(folder / "x.tif")


def eros(folder, camera):
    (folder / "x.pass").write_text("sweep_start_utc     2011-05-11,02:30:15\nsatellite EROS-B1\n")
    (folder / "x.rpc").write_text(as_text(camera))
    return write(folder / "x.tif")


def planet(folder, camera):
    (folder / "20110511_023015_0c12_1B_AnalyticMS_RPC.TXT").write_text(as_text(camera))
    write(folder / "20110511_023015_0c12_1B_AnalyticMS_DN_udm.tif")
    return write(folder / "20110511_023015_0c12_1B_AnalyticMS.tif", count=4)


DELIVERIES = (plain, plain_beside, maxar, maxar_tags, maxar_xml, geoeye, kompsat, eros, planet)


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_every_delivery_lies_where_its_camera_saw_it(tmp_path, delivery):
    image = delivery(tmp_path, SATELLITE)
    for path in (image, tmp_path):
        item = open_scene(path)
        rms, worst = misses(item, SATELLITE)
        assert rms < 0.03
        assert worst < 0.1
        said = item.properties
        assert said["camwatch:placement"] == "rational polynomials at a height of 300 m; relief not removed"
        assert said["camwatch:placement_rmse_m"] == pytest.approx(rms * GSD, rel=0.2)
        # Metres of ground for each metre of height: the camera's own, in its own degrees.
        assert said["camwatch:parallax"] == pytest.approx(0.4, rel=0.01)
        assert f"{scene.acquired(item):%Y-%m-%d}" == "2011-05-11"
        assert scene.native_geobox(item).shape == SHAPE
    assert [entry.id for entry in scan(tmp_path).items] == [item.id]


@pytest.mark.parametrize(("camera", "rms_px"), [(AFFINE, 0.01), (SATELLITE, 0.03), (AIRCRAFT, 6)])
def test_the_misfit_is_measured_and_is_the_position_error(tmp_path, camera, rms_px):
    item = open_scene(plain(tmp_path, camera))
    rms, _ = misses(item, camera)
    assert rms < rms_px
    # Withheld points: a little more than the residual of the 81.
    assert scene.position_error_m(item) == pytest.approx(item.properties["camwatch:placement_rmse_m"], rel=0.1, abs=1e-3)
    if camera is AIRCRAFT:
        assert item.properties["camwatch:placement_rmse_m"] == pytest.approx(rms * GSD, rel=0.25)


def test_an_error_that_the_model_states_counts(tmp_path):
    write(tmp_path / "a_20110511.tif")
    (tmp_path / "a_20110511.RPB").write_text(as_rpb(AFFINE, bias=1.5, rand=2.0))
    assert scene.position_error_m(open_scene(tmp_path / "a_20110511.tif")) == pytest.approx(2.5 * math.sqrt(2), rel=1e-3)


def test_what_lies_beside_goes_before_tags_and_belongs_to_the_scene(tmp_path):
    image = write(tmp_path / "x_20110511.tif", as_tags(Camera(lean=0.1)))
    (tmp_path / "x_20110511.RPB").write_text(as_rpb(AFFINE))
    item = open_scene(image)
    assert misses(item, AFFINE)[1] < 0.05
    assert {path.name for path in scene.files_of(item)} == {"x_20110511.tif", "x_20110511.RPB"}


def test_masks_of_a_basic_scene_lie_on_its_image(tmp_path):
    planet(tmp_path, SATELLITE)
    item = open_scene(tmp_path)
    boxes = {key: asset.extra_fields["proj:transform"] for key, asset in item.assets.items() if "proj:transform" in asset.extra_fields}
    assert len(boxes) == 2
    assert len({tuple(box) for box in boxes.values()}) == 1


BROKEN = {
    "no number": ("LINE_SCALE: +300.000000000", "LINE_SCALE: none"),
    "a term is missing": ("SAMP_NUM_COEFF_7", "SAMP_NUM_COEFF_77"),
    "nothing wide": ("LAT_SCALE: +0.003000000", "LAT_SCALE: +0.000000000"),
    "no ground": ("LINE_NUM_COEFF_3: -", "LINE_NUM_COEFF_3: +0 -"),
    "beyond the pole": ("LAT_OFF: +41", "LAT_OFF: +141"),
    "no longer a number": ("LONG_OFF: +129.6", "LONG_OFF: +1e999 "),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_model_without_an_answer_leaves_the_refusal(tmp_path, what):
    text = as_text(AFFINE)
    assert BROKEN[what][0] in text
    write(tmp_path / "x_20110511.tif")
    (tmp_path / "x_20110511_RPC.TXT").write_text(text.replace(*BROKEN[what]))
    with pytest.raises(SceneError, match="no georeference") as refusal:
        open_scene(tmp_path / "x_20110511.tif")
    assert "\n" not in str(refusal.value)


def test_tags_without_an_answer_are_refused_by_their_name(tmp_path):
    rpc = as_tags(AFFINE)
    rpc.line_num_coeff = [0.0] * 20
    with pytest.raises(SceneError, match="placed only by rational polynomials"):
        open_scene(write(tmp_path / "x_20110511.tif", rpc))


@pytest.mark.parametrize("wrong", [0.0, 0.05])
def test_a_model_that_contradicts_the_corners_gives_way_to_them(tmp_path, wrong):
    corners = {"UL": (0, 0), "UR": (SHAPE[1], 0), "LR": (SHAPE[1], SHAPE[0]), "LL": (0, SHAPE[0])}
    stated = ""
    for corner, (col, row) in corners.items():
        east, north = (col - SHAPE[1] / 2) * GSD, (SHAPE[0] / 2 - row) * GSD
        # 200 m below the model's height, which moves them by 80 m; the text says so.
        stated += (
            f"{corner}Lon = {LON + wrong + (east - 0.4 * 200) / METRES[0]:.9f};\n{corner}Lat = {LAT + north / METRES[1]:.9f};\n{corner}HAE = 100.0;\n"
        )
    write(tmp_path / "x.tif")
    (tmp_path / "x.IMD").write_text(imd().replace("absCalFactor", stated + "absCalFactor"))
    (tmp_path / "x.RPB").write_text(as_rpb(AFFINE))
    how = open_scene(tmp_path).properties["camwatch:placement"]
    assert how.startswith("corners" if wrong else "rational polynomials")


def test_control_points_of_an_analyst_go_first(tmp_path):
    image = write(tmp_path / "x_20110511.tif", as_tags(AFFINE))
    (tmp_path / "x_20110511.csv").write_text(
        "col,row,lon,lat\n0,0,129.0,41\n800,0,129.01,41\n800,600,129.01,40.99\n0,600,129.0,40.99\n400,300,129.005,40.995\n"
    )
    left, *_ = open_scene(image).bbox
    assert left == pytest.approx(129.0, abs=1e-3)


@pytest.mark.parametrize("name", ["md_dg.RPB", "md_ge_rgb_0010000_rpc.txt", "md_kompsat.rpc", "md_ov_rpc.txt"])
def test_real_models_agree_with_gdal(shared, name):
    files = open_files(shared / HEADERS)
    model = rpc_of(pairs_of(files, name))
    assert model is not None
    long_off, lat_off, height_off, samp_off, line_off = model.offsets
    scales = model.scales
    oracle = RPC(
        height_off, scales[2], lat_off, scales[1], list(model.row[1]), list(model.row[0]), line_off, scales[4],
        long_off, scales[0], list(model.column[1]), list(model.column[0]), samp_off, scales[3], None, None,
    )  # fmt: skip
    pixels = np.array([(samp_off + a * scales[3], line_off + b * scales[4]) for a in (-0.9, 0, 0.7) for b in (-0.8, 0.1, 0.9)])
    found = model.lonlat(pixels)
    assert found is not None
    with RPCTransformer(oracle) as transformer:
        rows, cols = transformer.rowcol(found[:, 0], found[:, 1], zs=np.full(len(found), height_off), op=float)
    np.testing.assert_allclose(np.column_stack([cols, rows]), pixels + 0.5, atol=1e-3)


LIES = ("0", "-1", "1e7", "1e-5", "9e9", "nan", "180", "90", "-89.99", "0.5", "30000", "", "1e300")


def test_lying_models_end_in_an_answer_or_one_line(tmp_path):
    dice = np.random.default_rng(20110511)
    image = write(tmp_path / "x_20110511.tif")
    answers, refusals = [], []
    for _ in range(150):
        lines = as_text(SATELLITE).splitlines()
        # Offsets and scales, which move things most, as often as all coefficients together.
        for at in [*dice.integers(0, 10, 1), *dice.integers(0, len(lines), 1)]:
            lines[at] = f"{lines[at].partition(':')[0]}: {dice.choice(LIES)}"
        (tmp_path / "x_20110511_RPC.TXT").write_text("\n".join(lines))
        try:
            item = open_scene(image)
        except SceneError as refusal:
            refusals.append(str(refusal))
        else:
            answers.append([*item.bbox, scene.position_error_m(item)])
    assert min(len(answers), len(refusals)) > 20
    assert np.isfinite(answers).all()
    assert not any("\n" in line for line in refusals)
