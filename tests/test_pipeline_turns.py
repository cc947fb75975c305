"""Pairs in turn: a pair waits for those that end where it begins, and looks for towers along the lines that they traced."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pystac
import pytest
from shapely import transform
from shapely.geometry import box, mapping

from camwatch.aoi import LONLAT, load_aoi, reproject
from camwatch.config import RunConfig
from camwatch.findings import Finding
from camwatch.pipeline import turns as module
from camwatch.pipeline.pairwork import PairWork
from camwatch.pipeline.turns import do_in_turn, former_lines, turns
from test_pipeline_towers import DAYS, OFF, pair

CONFIG = RunConfig(report_date=date(2020, 1, 1))
OLD, NEW = box(560_100, 4_631_100, 560_700, 4_631_500), box(560_100, 4_631_100, 560_900, 4_631_900)


def work(first, second, **changes):
    """The pair of the scenes of two years."""
    place = mapping(box(129, 41, 130, 42))
    items = [pystac.Item(f"s{year}", place, [129, 41, 130, 42], DAYS[year], {}) for year in (first, second)]
    made = PairWork(f"{first}__{second}", *items, load_aoi("chongjin"), CONFIG, None, {})
    return replace(made, **changes)


def seen(ring, year):
    """A ring of the ground where the scene of a year shows it."""
    return transform(ring, lambda xy: xy + np.array(OFF[year]))


def traced(first, second, *rings, joined=True):
    """What a pair says that traced rings at both dates, on the ground of its first."""
    told = pair(first, second, joined=joined)
    records = [
        Finding(f"line-{year}", "perimeter", "unchanged", seen(ring, first), 0.9, 1.0, {"date": f"{DAYS[year]:%Y-%m-%d}"})
        for year, ring in zip((first, second), rings, strict=True)
    ]
    return replace(told, findings={"perimeter": replace(told.findings["tower"], kind="perimeter", records=tuple(records))})


def in_metres(lines):
    return [reproject(line, LONLAT, "EPSG:32652") for line in lines]


def test_a_pair_waits_for_those_that_end_where_it_begins():
    long, first, second, third = work(2003, 2014), work(2003, 2009), work(2009, 2011), work(2011, 2014)
    assert turns([long, third, second, first]) == [[long, first], [second], [third]]
    assert turns([]) == []


def test_lines_of_earlier_dates_lie_where_the_scene_at_hand_shows_them_each_once():
    told = [traced(2003, 2009, OLD, OLD), traced(2009, 2011, OLD, NEW)]
    old, new = in_metres(former_lines(work(2011, 2014), told))
    for line, ring in ((old, OLD), (new, NEW)):
        assert line.symmetric_difference(seen(ring, 2011)).area < 0.002 * ring.area
    # What ends after it begins tells it nothing; and no line of a ground that nothing joins to its own is laid on it.
    assert len(former_lines(work(2009, 2011), told)) == 1
    assert former_lines(work(2003, 2009), told) == ()
    assert former_lines(work(2011, 2014), [traced(2003, 2009, OLD, OLD), traced(2009, 2011, OLD, NEW, joined=False)]) == ()


def test_the_finer_scenes_tell_where_a_line_ran():
    moved = transform(OLD, lambda xy: xy + 4.0)
    coarse = replace(traced(2003, 2009, moved, moved), pair="coarse", gsd_m=2.5)
    for order in ([coarse, traced(2003, 2009, OLD, OLD)], [traced(2003, 2009, OLD, OLD), coarse]):
        (line,) = in_metres(former_lines(work(2009, 2011), order))
        assert line.symmetric_difference(seen(OLD, 2009)).area < 0.002 * OLD.area


def test_only_a_search_for_towers_asks_for_former_lines():
    asked = work(2009, 2011, config=CONFIG.model_copy(update={"kinds": ("structure",)}))
    assert former_lines(asked, [traced(2003, 2009, OLD, OLD)]) == ()


def test_each_pair_is_given_the_lines_of_those_done_and_the_keys_keep_the_order(monkeypatch):
    said = {"2003__2009": traced(2003, 2009, OLD, OLD), "2009__2011": traced(2009, 2011, OLD, NEW), "2011__2014": traced(2011, 2014, NEW, NEW)}
    given = {}

    def do_all(works, journal, workers, progress):
        given.update({one.id: len(one.aoi.former) for one in works})
        return [f"key of {one.id}" for one in works]

    monkeypatch.setattr(module, "do_all", do_all)
    monkeypatch.setattr(PairWork, "evidence", lambda self: said[self.id])
    works = [work(2011, 2014), work(2003, 2009), work(2009, 2011)]
    assert do_in_turn(works, None, 1, None) == [f"key of {one.id}" for one in works]
    assert given == {"2003__2009": 0, "2009__2011": 1, "2011__2014": 2}


@pytest.mark.parametrize("days", [-1, 1])
def test_a_date_between_is_no_earlier_one(days):
    late = work(2009, 2011)
    late = replace(late, before=late.before.clone())
    late.before.datetime += timedelta(days=days)
    assert len(turns([work(2003, 2009), late])) == (2 if days > 0 else 1)
