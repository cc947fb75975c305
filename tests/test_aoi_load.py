"""Own files: what works, what is refused, and how it is said."""

import json
import math
import shutil
import unicodedata
from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon, box, mapping

from camwatch.aoi import bundled, check, load_aoi
from camwatch.aoi.days import read_day
from camwatch.aoi.placement import overlap_share
from camwatch.errors import AoiError, MissingInputError

SQUARE = box(129.70, 41.80, 129.71, 41.81)


def geojson(path, *features, **head):
    """Write features, each a geometry or (geometry, properties)."""
    pairs = [f if isinstance(f, tuple) else (f, {}) for f in features]
    records = [{"type": "Feature", "properties": p, "geometry": g if g is None or isinstance(g, dict) else mapping(g)} for g, p in pairs]
    path.write_text(json.dumps({"type": "FeatureCollection", **head, "features": records}), encoding="utf-8")
    return path


def refused(path, *words, error=AoiError):
    """The message is one line, names the file, and says these words."""
    with pytest.raises(error) as caught:
        load_aoi(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


def layer(path, geometry=SQUARE, crs="EPSG:4326", driver=None, **columns):
    import geopandas

    table = geopandas.GeoDataFrame({**{k: [v] for k, v in columns.items()}, "geometry": [geometry]}, crs="EPSG:4326")
    if crs is None:
        table = table.set_crs(None, allow_override=True)
    elif crs != "EPSG:4326":
        table = table.to_crs(crs)
    table.to_file(path, driver=driver)
    return path


# --- names ------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "camp"),
    [
        ("chongjin", "chongjin"),
        ("CHONGJIN", "chongjin"),
        ("Ch'ŏngjin", "chongjin"),
        ("25", "chongjin"),
        ("kwan-li-so no 25", "chongjin"),
        ("청진 제25호 관리소", "chongjin"),
        ("청진제25호관리소", "chongjin"),
        ("회령 제22호 관리소", "hoeryong"),
        ("Hoeryŏng", "hoeryong"),
        ("camp22", "hoeryong"),
        ("요덕", "yodok"),
        ("화성", "hwasong"),
        ("온성", "onsong"),
        ("증산 제11호 교화소", "chungsan"),
    ],
)
def test_a_camp_answers_to_its_names(name, camp):
    assert load_aoi(name).id == camp
    assert load_aoi(unicodedata.normalize("NFD", name)).id == camp  # as macOS writes file names


def test_no_name_belongs_to_two_camps():
    from camwatch.aoi.bundle import _key

    owners = [(_key(n), camp) for camp in bundled() for n in {camp, *load_aoi(camp).aliases}]
    assert len({n for n, _ in owners}) == len({(n, c) for n, c in owners})
    assert all(n for n, _ in owners)


def test_an_unknown_camp_is_answered_with_the_known_ones():
    message = refused("chonjin", "unknown camp", "'chonjin'", "did you mean chongjin?", error=MissingInputError)
    assert all(camp in message for camp in bundled())
    assert "did you mean" not in refused("zzzz", "unknown camp", error=MissingInputError)


def test_a_missing_file_is_no_unknown_camp(tmp_path):
    refused("nowhere.geojson", "nowhere.geojson", "no such file", error=MissingInputError)
    refused(tmp_path / "x.gpkg", "x.gpkg", "no such file", error=MissingInputError)
    refused(tmp_path, "is a folder", error=MissingInputError)


# --- what works -------------------------------------------------------------------------------------------------------------------------------------


def test_one_polygon_without_properties_is_enough(tmp_path):
    path = tmp_path / "My camp.v2.geojson"
    path.write_text(json.dumps(mapping(SQUARE)), encoding="utf-8")  # a bare geometry
    aoi = load_aoi(str(path))
    assert (aoi.id, aoi.camp.role, aoi.nominal, aoi.camp.accuracy_m) == ("My-camp.v2", "camp", False, 30.0)
    assert aoi.camp.geometry.equals(SQUARE)


