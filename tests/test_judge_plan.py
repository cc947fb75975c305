"""Which pairs to analyse and what they could test, before a pixel is read."""

import itertools
from datetime import UTC, date, datetime

import pytest

from camwatch.claims.model import Claim, Interval, Quantity, Reading
from camwatch.judge import SceneInfo, plan_pairs, testability
from camwatch.judge.bracket import bracket, date_of_state, span_in_words

Y2010 = Interval(start=date(2010, 1, 1), end=date(2010, 12, 31))


def scene(day, gsd=0.5, **rest):
    year, month, dom = (int(part) for part in day.split("-"))
    return SceneInfo(f"s{day}@{gsd}", datetime(year, month, dom, 2, tzinfo=UTC), gsd, ("pan",), **rest)


def claim(*readings, name="C1", **rest):
    return Claim(id=name, camp="chongjin", quote="as it was said", readings=readings, **rest)


def towers(aspect="appeared", interval=Y2010, **rest):
    return Reading(text="…", metric="count", subject="tower", aspect=aspect, quantity=Quantity(low=17, high=17), interval=interval, **rest)


def ends(pairs):
    return [(p.before[1:11], p.after[1:11]) for p in pairs]


# --- time -------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "coverage"),
    [
        ("2009-06-01", "2011-06-01", 1.0),
        ("2010-04-01", "2011-06-01", 274 / 364),
        ("2011-01-01", "2012-01-01", 0.0),
        ("2010-01-01", "2010-07-02", 0.5),
    ],
)
def test_coverage_of_a_year(before, after, coverage):
    assert bracket(date.fromisoformat(before), date.fromisoformat(after), Y2010).coverage == pytest.approx(coverage, abs=1e-9)


def test_slack_is_counted_at_the_farther_end():
    assert bracket(date(2009, 12, 31), date(2011, 1, 31), Y2010).slack_days == 31
    assert bracket(date(2003, 1, 1), date(2011, 1, 1), Y2010).slack_days == 7 * 365 + 2
    assert bracket(date(2003, 1, 1), date(2014, 1, 1), None).slack_days == 0


def test_open_ends_and_single_days():
    since_1980 = Interval(start=date(1980, 1, 1))
    assert bracket(date(2003, 1, 1), date(2014, 1, 1), since_1980).coverage == pytest.approx(11 / 34, abs=0.01)
    assert bracket(date(1979, 1, 1), date(2014, 1, 1), since_1980).coverage == 1
    until_2012 = Interval(end=date(2012, 12, 31))
    assert bracket(date(2003, 1, 1), date(2014, 1, 1), until_2012).coverage == 1
    day = Interval(start=date(2010, 5, 5), end=date(2010, 5, 5))
    assert bracket(date(2010, 1, 1), date(2010, 6, 1), day).coverage == 1
    assert bracket(date(2010, 6, 1), date(2010, 7, 1), day).coverage == 0


def test_the_date_that_stands_for_a_state():
    days = [date(2003, 5, 1), date(2010, 5, 1), date(2011, 8, 1)]
    assert date_of_state(days, None) == date(2011, 8, 1)
    assert date_of_state(days, Y2010) == date(2010, 5, 1)
    assert date_of_state(days, Interval(start=date(2004, 1, 1), end=date(2004, 12, 31))) == date(2003, 5, 1)
    assert date_of_state(days, Interval(start=date(2006, 1, 1), end=date(2006, 12, 31))) is None


def test_spans_in_words():
    assert span_in_words(Y2010) == "2010"
    assert span_in_words(Interval(start=date(2011, 1, 1), end=date(2013, 12, 31))) == "2011 to 2013"
    assert span_in_words(Interval(start=date(2011, 5, 21), end=date(2012, 12, 31))) == "2011-05-21 to 2012-12-31"
    assert span_in_words(Interval(start=date(1980, 1, 1))) == "the time since 1980"
    assert span_in_words(Interval(end=date(2012, 12, 31))) == "the time up to 2012"
    assert span_in_words(None) == "any time"


# --- pairs ------------------------------------------------------------------------------------------------------------------------------------


def test_the_tightest_pair_around_the_claimed_time():
    scenes = [scene(d) for d in ("2003-05-01", "2008-05-01", "2009-09-01", "2011-03-01", "2012-03-01")]
    (pair,) = plan_pairs(scenes, [claim(towers())])
    assert ends([pair]) == [("2009-09-01", "2011-03-01")]
    assert pair.id == "s2009-09-01@0.5__s2011-03-01@0.5"
    assert [(s.claim, s.reading, s.coverage) for s in pair.serves] == [("C1", "as written", 1.0)]


def test_a_scene_inside_the_claimed_time_serves_when_it_leaves_three_quarters():
    assert ends(plan_pairs([scene("2010-03-01"), scene("2011-03-01")], [claim(towers())])) == [("2010-03-01", "2011-03-01")]
    late = plan_pairs([scene("2010-05-01"), scene("2011-03-01")], [claim(towers())])
    assert [p.serves for p in late] == [()]  # not for the claim; only because no claim asks for any pair


def test_classes_of_resolution_and_simulation_never_mix():
    scenes = [scene("2009-09-01", 0.5), scene("2011-03-01", 0.7), scene("2009-10-01", 10.0), scene("2011-04-01", 10.0), scene("2009-11-01", 30.0)]
    assert ends(plan_pairs(scenes, [claim(towers())])) == [("2009-09-01", "2011-03-01"), ("2009-10-01", "2011-04-01")]
    mixed = [scene("2009-09-01"), scene("2011-03-01", simulated=True)]
    assert plan_pairs(mixed, [claim(towers())]) == ()


