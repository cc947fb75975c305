"""More than a thousand damaged and lying products of every family: each ends in an answer or in one line, in bounded time and memory.

Nothing outside the product is read, no address is fetched. Workers are processes with a memory limit; one that dies is attributed to its product.
"""

import faulthandler
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from camwatch.errors import CamwatchError
from canary import Canary
from mutations import NAMES, mutate
from products import MAKERS, pack

SEED = 20260
CASES = 1400
WORKERS = 2
MEMORY = 2 * 2**30
"""Bytes of address space of a worker; the interpreter with its libraries takes about half of it."""
SECONDS = 20
"""Longest that one product may take on a busy machine; most take a hundredth of a second."""


def one_case(number: int, base: Path, work: Path, elsewhere: str, address: str) -> dict[str, object]:
    """Damage a copy of one product, open it, and say how it ended."""
    import warnings

    from camwatch.imagery import load
    from camwatch.scenes import open_scene, scan
    from camwatch.scenes.item import bands_of, native_geobox

    warnings.simplefilter("ignore")  # as the command line does
    rng = np.random.default_rng([SEED, number])
    maker = list(MAKERS)[number % len(MAKERS)]
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base / maker, work)
    path = work / json.loads((base / "paths.json").read_text())[maker]
    loose = work / "loose"
    inside = loose.is_dir() and rng.random() < 0.5  # a sound archive with a damaged member, or a damaged archive
    files = sorted(p for p in (loose if inside else path if path.is_dir() else work).rglob("*") if p.is_file() and (inside or loose not in p.parents))
    victim = files[rng.integers(len(files))]
    what, data = mutate(victim.read_bytes(), victim.name, rng)
    data = data.replace(b"ELSEWHERE", elsewhere.encode()).replace(b"ADDRESS", address.encode())
    victim.unlink()  # several names may share one file
    victim.write_bytes(data)
    if rng.random() < 0.05:
        renamed = victim.with_name(NAMES[rng.integers(len(NAMES))])
        victim.rename(renamed)
        path = renamed if path == victim else path
        what += "+renamed"
    if inside:
        pack(next(loose.iterdir()), path)
    shutil.rmtree(loose, ignore_errors=True)
    told = {"case": number, "maker": maker, "file": victim.name, "what": what}
    start = time.monotonic()
    errors, answers = [], 0
    try:
        if number % 3:
            items = [open_scene(path)]
        else:
            found = scan(work)
            items = list(found.items)
            errors = [entry.reason for entry in found.unreadable]
        for item in items:
            json.dumps(item.to_dict())
            box = native_geobox(item)
            load(item, box[: min(16, box.shape[0]), : min(16, box.shape[1])], bands=[bands_of(item)[0].name])
            answers += 1
    except CamwatchError as error:
        errors.append(str(error))
    except Exception as error:  # noqa: BLE001 - whatever escapes is what this test looks for
        import traceback

        last = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in last if "camwatch" in frame.filename][-1]
        told["escaped"] = f"{type(error).__name__}: {error}"[:200] + f" at {Path(ours.filename).name}:{ours.lineno}"
    return told | {"seconds": time.monotonic() - start, "answers": answers, "errors": errors}


def work_on(numbers: range, base: str, work: str, elsewhere: str, address: str) -> None:
    """Main function of a worker: a line before each case and one after it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in numbers:
        sys.stdout.write(json.dumps({"case": number}) + "\n")
        sys.stdout.flush()
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        told = one_case(number, Path(base), Path(work), elsewhere, address)
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.write(json.dumps(told | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}) + "\n")


def run_worker(lane: int, cases: int, base: Path, work: Path, bird: Canary) -> list[dict[str, object]]:
    """Run every `WORKERS`-th case in a process, and in a new one after a death."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    told: list[dict[str, object]] = []
    first = lane
    while first < cases:
        where = (str(base), str(work), str(bird.folder), bird.address)
        code = f"from test_fuzz_products import work_on; work_on(range({first}, {cases}, {WORKERS}), *{where!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, errors="replace", env=environment, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        told += [line for line in lines if "what" in line]
        if done.returncode == 0:
            return told
        assert lines, done.stderr[-2000:]
        dead = lines[-1]["case"]
        maker, ended = list(MAKERS)[dead % len(MAKERS)], f"worker ended with {done.returncode}: {done.stderr[-500:]}"
        told.append({"case": dead, "maker": maker, "escaped": ended})
        first = dead + WORKERS
    return told


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """One sound product of every layout."""
    folder = tmp_path_factory.mktemp("base")
    paths = {}
    for name, make in MAKERS.items():
        (folder / name).mkdir()
        paths[name] = str(make(folder / name).relative_to(folder / name))
    (folder / "paths.json").write_text(json.dumps(paths))
    return folder


@pytest.fixture
def canary(tmp_path_factory):
    bird = Canary(tmp_path_factory.mktemp("elsewhere"))
    yield bird
    bird.close()


def test_mutated_products_end_in_an_answer_or_in_one_line(base, tmp_path, canary):
    cases = int(os.environ.get("CAMWATCH_FUZZ_CASES", str(CASES)))
    with ThreadPoolExecutor(WORKERS) as pool:
        lanes = [pool.submit(run_worker, n, cases, base, tmp_path / str(n), canary) for n in range(WORKERS)]
        told = [line for lane in lanes for line in lane.result()]
    assert len(told) == cases
    escaped = [line for line in told if "escaped" in line]
    assert not escaped, "\n".join(map(str, escaped))
    assert not canary.touched()
    assert all(error.isprintable() for line in told for error in line["errors"])
    assert max(len(error) for line in told for error in line["errors"]) < 2500
    assert max(line["seconds"] for line in told) < SECONDS
    assert max(line["peak"] for line in told) < 0.6 * MEMORY
    # The test must reach behind the first check: many cases still give an answer, many are refused.
    assert sum(line["answers"] > 0 for line in told) > 0.2 * cases
    assert sum(bool(line["errors"]) for line in told) > 0.2 * cases