def test_properties_are_recognised_in_any_case_and_empty_ones_are_absent(tmp_path):
    said = {
        "ID": "fence",
        "Name": "Fence",
        "ROLE": "Search Window",
        "Accuracy_m": "12.5",
        "nominal": 1,
        "valid_from": "2010",
        "valid_to": "2012-02",
        "documented": {"area_km2": 0.9, "width_m": None},
        "source": None,
        "unknown": [1, 2],
    }
    outline = load_aoi(geojson(tmp_path / "a.geojson", (SQUARE, said))).camp
    assert (outline.id, outline.name, outline.role, outline.accuracy_m) == ("fence", "Fence", "search-window", 12.5)
    assert (outline.nominal, outline.source) == (True, "")
    assert (outline.valid_from, outline.valid_to) == (date(2010, 1, 1), date(2012, 2, 29))
    assert outline.documented == {"area_km2": 0.9}


def test_the_running_number_of_a_gis_is_no_id(tmp_path):
    for number in (1, "7", 3.0):
        assert load_aoi(geojson(tmp_path / "trace.geojson", (SQUARE, {"id": number}))).id == "trace"


def test_an_id_cannot_leave_its_folder(tmp_path):
    assert load_aoi(geojson(tmp_path / "a.geojson", (SQUARE, {"id": "../../etc/x y"}), id="/other/q")).id == "other-q"


def test_polygons_without_names_are_parts_of_one_camp(tmp_path):
    other = box(129.72, 41.80, 129.73, 41.81)
    aoi = load_aoi(geojson(tmp_path / "a.geojson", SQUARE, other))
    assert isinstance(aoi.camp.geometry, MultiPolygon)
    area = next(m.measured for m in check(aoi) if m.what == "area")
    alone = next(m.measured for m in check(load_aoi(geojson(tmp_path / "b.geojson", SQUARE))) if m.what == "area")
    assert area == pytest.approx(2 * alone, rel=1e-9)  # the same box, moved along its parallel
    assert load_aoi(geojson(tmp_path / "c.geojson", MultiPolygon([SQUARE, other]))).camp.geometry.equals(aoi.camp.geometry)


def test_holes_are_no_part_of_the_area_and_rings_are_turned(tmp_path):
    holed = Polygon(list(SQUARE.exterior.coords)[::-1], [list(box(129.702, 41.802, 129.708, 41.808).exterior.coords)])
    aoi = load_aoi(geojson(tmp_path / "a.geojson", holed))
    assert aoi.camp.geometry.exterior.is_ccw
    assert not aoi.camp.geometry.interiors[0].is_ccw
    assert next(m.measured for m in check(aoi)) == pytest.approx(0.64 * 0.9234, rel=0.01)  # 0.01° squared at 41.8° is 0.923 km², less 36 %


def test_heights_are_dropped(tmp_path):
    tall = Polygon([(x, y, 120.0) for x, y in SQUARE.exterior.coords])
    assert not load_aoi(geojson(tmp_path / "a.geojson", tall)).camp.geometry.has_z


def test_a_traced_camp_replaces_the_bundled_one_and_keeps_the_rest(tmp_path):
    trace = box(129.715, 41.829, 129.735, 41.840)
    aoi = load_aoi(geojson(tmp_path / "CHONGJIN.geojson", trace))
    assert aoi.id == "chongjin"
    assert aoi.camp.geometry.equals(trace)
    assert not aoi.nominal
    assert [o.id for o in aoi.outlines][1:] == ["chongjin-2010", "chongjin-2003", "chongjin-se", "chongjin-search"]
    assert aoi.aliases == load_aoi("chongjin").aliases
    assert load_aoi("chongjin").nominal  # the bundled one is untouched


def test_one_traced_perimeter_replaces_only_itself(tmp_path):
    trace = box(129.715, 41.829, 129.735, 41.840)
    said = {"id": "chongjin-2003", "role": "perimeter", "valid_from": "2003-01-18", "valid_to": "2009"}
    aoi = load_aoi(geojson(tmp_path / "chongjin.geojson", (trace, said)))
    assert aoi.perimeter(date(2009, 12, 31)).geometry.equals(trace)
    assert aoi.perimeter(date(2010, 6, 1)).nominal
    assert aoi.camp.id == "chongjin"
    site = aoi.site(aoi.utm(), date(2008, 1, 1), date(2009, 1, 1))
    assert site.nominal  # the camp outline still is


