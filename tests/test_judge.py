"""Verdicts: every outcome from a constructed case, and what is never said."""

import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import Point, box

from camwatch.aoi import LONLAT, Aoi, Outline, reproject
from camwatch.claims.model import Claim, Interval, Quantity, Reading
from camwatch.findings import Finding, Findings, Growth, Ratio
from camwatch.judge import Evidence, estimate_count, judge
from camwatch.judge.counting import blind_to_m
from camwatch.judge.ground import ground_of
from camwatch.judge.limits import GSD_LIMIT_M
from camwatch.judge.rules import combine
from camwatch.sensitivity import Sensitivity

GRID = GeoBox((200, 200), Affine(5, 0, 560_000, 0, -5, 4_632_000), "EPSG:32652")  # 1 km²
YEAR_2010 = Interval(start=date(2010, 1, 1), end=date(2010, 12, 31))
BEFORE, AFTER = datetime(2009, 10, 12, tzinfo=UTC), datetime(2011, 3, 2, tzinfo=UTC)


def sharp(kind="tower", found=24, false_alarms=0, control_km2=1.0, planted=24):
    size = 5.0 if kind == "tower" else 16.0
    standing = {"standing_found": (found,), "standing_false": false_alarms} if kind == "tower" else {}
    return Sensitivity(kind, (size,), (planted,), (found,), false_alarms, control_km2, "outside", **standing)


