"""What the tables say: numbers with their unit and interval, and never a number where nothing could be measured."""

import re
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box

import test_report_fakes as fakes
from camwatch.findings import Finding
from camwatch.imagery.image import Sun
from camwatch.judge.record import Estimate, ReadingVerdict
from camwatch.report import display, finding_rows, sentences, tables
from camwatch.report.legend import object_entries


def test_what_could_not_be_seen_has_no_number_and_a_reason():
    (row,) = tables.count_rows({"tower": fakes.not_testable()["tower"]})  # kinds that were not asked for have no row
    assert row.cells == ()
    assert row.reason.startswith("not testable: a tower is 4 to 6 m wide")
    for row in finding_rows({"tower": fakes.not_testable()["tower"]}):
        assert row[1:7] == ("",) * 6
        assert not re.search(r"\b(0|none)\b", " ".join(row), re.IGNORECASE)


def test_an_unseen_search_area_has_no_number():
    grid = fakes.geobox()
    unseen = replace(fakes.findings_of("structure", [], grid), observed_share=0.0)
    assert tables.count_rows({"structure": unseen})[0] == tables.CountRow(
        "Structures", (), "not observed: no part of the searched area was usable at both dates"
    )


def test_counts_are_those_of_the_records_with_their_intervals():
    estimates = {("tower", "appeared"): Estimate(4.2, 3, 6, "objects")}
    rows = {row.name: row for row in tables.count_rows(fakes.findings(), estimates)}
    assert rows["Towers"].cells == ("4 [3–6]", "4 reported", "–", "4", "2", "1.12", "93 %", "≤ 0.8")
    assert rows["Towers"].shown == ("4 [3–6]", "4 reported", "–", "4", "1.12", "93 %", "≤ 0.8")
    assert rows["Towers"].notes == ("Towers: 2 could not be observed at both dates",)
    assert rows["Structures"].cells[:4] == ("5 reported", "2 reported", "2", "2")
    assert rows["Structures"].notes == ("Structures: no estimate: the search is blind to them, or what it misses was not measured",)
    assert rows["Perimeter"].cells == ("1 part", "0 parts", "–", "–", "–", "1.12", "93 %", "unknown")


def test_a_searched_kind_without_records_counts_zero():
    grid = fakes.geobox()
    structures, towers, line, _ = tables.count_rows({kind: fakes.findings_of(kind, [], grid) for kind in tables.KINDS})
    # A change that a search never reports has no 0.
    assert structures.cells[:5] == ("0", "0", "–", "–", "0")
    assert towers.cells[:5] == ("0", "0", "–", "0", "0")
    assert line.cells[:5] == ("0 parts", "0 parts", "–", "–", "–")


def test_a_blind_search_has_reports_and_no_estimate():
    blind = replace(fakes.sensitivity("tower"), found=(0,) * 6)
    found = {"tower": fakes.findings()["tower"]}
    (row,) = tables.count_rows(found, {}, {"tower": blind})
    assert row.cells[:2] == ("4 reported", "4 reported")
    assert row.notes[0] == "Towers: blind to objects of 6 m: no estimate"


@pytest.mark.parametrize(("density", "expected"), [(None, "unknown"), (2.84, "≤ 2.8"), (0.0, "0.0"), (0.06, "≤ 0.1")])
def test_false_alarms_are_an_upper_bound(density, expected):
    assert tables.false_rate(replace(fakes.findings()["tower"], false_alarms_per_km2=density)) == expected


def test_why_imagery_was_not_asked_is_told_in_few_words():
    whys = {c.id: tables.why_not_asked(c) for c, _ in fakes.verdicts() if not tables.asked(c)}
    assert all(whys.values())
    assert not any(";" in why for why in whys.values())


def test_terminal_rows_have_eight_cells():
    rows = finding_rows(fakes.findings())
    assert {len(row) for row in rows} == {8}
    assert rows[0] == ("Structures", "5", "2", "2", "1.12 km²", "93 %", "≤ 0.8 per km²", "2 altered")


