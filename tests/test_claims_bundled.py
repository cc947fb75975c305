"""The bundled ledgers: quotes letter for letter, claims typed as their words say."""

import hashlib
import json
import re
from datetime import date
from pathlib import Path

import pytest

from camwatch.aoi import bundled, load_aoi
from camwatch.claims import Interval, bundled_ledgers, claims_of, lint, places_of

# SHA-256 over every "id<TAB>quote<LF>" of a ledger in order. A changed letter must be a decision, not an accident.
QUOTES = {
    "chongjin.txt": "fa5a212c2caedd44d49376041ecb1b7245f52fa4c6100e9b3ad10919e22c43ff",
    "hoeryong.txt": "507e6d85444505a56db8843a839237afb9f422775ecb38c135081d729ea249fa",
}
DOCUMENTS = {
    "chongjin.txt": "77964afce0c75e36b976d77ae64c89ac8b8598454108906952f789f972661ada",
    "hoeryong.txt": "ef1979730b5e13652b452846012fffabf05a9003cdbd7362ebaa6fddb1c6699e",
}
CLAIMS = {claim.id: claim for ledger in bundled_ledgers() for claim in ledger.claims}


def readings(claim):
    return {r.id: r for r in CLAIMS[claim].readings}


def only(claim):
    (reading,) = CLAIMS[claim].readings
    return reading


def test_all_claims_are_there_in_order():
    assert list(CLAIMS) == [f"C25-{n:02d}" for n in range(1, 35)] + [f"C22-{n:02d}" for n in range(1, 23)]


def test_quotes_and_documents_are_pinned():
    for ledger in bundled_ledgers():
        said = "".join(f"{c.id}\t{c.quote}\n" for c in ledger.claims)
        assert hashlib.sha256(said.encode()).hexdigest() == QUOTES[ledger.document]
        assert ledger.sha256 == DOCUMENTS[ledger.document]


def test_every_quote_stands_in_its_document(shared):
    for ledger in bundled_ledgers():
        raw = (shared / "documents" / ledger.document).read_bytes()
        assert hashlib.sha256(raw).hexdigest() == ledger.sha256
        for claim in ledger.claims:
            assert claim.quote in raw.decode("utf-8"), claim.id


def test_the_list_of_claims_is_complete(shared):
    listed = json.loads((shared / "facts" / "claims.json").read_text(encoding="utf-8"))
    assert {c["id"]: c["quote"] for c in listed} == {c.id: c.quote for c in CLAIMS.values()}


def test_growth_in_percent_is_read_as_area_and_as_length():
    both = readings("C25-20")
    assert list(both) == ["area", "length"]
    for metric, r in both.items():
        assert (r.metric, r.subject, r.aspect) == (metric, "perimeter", "growth")
        assert (r.quantity.low, r.quantity.high, r.quantity.unit) == (0.72, None, "ratio")
        assert (r.interval.start, r.interval.end) == (date(2010, 1, 1), date(2010, 12, 31))


def test_the_slip_of_units_is_read_in_three_ways():
    three = readings("C25-25")
    assert {k: (r.aspect, r.quantity.low, r.quantity.unit) for k, r in three.items()} == {
        "as written": ("net change", 420, "m2"),
        "thousand m²": ("growth", 0.724, "ratio"),
        "doubled": ("growth", 1.0, "ratio"),
    }
    assert {(r.interval.start, r.interval.end) for r in three.values()} == {(date(2003, 1, 1), date(2013, 12, 31))}


