"""The pages of claims: the table for what can be tested, a sentence for what cannot, and what the words mean."""

import pytest

import test_report_fakes as fakes
from camwatch.report import claims_page, sensitivity_page
from camwatch.report.sheet import Sheet
from camwatch.sensitivity import Sensitivity


@pytest.fixture
def said(monkeypatch):
    """Everything that is written on pages, line by line; what pages look like is shown in test_report."""
    lines, text = [], Sheet.text
    monkeypatch.setattr(Sheet, "write", lambda _self, path, _title, **_marks: path)
    monkeypatch.setattr(Sheet, "text", lambda self, x, y, words, *rest, **more: lines.append(words) or text(self, x, y, words, *rest, **more))
    return lines


def page(tmp_path, *verdicts):
    claims_page(tmp_path / "claims.png", aoi=fakes.aoi(), verdicts=verdicts, generated="2026-11-22")


def test_what_is_not_testable_has_no_table(tmp_path, said):
    people = fakes.claim(1, "Many are held.", "not testable", [("as written", "Many.", "not testable", None, None)], "People cannot be counted.")
    page(tmp_path, people)
    assert "People cannot be counted." in said
    assert "Reading" not in said
    assert "not testable" not in said  # the word stands once, with its sign
    counted = fakes.claim(2, "Three were built.", "inconclusive", [("as written", "Three.", "inconclusive", None, 0.9)], "It is open.")
    said.clear()
    page(tmp_path, people, counted)
    for head in ("Reading", "Outcome", "Measured (95 %)", "Power", "Reason, evidence"):
        assert said.count(head) == 1 + (head == "Power")  # once over the table, and once among the words


def test_words_are_explained_once_at_the_end(tmp_path, said):
    page(tmp_path, *fakes.verdicts(20))
    for word in ("Power", "Planted objects", "False alarms", "Nominal outline"):
        assert word in said
    assert said.count("Nominal outline") == 1
    assert said.index("Nominal outline") > max(i for i, w in enumerate(said) if w in {c.id for c, _ in fakes.verdicts(20)})


def test_the_page_of_sensitivity_tells_both_directions(tmp_path, said):
    measured = Sensitivity("structure", (6.0, 16.0), (24, 23), (2, 21), 7, 2.0, "outside", removed_found=(1, 16), false_removed=2)
    sensitivity_page(tmp_path / "s.png", [measured], generated="2026-11-22")
    words = " ".join(said)
    assert "False alarms: 7 (5 appeared, 2 removed) in 2" in words
    assert "Open squares" in words