def test_perimeter_lines_give_size_error_and_growth():
    lines = sentences.perimeter_lines(fakes.findings()["perimeter"])
    assert lines[0] == "Line 2009-05-01: 0.481 ± 0.021 km², 3.63 ± 0.05 km (± 1 s.e.), 11 % inferred"
    assert lines[2] == "Growth: area +73 % (+64 to +82 %), length +32 % (+29 to +34 %)"
    one = replace(fakes.findings()["perimeter"], growth=None)
    assert sentences.perimeter_lines(one)[-1] == "Growth not measured: the line was not seen at both dates"
    assert sentences.perimeter_lines(fakes.not_testable()["perimeter"]) == ()
    assert sentences.measured_size(None) == "enclosing line not measured in this pair"


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (Estimate(17.2, 14, 19, "objects"), "17 (14–19)"),
        (Estimate(0.73, 0.64, 0.82, "ratio"), "+73 % (+64 to +82 %)"),
        (Estimate(-0.37, -0.41, 0.0, "ratio"), "−37 % (−41 to ±0 %)"),
        (Estimate(1.004, 0.954, 1.053, "km2"), "1.004 (0.954–1.053) km²"),
        (Estimate(1004000, 954000, 1053000, "m2"), "1\u2009004\u2009000 (954\u2009000–1\u2009053\u2009000) m²"),
        (Estimate(-12, -25.5, 3, "m"), "−12 (−26 to 3) m"),
        (Estimate(1970, 1968, 1971, "year"), "1970 (1968 to 1971)"),
        (Estimate(5, 5, 5, "objects"), "5 (5–5)"),
    ],
)
def test_a_measured_value_stands_with_its_interval_and_unit(estimate, expected):
    assert tables.estimate_text(estimate) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (0.0213, "0.0213"), (1.0, "1"), (1810, "1\u2009810"), (-3.456, "−3.46"), (float("nan"), "not measured"), (123456, "123\u2009456")],
)
def test_numbers_have_three_digits_and_no_powers_of_ten(value, expected):
    assert tables.number(value) == expected


def test_a_reading_that_cannot_be_tested_says_so_in_words():
    assert tables.reading_cells(ReadingVerdict("as written", "not testable", "why")) == ("not testable", "–")
    assert tables.reading_cells(ReadingVerdict("as written", "inconclusive", "why", None, 0.2)) == ("not measured", "0.20")


def test_registration_lines_give_pixels_and_metres_and_words_where_there_is_no_number():
    lines = dict(tables.registration_lines(fakes.registration(fakes.geobox(pixel_m=2.0))))
    assert lines["Shift (row, col)"] == "−1.30, +2.40 px"
    assert lines["RMSE as delivered"].startswith("2.7")
    pixels, metres = (float(part.split()[0]) for part in lines["RMSE registered"].split(", "))
    assert metres == pytest.approx(2 * pixels, abs=0.02)
    empty = dict(tables.registration_lines(fakes.registration(n=0, refused=True)))
    assert empty["RMSE registered"] == "not measured"
    assert empty["Shift (row, col)"] == "as delivered"


def test_a_reason_does_not_repeat_the_outcome_that_stands_beside_it():
    assert tables.reason_of("not testable", "Not testable: no scene brackets 2010.") == "No scene brackets 2010."
    assert tables.reason_of("supported", "SIMULATED: The imagery supports this: 17 towers.") == "SIMULATED: 17 towers."
    assert tables.reason_of("partly", "the area grew.") == "The area grew."


def test_the_fullest_korean_name_stands_in_the_title():
    korean, others = tables.korean_and_others(replace(fakes.aoi(), aliases=("청진", "25", "Camp 25", "Susong", "청진 제25호 관리소")))
    assert korean == "청진 제25호 관리소"
    assert others == ["청진", "Susong"]


def test_claims_that_imagery_answers_come_first():
    verdicts = fakes.verdicts()
    ranked = tables.ranked(verdicts)
    keys = [(not tables.asked(c), v.outcome == "not testable") for c, v in ranked]
    assert keys == sorted(keys)
    assert {c.id for c, _ in ranked} == {c.id for c, _ in verdicts}
    assert tables.tally(verdicts) == "1 contradicted · 3 supported · 2 partly · 2 inconclusive · 4 not testable"