def test_a_bundled_id_elsewhere_is_a_slip(tmp_path):
    refused(geojson(tmp_path / "a.geojson", box(-129.73, 41.83, -129.72, 41.84), id="chongjin"), "is not where the camp 'chongjin' is", "km away")


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".kml"])
def test_other_formats_say_the_same(tmp_path, suffix):
    path = layer(tmp_path / f"trace{suffix}", driver="KML" if suffix == ".kml" else None)
    aoi = load_aoi(path)
    assert (aoi.id, aoi.camp.role, aoi.nominal) == ("trace", "camp", False)
    assert aoi.camp.geometry.normalize().equals_exact(SQUARE.normalize(), 1e-9)


def test_a_zipped_shapefile(tmp_path):
    (tmp_path / "in").mkdir()
    layer(tmp_path / "in" / "trace.shp")
    for name in ("trace.zip", "trace.shp.zip"):
        shutil.make_archive(str(tmp_path / name.removesuffix(".zip")), "zip", tmp_path / "in")
        assert load_aoi(tmp_path / name).id == "trace"


def test_a_projected_geopackage_with_properties(tmp_path):
    import geopandas

    start = datetime(2010, 5, 1)  # noqa: DTZ001 — a date field of a GeoPackage has no zone
    fence = {"id": "fence", "role": "perimeter", "accuracy_m": 8.0, "valid_from": start, "documented": '{"area_km2": 0.92}', "valid_to": None}
    site = {"id": "site", "role": "camp", "geometry": SQUARE.buffer(0.01)}
    table = geopandas.GeoDataFrame([{**fence, "geometry": SQUARE}, site], crs="EPSG:4326").to_crs("EPSG:32652")
    table.to_file(tmp_path / "a.gpkg")
    aoi = load_aoi(tmp_path / "a.gpkg")
    fence = next(o for o in aoi.outlines if o.id == "fence")
    assert aoi.id == "site"
    assert (fence.accuracy_m, fence.valid_from, fence.valid_to, fence.documented) == (8.0, date(2010, 5, 1), None, {"area_km2": 0.92})
    assert fence.geometry.hausdorff_distance(SQUARE) < 1e-8  # 1 mm
    assert next(o for o in aoi.outlines if o.id == "site").accuracy_m == 30.0  # an empty cell is absent


def test_an_old_crs_member_is_heeded(tmp_path):
    from camwatch.aoi import LONLAT, reproject

    utm = reproject(SQUARE, LONLAT, "EPSG:32652")
    for name in ("urn:ogc:def:crs:EPSG::32652", "EPSG:32652"):
        aoi = load_aoi(geojson(tmp_path / "a.geojson", utm, crs={"type": "name", "properties": {"name": name}}))
        assert aoi.camp.geometry.hausdorff_distance(SQUARE) < 1e-8
    for name in ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326"):  # both mean longitude first in GeoJSON
        assert load_aoi(geojson(tmp_path / "a.geojson", SQUARE, crs={"type": "name", "properties": {"name": name}})).camp.geometry.equals(SQUARE)
    refused(geojson(tmp_path / "b.geojson", SQUARE, crs={"type": "name", "properties": {"name": "EPSG:nonsense"}}), "`crs`", "b.geojson")
    refused(geojson(tmp_path / "b.geojson", SQUARE, crs=None), "`crs`")


# --- what is refused --------------------------------------------------------------------------------------------------------------------------------


def test_a_self_crossing_outline_is_told_where(tmp_path):
    bow = Polygon([(129.70, 41.80), (129.72, 41.82), (129.72, 41.80), (129.70, 41.82)])
    refused(geojson(tmp_path / "a.geojson", bow), "a.geojson, feature 1", "crosses itself", "longitude 129.710000", "latitude 41.810000")


