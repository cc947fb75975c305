"""Distances and positions: what an outline and the places beside it answer, with their own uncertainty."""

import pytest
from shapely.geometry import box

from camwatch.aoi import Aoi, Outline, load_aoi
from camwatch.claims.model import Claim, Quantity, Reading
from camwatch.claims.typed import Place, Where
from camwatch.judge import judge

WEST, NORTH = 129.70, 42.00
TOWN = {"to": "Testville city centre", "lon": 129.60, "lat": 42.00, "km": 8.0}
"""8.285 km west of the western side of the camp."""


def camp(accuracy=20.0, *, nominal=False, distances=(TOWN,)):
    outline = Outline("camp", "the camp", "camp", box(WEST, NORTH - 0.01, WEST + 0.02, NORTH + 0.01), accuracy, nominal, "s", "m")
    return Aoi("camp", "Camp", (), (outline,), tuple(distances))


def away(low, high=None, *, about=True, text="The camp lies so far from Testville.", metric="distance", **rest):
    quantity = None if low is None else Quantity(low=low, high=low if high is None else high, unit="km", about=about)
    return Claim(id="C", camp="camp", quote="as said", readings=(Reading(text=text, metric=metric, subject="camp", quantity=quantity, **rest),))


def test_a_distance_is_supported_and_contradicted_by_the_outline_alone():
    verdict = judge(away(8), [], aoi=camp())
    assert verdict.outcome == "supported"
    assert verdict.reason.startswith("The outline supports this: the nearest part of “the camp” to Testville city centre measures 8.29 km")
    assert verdict.readings[0].measured.value == pytest.approx(8.285, abs=0.002)
    assert verdict.readings[0].evidence == ()
    assert judge(away(12), [], aoi=camp()).outcome == "contradicted"


def test_an_outline_known_roughly_tells_nothing():
    verdict = judge(away(8), [], aoi=camp(accuracy=4000))
    assert verdict.outcome == "not testable"
    assert "known too roughly" in verdict.reason
    assert judge(away(8.9), [], aoi=camp(accuracy=400)).outcome == "inconclusive"


def test_an_outline_drawn_from_published_figures_cannot_confirm_them():
    verdict = judge(away(8), [], aoi=camp(nominal=True))
    assert verdict.outcome == "inconclusive"
    assert "confirms nothing" in verdict.reason
    assert judge(away(12), [], aoi=camp(nominal=True)).outcome == "contradicted"


def test_the_spread_of_the_place_counts_as_the_outline_does():
    loose = camp(distances=({**TOWN, "tolerance_km": 4.0},))
    assert judge(away(8), [], aoi=loose).outcome == "not testable"


def test_two_points_of_a_camp_are_two_readings_of_its_distance():
    gates = camp(distances=({**TOWN, "what": "eastern gate to Testville", "from_lon": WEST + 0.02, "from_lat": NORTH},))
    verdict = judge(away(8), [], aoi=gates)
    assert verdict.outcome == "partly"
    assert "8.32 km): supported" in verdict.reason
    assert "eastern gate to Testville measures 9.94 km (95 % interval 9.9 to 9.98 km): contradicted" in verdict.reason


def test_a_place_that_is_not_there_is_asked_for():
    verdict = judge(away(8, text="It lies so far from Nowhere."), [], aoi=camp())
    assert verdict.outcome == "not testable"
    assert "write it into `distances`" in verdict.reason
    assert judge(away(8), []).outcome == "not testable"


def test_places_of_the_ledger_serve_as_well():
    town = Place(name="Testville", point=(129.60, 42.00), source="a map")
    asked = away(8, text="So far away.", where=(Where(relation="away from", place="Testville"),))
    assert judge(asked, [], aoi=camp(distances=()), places=[town]).outcome == "supported"


@pytest.mark.parametrize(
    ("sector", "outcome"), [("north-east", "supported"), ("south-east", "contradicted"), ("west", "contradicted"), ("east", "supported")]
)
def test_a_sector_of_a_country(sector, outcome):
    country = Place(name="The country", box=(124.0, 37.0, 131.0, 43.0), source="a map")
    asked = away(None, metric="position", text="It lies there.", where=(Where(relation="in", place="The country", sector=sector),))
    verdict = judge(asked, [], aoi=camp(), places=[country])
    assert verdict.outcome == outcome
    assert "lies in the north-east of The country" in verdict.reason


def test_a_rectangle_excludes_and_does_not_confirm():
    inside, outside = Place(name="Here", box=(129, 41, 130, 43), source="m"), Place(name="There", box=(120, 41, 125, 43), source="m")
    for place, outcome in ((inside, "inconclusive"), (outside, "contradicted")):
        asked = away(None, metric="position", text="It lies there.", where=(Where(relation="in", place=place.name),))
        assert judge(asked, [], aoi=camp(), places=[place]).outcome == outcome


def test_a_position_without_a_number_is_told_and_not_judged():
    asked = away(None, metric="position", text="It lies on the edge of Testville.")
    verdict = judge(asked, [], aoi=camp())
    assert verdict.outcome == "not testable"
    assert "8.29 km (95 % interval 8.25 to 8.32 km)" in verdict.reason


def test_the_bundled_camps_answer_from_their_outlines():
    asked = away(7, text="The camp lies about 7 km from the city of Hoeryong.")
    verdict = judge(asked, [], aoi=load_aoi("hoeryong"))
    assert verdict.outcome == "inconclusive"
    assert "headquarters to downtown Hoeryong measures 18.4 km" in verdict.reason
