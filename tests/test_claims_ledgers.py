"""Own ledgers: reading, refusing with a line, round trips; the rules one by one on made-up claims."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from camwatch.claims import Claim, Interval, Ledger, LintNote, Quantity, Reading, bundled_ledgers, lint, load_ledger
from camwatch.claims.figures import areas_m2, growths, numbers, spans
from camwatch.errors import ClaimError, MissingInputError

PLAIN = """\
document: own.txt
title: Own
claims:
- id: A-1
  camp: chongjin
  quote: Seventeen towers were added.
  readings:
  - text: 17 towers were added.
    metric: count
    subject: tower
    aspect: appeared
    quantity: {low: 17, high: 17}
    interval: {start: 2010, end: 2010-06}
"""


def written(tmp_path, text, name="own.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(path, *words, error=ClaimError):
    with pytest.raises(error) as caught:
        load_ledger(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "pydantic" not in message
    for word in (path.name, *words):
        assert word in message, message


# --- reading ----------------------------------------------------------------------------------------------------------------------------------------


def test_a_ledger_in_yaml(tmp_path):
    (claim,) = load_ledger(written(tmp_path, PLAIN)).claims
    (reading,) = claim.readings
    assert (reading.id, reading.quantity.low, reading.quantity.unit, claim.observable) == ("as written", 17, "objects", True)
    assert (reading.interval.start.isoformat(), reading.interval.end.isoformat()) == ("2010-01-01", "2010-06-30")


@pytest.mark.parametrize("ledger", bundled_ledgers(), ids=lambda ledger: ledger.document)
def test_bundled_ledgers_survive_json_and_yaml(tmp_path, ledger):
    plain = ledger.model_dump(mode="json")
    assert load_ledger(written(tmp_path, json.dumps(plain), "a.json")) == ledger
    assert load_ledger(written(tmp_path, yaml.safe_dump(plain, allow_unicode=True))) == ledger


@settings(max_examples=60, deadline=None)
@given(quote=st.text(min_size=3, max_size=60), low=st.floats(-1e9, 1e9), width=st.floats(0, 1e9), days=st.tuples(st.dates(), st.dates()))
def test_any_claim_survives_a_file(tmp_path_factory, quote, low, width, days):
    reading = Reading(
        text="t",
        metric="distance",
        subject="camp",
        quantity=Quantity(low=low, high=low + width, unit="km"),
        interval=Interval(start=min(days), end=max(days)),
    )
    ledger = Ledger(document="d", title="t", claims=(Claim(id="x", camp="c", quote=quote, readings=(reading,)),))
    folder = tmp_path_factory.mktemp("claims")
    assert load_ledger(written(folder, ledger.model_dump_json(), "a.json")) == ledger
    assert load_ledger(written(folder, yaml.safe_dump(ledger.model_dump(mode="json")))) == ledger


# --- refusing ---------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("metric: count", "metric: number", ("line 9", "claim A-1", "readings", "metric")),
        ("    metric: count\n", "", ("line 8", "claim A-1", "metric", "required")),
        ("camp: chongjin", "camp: 25", ("line 5", "claim A-1", "camp", "string", "got 25")),
        ("camp: chongjin", "kamp: chongjin", ("claim A-1", "camp")),
        ("title: Own", "titel: Own", ("title", "and 1 more")),
        ("{low: 17, high: 17}", "{low: 18, high: 17}", ("line 12", "quantity reversed: low 18.0 is more than high 17.0")),
        ("{low: 17, high: 17}", "{low: .nan}", ("line 12", "finite")),
        ("{low: 17, high: 17}", "{}", ("line 12", "needs `low` or `high`")),
        ("{low: 17, high: 17}", "{low: 17, unit: km2}", ("line 8", "unit 'km2' does not fit metric 'count'")),
        ("{start: 2010, end: 2010-06}", "{start: 2011, end: 2010}", ("line 13", "interval reversed")),
        ("{start: 2010, end: 2010-06}", "{start: spring}", ("line 13", "no date: 'spring'", "YYYY")),
        ("  readings:", "  observable: false\n  readings:", ("line 4", "`why_not`")),
        ("camp: chongjin", "camp: chongjin\n  camp: hoeryong", ("line 6", "'camp' given twice")),
        ("quote: Seventeen", "quote: [Seventeen", ("line", "not readable as YAML")),
        ("quote: Seventeen", "quote: \tSeventeen: x", ("line", "not readable as YAML")),
        (PLAIN, "- 1\n", ("not a ledger", "got list")),
        (PLAIN, "", ("not a ledger",)),
        (PLAIN, "a: !!python/object/apply:os.getcwd []", ("not readable as YAML",)),
        (PLAIN, "&a [*a]", ("not a ledger",)),
    ],
)
def test_a_slip_is_told_with_its_place(tmp_path, old, new, words):
    assert old in PLAIN
    refused(written(tmp_path, PLAIN.replace(old, new, 1)), *words)


def test_claims_given_twice(tmp_path):
    refused(written(tmp_path, PLAIN + PLAIN.split("claims:\n")[1]), "claim ids given twice: A-1")


def test_files_that_are_no_ledger(tmp_path):
    refused(tmp_path / "none.yaml", "no such file", error=MissingInputError)
    refused(tmp_path, "is a folder", error=MissingInputError)
    refused(written(tmp_path, "{", "a.json"), "not readable as JSON", "line 1")
    refused(written(tmp_path, '{"document": "d", "title": "t", "claims": [{"id": "x"}]}', "a.json"), "claim x")
    refused(written(tmp_path, "[" * 100_000, "b.json"), "not readable as JSON")
    (tmp_path / "c.yaml").write_bytes("청진".encode("euc-kr"))
    refused(tmp_path / "c.yaml", "not UTF-8")


# --- figures in words -------------------------------------------------------------------------------------------------------------------------------


def test_figures_in_quotes():
    assert numbers("Eighteen blocks hold 200, over 3,600 in two dozen") == [18, 200, 3600, 2, 12]
    assert numbers("C25-04 and 1.5 km, not v2") == [4, 1.5]
    assert areas_m2("from 580 to 1,000 square meters; 225 square km; 1.01 km²; 3 ha; 580 thousand m²") == [1000, 225e6, 1.01e6, 3e4, 580e3]
    assert areas_m2("5 km from a square") == []
    assert [(s.first, s.last) for s in spans("From 2003 to 2013 it grew from 580 to 1,000, from 3,000 towards 7,000")] == [(580, 1000), (3000, 7000)]
    assert growths("doubled; a 72 percent rise; tripling; 5%") == [("doubled", 1.0), ("72 percent", 0.72), ("tripling", 2.0), ("5%", 0.05)]


# --- the rules, one by one --------------------------------------------------------------------------------------------------------------------------


def claim(name, quote="Said so.", camp="a", *, observable=True, **reading):
    plain = {"text": name, "metric": "presence", "subject": "camp", **reading}
    return Claim(id=name, camp=camp, quote=quote, readings=(Reading(**plain),), observable=observable, why_not="" if observable else "No.")


def rules(*claims):
    notes = lint(Ledger(document="d", title="t", claims=claims))
    assert all(isinstance(n, LintNote) and n.text and set(n.claims) <= {c.id for c in claims} for n in notes)
    return [(n.rule, n.claims) for n in notes]


def test_unit_needs_one_camp_and_a_large_factor():
    small, large = claim("s", "It covers 1,000 square meters."), claim("l", "It covers 1 square kilometer.")
    assert rules(small, large) == [("unit", ("s", "l"))]
    assert rules(small, claim("l", "It covers 1 square kilometer.", camp="b")) == []
    assert rules(claim("s", "It covers 90 ha."), large) == []


def test_percentage_allows_rounding():
    assert rules(claim("g", "It grew by 72 percent from 580 to 1,000 ha.")) == []
    assert rules(claim("g", "It doubled from 580 to 1,000 ha.")) == [("percentage", ("g",))]
    assert rules(claim("g", "It doubled from 2003 to 2013.")) == []


def test_products_and_sums():
    blocks = claim("n", "Eighteen blocks.", metric="count", subject="structure", quantity=Quantity(low=18, high=18))
    over = claim("c", "At 200 each, over 3,600 more.", metric="capacity", subject="people", observable=False)
    exactly = claim("c", "At 200 each, 3,600 more.", metric="capacity", subject="people", observable=False)
    wrong = claim("p", "From 3,000 to 7,000.", metric="population", subject="people", observable=False)
    right = claim("p", "From 3,000 to 6,600.", metric="population", subject="people", observable=False)
    assert rules(blocks, over, wrong) == [("arithmetic", ("n", "c")), ("arithmetic", ("c", "p"))]
    assert rules(blocks, exactly, right) == []


def test_contradictions_need_the_same_thing_at_the_same_time():
    def towers(name, low, high, year=None, **more):
        span = Interval(start=year, end=year) if year else None
        return claim(name, metric="count", subject="tower", quantity=Quantity(low=low, high=high, **more), interval=span)

    assert rules(towers("x", 20, 20), towers("y", 40, None)) == [("contradiction", ("x", "y"))]
    assert rules(towers("x", 20, 20, 2003), towers("y", 40, None, 2010)) == []
    assert rules(towers("x", 20, 20, 2010), towers("y", 40, None)) == [("contradiction", ("x", "y"))]
    assert rules(towers("x", 20, 40), towers("y", 40, 50)) == []
    assert rules(towers("x", 20, 20), towers("y", 23, 23, about=True)) == []


def test_baselines_and_undated_changes():
    def grown(name, year):
        span = Interval(start=year, end=2013) if year else None
        return claim(name, metric="area", subject="perimeter", aspect="growth", interval=span)

    assert rules(grown("x", 2003), grown("y", 2010)) == [("baseline", ("x", "y"))]
    assert rules(grown("x", 2003), grown("y", 2003)) == []
    assert rules(grown("x", None)) == [("undated", ("x",))]
