"""The rules about claims: ledgers made at random that agree with themselves give no note; one error of a class gives that note and no other."""

import math
import random
import re
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from camwatch.claims import Claim, Interval, Ledger, LintNote, Quantity, Reading, Span, lint, load_ledger
from camwatch.claims.figures import areas_m2, derivable, growths, lengths_m, numbers, spans
from camwatch.claims.lint import RULES
from camwatch.claims.model import UNITS

WORDS = {1: "one", 2: "two", 7: "seven", 11: "eleven", 12: "a dozen", 17: "seventeen", 18: "eighteen", 24: "two dozen", 31: "thirty-one"}


# --- figures in words -------------------------------------------------------------------------------------------------------------------------------


def test_numbers_in_digits_and_words():
    assert numbers("Eighteen blocks hold 200, over 3,600 in two dozen") == [18, 200, 3600, 24]
    assert numbers("thirty-one of three hundred; several thousand; two hundred thousand; twenty or five") == [31, 300, 1000, 200_000, 20, 5]
    assert numbers("C25-04 and 1.5 km, not v2; the 1980s") == [4, 1.5]
    assert numbers("청진 관리소 18 동") == [18]
    assert numbers("") == []


def test_sizes_with_their_units():
    assert areas_m2("from 580 to 1,000 square meters; 225 square km; 1.01 km²; 3 ha; 580 thousand m²") == [1000, 225e6, 1.01e6, 3e4, 580e3]
    assert areas_m2("700 square miles") == [pytest.approx(1.813e9, rel=1e-3)]
    assert areas_m2("5 km from a square") == []
    assert lengths_m("a fence of 75 km, posts every 120 m, 4,600 ft, and 3 km² or 580 m2") == [75e3, 120, pytest.approx(1402, abs=1)]


def test_changes_in_a_text():
    grew = "From 2003 to 2013 it grew from 580 to 1,000, from 3,000 towards 7,000; between 3 to 5"
    assert [(s.first, s.last) for s in spans(grew)] == [(580, 1000), (3000, 7000)]
    assert growths("doubled; a 72 percent rise; tripling; 5%; halved") == [
        ("doubled", 1.0),
        ("72 percent", 0.72),
        ("tripling", 2.0),
        ("5%", 0.05),
        ("halved", -0.5),
    ]


@pytest.mark.parametrize(
    ("quote", "typed", "other"),
    [
        ("Over two dozen towers", 25, 27),
        ("a 72 percent enlarged perimeter", 0.72, 0.62),
        ("doubled in size", 1.0, 2.0),
        ("from 580 to 1,000 square meters", 420, 480),
        ("18 blocks of 200 each", 3600, 3800),
        ("700 square miles", 1.813e9, 7e8),
    ],
)
def test_what_a_text_gives(quote, typed, other):
    def near(value):
        return any(math.isclose(value, v, rel_tol=5e-3) for v in derivable(quote))

    assert near(typed)
    assert not near(other)


# --- ledgers that agree with themselves -------------------------------------------------------------------------------------------------------------


def said(rng, n):
    """A whole number as a writer might put it."""
    return WORDS[n] if n in WORDS and rng.random() < 0.5 else f"{n:,}"


def entry(name, quote, camp="a", *, observable=True, **reading):
    reading = {"text": f"As {name} says.", "subject": "camp", **reading}
    return {"id": name, "camp": camp, "quote": quote, "readings": [reading], "observable": observable, "why_not": "" if observable else "No."}


def exactly(n, unit="objects", **more):
    return {"low": n, "high": n, "unit": unit, **more}


def year(y):
    return {"start": y, "end": y}