def test_swapped_coordinates(tmp_path):
    swapped = Polygon([(y, x) for x, y in SQUARE.exterior.coords])
    refused(geojson(tmp_path / "a.geojson", swapped), "swapped", "129.71")


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (Point(129.7, 41.8), ("Point", "Polygon")),
        (LineString([(129.7, 41.8), (129.8, 41.9)]), ("LineString",)),
        (Polygon(), ("empty",)),
        (None, ("empty",)),
        ({"type": "Polygon", "coordinates": [[[129.7, 41.8], [129.8, 1e999], [129.8, 41.9], [129.7, 41.8]]]}, ("no numbers",)),
        (box(129.70, 41.80, 129.70005, 41.80005), ("unlikely size", "m²")),
        (box(100, 30, 110, 40), ("unlikely size", "km²")),
        (box(-179.9, 41.8, 179.9, 41.81), ("antimeridian",)),
        (box(179.9, 41.8, 180.1, 41.81), ("no degrees",)),
        (box(559311, 4631030, 561131, 4632254), ("no degrees", "EPSG:4326")),
        ({"type": "Polygon", "coordinates": [[[129.7, 41.8], [129.8, "x"], [129.8, 41.9], [129.7, 41.8]]]}, ("unreadable geometry",)),
        ({"type": "Polygon", "coordinates": [[[129.7, 41.8], [129.8, 41.9]]]}, ("geometry",)),
        ({"type": "Blob", "coordinates": []}, ("unreadable geometry",)),
        ({"type": "Polygon", "coordinates": [[[129.7, 41.8], [129.8, float("nan")], [129.8, 41.9], [129.7, 41.8]]]}, ("no numbers",)),
    ],
)
def test_geometries_that_cannot_be_used(tmp_path, geometry, words):
    refused(geojson(tmp_path / "a.geojson", geometry), "a.geojson, feature 1", *words)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"role": "camp site"}, ("role", "'camp site'", "search-window")),
        ({"accuracy_m": -3}, ("accuracy_m", "-3")),
        ({"accuracy_m": "far"}, ("accuracy_m",)),
        ({"accuracy_m": True}, ("accuracy_m",)),
        ({"nominal": "perhaps"}, ("nominal",)),
        ({"valid_from": "spring 2010"}, ("valid_from", "YYYY")),
        ({"valid_from": "2010-02-30"}, ("valid_from",)),
        ({"valid_from": "2012", "valid_to": "2010"}, ("later",)),
        ({"documented": {"area": 3}}, ("documented", "area_km2")),
        ({"documented": "{"}, ("documented",)),
        ({"documented": {"area_km2": "big"}}, ("documented.area_km2",)),
    ],
)
def test_properties_that_make_no_sense(tmp_path, said, words):
    refused(geojson(tmp_path / "a.geojson", (SQUARE, said)), "a.geojson, feature 1", *words)


def test_files_that_are_no_outline(tmp_path):
    refused(geojson(tmp_path / "a.geojson"), "no features")
    listed = '{"type": "Feature", "properties": [1], "geometry": {"type": "Point", "coordinates": [1, 2]}}'
    for text in ("{", "[]", '{"features": []}', "\x00", listed, '{"type": "FeatureCollection", "features": [3]}'):
        (tmp_path / "b.geojson").write_text(text)
        refused(tmp_path / "b.geojson", "b.geojson")
    (tmp_path / "c.geojson").write_bytes("청진".encode("euc-kr"))
    refused(tmp_path / "c.geojson", "not readable as GeoJSON")
    for name in ("d.gpkg", "d.shp", "d.kml", "d.zip"):
        (tmp_path / name).write_bytes(b"no vector file")
        refused(tmp_path / name, name, "not readable as a vector file")


def test_a_file_without_a_crs(tmp_path):
    layer(tmp_path / "a.shp")
    (tmp_path / "a.prj").unlink()
    refused(tmp_path / "a.shp", "states no CRS", ".prj")


def test_two_camps_or_one_id_twice(tmp_path):
    other = box(129.72, 41.80, 129.73, 41.81)
    refused(geojson(tmp_path / "a.geojson", (SQUARE, {"id": "one"}), (other, {"id": "two"})), "several outlines of the role camp", "one, two")
    refused(geojson(tmp_path / "a.geojson", (SQUARE, {"id": "one"}), (other, {"id": "one", "role": "sub-area"})), "ids given twice", "one")
    refused(geojson(tmp_path / "a.geojson", (SQUARE, {"id": "one", "role": "perimeter"})), "no outline of the whole site", "perimeter")


