"""Own ledgers: reading, round trips, and refusing what is wrong with file, line and remedy."""

import hashlib
import json
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from camwatch.aoi import load_aoi
from camwatch.claims import Claim, Interval, Ledger, Published, Quantity, Reading, bundled_ledgers, ledger_faults, load_ledger
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
    refused(written(tmp_path, PLAIN + PLAIN.split("claims:\n")[1]), "line 14", "claim id given twice", "A-1")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    metric: count\n", "    metric: position\n", ("metric 'position' has no number",)),
        ("{low: 17, high: 17}", "{low: 17, unit: people}", ("unit 'people' does not fit metric 'count'", "objects, ratio")),
        ("    metric: count\n", "    metric: date\n", ("unit 'objects' does not fit metric 'date'", "year")),
        ("    subject: tower\n", "    subject: tower\n    span: {before: 1, after: 2, unit: km}\n", ("unit 'km' does not fit",)),
        ("    subject: tower\n", "    subject: tower\n    each: -3\n", ("line 11", "each")),
        ("    subject: tower\n", "    subject: tower\n    called: posts\n", ("`called` 'posts' does not stand in the quote",)),
        ("    subject: tower\n", "    subject: tower\n    where: [{relation: in, place: Nowhere}]\n", ("places not listed", "Nowhere")),
        ("    subject: tower\n", "    subject: tower\n    where: [{relation: in, place: Nowhere, sector: up}]\n", ("line 11", "sector")),
        ("  readings:", "  published: [{text: posts, value: 3}]\n  readings:", ("line 7", "source")),
        ("  readings:", "  published: [{text: posts, value: 3, to: 2, source: Some book}]\n  readings:", ("line 7", "reversed")),
        ("  readings:", "  published: [{text: posts, source: Some book, reading: as written}]\n  readings:", ("line 7", "needs a `value`")),
        ("  readings:", "  published: [{text: posts, value: 3, source: Some book, reading: other}]\n  readings:", ("for the reading 'other'",)),
        ("claims:", "places: [{name: Town, point: [1, 2]}]\nclaims:", ("line 3", "need a `source`")),
        ("claims:", "places: [{name: Town, box: [5, 1, 2, 3], source: map}]\nclaims:", ("line 3", "longitude, latitude")),
        ("claims:", "places: [{name: Town}, {name: Town}]\nclaims:", ("places given twice: Town",)),
    ],
)
def test_what_is_typed_must_make_sense(tmp_path, old, new, words):
    assert old in PLAIN
    refused(written(tmp_path, PLAIN.replace(old, new, 1)), *words, "line ")


def test_a_sub_area_without_geometry(tmp_path):
    somewhere = PLAIN.replace("    aspect:", "    sub_area: chongjin-north\n    aspect:")
    refused(written(tmp_path, somewhere), "line 11", "claim A-1", "sub-area has no geometry", "'chongjin-north'", "chongjin-se")
    assert load_ledger(written(tmp_path, somewhere.replace("chongjin-north", "chongjin-se"))).claims[0].readings[0].sub_area == "chongjin-se"
    own = somewhere.replace("camp: chongjin", "camp: elsewhere")
    assert load_ledger(written(tmp_path, own))  # its outlines are not known here
    camp = replace(load_aoi("chongjin"), id="elsewhere")
    with pytest.raises(ClaimError, match=r"line 11: .* no geometry"):
        load_ledger(written(tmp_path, own), aoi=camp)


def test_a_quote_must_stand_in_its_document(tmp_path):
    said, document = written(tmp_path, PLAIN), tmp_path / "own.txt"
    assert load_ledger(said)  # no document is at hand
    document.write_text("They said:\nSeventeen towers\n  were added.\n")
    assert load_ledger(said)
    document.write_text("They said: Seventeen towers were built.\n")
    refused(said, "line 6", "claim A-1", "does not stand in own.txt", "agrees up to 'Seventeen towers were '", "letter for letter")
    document.rename(tmp_path / "elsewhere.txt")
    assert load_ledger(said)
    with pytest.raises(ClaimError, match="line 6"):
        load_ledger(said, document=tmp_path / "elsewhere.txt")
    with pytest.raises(MissingInputError, match="nowhere"):
        load_ledger(said, document=tmp_path / "nowhere.txt")