def clean(seed):
    """A ledger of one camp in which every number follows from one world, with quotes in varying words and claims in any order."""
    rng = random.Random(seed)
    y0, y1 = rng.randint(1985, 2000), rng.randint(2004, 2018)
    before = round(rng.uniform(0.4, 200), rng.choice([1, 2]))
    growth = round(rng.uniform(0.3, 0.75), 2)
    after = before * (1 + growth)
    # A line at least a tenth longer than a circle's.
    round_m = 2 * math.sqrt(math.pi * before * 1e6)
    line0 = round(round_m * rng.uniform(1.1, 1.8))
    line1 = round(line0 * math.sqrt(1 + growth) * rng.uniform(1.0, 1.1))
    posts0, added = rng.randint(20, 200), rng.randint(2, 10)
    houses, people, more = rng.randint(5, 300), rng.randint(20, 90) * 100, rng.randint(2, 9) * 100
    founded, far = rng.randint(1948, 1966), math.ceil(2.5 * math.sqrt(after / math.pi)) + rng.randint(5, 60)
    lon, lat, span = rng.uniform(120, 130), rng.uniform(30, 45), {"start": y0, "end": y1}
    west, south = lon - rng.uniform(0.1, 2.4), lat - rng.uniform(0.1, 2.4)
    claims = [
        entry("area", f"It covered {before:,g} km² then.", metric="area", quantity=exactly(before, "km2"), interval=year(y0)),
        entry(
            "length",
            f"A line of {line0:,} meters ran around it.",
            metric="length",
            subject="perimeter",
            quantity=exactly(line0, "m"),
            interval=year(y0),
        ),
        entry(
            "growth",
            f"Its area grew by {100 * growth:.0f} percent, from {1e6 * before:,.0f} to {1e6 * after:,.0f} square meters.",
            metric="area",
            aspect="growth",
            subject="perimeter",
            called="area",
            quantity=exactly(growth, "ratio"),
            span={"before": round(1e6 * before), "after": round(1e6 * after), "unit": "m2"},
            interval=span,
        ),
        entry(
            "longer",
            f"The line became {100 * (line1 / line0 - 1):.0f}% longer.",
            metric="length",
            aspect="growth",
            subject="fence",
            quantity=exactly(round(line1 / line0 - 1, 2), "ratio"),
            interval=span,
        ),
        entry("posts0", f"There were {said(rng, posts0)} posts.", metric="count", subject="tower", quantity=exactly(posts0), interval=year(y0)),
        entry(
            "added",
            f"Later {said(rng, added)} came.",
            metric="count",
            subject="tower",
            aspect="appeared",
            quantity=exactly(added),
            interval=year(y0 + 2),
        ),
        entry("posts1", f"{posts0 + added} posts stood.", metric="count", subject="tower", quantity=exactly(posts0 + added), interval=year(y1)),
        entry(
            "houses",
            f"They built {said(rng, houses)} houses.",
            metric="count",
            subject="structure",
            aspect="appeared",
            quantity=exactly(houses),
            interval=span,
        ),
        entry(
            "people",
            f"{people:,} to {people + 900:,} people are held.",
            metric="population",
            subject="people",
            observable=False,
            quantity={"low": people, "high": people + 900, "unit": "people"},
        ),
        entry(
            "again",
            f"Between {people:,} and {people + 900:,} are there.",
            metric="population",
            subject="people",
            observable=False,
            quantity={"low": people, "high": people + 900, "unit": "people"},
        ),
        entry(
            "room",
            f"Room for {more:,} more was made.",
            metric="capacity",
            subject="people",
            aspect="growth",
            observable=False,
            quantity=exactly(more, "people"),
            interval=span,
        ),
        entry(
            "fuller",
            f"It went from {people:,} to {people + more:,}.",
            metric="population",
            subject="people",
            aspect="growth",
            observable=False,
            span={"before": people, "after": people + more, "unit": "people"},
            interval=span,
        ),
        entry(
            "founded",
            f"It opened about {founded}.",
            metric="date",
            aspect="appeared",
            quantity=exactly(founded, "year", about=True),
            interval=year(founded),
        ),
        entry(
            "far",
            f"It lies {far} km from the town.",
            metric="distance",
            quantity=exactly(far, "km"),
            where=[{"relation": "away from", "place": "Town"}],
        ),
        entry(
            "region",
            "It lies in the north-east of the country.",
            metric="position",
            where=[{"relation": "in", "place": "Land", "sector": "north-east"}],
        ),
        entry(
            "province",
            "It lies in the province.",
            metric="position",
            where=[{"relation": "in", "place": "Province"}],
            described={"setting": "remote"},
        ),
        entry(
            "river",
            "It lies on the Long River.",
            metric="position",
            where=[{"relation": "bank of", "place": "Long River"}],
            described={"Setting": "Remote"},
        ),
    ]
    claims[0]["published"] = [{"text": "area", "value": before * rng.uniform(0.9, 1.1), "unit": "km2", "date": y0, "source": "Another"}]
    claims[0]["published"][0]["reading"] = "as written"
    rng.shuffle(claims)
    places = [
        {"name": "Land", "box": [west - 9, south - 9, west + 5, south + 5], "source": "drawn"},
        {"name": "Province", "box": [west, south, west + 5, south + 5], "source": "drawn"},
        {"name": "Town", "point": [lon, lat], "source": "drawn"},
        *({"name": name} for name in ("Long River", "Short River")),
    ]
    return {"document": "d", "title": "t", "places": places, "claims": claims}


def notes(*ledgers):
    found = lint(*(Ledger.model_validate(ledger) for ledger in ledgers))
    names = [n for ledger in ledgers for c in ledger["claims"] for n in (c["id"], f"{ledger['document']}:{c['id']}")]
    assert all(isinstance(n, LintNote) and n.rule in RULES and n.text and "\n" not in n.text and not n.text.endswith(".") for n in found)
    assert all(n.claims == tuple(sorted(n.claims, key=names.index)) for n in found)
    return found