@pytest.mark.parametrize(
    ("claim", "kind", "number"),
    [
        ("C25-04", ("area", "camp", "state"), (1, 1, "km2")),
        ("C25-06", ("count", "tower", "state"), (25, None, "objects")),
        ("C25-18", ("area", "perimeter", "growth"), (1, 1, "ratio")),
        ("C25-21", ("count", "tower", "appeared"), (17, 17, "objects")),
        ("C25-22", ("count", "structure", "appeared"), (1, None, "objects")),
        ("C25-26", ("count", "structure", "appeared"), (18, 18, "objects")),
        ("C22-03", ("distance", "camp", "state"), (7, 7, "km")),
        ("C22-04", ("area", "camp", "state"), (225, 225, "km2")),
    ],
)
def test_numbers_are_typed_as_they_are_said(claim, kind, number):
    r = only(claim)
    assert (r.metric, r.subject, r.aspect) == kind
    assert (r.quantity.low, r.quantity.high, r.quantity.unit) == number
    assert CLAIMS[claim].observable


def test_razing_is_of_towers_and_of_structures():
    two = readings("C22-16")
    assert {k: (r.metric, r.subject, r.aspect, r.quantity.low) for k, r in two.items()} == {
        "towers": ("count", "tower", "removed", 1),
        "structures": ("count", "structure", "removed", 1),
    }
    assert {(r.interval.start, r.interval.end) for r in two.values()} == {(date(2012, 1, 1), date(2012, 12, 31))}


def test_new_buildings_have_their_place_and_span():
    r = only("C25-26")
    assert (r.sub_area, r.interval.start, r.interval.end) == ("chongjin-se", date(2011, 1, 1), date(2013, 12, 31))


def test_what_concerns_people_is_never_observable():
    for claim in CLAIMS.values():
        if any(r.metric in ("population", "capacity", "ratio", "method", "provenance") or r.subject == "people" for r in claim.readings):
            assert not claim.observable, claim.id
            assert claim.why_not.endswith(".")


def test_camps_and_sub_areas_exist():
    assert {c.camp for c in CLAIMS.values()} == {"chongjin", "hoeryong", "system", "method"}
    outlines = {o.id for camp in bundled() for o in load_aoi(camp).outlines if o.role == "sub-area"}
    assert {r.sub_area for c in CLAIMS.values() for r in c.readings} - {None} <= outlines


def test_claims_of_a_camp():
    assert [c.id for c in claims_of("method")] == ["C25-23", "C25-24", "C25-33"]
    assert [c.id for c in claims_of("system")] == ["C25-17", "C25-30", "C25-31"]
    assert len(claims_of("chongjin")) == 28
    assert claims_of("HOERYONG") == claims_of("hoeryong") == bundled_ledgers()[1].claims
    assert claims_of("yodok") == ()


def test_places_of_a_camp():
    assert {p.name for p in places_of("Hoeryong")} == {"North Hamgyong", "Hoeryong", "Haengyong-ri", "headquarters of Camp 22"}
    assert {w.place for c in claims_of("chongjin") for r in c.readings for w in r.where} <= {p.name for p in places_of("chongjin")}
    assert places_of("yodok") == ()


def test_no_note_copies_a_sentence_of_a_document(shared):
    """Quotes are quotes; what we say ourselves is in our own words: no run of eight words in common."""
    for ledger in bundled_ledgers():
        words = (shared / "documents" / ledger.document).read_text(encoding="utf-8").lower().split()
        runs = {tuple(words[i : i + 8]) for i in range(len(words) - 7)}
        for claim in ledger.claims:
            for text in (claim.note, claim.why_not, *(r.text for r in claim.readings), *(f.text for f in claim.published)):
                own = text.lower().split()
                assert not runs & {tuple(own[i : i + 8]) for i in range(len(own) - 7)}, (claim.id, text)