def test_the_head_says_what_the_outline_is_worth():
    assert tables.outline_status(fakes.aoi()) == "NOMINAL outline, ±400 m, not traced from imagery"
    assert tables.outline_status(fakes.aoi(nominal=False)) == "traced outline, ±400 m"
    assert tables.documented(fakes.aoi()) == "1.01 km², 1\u2009810 × 1\u2009240 m, perimeter 5.1 km"
    assert tables.location(fakes.aoi()).endswith("° E")


def test_what_a_source_does_not_tell_is_not_made_up():
    image = replace(fakes.images(fakes.geobox(pixel_m=50.0))[0], sun=None)
    assert tables.scene_cells(image, ()) == ("2009-05-01 02:12 UTC", "not stated", "0.5 m", "not stated", "not stated")
    source = replace(fakes.sources((image,))[0], sun=Sun(150, 50))
    assert tables.scene_cells(image, (source,))[1:] == ("WorldView-2", "0.5 m", "az 150°, el 50°", "12°")


def test_area_averaging_keeps_the_mean_of_what_was_seen():
    rng = np.random.default_rng(1)
    values = rng.random((1, 7, 9), np.float32)
    valid = np.ones((7, 9), bool)
    valid[:3, :3] = False
    valid[0, 0] = True
    mean, seen = display.averaged(values, valid, 3)
    assert mean.shape == (1, 3, 3)
    assert seen.tolist() == [[False, True, True], [True, True, True], [True, True, True]]
    assert mean[0, 1, 1] == pytest.approx(values[0, 3:6, 3:6].mean(), abs=1e-6)
    # The last row of blocks is one pixel high.
    assert mean[0, 2, 0] == pytest.approx(values[0, 6:, :3].mean(), abs=1e-6)
    assert display.averaged(values, valid, 1)[1] is valid


def test_a_cut_keeps_every_pixel_in_its_place():
    grid = GeoBox((300, 400), Affine(2.0, 0.3, 1000.0, 0.3, -2.0, 5000.0), "EPSG:32652")
    view = display.View.around(1450.0, 4850.0, 300.0, 200.0)
    rows, cols, step, small = display.cut(grid, view, 60)
    assert step == 2
    a, b = grid.affine, small.affine
    # The centre of a block is the mean of the centres of its pixels.
    row, col = rows.start + 10 * step + step / 2, cols.start + 5 * step + step / 2
    assert b.a * 5.5 + b.b * 10.5 + b.c == pytest.approx(a.a * col + a.b * row + a.c, abs=1e-9)
    assert b.d * 5.5 + b.e * 10.5 + b.f == pytest.approx(a.d * col + a.e * row + a.f, abs=1e-9)
    assert display.cut(grid, display.View.around(0.0, 0.0, 10.0, 10.0), 60) is None


def test_both_dates_share_one_stretch_and_a_flat_picture_is_grey():
    dark, bright = (display.Shown(np.full((4, 4, 1), v, np.float32), np.ones((4, 4), bool), fakes.geobox()) for v in (0.1, 0.3))
    span = display.limits((dark, bright))
    assert display.rgba(dark, span)[..., 0].max() < 0.01
    assert display.rgba(bright, span)[..., 0].min() > 0.99
    assert display.rgba(dark, display.limits((dark,)))[0, 0].tolist() == pytest.approx([0.5, 0.5, 0.5, 1.0])
    assert display.rgba(dark, span, pale=0.4)[0, 0, 0] == pytest.approx(0.4)


def test_ground_of_which_only_change_is_told_is_not_called_open_ground():
    shape = box(560_100, 4_631_000, 560_400, 4_631_300)
    record = Finding("land-0001", "landcover", "altered", shape, 0.99, shape.area, {"class": "other"})

    def words(*records):
        return [entry.label for entry in object_entries([fakes.findings_of("landcover", list(records), fakes.geobox())])]

    assert words(record) == ["ground altered"]
    assert words(replace(record, change="appeared"), record) == ["open ground appeared", "altered"]