@pytest.mark.parametrize(
    "head",
    [
        {"aliases": 5},
        {"aliases": [5]},
        {"distances": "far"},
        {"distances": [3]},
        {"distances": [{"lon": 1, "lat": 2, "km": 3}]},
        {"distances": [{"lon": 1, "lat": 2, "km": "x", "from_outline": "a"}]},
        {"distances": [{"lon": 1, "lat": 2, "km": 0, "from_outline": "a"}]},
    ],
)
def test_top_level_members_that_make_no_sense(tmp_path, head):
    refused(geojson(tmp_path / "a.geojson", SQUARE, **head), "a.geojson", next(iter(head)).removesuffix("s"))


def test_a_distance_from_an_outline(tmp_path):
    record = {"to": "corner", "lon": 129.72, "lat": 41.805, "km": 0.8, "from_outline": "a"}
    distance = check(load_aoi(geojson(tmp_path / "a.geojson", SQUARE, distances=[record])))[-1]
    phi = math.radians(41.805)
    along = math.radians(0.01) * 6378.137 / math.sqrt(1 - 0.00669437999 * math.sin(phi) ** 2) * math.cos(phi)  # of the parallel, on WGS84
    assert distance.measured == pytest.approx(along, abs=1e-5)
    assert distance.uncertainty == pytest.approx(0.03)
    with pytest.raises(AoiError, match="not there; got 'b'"):
        check(load_aoi(geojson(tmp_path / "a.geojson", SQUARE, distances=[{**record, "from_outline": "b"}])))


def test_bundled_distances_are_measured_from_a_traced_camp_too(tmp_path):
    trace = load_aoi("hoeryong").camp.geometry
    aoi = load_aoi(geojson(tmp_path / "x.geojson", (trace, {"id": "trace"}), id="hoeryong"))
    assert [m.measured for m in check(aoi) if m.unit == "km"][-6:] == [m.measured for m in check(load_aoi("hoeryong")) if m.unit == "km"][-6:]


# --- measuring and dates ----------------------------------------------------------------------------------------------------------------------------


def test_uncertainty_follows_from_accuracy(tmp_path):
    """Against the outline really moved outwards by its accuracy: for a convex shape the length grows by 2π × accuracy (Steiner)."""
    from camwatch.aoi import LONLAT, reproject

    wide = box(129.70, 41.80, 129.80, 41.87)
    said = {"accuracy_m": 50, "documented": {"area_km2": 65, "perimeter_km": 50}}
    area, length = check(load_aoi(geojson(tmp_path / "a.geojson", (wide, said))))[:2]
    local = "+proj=aeqd +lat_0=41.835 +lon_0=129.75 +datum=WGS84"
    grown = reproject(reproject(wide, LONLAT, local).buffer(50, quad_segs=64), local, LONLAT)
    moved = check(load_aoi(geojson(tmp_path / "b.geojson", grown)))
    assert moved[0].measured - area.measured == pytest.approx(area.uncertainty, rel=0.01)
    assert moved[1].measured - length.measured == pytest.approx(length.uncertainty, rel=0.01)
    assert area.agrees == (abs(area.measured - 65) <= area.uncertainty)
    assert length.agrees is False
    assert length.difference_percent == pytest.approx(100 * (length.measured / 50 - 1))
    assert length.row()[-1] == "differs beyond its uncertainty"
    assert json.loads(json.dumps(length.as_json()))["agrees"] is False


@given(st.dates())
def test_a_day_reads_back(day):
    assert read_day(day.isoformat(), last=True) == read_day(day, last=False) == day
    assert read_day(f"{day.year:04d}-{day.month:02d}", last=False) == day.replace(day=1)
    assert read_day(f"{day.year:04d}-{day.month:02d}", last=True).month == day.month
    assert (read_day(f"{day.year:04d}", last=False), read_day(f"{day.year:04d}", last=True)) == (date(day.year, 1, 1), date(day.year, 12, 31))


@pytest.mark.parametrize("text", ["", "10-05-2010", "2010-13", "2010-00", "0000", "2010-5", "two thousand", True, None, 3.5])
def test_what_is_no_day(text):
    with pytest.raises(ValueError, match="no d"):
        read_day(text, last=False)