def test_what_is_wrong_with_the_documents_is_found():
    """All that arithmetic, units, dates and places can show, and nothing else: a false note is as bad as a missing one."""
    assert [(n.rule, n.claims) for n in lint(*bundled_ledgers())] == [
        ("unit", ("C25-04", "C25-25")),  # 1 km² against 1,000 m²
        ("percentage", ("C25-25",)),  # doubled against 580 to 1,000
        ("ambiguous", ("C25-20",)),  # area or length
        ("measure", ("C25-20", "C25-25")),  # 72 % is the growth of the area
        ("product", ("C25-26", "C25-27")),  # 18 × 200 is not over 3,600
        ("sum", ("C25-27", "C25-28")),  # 3,000 + 3,600 is not 7,000
        ("stock", ("C25-06", "C25-21")),  # 17 new of over two dozen
        ("assumption", ("C25-27",)),  # 200 in each
        ("contradiction", ("C25-11", "C25-28")),
        ("contradiction", ("C25-28", "C25-32")),
        ("restated", ("C22-10", "C22-20")),  # 50,000 to 60,000, about 50,000
        ("baseline", ("C25-18", "C25-20", "C25-25")),  # since the 1980s, since 2003, in 2010
        ("name", ("C25-18", "C25-20", "C25-25")),  # main prison area, perimeter, minimum security area
        ("repeated", ("C25-16", "C22-07")),  # both about 1965
        ("undated", ("C25-17",)),
        ("description", ("C25-01", "C25-02", "C25-29")),  # remote, outskirts of a city
        ("description", ("C25-13", "C25-27")),  # huts, standard blocks
        ("description", ("C25-23", "C25-24")),  # high resolution, low resolution
        ("description", ("C22-17", "C22-21")),  # starvation, consolidation
        ("place", ("C25-01", "C25-02")),  # south-east, North Hamgyong
        ("extent", ("C22-03", "C22-04")),  # 7 km to 225 km²
        ("published", ("C25-01",)),  # the position is in the north-east
        ("published", ("C25-05",)),  # another river
        ("published", ("C25-16",)),  # 1968
        ("published", ("C25-20",)),  # length 37 %
        ("published", ("C25-30",)),  # four camps
        ("published", ("C25-31",)),  # 80,000 to 120,000
        ("published", ("C22-03",)),  # headquarters at 18 km
        ("published", ("C22-04",)),  # 225 or 1,813 km²
    ]


def test_published_figures_are_typed_and_sourced():
    figures = {c.id: c.published for c in CLAIMS.values() if c.published}
    assert len(figures) >= 40
    assert not any(re.search(r"HRNK|Wikipedia|Radio Free|Daily NK|Commission of Inquiry", c.note) for c in CLAIMS.values())
    posts = {(f.date.start.year, f.value) for f in figures["C25-06"]}
    assert posts == {(2003, 20), (2006, 14), (2010, 43), (2012, 36), (2014, 41), (2015, 40)}
    growth = {f.reading: f.value for f in figures["C25-20"] if f.reading}
    assert growth == {"area": 0.72, "length": 0.37}


def test_published_figures_are_never_mixed_into_a_verdict():
    import camwatch.judge

    modules = [p for p in Path(camwatch.judge.__file__).parent.glob("*.py") if "plan" not in p.name]
    assert modules
    assert not any(".published" in p.read_text(encoding="utf-8") for p in modules)


def test_the_published_figures_of_a_growth_agree_with_one_another():
    """The report behind C25-20 gives areas, lengths and percents: its own arithmetic is right."""
    value = {(f.text, f.unit): f.value for f in CLAIMS["C25-20"].published}
    area = value["enclosed area after", "km2"] / value["enclosed area before", "km2"] - 1
    length = value["length of the perimeter after", "m"] / value["length of the perimeter before", "m"] - 1
    assert (round(area, 2), round(length, 2)) == (0.72, 0.37)


def test_what_was_mended():
    since = only("C25-18")
    assert (since.interval.start, since.interval.end, since.baseline.end) == (date(1980, 1, 1), None, date(1989, 12, 31))
    assert list(readings("C25-30")) == ["all", "permanent"]
    assert only("C22-14").quantity.unit == "people/year"
    assert "uards" in CLAIMS["C22-11"].why_not
    assert only("C22-10").interval == only("C22-20").interval == Interval(start=1990, end=1999)
