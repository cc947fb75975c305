"""The same verdicts, byte for byte: in whatever order scenes and claims come, with however many workers, and from the records alone."""

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from camwatch.cli import execute
from camwatch.custody import canonical
from camwatch.findings import Findings
from camwatch.judge import judge
from camwatch.sensitivity import Sensitivity
from test_cli import add_house, ground, write_aoi, write_scene

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def worlds():
    """Return a drawing of worlds: (claims, evidence) of several kinds of search thrown together, apart by a few days."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from _judge_worlds import NONE, WORLDS
    finally:
        sys.path.remove(str(BENCHMARKS))

    def draw(seed):
        rng = np.random.default_rng(seed)
        names = [name for name in WORLDS if name != "distances"]
        drawn = [WORLDS[name](rng, NONE) for name in rng.choice(names, 4, replace=False)]
        claims = [w.claim.model_copy(update={"id": f"C{i}"}) for i, w in enumerate(drawn)]
        evidence = []
        for w in drawn:
            for held in w.evidence:
                days = tuple(d + timedelta(int(rng.integers(0, 40))) for d in held.acquired)
                gsd = float(rng.choice([0.5, 0.6, 2.5]))
                kinds = {k: replace(f, acquired=days, gsd_m=gsd) for k, f in held.findings.items()}
                evidence.append(replace(held, pair=f"pair{len(evidence)}", acquired=days, gsd_m=gsd, findings=kinds))
        return claims, evidence

    return draw


def told(claims, evidence):
    """The verdicts as bytes, by claim."""
    return {claim.id: canonical(judge(claim, evidence).as_json()) for claim in claims}


def reread(held):
    """The evidence as a finished run reads it back."""
    kinds = {k: Findings.from_geojson(json.loads(json.dumps(f.as_geojson())), f.score, f.geobox) for k, f in held.findings.items()}
    known = {k: Sensitivity.from_json(json.loads(json.dumps(s.as_json()))) for k, s in held.sensitivity.items()}
    return replace(held, findings=kinds, sensitivity=known)


@pytest.mark.parametrize("seed", range(12))
def test_neither_the_order_of_pairs_nor_that_of_claims_changes_a_byte(worlds, seed):
    claims, evidence = worlds(seed)
    rng = np.random.default_rng(seed)
    first = told(claims, evidence)
    for _ in range(2):
        again = [claims[i] for i in rng.permutation(len(claims))]
        assert told(again, [evidence[i] for i in rng.permutation(len(evidence))]) == first


def test_a_change_of_the_evidence_does_change_the_bytes(worlds):
    changed = 0
    for seed in range(10):
        claims, evidence = worlds(seed)
        changed += told(claims, evidence) != told(claims, evidence[1:])
    assert changed >= 5  # the tests above can fail


def test_records_that_were_read_back_give_the_same_bytes_as_each_time_they_are_read(worlds):
    for seed in range(6):
        claims, evidence = worlds(seed)
        stored = [reread(e) for e in evidence]
        assert told(claims, stored) == told(claims[::-1], [reread(e) for e in stored][::-1])


def test_workers_of_a_pool_say_what_one_says(worlds):
    drawn = [worlds(seed) for seed in range(4)]
    alone = [told(*world) for world in drawn]
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        # Each worker judges the claims in another order, and so finds other numbers in its memory already.
        together = list(pool.map(partial(told), [claims[::-1] for claims, _ in drawn][::-1], [evidence for _, evidence in drawn][::-1]))
    assert together[::-1] == alone


LEDGER = {
    "document": "test",
    "title": "A test document",
    "claims": [
        {
            "id": f"T-{n}",
            "camp": "testsite",
            "quote": "Houses were built.",
            "readings": [
                {
                    "text": "structures appeared",
                    "metric": "count",
                    "subject": "structure",
                    "aspect": "appeared",
                    "quantity": {"low": n, "high": None if n == 1 else n},
                    "interval": {"start": start, "end": end},
                }
            ],
        }
        for n, start, end in ((1, "2010-07-01", "2012-06-30"), (3, "2010-07-01", "2012-06-30"), (9, "2012-12-01", "2014-03-01"))
    ],
}


@pytest.mark.timeout(300)
def test_a_run_says_the_same_for_any_number_of_workers_and_any_order_of_claims_and_verifies(tmp_path, capsys):
    scenes, settings = tmp_path / "scenes", tmp_path / "config.yaml"
    scenes.mkdir()
    settings.write_text("kinds: [structure]\nreport_date: 2015-01-01\nplanted_per_size: 4\nstructure_sizes_m: [16]\nmodel: none\n")
    noise = np.random.default_rng(2)
    for day, houses in (("2010-05-01", 1), ("2012-10-01", 3), ("2014-05-01", 4)):
        picture = ground(1)[:, :280, :280]
        for row, col in ((60, 60), (150, 60), (60, 180), (180, 190))[:houses]:
            add_house(picture, row, col)
        write_scene(scenes / f"{day}.tif", picture + noise.normal(0, 3, picture.shape), day)
    outline, written = write_aoi(tmp_path / "aoi.geojson", shape=280), []
    for workers, claims in ((1, LEDGER["claims"]), (2, LEDGER["claims"][::-1])):
        ledger, run = tmp_path / f"claims{workers}.yaml", tmp_path / f"run{workers}"
        ledger.write_text(json.dumps({**LEDGER, "claims": claims}))
        asked = ("run", outline, "--scenes", scenes, "--claims", ledger, "--config", settings, "--workers", workers, "--out", run)
        assert execute([str(a) for a in asked]) in (0, 1)
        assert execute(["verify", str(run)]) == 0
        verdicts = json.loads((run / "verdicts.json").read_text())["verdicts"]
        written.append(sorted((canonical(v) for v in verdicts), key=bytes))
    capsys.readouterr()
    assert len(written[0]) == 3
    assert written[0] == written[1]