@settings(max_examples=40, deadline=None)
@given(st.tuples(st.floats(-170, 170), st.floats(-80, 80)), st.floats(0.002, 0.4), st.integers(3, 24), st.booleans())
def test_any_plain_outline_survives_a_round_trip(tmp_path_factory, centre, size, corners, clockwise):
    lon, lat = centre
    ring = [(lon + size * math.cos(2 * math.pi * i / corners), lat + size * math.sin(2 * math.pi * i / corners)) for i in range(corners)]
    path = tmp_path_factory.mktemp("round") / "a.geojson"
    shape = Polygon(ring[::-1] if clockwise else ring)
    first = load_aoi(geojson(path, shape))
    again = load_aoi(geojson(path, first.camp.geometry))
    assert first.camp.geometry.exterior.is_ccw
    assert first.camp.geometry.equals(shape)
    assert list(again.camp.geometry.exterior.coords) == list(first.camp.geometry.exterior.coords)


# --- posts and digitised lines ----------------------------------------------------------------------------------------------------------------------


def test_posts_are_points_that_come_along_in_the_crs_of_the_site(tmp_path):
    corner = Point(129.70, 41.80)
    path = geojson(tmp_path / "a.geojson", SQUARE, (corner, {"role": "Post"}), (MultiPoint([(129.71, 41.81), (129.71, 41.80)]), {"role": "post"}))
    aoi = load_aoi(path)
    assert [o.role for o in aoi.outlines] == ["camp"]
    assert [(p.x, p.y) for p in aoi.posts] == [(129.70, 41.80), (129.71, 41.81), (129.71, 41.80)]
    site = aoi.site(aoi.utm(), date(2009, 6, 1), date(2011, 6, 1))
    assert len(site.posts) == 3
    assert all(isinstance(p, Point) for p in site.posts)
    assert site.area.boundary.distance(site.posts[0]) < 1e-6
    assert site.posts[1].distance(site.posts[2]) == pytest.approx(1111, abs=2)  # 0.01° of latitude
    assert load_aoi("chongjin").site(32652, date(2009, 6, 1), date(2011, 6, 1)).posts == ()


def test_a_layer_named_posts_or_perimeter_says_the_role(tmp_path):
    import geopandas

    path = tmp_path / "site.gpkg"
    for name, shapes in {
        "camp": [SQUARE],
        "posts": [Point(129.70, 41.80), Point(129.71, 41.80)],
        "perimeter": [LineString(SQUARE.exterior.coords)],
    }.items():
        table = geopandas.GeoDataFrame({"name": name, "geometry": shapes}, crs="EPSG:4326").to_crs(32652)
        if name == "perimeter":
            table["date"], table["accuracy_m"], table["id"] = "2009-04-27", 3.0, "line"
        table.to_file(path, layer=name, driver="GPKG")
    aoi = load_aoi(path)
    assert {o.role for o in aoi.outlines} == {"camp", "perimeter"}
    assert len(aoi.posts) == 2
    line = aoi.perimeter(date(2009, 4, 27))
    assert (line.digitised, line.accuracy_m) == (True, 3.0)
    assert line.geometry.symmetric_difference(SQUARE).area < 1e-9


def test_posts_of_an_own_file_join_a_bundled_camp(tmp_path):
    path = geojson(
        tmp_path / "a.geojson", (SQUARE_25, {"id": "part", "role": "sub-area"}), (Point(129.7253, 41.8344), {"role": "post"}), id="chongjin"
    )
    aoi = load_aoi(path)
    assert aoi.camp.id == "chongjin"
    assert len(aoi.posts) == 1


SQUARE_25 = box(129.724, 41.833, 129.727, 41.836)


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (SQUARE, ("a post is a point", "Polygon", "feature 2")),
        (Point(41.80, 129.70), ("latitude and longitude look swapped", "feature 2")),
        (Point(139.70, 41.80), ("a post far from every outline", "km away", "within 5 km")),
        (Point(), ("empty geometry", "feature 2")),
        (None, ("empty geometry", "feature 2")),
        (MultiPoint([(129.7, 41.8), (129.7, 41.8)]), ("two posts in one place", "post 2")),
    ],
)
def test_posts_that_cannot_be(tmp_path, geometry, words):
    refused(geojson(tmp_path / "a.geojson", SQUARE, (geometry, {"role": "post"})), *words)