def points(**counts):
    """Finding records of each change, spread over the grid."""
    return tuple(
        Finding(f"{change}-{i}", "tower", change, Point(560_010 + 20 * (i % 49), 4_631_990 - 20 * (i // 49)).buffer(2), 0.9, 12.0)
        for change, n in counts.items()
        for i in range(n)
    )


def found(records=(), *, kind="tower", share=1.0, km2=0.1, score=None, acquired=(BEFORE, AFTER), gsd=0.5, **rest):
    plane = np.zeros(GRID.shape, np.float32) if score is None else score
    rest = {"tells_standing": kind == "tower" or any(r.change in ("unchanged", "altered") for r in records), **rest}
    return Findings(kind, "searched", "", tuple(records), "chongjin", "EPSG:32652", "a", "b", acquired, share, km2, gsd, plane, GRID, **rest)


def evidence(findings, sensitivity=None, *, pair="a__b", acquired=(BEFORE, AFTER), gsd=0.5, **rest):
    known = {} if sensitivity is None else {sensitivity.kind: sensitivity}
    return Evidence(pair, acquired, gsd, {findings.kind: findings}, known, **rest)


def line(day, area_m2, length_m, *, se, inferred=0.0):
    errors = {"area_se_m2": se * area_m2, "length_se_m": se * length_m}
    measures = {"date": day.date().isoformat(), "length_m": length_m, "inferred_share": inferred, **errors}
    return Finding(f"line-{day.year}", "perimeter", "unchanged", box(0, 0, 1, 1), 1.0, area_m2, measures)


def perimeter(*, se=0.01, inferred=0.0, grown=True):
    """The published growth of the camp: 0.58 to 1.00 km², 3.71 to 5.10 km."""
    later = (1.0e6, 5100.0) if grown else (0.58e6, 3710.0)
    lines = (line(BEFORE, 0.58e6, 3710.0, se=se, inferred=inferred), line(AFTER, *later, se=se, inferred=inferred))
    half = 1.96 * se * 2
    area, length = later[0] / 0.58e6 - 1, later[1] / 3710 - 1
    growth = Growth(Ratio(area, area - half, area + half), Ratio(length, length - half, length + half))
    return found(lines, kind="perimeter", growth=growth)


def claim(*readings, **rest):
    return Claim(id="C", camp="chongjin", quote="as it was said", readings=readings, **rest)


def towers(aspect="appeared", low=17, high=17, *, interval=YEAR_2010, sub_area=None, unit="objects", about=False, subject="tower"):
    quantity = None if low is None and high is None else Quantity(low=low, high=high, unit=unit, about=about)
    return Reading(id=aspect, text="…", metric="count", subject=subject, aspect=aspect, quantity=quantity, interval=interval, sub_area=sub_area)


def grew(metric="area", low=0.72, high=0.72, *, unit="ratio", aspect="growth", about=False, interval=YEAR_2010, name=None):
    quantity = Quantity(low=low, high=high, unit=unit, about=about)
    return Reading(id=name or metric, text="…", metric=metric, subject="perimeter", aspect=aspect, quantity=quantity, interval=interval)


# --- counts: each outcome ---------------------------------------------------------------------------------------------------------------------


def test_seventeen_towers_found_support_seventeen():
    verdict = judge(claim(towers()), [evidence(found(points(appeared=17)), sharp())])
    assert verdict.outcome == "supported"
    only = verdict.readings[0]
    assert only.measured.low <= 17 <= only.measured.high
    assert only.bayes_factor > 10
    assert only.power > 0.99
    assert only.evidence == ("a__b",)
    for words in (
        "The imagery supports this:",
        "between 2009-10-12 and 2011-03-02",
        "(0.5 m)",
        "an estimated 17 guard towers appeared",
        "95 % interval 15 to 20",
        "says 17",
        "reported 17 and found 24 of 24 planted objects of 5 m",
    ):
        assert words in verdict.reason, verdict.reason
    assert verdict.reason.endswith(".")
    assert not verdict.reason.endswith("..")


def test_towers_along_a_former_line_count_and_are_told():
    past = [replace(r, measures={"along": "former line"}) for r in points(unchanged=24)]
    stand = towers("state", 25, None, interval=None)
    verdict = judge(claim(stand), [evidence(found([*points(appeared=17), *past]), sharp())])
    assert verdict.outcome == "supported"
    assert "reported 41 (24 of them along a former line) and found 24 of 24 planted objects" in verdict.reason
    assert "former" not in judge(claim(stand), [evidence(found(points(unchanged=41)), sharp())]).reason


def test_nothing_found_where_seventeen_would_have_been_seen_contradicts():
    verdict = judge(claim(towers()), [evidence(found(), sharp())])
    assert verdict.outcome == "contradicted"
    assert verdict.readings[0].power > 0.8
    assert "an estimated 0 guard towers appeared" in verdict.reason


def test_fewer_than_claimed_is_partly_when_change_is_sure():
    verdict = judge(claim(towers()), [evidence(found(points(appeared=6)), sharp())])
    assert verdict.outcome == "partly"
    assert "the change is there, its size is not" in verdict.reason


def test_more_than_claimed_is_partly_too():
    assert judge(claim(towers(low=5, high=5)), [evidence(found(points(appeared=30)), sharp())]).outcome == "partly"


def test_something_where_nothing_was_claimed_contradicts():
    assert judge(claim(towers(low=0, high=0)), [evidence(found(points(appeared=9)), sharp())]).outcome == "contradicted"


def test_no_change_is_supported_only_with_power():
    keen, dull = sharp(found=200, planted=200, control_km2=50.0), sharp(found=15)
    assert judge(claim(towers(low=0, high=0)), [evidence(found(), keen)]).outcome == "supported"
    assert judge(claim(towers(low=0, high=0)), [evidence(found(), dull)]).outcome == "not testable"


def test_without_power_absence_is_never_a_contradiction():
    for hits in range(25):
        verdict = judge(claim(towers(low=1, high=2)), [evidence(found(), sharp(found=hits, false_alarms=20))])
        only = verdict.readings[0]
        assert only.power >= 0.8 or verdict.outcome not in ("contradicted", "partly"), (hits, verdict.reason)


def test_a_pair_that_misses_most_objects_is_not_testable():
    verdict = judge(claim(towers()), [evidence(found(points(appeared=1)), sharp(found=3))])
    assert verdict.outcome == "not testable"
    assert "the search misses most objects of this size" in verdict.reason


def test_many_scenes_are_not_called_a_pair():
    few = evidence(found(), refused="clouds", series=True)
    assert "the series of scenes from 2009-10-12 to 2011-03-02 could not be aligned" in judge(claim(towers()), [few]).reason
    assert "the pair of scenes of 2009-10-12 and 2011-03-02" in judge(claim(towers()), [replace(few, series=False)]).reason


def test_without_sensitivity_nothing_is_decided():
    for n in (0, 17, 60):
        verdict = judge(claim(towers()), [evidence(found(points(appeared=n)))])
        assert verdict.outcome == "inconclusive", n
    assert "was not measured" in verdict.reason


def test_without_control_ground_nothing_is_decided():
    assert judge(claim(towers()), [evidence(found(points(appeared=17)), sharp(control_km2=0.0))]).outcome == "inconclusive"


def test_false_alarms_eat_the_support():
    noisy = sharp("structure", false_alarms=400, control_km2=1.0)
    findings = found(points(appeared=17), kind="structure", km2=0.1)  # 20 false alarms expected there
    verdict = judge(claim(towers(subject="structure")), [evidence(findings, noisy)])
    assert verdict.outcome == "not testable"
    assert verdict.readings[0].power < 0.8
    assert "this imagery would have shown it with a probability of only" in verdict.reason


def test_too_few_must_hold_even_if_every_report_were_true():
    # Ten reports, ten false alarms expected: the estimate is near 0, yet the control ground may hold real change, so 10 cannot be excluded.
    noisy = sharp("structure", false_alarms=200, control_km2=1.0)
    quiet = sharp("structure", false_alarms=20, control_km2=1.0)
    records = found(points(appeared=2), kind="structure", km2=0.5)
    for false, reports, low in ((noisy, found(points(appeared=10), kind="structure"), 11), (quiet, records, 3)):
        verdict = judge(claim(towers(subject="structure", low=low, high=low)), [evidence(reports, false)])
        assert verdict.outcome in ("inconclusive", "not testable"), verdict.reason


def test_over_two_dozen_towers_stand():
    standing = points(unchanged=20, appeared=17, removed=2)
    verdict = judge(claim(towers("state", 25, None, interval=None)), [evidence(found(standing), sharp())])
    assert verdict.outcome == "supported"
    assert "on 2011-03-02" in verdict.reason
    assert "an estimated 37 guard towers stood" in verdict.reason
    earlier = judge(claim(towers("state", 25, None, interval=Interval(end=date(2009, 12, 31)))), [evidence(found(standing), sharp())])
    assert earlier.readings[0].measured.value == 22
    assert earlier.outcome == "inconclusive"  # 22 is within the spread of experts' counts of 25, yet no support


def test_net_change_and_growth_of_a_count():
    findings = found(points(unchanged=20, appeared=20, removed=3))
    net = judge(claim(towers("net change")), [evidence(findings, sharp(found=96, planted=96))])
    assert net.outcome == "supported"
    assert "the number of guard towers grew by 17" in net.reason
    growth = judge(claim(towers("growth", 0.74, 0.74, unit="ratio", about=True)), [evidence(findings, sharp(found=96, planted=96))])
    assert growth.readings[0].measured.unit == "ratio"
    assert growth.readings[0].measured.low < 17 / 23 < growth.readings[0].measured.high
    assert growth.outcome in ("supported", "inconclusive")


def test_the_search_for_buildings_does_not_say_how_many_stand():
    verdict = judge(claim(towers("state", 5, 5, subject="structure")), [evidence(found(kind="structure"), sharp("structure"))])
    assert verdict.outcome == "not testable"
    assert "changes only" in verdict.reason


# --- what was not seen ------------------------------------------------------------------------------------------------------------------------


def test_unseen_ground_is_not_unchanged():
    half = found(points(appeared=0), share=0.5)
    verdict = judge(claim(towers()), [evidence(half, sharp())])
    assert verdict.outcome == "inconclusive"
    assert "may hold more" in verdict.reason
    assert "on the 50 % of the ground that was seen" in verdict.reason


def test_a_part_supports_at_least_but_not_exactly():
    half = evidence(found(points(appeared=17), share=0.5), sharp())
    assert judge(claim(towers(low=10, high=None)), [half]).outcome == "supported"
    assert judge(claim(towers(low=17, high=17)), [half]).outcome == "inconclusive"
    assert judge(claim(towers(low=None, high=5)), [half]).outcome == "contradicted"


def test_towers_sought_along_a_line_that_may_run_elsewhere_prove_no_absence():
    """None of the planted ones is missed, but the band holds 2 % of the line: what is absent there may stand 3 km off."""
    beside = evidence(found(held_share=0.02), sharp())
    razed = judge(claim(towers("removed", 10, None)), [beside])
    assert razed.outcome == "not testable"
    assert "likely to hold 2 % of the line along which they stand" in razed.reason
    assert judge(claim(towers("removed", 10, None)), [evidence(found(), sharp())]).outcome == "contradicted"
    assert judge(claim(towers(low=0, high=0)), [beside]).outcome != "supported"


def test_a_nominal_part_of_the_site_holds_what_its_accuracy_lets_it():
    square, findings = box(560_300, 4_631_300, 560_700, 4_631_700), found(kind="structure", score=np.zeros((200, 200), np.float32))
    ends = []
    for accuracy, nominal in ((200.0, False), (1.0, True), (200.0, True)):
        part = Outline("part", "a part", "sub-area", reproject(square, "EPSG:32652", LONLAT), accuracy, nominal, "", "")
        aoi = Aoi("here", "Here", (), (part,))
        ends.append(ground_of(findings, towers(subject="structure", sub_area="part"), aoi))
    own, near, far = ends
    assert (own.held, own.share) == (1.0, pytest.approx(1.0, abs=0.01))
    assert 0.99 < near.held < 1.0
    assert 0.3 < far.held < 0.6
    assert far.share == pytest.approx(far.held * own.share)
    assert far.km2 == own.km2


def test_a_balance_needs_all_of_the_ground():
    half = evidence(found(points(appeared=40), share=0.5), sharp())
    assert judge(claim(towers("net change", 10, 10)), [half]).outcome == "inconclusive"


def test_towers_marked_not_observed_may_be_the_missing_ones():
    seen = judge(claim(towers()), [evidence(found(points(appeared=6)), sharp())])
    hidden = judge(claim(towers()), [evidence(found(points(appeared=6, not_observed=12)), sharp())])
    assert (seen.outcome, hidden.outcome) == ("partly", "inconclusive")


def test_nothing_seen_is_not_testable():
    verdict = judge(claim(towers()), [evidence(found(share=0.0, km2=0.0), sharp())])
    assert verdict.outcome == "not testable"
    assert "none of the ground was seen" in verdict.reason


def quarter(role="sub-area"):
    ground = box(560_500, 4_631_000, 561_000, 4_631_500)
    camp = box(560_000, 4_631_000, 561_000, 4_632_000)
    outlines = [
        Outline(name, name, kind, reproject(g, "EPSG:32652", LONLAT), 20.0, nominal=False, source="s", made="m")
        for name, kind, g in (("chongjin", "camp", camp), ("chongjin-se", role, ground))
    ]
    return Aoi("chongjin", "Camp 25", (), tuple(outlines))


def test_a_sub_area_counts_what_lies_in_it_and_its_own_seen_share():
    inside = tuple(Finding(f"in-{i}", "structure", "appeared", Point(560_550 + 20 * i, 4_631_200).buffer(4), 0.9, 50.0) for i in range(18))
    outside = tuple(Finding(f"out-{i}", "structure", "appeared", Point(560_050 + 20 * i, 4_631_800).buffer(4), 0.9, 50.0) for i in range(18))
    reading = towers(low=10, high=25, subject="structure", sub_area="chongjin-se")
    keen = sharp("structure", found=96, planted=96)
    verdict = judge(claim(reading), [evidence(found(inside + outside, kind="structure"), keen)], aoi=quarter())
    assert verdict.outcome == "supported"
    assert re.search(r"an estimated 16 buildings appeared in “[^”]*” \(95 %", verdict.reason)
    cloudy = np.zeros(GRID.shape, np.float32)
    cloudy[100:, 140:] = np.nan  # 60 % of the quarter
    hidden = judge(claim(reading), [evidence(found(inside + outside, kind="structure", score=cloudy), keen)], aoi=quarter())
    assert hidden.outcome == "inconclusive"
    assert "on the 40 % of the ground that was seen" in hidden.reason
    assert "no outline named 'chongjin-se'" in judge(claim(reading), [evidence(found(kind="structure"), keen)]).reason


# --- areas and lengths ------------------------------------------------------------------------------------------------------------------------


def test_seventy_two_percent_is_the_area_and_not_the_length():
    verdict = judge(claim(grew("area", 0.72, None), grew("length", 0.72, None)), [evidence(perimeter())])
    assert [r.outcome for r in verdict.readings] == ["supported", "partly"]
    assert verdict.outcome == "partly"
    assert verdict.reason == (
        "The imagery supports this in part: between 2009-10-12 and 2011-03-02 (0.5 m), "
        "“area”, supported: the enclosed area grew by 72 % (95 % interval 69 to 76 %); "
        "“length”, supported in part: the length of the enclosing line grew by 37 % (95 % interval 34 to 41 %); "
        "the change is there, its size is not. The claim says at least 72 %."
    )


def test_units_are_readings():
    as_written = grew(low=1000, high=1000, unit="m2", aspect="state", name="as written")
    thousand = grew(low=1_000_000, high=1_000_000, unit="m2", aspect="state", name="thousand m²")
    verdict = judge(claim(as_written, thousand), [evidence(perimeter())])
    assert [r.outcome for r in verdict.readings] == ["contradicted", "supported"]
    assert verdict.outcome == "partly"
    assert verdict.readings[1].measured.unit == "km2"
    assert verdict.readings[1].measured.value == pytest.approx(1.0)


def test_about_one_square_kilometre():
    reading = Reading(text="…", metric="area", subject="camp", quantity=Quantity(low=1, high=1, unit="km2", about=True))
    assert judge(claim(reading), [evidence(perimeter())]).outcome == "supported"
    assert judge(claim(reading), [evidence(perimeter(grown=False))]).outcome == "contradicted"
    assert judge(claim(reading), [evidence(perimeter(se=0.2))]).outcome == "inconclusive"


def test_doubling_is_more_than_seventy_two_percent():
    verdict = judge(claim(grew(low=1.0, high=1.0, about=True)), [evidence(perimeter(se=0.005))])
    assert verdict.outcome == "partly"
    assert "says about 100 %" in verdict.reason


def test_growth_that_did_not_happen_is_contradicted_only_with_power():
    assert judge(claim(grew()), [evidence(perimeter(grown=False))]).outcome == "contradicted"
    assert judge(claim(grew(low=0.05, high=0.06)), [evidence(perimeter(grown=False, se=0.05))]).outcome == "not testable"


def test_a_line_mostly_inferred_decides_nothing():
    for reading in (grew(), grew(low=3.0, high=3.0)):
        assert judge(claim(reading), [evidence(perimeter(inferred=0.6))]).outcome == "inconclusive"


def test_a_difference_of_areas_and_a_shrinking_line():
    gained = grew(low=0.42, high=0.42, unit="km2", aspect="net change")
    assert judge(claim(gained), [evidence(perimeter(se=0.003))]).outcome == "supported"
    shrunk = grew("length", low=1.0, high=None, unit="km", aspect="removed")
    assert judge(claim(shrunk), [evidence(perimeter())]).outcome == "contradicted"


def test_a_line_seen_at_one_date_only_gives_no_growth():
    single = found((line(AFTER, 1e6, 5100, se=0.01),), kind="perimeter")
    verdict = judge(claim(grew()), [evidence(single)])
    assert verdict.outcome == "not testable"
    assert "the enclosing line was not seen on 2009-10-12" in verdict.reason


# --- which pairs ------------------------------------------------------------------------------------------------------------------------------

DAYS = [datetime(y, 6, 1, tzinfo=UTC) for y in (2003, 2009, 2011, 2014)]


def pair_of(i, j, n, *, gsd=0.5, sensitivity=None, **rest):
    acquired = (DAYS[i], DAYS[j])
    findings = found(points(appeared=n), acquired=acquired, gsd=gsd)
    return evidence(findings, sensitivity or sharp(), pair=f"{i}-{j}@{gsd}", acquired=acquired, gsd=gsd, **rest)


def test_only_pairs_that_bracket_the_time_answer():
    verdict = judge(claim(towers()), [pair_of(0, 1, 17), pair_of(2, 3, 17)])
    assert verdict.outcome == "not testable"
    assert verdict.reason == "Not testable: no pair of usable scenes brackets 2010."
    assert judge(claim(towers()), [pair_of(0, 1, 0), pair_of(1, 2, 17)]).outcome == "supported"


def test_no_evidence_at_all_is_not_testable():
    assert judge(claim(towers()), []).outcome == "not testable"


def test_a_pair_far_wider_than_the_claim_confirms_the_number_only():
    verdict = judge(claim(towers()), [pair_of(0, 3, 17)])
    assert verdict.outcome == "partly"
    assert "date is not confirmed" in verdict.reason
    assert judge(claim(towers()), [pair_of(0, 3, 60)]).outcome == "inconclusive"
    assert judge(claim(towers()), [pair_of(0, 3, 0)]).outcome == "inconclusive"


def test_a_wide_pair_is_silent_where_a_tight_one_answers():
    verdict = judge(claim(towers()), [pair_of(0, 3, 40), pair_of(1, 2, 17)])
    assert verdict.outcome == "supported"
    assert verdict.readings[0].evidence == ("1-2@0.5",)


def test_an_undecided_better_witness_is_named():
    acquired = (DAYS[2], DAYS[3])
    later = evidence(found(points(unchanged=23), acquired=acquired), sharp(), pair="2-3", acquired=acquired)
    verdict = judge(claim(towers("state", 25, None, interval=None)), [evidence(found(points(unchanged=40)), sharp()), later])
    assert verdict.outcome == "supported"
    assert "on 2011-03-02" in verdict.reason
    assert "The pair with the better dates does not decide it" in verdict.reason


def test_the_finest_pair_answers_and_coarser_dissent_is_told():
    verdict = judge(claim(towers()), [pair_of(1, 2, 0, gsd=2.5), pair_of(1, 2, 17)])
    assert verdict.outcome == "supported"
    assert "Coarser imagery says otherwise: contradicted" in verdict.reason
    assert verdict.readings[0].evidence == ("1-2@0.5",)
    blind = pair_of(1, 2, 1, sensitivity=sharp(found=2))
    assert judge(claim(towers()), [blind, pair_of(1, 2, 17, gsd=2.5)]).outcome == "supported"


def test_pairs_that_disagree_decide_nothing():
    verdict = judge(claim(towers()), [pair_of(1, 2, 17), pair_of(1, 2, 0, gsd=0.6)])
    assert verdict.outcome == "inconclusive"
    assert "the pairs disagree" in verdict.reason
    assert verdict.readings[0].evidence == ("1-2@0.5", "1-2@0.6")


def test_order_of_evidence_does_not_matter():
    pieces = [pair_of(0, 1, 3), pair_of(1, 2, 17), pair_of(1, 2, 15, gsd=0.6), pair_of(0, 3, 25), pair_of(1, 2, 4, gsd=2.5)]
    asked = claim(towers(), towers("state", 25, None, interval=None), grew())
    orders = itertools.islice(itertools.permutations(pieces), 0, None, 17)
    answers = {json.dumps(judge(asked, order).as_json(), sort_keys=True) for order in orders}
    assert len(answers) == 1


def test_a_refused_registration_blocks_the_verdict():
    verdict = judge(claim(towers()), [Evidence("a__b", (BEFORE, AFTER), 0.5, refused="the check points stay 1.4 px apart.")])
    assert verdict.outcome == "not testable"
    assert "could not be aligned: the check points stay 1.4 px apart." in verdict.reason


def test_a_search_that_could_not_have_shown_it_gives_its_reason():
    coarse = replace(found(gsd=10.0), status="not_testable", reason="towers need 0.8 m; this pair has 10 m.")
    verdict = judge(claim(towers()), [evidence(coarse, gsd=10.0)])
    assert verdict.outcome == "not testable"
    assert "towers need 0.8 m; this pair has 10 m." in verdict.reason
    unsearched = judge(claim(grew()), [evidence(found(), sharp())])
    assert "was not searched for the enclosing line" in unsearched.reason


# --- claims that imagery does not answer ------------------------------------------------------------------------------------------------------


def test_what_cannot_be_seen_from_above_is_never_judged():
    people = Reading(text="…", metric="population", subject="people", quantity=Quantity(low=3000, high=5000, unit="people"))
    unseen = claim(people, observable=False, why_not="From above nobody can see how many people are held.")
    verdict = judge(unseen, [pair_of(1, 2, 17, simulated=True)])
    assert verdict.outcome == "not testable"
    assert verdict.reason == "Not testable: From above nobody can see how many people are held."
    assert verdict.readings[0].evidence == ()
    assert not verdict.simulated


@pytest.mark.parametrize(
    ("metric", "subject", "reason"),
    [
        ("layout", "camp", "this release does not judge claims about a layout"),
        ("count", "mine", "was not searched for land cover"),
        ("count", "fence", "this release does not judge claims about the number of fences"),
        ("layout", "terrain", "heights are told by an elevation model"),
        ("date", "tower", "the claim names no time"),
        ("population", "people", "people cannot be counted from above"),
        ("capacity", "structure", "how many people a building holds cannot be seen"),
        ("ratio", "people", "people cannot be counted from above"),
        ("count", "people", "people cannot be counted from above"),
        ("method", "other", "a statement about imagery"),
        ("provenance", "other", "a statement about a publication"),
    ],
)
def test_what_is_not_judged_says_why(metric, subject, reason):
    verdict = judge(claim(Reading(text="…", metric=metric, subject=subject)), [pair_of(1, 2, 17)])
    assert verdict.outcome == "not testable"
    assert reason in verdict.reason
    assert verdict.readings[0].measured is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("An electrified fence surrounds the camp.", "carries current cannot be seen"),
        ("Prisoners sleep in the barracks.", "people cannot be counted"),
        ("A mass grave lies behind the mine.", "graves are not searched for"),
        ("The fence was built to deter escape.", "what was meant by it cannot be seen"),
        ("The valley is called Haengyong.", "names cannot be seen"),
    ],
)
def test_current_people_deaths_intent_and_names_are_never_testable(text, why):
    for metric, subject in (("presence", "fence"), ("layout", "structure"), ("date", "camp"), ("landcover", "field")):
        verdict = judge(claim(Reading(text=text, metric=metric, subject=subject, interval=YEAR_2010)), [evidence(perimeter())])
        assert verdict.outcome == "not testable"
        assert why in verdict.reason


@pytest.mark.parametrize(
    "text", ["A gravel pit lies there.", "A diesel depot stands there.", "Skilled work is done there.", "Guard towers stand there."]
)
def test_words_that_only_look_alike_are_no_reason(text):
    for metric, subject in (("presence", "structure"), ("layout", "structure")):
        assert "not searched for buildings" in judge(claim(Reading(text=text, metric=metric, subject=subject)), [pair_of(1, 2, 17)]).reason


def test_simulated_and_nominal_are_said():
    findings = found(points(appeared=17), nominal=True, simulated=True)
    verdict = judge(claim(towers()), [evidence(findings, sharp(), simulated=True)])
    assert verdict.simulated
    assert verdict.nominal
    assert verdict.reason.startswith("SIMULATED: ")
    assert verdict.reason.count("SIMULATED") == 1
    assert verdict.readings[0].reason.startswith("SIMULATED: ")
    assert "nominal" in verdict.reason


def test_json_has_no_infinities():
    text = json.dumps(judge(claim(towers()), [evidence(found(points(appeared=40)), sharp())]).as_json(), allow_nan=False)
    assert json.loads(text)["readings"][0]["bayes_factor"] <= 1e6


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (("supported", "supported"), "supported"),
        (("contradicted", "contradicted"), "contradicted"),
        (("supported", "contradicted"), "partly"),
        (("supported", "not testable"), "partly"),
        (("contradicted", "inconclusive"), "inconclusive"),
        (("contradicted", "not testable"), "inconclusive"),
        (("contradicted", "partly"), "partly"),
        (("not testable", "inconclusive"), "inconclusive"),
        (("not testable", "not testable"), "not testable"),
    ],
)
def test_outcome_over_readings(outcomes, expected):
    assert combine(outcomes) == expected
    assert combine(outcomes[::-1]) == expected


