"""Towers over all pairs of a run: one late reappearance takes a razing back, whatever the order of the pairs."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import Point

from camwatch.aoi import LONLAT, reproject
from camwatch.findings import Finding, Findings
from camwatch.judge import Evidence
from camwatch.pipeline.towerseries import follow, towers_document, withdrawn
from camwatch.registration import Registration

GRID = GeoBox((200, 200), Affine(5, 0, 560_000, 0, -5, 4_632_000), "EPSG:32652")
DAYS = {year: datetime(year, 5, 1, tzinfo=UTC) for year in (2003, 2009, 2011, 2014)}
CHANGE = {"10": "removed", "01": "appeared", "11": "unchanged", "1?": "not_observed", "?1": "not_observed"}
STATE = {"1": "stands", "0": "absent", "?": "not_observed"}


def report(x, y, states, score=0.9):
    measures = dict(zip(("state_before", "state_after"), (STATE[s] for s in states), strict=True))
    return Finding("tower-0001", "tower", CHANGE[states], Point(x, y).buffer(2), score, 12.0, measures)


OFF = {2003: (0.0, 0.0), 2009: (15.0, -9.0), 2011: (-12.0, 20.0), 2014: (30.0, 5.0)}
"""How many metres further east and north than that of 2003 the scene of a year says that all ground lies."""


def pair(first, second, *reports, joined=False):
    """What a pair of scenes says; `joined` with its registration, the scenes lying off by :data:`OFF`."""
    acquired = DAYS[first], DAYS[second]
    plane = np.zeros(GRID.shape, np.float32)
    found = Findings("tower", "searched", "", reports, "chongjin", "EPSG:32652", f"s{first}", f"s{second}", acquired, 1.0, 0.1, 0.5, plane, GRID)
    east, north = np.subtract(OFF[second], OFF[first]) / 5.0
    back = np.array([[1.0, 0.0, -east], [0.0, 1.0, north]])  # moving pixel to reference pixel, rows counted downwards
    answer = replace(Registration.refused(GRID, ""), status="ok", model="shift", matrix=back) if joined else None
    return Evidence(f"{first}__{second}", acquired, 0.5, {"tower": found}, registration=answer)


def on(year, x, y, states, score=0.9):
    """A report of the tower that the scene of 2003 shows at x, y, where the scene of another year shows it."""
    return report(x + OFF[year][0], y + OFF[year][1], states, score)


RAZED = pair(2003, 2009, report(560_100, 4_631_900, "10"), report(560_300, 4_631_900, "10", 0.8))
LATER = pair(2009, 2011, report(560_102, 4_631_899, "01", 0.95), report(560_500, 4_631_700, "01"))
LAST = pair(2011, 2014, report(560_501, 4_631_702, "1?", 0.7))


def test_a_late_reappearance_withdraws_a_razing_and_the_first_of_two_sightings_an_appearance():
    razed, later, last = withdrawn([RAZED, LATER, LAST])
    taken, gone = razed.findings["tower"].records
    assert taken.change == "not_observed"
    assert taken.measures["withdrawn"] == "it stands on 2011-05-01"
    assert gone.change == "removed"
    back, new = later.findings["tower"].records
    assert back.change == "not_observed"
    assert back.measures["withdrawn"] == "it stands on 2003-05-01"
    assert new.change == "appeared"
    assert last == LAST


def test_each_tower_is_listed_once_with_all_its_dates_and_its_fate():
    document = towers_document([RAZED, LATER, LAST])
    assert [t["change"] for t in document["towers"]] == ["unchanged", "removed", "appeared"]
    first, second, third = document["towers"]
    assert first["states"] == {"2003-05-01": "stands", "2009-05-01": "absent", "2011-05-01": "stands"}
    assert first["withdrawn"] == ["2009-05-01"]
    assert second["removed"] == ["2003-05-01", "2009-05-01"]
    assert third["states"] == {"2009-05-01": "absent", "2011-05-01": "stands", "2014-05-01": "not_observed"}
    assert third["appeared"] == ["2009-05-01", "2011-05-01"]
    assert (first["lon"], first["lat"]) == pytest.approx((129.72, 41.83), abs=0.02)


def test_two_scenes_of_one_day_are_two_dates():
    """Else what one of them shows would be lost under the name of the other."""
    noon, later = DAYS[2011].replace(hour=2), DAYS[2011].replace(hour=5)
    one, two = (Evidence(f"p{k}", (DAYS[2003], at), 0.5, RAZED.findings) for k, at in enumerate((noon, later)))
    states = [t["states"] for t in towers_document([one, two])["towers"]]
    assert all(set(s) == {"2003-05-01T00:00:00Z", "2011-05-01T02:00:00Z", "2011-05-01T05:00:00Z"} for s in states)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_the_pairs_decides_nothing(order):
    evidence = [RAZED, LATER, LAST]
    shuffled = [evidence[k] for k in order]
    assert towers_document(shuffled) == towers_document(evidence)
    told, wanted = ({e.pair: e.findings["tower"].records for e in withdrawn(each)} for each in (shuffled, evidence))
    assert told == wanted


def test_one_pair_that_shows_a_tower_outweighs_one_that_misses_it():
    direct = pair(2003, 2011, report(560_100, 4_631_900, "10"))
    sure = pair(2011, 2014, report(560_100, 4_631_901, "11"))
    (tower,) = follow([direct, sure])
    assert tower.states[DAYS[2011]] == "stands"
    assert tower.fate.change == "unchanged"
    assert withdrawn([direct, sure])[0].findings["tower"].records[0].change == "not_observed"


def test_pairs_without_towers_are_left_as_they_are():
    empty = Evidence("a__b", (DAYS[2003], DAYS[2009]), 30.0)
    assert follow([empty, pair(2003, 2009)]) == ()
    assert withdrawn([empty]) == (empty,)


def test_scenes_that_lie_metres_apart_show_one_tower():
    x, y = 560_100, 4_631_900
    razed = pair(2003, 2009, on(2003, x, y, "10"), on(2003, x + 200, y, "10"), joined=True)
    again = pair(2009, 2011, on(2009, x, y, "01"), joined=True)
    # No registration joins 2003 and 2014: the way leads over 2011 and 2009.
    last = pair(2011, 2014, on(2011, x, y, "11"), on(2011, x + 400, y, "01"), joined=True)
    for evidence in itertools.permutations([razed, again, last]):
        towers = towers_document(evidence)["towers"]
        assert [t["change"] for t in towers] == ["unchanged", "removed", "appeared"]
        np.testing.assert_allclose([(t["lon"], t["lat"]) for t in towers], [lonlat(x + 200 * k, y) for k in range(3)], atol=2e-6)
        taken, gone = withdrawn(evidence)[evidence.index(razed)].findings["tower"].records
        assert (taken.change, gone.change) == ("not_observed", "removed")


def test_pairs_that_nothing_joins_stay_on_their_own_ground():
    x, y = 560_100, 4_631_900
    one, other = pair(2003, 2009, on(2003, x, y, "11"), joined=True), pair(2011, 2014, on(2011, x, y, "11"), joined=True)
    assert len(follow([one, other])) == 2


def lonlat(x, y):
    place = reproject(Point(x, y), "EPSG:32652", LONLAT)
    return place.x, place.y