def test_points_alone_are_no_site(tmp_path):
    refused(geojson(tmp_path / "a.geojson", (Point(129.7, 41.8), {"role": "post"})), "posts without an outline")
    refused(geojson(tmp_path / "a.geojson", Point(129.7, 41.8)), "not an outline", "Point")


def test_digitised_lines_stand_for_the_days_that_their_date_can_mean(tmp_path):
    old, new = box(129.700, 41.800, 129.710, 41.810), box(129.700, 41.800, 129.715, 41.810)
    path = geojson(
        tmp_path / "lines.geojson",
        (LineString(old.exterior.coords), {"id": "a", "role": "perimeter", "date": "2003-04", "accuracy_m": 4}),
        (new, {"id": "b", "role": "perimeter", "date": "2010-05-17", "accuracy_m": 2}),
        (new, {"id": "c", "role": "perimeter", "date": "2010", "accuracy_m": 5}),
        (box(129.69, 41.79, 129.72, 41.82), {"id": "span", "role": "perimeter", "valid_from": "2012", "valid_to": "2013"}),
    )
    aoi = load_aoi(path)
    assert [o.id for o in aoi.digitised(date(2003, 4, 30))] == ["a"]
    assert [o.id for o in aoi.digitised(date(2010, 5, 17))] == ["b", "c"]
    assert aoi.digitised(date(2012, 1, 1)) == ()
    assert aoi.perimeter(date(2012, 6, 1)).id == "span"
    assert aoi.perimeter(date(2004, 6, 1)).id == "a"  # the nearest in time
    assert aoi.camp.id == "span"  # the largest, for nothing says what the whole site is
    site = aoi.site(aoi.utm(), date(2003, 4, 2), date(2010, 5, 17))
    assert [(line.id, line.accuracy_m) for line in site.lines_before] == [("a", 4.0)]
    assert [line.id for line in site.lines_after] == ["b", "c"]
    assert site.lines_after[0].geometry.area / site.lines_before[0].geometry.area == pytest.approx(1.5, rel=1e-3)


def test_lines_that_cannot_be(tmp_path):
    corners = [(129.70, 41.80), (129.71, 41.80), (129.71, 41.81), (129.70, 41.81)]

    def of(geometry, **said):
        return geojson(tmp_path / "a.geojson", SQUARE, (geometry, {"id": "line", "role": "perimeter", "date": "2010", **said}))

    refused(of(LineString(corners)), "the line is not closed", "feature 2", "m between its ends")
    refused(of(MultiLineString([corners[:2], corners[2:]])), "the line is in pieces", "2 pieces")
    refused(of(LineString([corners[0], corners[2], corners[1], corners[3], corners[0]])), "crosses itself", "feature 2")
    refused(of(SQUARE, date="last spring"), "`date` is no date", "'last spring'")
    refused(of(SQUARE, valid_from="2009"), "`date` beside `valid_from`", "span of years")
    almost = LineString([*corners, (129.7000, 41.8001)])
    assert load_aoi(of(almost)).outlines[1].geometry.area == pytest.approx(SQUARE.area, rel=0.01)


def test_an_outline_that_may_lie_elsewhere_holds_less_the_less_it_is_known():
    """A circle moved by d keeps 2/π (acos x - x √(1 - x²)) of itself, x = d / 2r, on average over a displacement normal in either direction."""
    circle, random = Point(500_000, 4_600_000).buffer(500, 64), np.random.default_rng(1)
    for sigma in (50.0, 250.0, 600.0):
        x = np.minimum(np.hypot(*random.normal(0, sigma, (2, 200_000))) / 1000, 1)
        assert overlap_share(circle, sigma) == pytest.approx((2 / np.pi * (np.arccos(x) - x * np.sqrt(1 - x**2))).mean(), abs=0.02)
    assert overlap_share(circle, 0.0) == 1.0
    strip = box(0, 0, 4000, 100)
    assert overlap_share(strip, 50) < overlap_share(circle.buffer(-143), 50)