def test_one_day_is_never_a_pair():
    assert plan_pairs([scene("2010-03-01", 0.5), scene("2010-03-01", 0.6)], []) == ()
    assert plan_pairs([scene("2010-03-01", 0.5), scene("2010-03-01", 0.6)], [claim(towers(interval=None))]) == ()


def test_without_claims_all_consecutive_pairs():
    scenes = [scene("2011-03-01"), scene("2003-05-01"), scene("2009-09-01", 0.6), scene("2009-09-01", 10.0)]
    # Finest pairs first; a pair is as fine as its coarser scene, and here both have the one of 0.6 m.
    assert ends(plan_pairs(scenes, [])) == [("2003-05-01", "2009-09-01"), ("2009-09-01", "2011-03-01")]
    people = claim(Reading(text="…", metric="population", subject="people"), observable=False, why_not="Nobody can see that.")
    assert plan_pairs(scenes, [people]) == plan_pairs(scenes, [])
    assert len(plan_pairs(scenes, [claim(towers(interval=None))])) == 1


def test_a_state_takes_a_pair_that_a_change_asked_for():
    scenes = [scene(d) for d in ("2003-05-01", "2009-09-01", "2011-03-01")]
    asked = [claim(towers("state", interval=None), name="A"), claim(towers(), name="B")]
    (pair,) = plan_pairs(scenes, asked)
    assert ends([pair]) == [("2009-09-01", "2011-03-01")]
    assert [s.claim for s in pair.serves] == ["A", "B"]
    assert ends(plan_pairs(scenes, asked[:1])) == [("2009-09-01", "2011-03-01")]
    first = claim(towers("state", interval=Interval(end=date(2003, 12, 31))))
    assert ends(plan_pairs(scenes, [first])) == [("2003-05-01", "2009-09-01")]


def test_a_cloudy_scene_gives_way():
    scenes = [scene("2009-03-01"), scene("2009-09-01", clear_share=0.1), scene("2011-03-01")]
    assert ends(plan_pairs(scenes, [claim(towers())])) == [("2009-03-01", "2011-03-01")]
    assert ends(plan_pairs(scenes[1:], [claim(towers())])) == [("2009-09-01", "2011-03-01")]


def test_order_of_scenes_and_claims_does_not_matter():
    scenes = [scene("2003-05-01"), scene("2009-09-01"), scene("2011-03-01", 0.6), scene("2009-10-01", 10.0), scene("2014-04-01", 10.0)]
    claims = [claim(towers(), name="A"), claim(towers("state", interval=None), name="B"), claim(towers("removed", interval=None), name="D")]
    plans = {plan_pairs(s, c) for s in itertools.permutations(scenes) for c in itertools.permutations(claims)}
    assert len(plans) == 1


# --- testability ------------------------------------------------------------------------------------------------------------------------------


def test_testability_says_why_and_which_archive():
    scenes = [scene("2009-09-01", 2.5), scene("2011-03-01", 2.5)]
    more = Quantity(low=0.72, unit="ratio")
    line = Reading(id="area", text="…", metric="area", subject="perimeter", aspect="growth", quantity=more, interval=Y2010)
    land = Reading(id="land", text="…", metric="landcover", subject="field")
    people = claim(Reading(text="…", metric="population", subject="people"), observable=False, why_not="Nobody can see that.", name="C3")
    coarse, fits, other, unseen = testability([claim(towers(), line, land), people], scenes)
    assert not coarse.testable
    assert "To see guard towers takes 0.8 m" in coarse.reason
    assert "2.5 m" in coarse.reason
    assert "commercial archives" in coarse.archive
    assert fits.testable
    assert fits.pair == "s2009-09-01@2.5__s2011-03-01@2.5"
    assert "SPOT 5" in fits.archive
    assert (other.testable, unseen.testable) == (False, False)
    assert "does not judge claims about land" in other.reason
    assert "Landsat" in other.archive
    assert (unseen.reason, unseen.archive) == ("Nobody can see that.", "")


def test_testability_names_the_dates_that_do_not_bracket():
    (answer,) = testability([claim(towers())], [scene("2012-05-18"), scene("2014-03-22")])
    assert not answer.testable
    assert answer.reason == "No pair of usable scenes brackets 2010; those at hand and fine enough are of 2012-05-18, 2014-03-22."
    (nothing,) = testability([claim(towers())], [])
    assert nothing.reason == "No scene is at hand."


def test_what_the_plan_calls_testable_the_plan_pairs():
    scenes = [scene("2003-05-01"), scene("2009-09-01"), scene("2011-03-01", 0.6), scene("2009-10-01", 10.0)]
    claims = [claim(towers(), name="A"), claim(towers("state", interval=None), name="B")]
    planned = {p.id for p in plan_pairs(scenes, claims)}
    assert all(t.pair in planned for t in testability(claims, scenes) if t.testable)


def test_a_scene_three_days_before_the_end_is_better_than_one_years_later():
    scenes = [scene("2009-10-10"), scene("2010-12-28"), scene("2014-03-22")]
    assert ends(plan_pairs(scenes, [claim(towers())])) == [("2009-10-10", "2010-12-28")]
    since = claim(towers(interval=Interval(start=date(2010, 1, 1))))
    assert ends(plan_pairs(scenes, [since])) == [("2009-10-10", "2014-03-22")]