def test_estimate_for_the_table_of_counts():
    assert estimate_count(found(points(appeared=17)), sharp(), "appeared").value == 17
    assert estimate_count(found(points(appeared=17)), None, "appeared") is None
    assert estimate_count(found(points(appeared=17)), sharp(control_km2=0.0), "appeared") is None


def test_a_blind_search_gives_no_number():
    poor = sharp(found=3)
    assert estimate_count(found(points(appeared=10)), poor, "appeared") is None
    assert (blind_to_m(found(), poor), blind_to_m(found(), sharp()), blind_to_m(found(), None)) == (5.0, None, None)


def test_a_change_that_may_be_none_is_told_with_its_sign():
    told = judge(claim(grew(low=4.0, high=4.0)), [evidence(perimeter(se=0.3))]).reason
    assert re.search(r"the enclosed area changed by \+72 % \(95 % interval −\d+ to \d+ %\)", told), told
    lost = judge(claim(towers("net change", -5, -5)), [evidence(found(points(removed=5)), sharp(found=96, planted=96))]).reason
    assert "the number of guard towers shrank by 5 (95 % interval " in lost
    assert "the claim says −5" in lost
    assert "an estimated 1 guard tower was removed" in judge(claim(towers("removed")), [evidence(found(points(removed=1)), sharp())]).reason


def test_what_several_readings_share_is_said_once():
    layout, terrain = (Reading(id=m, text="…", metric=m, subject="other") for m in ("layout", "presence"))
    assert judge(claim(layout, terrain), []).reason == (
        "Not testable: “layout”: this release does not judge claims about a layout; "
        "“presence”: this release does not judge claims about the presence of other things. No imagery was looked at for it."
    )


def test_resolution_limits_are_those_of_the_detectors():
    from camwatch import detect

    params = {"tower": "TowerParams", "structure": "StructureParams", "perimeter": "PerimeterParams"}
    limits = {kind: getattr(detect, name)().max_gsd_m for kind, name in params.items()}
    assert limits == {kind: limit for kind, limit in GSD_LIMIT_M.items() if kind != "landcover"}