@pytest.mark.parametrize("block", range(5))
def test_a_ledger_that_agrees_with_itself_gives_no_note(block):
    for seed in range(60 * block, 60 * block + 60):
        assert notes(clean(seed)) == (), seed


def test_two_ledgers_that_agree_give_no_note():
    one, other = clean(1), clean(2)
    assert notes(one, {**deepcopy(one), "document": "second"}) == ()  # the same claims once more
    for claim in other["claims"]:
        claim["camp"] = "b"
    assert notes(one, other) == ()


# --- one error at a time ----------------------------------------------------------------------------------------------------------------------------


def get(ledger, name):
    return next(c for c in ledger["claims"] if c["id"] == name)


def first(ledger, name):
    return get(ledger, name)["readings"][0]


def add(ledger, rng, claim):
    ledger["claims"].insert(rng.randrange(len(ledger["claims"]) + 1), claim)


def lost_thousands(ledger, rng):
    value = round(1000 * rng.uniform(0.4, 2))
    add(ledger, rng, entry("new", f"It spans {value} square meters.", metric="area", quantity=exactly(value, "m2"), interval=year(2040)))
    return {("unit", ("new", "area")), ("unit", ("new", "growth"))}


def wrong_percent(ledger, rng):
    claim = get(ledger, "growth")
    ratio = claim["readings"][0]["quantity"]["low"] + rng.choice([-1, 1]) * round(rng.uniform(0.22, 0.3), 2)
    claim["quote"] = claim["quote"].replace(claim["quote"].split()[4], f"{100 * ratio:.0f}")
    claim["readings"][0]["quantity"] = exactly(round(ratio, 2), "ratio")
    first(ledger, "longer")["interval"] = year(2050)
    return {("percentage", ("growth",))}


def doubled(ledger, rng):
    claim = get(ledger, "growth")
    claim["quote"] = claim["quote"].replace("grew", rng.choice(["doubled, it grew", "tripled, it grew"]))
    return {("percentage", ("growth",))}


def two_measures(ledger, rng):
    claim = get(ledger, "longer")
    claim["readings"].append({**deepcopy(claim["readings"][0]), "id": "area", "metric": "area"})
    claim["readings"][1]["interval"] = year(2050)
    return {("ambiguous", ("longer",))}


def length_as_area(ledger, rng):
    ratio = first(ledger, "growth")["quantity"]["low"]
    get(ledger, "longer")["quote"] = f"A {100 * ratio:.0f} percent longer line."
    first(ledger, "longer")["quantity"] = exactly(ratio, "ratio")
    return {("measure", ("growth", "longer"))}


def short_line(ledger, rng):
    reading = first(ledger, "length")
    reading["quantity"] = exactly(round(reading["quantity"]["low"] * rng.uniform(0.2, 0.45)), "m")
    get(ledger, "length")["quote"] = f"A fence of {reading['quantity']['low']:,} m."
    return {("shape", ("area", "length"))}


def blocks_of(ledger, rng, *, wrong):
    count, each = first(ledger, "houses")["quantity"]["low"], rng.choice([12, 40, 200])
    total = round(count * each * (rng.choice([0.8, 1.2]) if wrong else 1))
    claim = get(ledger, "room")
    claim["quote"] = f"At {each} each, room for {total:,} more was made."
    claim["readings"][0] |= {"quantity": exactly(total, "people"), "each": each}
    people = get(ledger, "fuller")["readings"][0]["span"]
    people["after"] = people["before"] + total
    get(ledger, "fuller")["quote"] = f"It went from {people['before']:,} to {people['after']:,}."


def assumed(ledger, rng):
    blocks_of(ledger, rng, wrong=False)
    return {("assumption", ("room",))}


def wrong_product(ledger, rng):
    blocks_of(ledger, rng, wrong=True)
    return {("assumption", ("room",)), ("product", ("houses", "room"))}


def exactly_not_more(ledger, rng):
    blocks_of(ledger, rng, wrong=False)
    claim = get(ledger, "room")
    claim["quote"] = claim["quote"].replace("for", "for over")
    claim["readings"][0]["quantity"]["high"] = None
    return {("assumption", ("room",)), ("product", ("houses", "room"))}


def wrong_sum_of_people(ledger, rng):
    span = first(ledger, "fuller")["span"]
    span["after"] = round(span["after"] * rng.choice([0.85, 1.2]))
    get(ledger, "fuller")["quote"] = f"It went from {span['before']:,} to {span['after']:,}."
    return {("sum", ("room", "fuller"))}