def test_a_ledger_does_not_point_elsewhere(tmp_path):
    (tmp_path / "own.txt").write_text("Nothing of the kind.")
    (tmp_path / "own.pdf").write_bytes(b"%PDF \xff")
    (tmp_path / "deep").mkdir()
    for name in ("../own.txt", str(tmp_path / "own.txt"), "own.pdf"):
        assert load_ledger(written(tmp_path / "deep" if "/" in name else tmp_path, PLAIN.replace("own.txt", name)))
    with pytest.raises(ClaimError, match="not UTF-8"):
        load_ledger(written(tmp_path, PLAIN), document=tmp_path / "own.pdf")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_ledger_is_read_or_refused_in_one_line(tmp_path_factory, data):
    text = PLAIN + "places: [{name: Town, point: [1, 2], source: map}]\n"
    pieces = st.sampled_from(["", "1", "-", ": ", "[", "}", "null", "'", "\n", "&a ", "*a", "!!x ", "2010", "é"])
    for _ in range(data.draw(st.integers(1, 3))):
        start, cut = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 12))
        text = text[:start] + data.draw(pieces) + text[start + cut :]
    path = written(tmp_path_factory.mktemp("damaged"), text)
    told = ""
    try:
        load_ledger(path)
    except ClaimError as error:
        told = str(error)
    assert "\n" not in told
    assert not told or "own.yaml" in told


def test_a_document_that_was_changed(tmp_path):
    (tmp_path / "own.txt").write_text("Seventeen towers were added. And more.\n")
    digest = hashlib.sha256((tmp_path / "own.txt").read_bytes()).hexdigest()
    said = written(tmp_path, PLAIN.replace("claims:", f"sha256: {digest}\nclaims:"))
    assert load_ledger(said)
    (tmp_path / "own.txt").write_text("Seventeen towers were added.\n")
    refused(said, "line 3", "not the one that was quoted", "SHA-256")


def test_all_that_is_wrong_is_listed_by_line(tmp_path):
    bad = PLAIN.replace("metric: count", "metric: number").replace("end: 2010-06", "end: 2009").replace("title: Own\n", "")
    told = ledger_faults(written(tmp_path, bad))
    assert [line.split(": ")[0].rpartition(" ")[2] for line in told] == ["1", "8", "12"]
    assert all("own.yaml, line" in line and "\n" not in line and "see data/claims/chongjin.yaml" in line for line in told)
    refused(tmp_path / "own.yaml", "and 2 more")
    assert ledger_faults(written(tmp_path, PLAIN)) == ()
    twice = PLAIN + PLAIN.split("claims:\n")[1].replace("metric: count", "metric: number")
    assert [line.split(": ")[0].rpartition(" ")[2] for line in ledger_faults(written(tmp_path, twice))] == ["14", "19"]
    (tmp_path / "own.txt").write_text("Nothing.")
    both = PLAIN.replace("    aspect:", "    sub_area: chongjin-north\n    aspect:")
    assert [line.split(": ")[0].rpartition(" ")[2] for line in ledger_faults(written(tmp_path, both))] == ["6", "11"]


def test_lines_are_told_of_json_too(tmp_path):
    plain = json.dumps(yaml.safe_load(PLAIN.replace("{low: 17, high: 17}", "{low: 18, high: 17}")), indent=1, default=str)
    at = next(n for n, line in enumerate(plain.splitlines(), 1) if '"low"' in line)
    refused(written(tmp_path, plain, "a.json"), f"line {at - 1}", "quantity reversed")
    refused(written(tmp_path, '{"document": "d", "title": "t", "title": "u", "claims": []}', "b.json"), "'title' given twice")


# --- published figures ------------------------------------------------------------------------------------------------------------------------------


def test_published_figures_in_words():
    def words(**more):
        return Published(text="posts", source="A book", **more).words

    assert words() == "posts; A book"
    assert words(value=43, unit="objects", date=2010) == "posts: 43 (2010); A book"
    assert words(value=80000, to=120000, unit="people", date={"start": 2003, "end": 2005}) == "posts: 80,000 to 120,000 people (2003 to 2005); A book"
    assert words(value=0.72, unit="ratio", date="2010-05") == "posts: 72 % (2010-05-01 to 2010-05-31); A book"
    assert words(value=1965, unit="year", date={"end": "1970-05-28"}) == "posts: 1965 (until 1970-05-28); A book"
    assert words(value=1.01, unit="km2", date="2016-03-04") == "posts: 1.01 km² (2016-03-04); A book"
    assert words(value=1813000000, unit="m2", date={"start": 2001}) == "posts: 1,813,000,000 m² (since 2001-01-01); A book"


def test_files_that_are_no_ledger(tmp_path):
    refused(tmp_path / "none.yaml", "no such file", error=MissingInputError)
    refused(tmp_path, "is a folder", error=MissingInputError)
    refused(written(tmp_path, "{", "a.json"), "not readable as JSON", "line 1")
    refused(written(tmp_path, '{"document": "d", "title": "t", "claims": [{"id": "x"}]}', "a.json"), "claim x")
    refused(written(tmp_path, "[" * 100_000, "b.json"), "not readable as JSON")
    (tmp_path / "c.yaml").write_bytes("청진".encode("euc-kr"))
    refused(tmp_path / "c.yaml", "not UTF-8")