def wrong_sum_of_posts(ledger, rng):
    value = first(ledger, "posts1")["quantity"]["low"] + rng.randint(1, 9)
    get(ledger, "posts1")["quote"] = f"{value} posts stood."
    first(ledger, "posts1")["quantity"] = exactly(value)
    return {("sum", ("posts0", "added", "posts1"))}


def part_over_whole(ledger, rng):
    value = first(ledger, "houses")["quantity"]["low"] + rng.randint(1, 30)
    part = {**deepcopy(first(ledger, "houses")), "quantity": exactly(value), "sub_area": "a-south"}
    add(ledger, rng, {**entry("part", f"In the south {value} houses were built.", metric="count"), "readings": [part]})
    return {("sum", ("part", "houses"))}


def more_added_than_stand(ledger, rng):
    stand = max(first(ledger, "houses")["quantity"]["low"] - rng.randint(1, 4), 0)
    add(ledger, rng, entry("stand", f"{stand} houses stand.", metric="count", subject="structure", quantity=exactly(stand)))
    return {("stock", ("houses", "stand"))}


def outgrown(ledger, rng):
    built = first(ledger, "houses")["quantity"]["low"]
    stand = built + rng.randint(1, max(built // 4, 1))
    add(ledger, rng, entry("stand", f"At least {stand} houses stand.", metric="count", subject="structure", quantity={"low": stand}))
    return {("stock", ("houses", "stand"))}


def other_people(ledger, rng):
    value = round(first(ledger, "people")["quantity"]["high"] * rng.uniform(1.3, 3))
    quantity = exactly(value, "people")
    add(ledger, rng, entry("new", f"{value:,} people.", metric="population", subject="people", observable=False, quantity=quantity))
    return {("contradiction", ("new", "people")), ("contradiction", ("new", "again"))}


def nearly_the_same_people(ledger, rng):
    low = first(ledger, "people")["quantity"]["low"]
    quantity = {"low": low - 1800, "high": low, "unit": "people"}
    quote = f"{low - 1800:,} to {low:,} people."
    add(ledger, rng, entry("new", quote, metric="population", subject="people", observable=False, quantity=quantity))
    return {("restated", ("new", "people")), ("restated", ("new", "again"))}


def told_again(ledger, **more):
    reading = deepcopy(first(ledger, "growth"))
    del reading["span"]
    quote = f"It gained {100 * reading['quantity']['low']:.0f} % of ground."
    return {**entry("new", quote, metric="area"), "readings": [{**reading, "called": "", **more}]}


def another_baseline(ledger, rng):
    span = first(ledger, "growth")["interval"]
    add(ledger, rng, told_again(ledger, interval={"start": span["start"] + rng.randint(1, 3), "end": span["end"]}))
    return {("baseline", ("new", "growth"))}


def another_name(ledger, rng):
    add(ledger, rng, told_again(ledger, called="ground"))
    return {("name", ("new", "growth"))}


def founded_twice(ledger, rng):
    value = first(ledger, "founded")["quantity"]["low"] + rng.randint(5, 15)
    add(ledger, rng, entry("new", f"Opened in {value}.", metric="date", aspect="appeared", quantity=exactly(value, "year"), interval=year(value)))
    return {("date", ("new", "founded"))}


def before_its_founding(ledger, rng):
    value = first(ledger, "founded")["quantity"]["low"] - rng.randint(6, 20)
    add(ledger, rng, entry("new", "A wall stood there.", metric="presence", subject="fence", interval=year(value)))
    return {("date", ("new", "founded"))}


def year_beside_its_span(ledger, rng):
    first(ledger, "founded")["interval"] = year(first(ledger, "founded")["quantity"]["low"] + rng.randint(4, 9))
    return {("date", ("founded",))}


def same_year_elsewhere(ledger, rng):
    add(ledger, rng, {**deepcopy(get(ledger, "founded")), "id": "new", "camp": "b"})
    return {("repeated", ("new", "founded"))}


def no_time(ledger, rng):
    first(ledger, "houses")["interval"] = None
    return {("undated", ("houses",))}


def described_twice(ledger, rng):
    first(ledger, "river")["described"] = {"setting": rng.choice(["edge of a city", "suburb"])}
    return {("description", ("river", "province"))}


def other_sector(ledger, rng):
    first(ledger, "region")["where"][0]["sector"] = rng.choice(["south-west", "north-west", "south-east"])
    return {("place", ("region", "province"))}


def other_river(ledger, rng):
    add(ledger, rng, {**deepcopy(get(ledger, "river")), "id": "new"})
    first(ledger, "new")["where"] = [{"relation": "bank of", "place": "Short River"}]
    return {("place", ("new", "river"))}


def nearer_than_its_size(ledger, rng):
    across = 2 * math.sqrt(first(ledger, "area")["quantity"]["low"] / math.pi)
    value = round(across * rng.uniform(0.2, 0.8), 2)
    get(ledger, "far")["quote"] = f"It lies {value:g} km from the town."
    first(ledger, "far")["quantity"] = exactly(value, "km")
    return {("extent", ("area", "far"))}


def published_otherwise(ledger, rng):
    get(ledger, "area")["published"][0]["value"] *= rng.choice([0.4, 1.6])
    return {("published", ("area",))}


def published_elsewhere(ledger, rng):
    land = ledger["places"][0]["box"]
    ledger["places"].append({"name": "Place", "point": [land[0] + 1, land[1] + 1], "source": "drawn"})
    get(ledger, "region")["published"] = [{"text": "position", "source": "Another", "where": {"relation": "in", "place": "Place"}}]
    return {("published", ("region",))}


def published_figures_disagree(ledger, rng):
    figures = get(ledger, "area")["published"]
    figures.append({**figures[0], "value": figures[0]["value"] * rng.uniform(2.1, 9)})
    return {("published", ("area",))}


def mistyped(ledger, rng):
    reading = first(ledger, "houses")
    reading["quantity"] = exactly(reading["quantity"]["low"] + rng.randint(2, 9))
    return {("typed", ("houses",))}


ERRORS = [
    lost_thousands, wrong_percent, doubled, two_measures, length_as_area, short_line, assumed, wrong_product, exactly_not_more, wrong_sum_of_people,
    wrong_sum_of_posts, part_over_whole, more_added_than_stand, outgrown, other_people, nearly_the_same_people, another_baseline, another_name,
    founded_twice, before_its_founding, year_beside_its_span, same_year_elsewhere, no_time, described_twice, other_sector, other_river,
    nearer_than_its_size, published_otherwise, published_elsewhere, published_figures_disagree, mistyped,
]  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: e.__name__)
def test_one_error_gives_its_note_and_no_other(error):
    for seed in range(1000, 1030):
        ledger, rng = clean(seed), random.Random(seed)
        expected = error(ledger, rng)
        assert {(n.rule, frozenset(n.claims)) for n in notes(ledger)} == {(rule, frozenset(claims)) for rule, claims in expected}, seed


def test_every_rule_has_an_error_that_it_finds():
    found = set()
    for error in ERRORS:
        found |= {rule for rule, _ in error(clean(7), random.Random(7))}
    assert found == set(RULES)


def test_the_page_about_claims_is_right():
    """Its example is a ledger that agrees with itself, and its table names every rule, in order."""
    page = (Path(__file__).parents[1] / "docs" / "claims.md").read_text(encoding="utf-8")
    example = yaml.safe_load(page.split("```yaml")[1].split("```")[0])
    assert notes({**example, "sha256": ""}) == ()
    assert re.findall(r"^\| `([a-z]+)` \|", page.split("## What is wrong")[1].split("## The plan")[0], re.MULTILINE) == list(RULES)
    units = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", page.split("| metric | units |")[1].split("A `ratio`")[0], re.MULTILINE))
    told = {name: set(re.findall(r"`(.+?)`", allowed)) for names, allowed in units.items() for name in re.findall(r"`(.+?)`", names)}
    assert told == UNITS


def test_an_error_may_stand_in_another_ledger():
    one, rng = clean(11), random.Random(11)
    for error in (other_people, another_baseline, founded_twice, other_river):
        both = deepcopy(one)
        expected = error(both, rng)
        new = next(c for c in both["claims"] if c["id"] == "new")
        apart = {**deepcopy(one), "document": "second", "claims": [new]}
        assert {(n.rule, frozenset(n.claims)) for n in notes(one, apart)} == {(rule, frozenset(claims)) for rule, claims in expected}


def test_claims_of_one_id_in_two_ledgers_are_told_apart():
    first_one, second = (
        {"document": d, "title": "t", "claims": [entry("n", f"{n} posts.", metric="count", subject="tower", quantity=exactly(n))]}
        for d, n in (("x", 20), ("y", 40))
    )
    (told,) = lint(*map(Ledger.model_validate, (first_one, second)))
    assert told.claims == ("x:n", "y:n")


# --- edges of the rules -----------------------------------------------------------------------------------------------------------------------------


def claim(name, quote="Said so.", camp="a", *, observable=True, **reading):
    plain = {"text": name, "metric": "presence", "subject": "camp", **reading}
    return Claim(id=name, camp=camp, quote=quote, readings=(Reading(**plain),), observable=observable, why_not="" if observable else "No.")


def rules(*claims):
    return [(n.rule, n.claims) for n in lint(Ledger(document="d", title="t", claims=claims))]


def towers(name, low, high, year_=None, **more):
    span = Interval(start=year_, end=year_) if year_ else None
    return claim(name, metric="count", subject="tower", quantity=Quantity(low=low, high=high, **more), interval=span)


def test_sizes_as_quoted_where_nothing_is_typed():
    small, large = (claim(n, f"It covers {q}.", metric="area") for n, q in (("s", "1,000 square meters"), ("l", "1 square kilometer")))
    assert rules(small, large) == [("unit", ("s", "l"))]
    assert rules(small, claim("l", "It covers 1 square kilometer.", camp="b", metric="area")) == []
    assert rules(claim("s", "It covers 90 ha.", metric="area"), large) == []
    hut = claim("h", "A hut of 60 m² in the camp.", metric="area", subject="structure", quantity=Quantity(low=60, high=60, unit="m2"))
    assert rules(hut, large) == []


def test_contradictions_need_the_same_thing_at_the_same_time():
    assert rules(towers("x", 20, 20), towers("y", 40, None)) == [("contradiction", ("x", "y"))]
    assert rules(towers("x", 20, 20, 2003), towers("y", 40, None, 2010)) == []
    assert rules(towers("x", 20, 20, 2010), towers("y", 40, None)) == [("contradiction", ("x", "y"))]
    assert rules(towers("x", 20, None), towers("y", 41, 41)) == []
    assert rules(towers("x", 20, 20), towers("y", 23, 23, about=True)) == [("restated", ("x", "y"))]


def test_a_second_reading_can_save_a_claim():
    both = Claim(
        id="y",
        camp="a",
        quote="20, or 40.",
        readings=tuple(Reading(id=str(n), text="t", metric="count", subject="tower", quantity=Quantity(low=n, high=n)) for n in (20, 40)),
    )
    assert rules(towers("x", 20, 20), both) == []
    assert rules(towers("x", 30, 30), both) == [("contradiction", ("x", "y"))]


def test_published_counts_that_fit_an_undated_claim_are_no_error():
    """Guard posts grew from 17 to 43 while the ground grew by 72 %: nothing contradicts, nothing outgrows."""
    grown = claim(
        "g",
        "Up 72 percent.",
        metric="area",
        subject="perimeter",
        aspect="growth",
        quantity=Quantity(low=0.72, high=0.72, unit="ratio"),
        interval=Interval(start=2010, end=2010),
    )
    new = claim(
        "n",
        "17 came.",
        metric="count",
        subject="tower",
        aspect="appeared",
        quantity=Quantity(low=17, high=17),
        interval=Interval(start=2010, end=2010),
    )
    assert rules(grown, new, towers("s", 43, 43)) == []
    assert rules(grown, new, towers("s", 25, None)) == [("stock", ("n", "s"))]
    assert rules(grown, new, towers("s", 16, 16)) == [("stock", ("n", "s"))]


def test_a_part_of_the_time_may_have_as_much_as_the_whole():
    def added(name, n, start, end):
        return claim(
            name, metric="count", subject="tower", aspect="appeared", quantity=Quantity(low=n, high=n), interval=Interval(start=start, end=end)
        )

    assert rules(added("x", 17, 2010, 2010), added("y", 23, 2003, 2010)) == []
    assert rules(added("x", 24, 2010, 2010), added("y", 23, 2003, 2010)) == [("contradiction", ("x", "y"))]


def test_each_percentage_belongs_to_its_own_change():
    def grown(name, metric, subject, ratio, span):
        quantity, year_ = Quantity(low=ratio, high=ratio, unit="ratio"), Interval(start=2010, end=2010)
        return Reading(id=name, text="t", metric=metric, subject=subject, aspect="growth", quantity=quantity, span=span, interval=year_)

    def both(posts):
        area = grown("area", "area", "camp", 0.72, Span(before=580, after=1000, unit="km2"))
        count = grown("posts", "count", "tower", posts, Span(before=20, after=43))
        quote = f"Up 72% from 580 to 1,000 km², posts {100 * posts:.0f}% from 20 to 43."
        return Claim(id="x", camp="a", quote=quote, readings=(area, count))

    assert rules(both(1.15)) == []
    assert rules(both(0.72)) == [("percentage", ("x",))]


def test_years_must_stand_in_the_quote():
    def founded(quote):
        then, span = Quantity(low=1965, high=1965, unit="year"), Interval(start=1965, end=1965)
        return claim("x", quote, metric="date", aspect="appeared", quantity=then, interval=span)

    assert rules(founded("It opened around 1965.")) == rules(founded("It opened in the 1960s.")) == []
    assert rules(founded("It opened around 1956.")) == [("typed", ("x",))]


@pytest.mark.parametrize("quote", ["In 2010 a pair of them came.", "Since 2003 a handful came.", "Some 12 km off, several came.", "두 개가 왔다."])
def test_numbers_that_rest_on_words_are_left_alone(quote):
    some = Quantity(low=2, high=5)
    assert rules(claim("x", quote, metric="count", subject="tower", aspect="appeared", quantity=some, interval=Interval(start=2003))) == []


YAML = """\
document: own.txt
title: Own
claims:
- id: A
  camp: mine
  quote: Two dozen huts were built, doubling the place from 20 to 44.
  readings:
  - text: 24 huts were built.
    metric: count
    subject: structure
    aspect: appeared
    quantity: {low: 24, high: 24}
    interval: {start: 2010, end: 2012}
    described: {roofs: tin}
- id: B
  camp: mine
  quote: Only 12 huts stood in 2013.
  readings:
  - text: 12 huts stand.
    metric: count
    subject: structure
    quantity: {low: 12, high: 12}
    interval: {start: 2013, end: 2013}
    described: {roofs: straw}
"""


def test_an_analysts_own_ledger(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(YAML)
    assert [(n.rule, n.claims) for n in lint(load_ledger(path))] == [("stock", ("A", "B"))]


# --- ledgers written by hand, of what is published: they agree with themselves ----------------------------------------------------------------------

GROWTH = """\
document: a
title: What reports say of one camp
places:
- {name: North Korea, box: [124.1, 37.6, 130.8, 43.1], source: general reference}
- {name: North Hamgyong, box: [128.1, 40.5, 130.8, 43.1], source: general reference}
- {name: Chongjin, point: [129.776, 41.796], source: general reference}
- {name: the camp, point: [129.725, 41.834], source: a report}
claims:
- {id: G-01, camp: c, quote: The camp lies in the north-east of North Korea., readings: [
    {text: North-east., metric: position, subject: camp, where: [{relation: in, place: North Korea, sector: north-east}]}],
  published: [{text: position, source: a report, where: {relation: in, place: the camp}}]}
- {id: G-02, camp: c, quote: It lies 6 km from Chongjin in North Hamgyong., readings: [
    {text: 6 km., metric: distance, subject: camp, quantity: {low: 6, high: 6, unit: km}, where: [
      {relation: away from, place: Chongjin}, {relation: in, place: North Hamgyong}]}],
  published: [{text: position, source: a report, where: {relation: in, place: the camp}}]}
- {id: G-03, camp: c, quote: It was established around 1968., readings: [
    {text: "1968.", metric: date, subject: camp, aspect: appeared, quantity: {low: 1968, high: 1968, unit: year, about: true},
     interval: {start: 1968, end: 1968}}]}
- {id: G-04, camp: c, quote: There were 20 guard posts in 2003., readings: [
    {text: "20.", metric: count, subject: tower, quantity: {low: 20, high: 20}, interval: {start: 2003, end: 2003}}]}
- {id: G-05, camp: c, quote: Two posts were added in 2007 and four in 2009., readings: [
    {id: first, text: "2.", metric: count, subject: tower, aspect: appeared, quantity: {low: 2, high: 2}, interval: {start: 2007, end: 2007}},
    {id: second, text: "4.", metric: count, subject: tower, aspect: appeared, quantity: {low: 4, high: 4}, interval: {start: 2009, end: 2009}}]}
- {id: G-06, camp: c, quote: Seventeen more were added in 2010., readings: [
    {text: "17.", metric: count, subject: tower, aspect: appeared, quantity: {low: 17, high: 17}, interval: {start: 2010, end: 2010}}]}
- {id: G-07, camp: c, quote: By 2011 there were 43 posts., readings: [
    {text: "43.", metric: count, subject: tower, quantity: {low: 43, high: 43}, interval: {start: 2011, end: 2011}}],
  published: [{text: posts, value: 41, unit: objects, date: 2014, source: a later report, reading: as written}]}
- {id: G-08, camp: c, quote: In 2014 there were 41., readings: [
    {text: "41.", metric: count, subject: tower, quantity: {low: 41, high: 41}, interval: {start: 2014, end: 2014}}]}
- {id: G-09, camp: c, quote: "In 2010 the area grew from 580 to 1,000 thousand square meters, by 72 %.", readings: [
    {text: 72 %., metric: area, subject: camp, aspect: growth, quantity: {low: 0.72, high: 0.72, unit: ratio}, interval: {start: 2010, end: 2010},
     span: {before: 580000, after: 1000000, unit: m2}, called: the area}]}
- {id: G-10, camp: c, quote: "Its perimeter became 37 percent longer, from 3,710 to 5,100 m.", readings: [
    {text: 37 %., metric: length, subject: perimeter, aspect: growth, quantity: {low: 0.37, high: 0.37, unit: ratio},
     interval: {start: 2010, end: 2010}, span: {before: 3710, after: 5100, unit: m}, called: perimeter}]}
- {id: G-11, camp: c, quote: "The camp covers 1.01 km² and measures 1,810 by 1,240 m.", readings: [
    {text: 1.01 km²., metric: area, subject: camp, quantity: {low: 1.01, high: 1.01, unit: km2}, interval: {start: 2016, end: 2016}}]}
- {id: G-12, camp: c, quote: "It holds 2,500 to 5,000 prisoners.", observable: false, why_not: People., readings: [
    {text: "2,500 to 5,000.", metric: population, subject: people, quantity: {low: 2500, high: 5000, unit: people}}]}
- {id: G-13, camp: c, quote: "About 5,000 prisoners were held at most.", observable: false, why_not: People., readings: [
    {text: "At most 5,000.", metric: population, subject: people, quantity: {high: 5000, unit: people, about: true}}]}
- {id: G-14, camp: c, quote: "An inner compound of 25 m by 25 m has seven posts.", readings: [
    {text: 7 posts., metric: count, subject: tower, sub_area: inner, quantity: {low: 7, high: 7}, interval: {start: 2016, end: 2016}},
    {id: size, text: 625 m²., metric: area, subject: structure, sub_area: inner, quantity: {low: 625, high: 625, unit: m2}}]}
"""

RAZED = """\
document: b
title: What reports say of a camp that was closed
claims:
- {id: R-1, camp: d, quote: A fence of 75 km was visible in May 2011., readings: [
    {text: 75 km., metric: length, subject: fence, quantity: {low: 75, high: 75, unit: km}, interval: {start: 2011-05, end: 2011-05}}]}
- {id: R-2, camp: d, quote: By October 2012 only 47 km were left., readings: [
    {text: 47 km., metric: length, subject: fence, quantity: {low: 47, high: 47, unit: km}, interval: {start: 2012-10, end: 2012-11}}]}
- {id: R-3, camp: d, quote: The camp spanned about 225 square km., readings: [
    {text: 225 km²., metric: area, subject: camp, quantity: {low: 225, high: 225, unit: km2, about: true}, interval: {end: 2012}}]}
- {id: R-4, camp: d, quote: 관리소의 면적은 225 km²이다., readings: [
    {text: 225 km²., metric: area, subject: camp, quantity: {low: 225, high: 225, unit: km2}, interval: {end: 2012}}]}
- {id: R-5, camp: d, quote: Guard posts were razed in 2012., readings: [
    {text: Razed., metric: count, subject: tower, aspect: removed, quantity: {low: 1}, interval: {start: 2012, end: 2012}}]}
- {id: R-6, camp: d, quote: It was closed in 2012., observable: false, why_not: Use., readings: [
    {text: Closed., metric: date, subject: camp, aspect: removed, quantity: {low: 2012, high: 2012, unit: year}, interval: {start: 2012, end: 2012}}]}
- {id: R-7, camp: d, quote: "30,000 prisoners were held before; 3,000 were moved in 2012.", observable: false, why_not: People., readings: [
    {id: before, text: "30,000.", metric: population, subject: people, quantity: {low: 30000, high: 30000, unit: people}, interval: {end: 2011}},
    {id: moved, text: "3,000.", metric: population, subject: people, aspect: removed, quantity: {low: 3000, high: 3000, unit: people},
     interval: {start: 2012, end: 2012}}]}
- {id: R-8, camp: e, quote: Of 45 houses 38 were razed by 2017., readings: [
    {id: razed, text: "38.", metric: count, subject: structure, aspect: removed, quantity: {low: 38, high: 38}, interval: {start: 2016, end: 2017}},
    {id: before, text: "45.", metric: count, subject: structure, quantity: {low: 45, high: 45}, interval: {start: 2016-06, end: 2016-06}}]}
- {id: R-9, camp: e, quote: Its perimeter is 119 km and its area 539 km²., readings: [
    {id: line, text: 119 km., metric: length, subject: perimeter, quantity: {low: 119, high: 119, unit: km}},
    {id: ground, text: 539 km²., metric: area, subject: camp, quantity: {low: 539, high: 539, unit: km2}}]}
"""


@pytest.mark.parametrize("ledgers", [(GROWTH,), (RAZED,), (GROWTH, RAZED)])
def test_ledgers_of_what_is_published_agree_with_themselves(ledgers):
    assert notes(*(yaml.safe_load(ledger) for ledger in ledgers)) == ()
