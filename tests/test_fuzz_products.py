"""More than a thousand damaged and lying products of every family: each ends in an answer or in one line, in bounded time and memory.

Nothing outside the product is read, no address is fetched. Workers are processes with a memory limit; one that dies is attributed to its product.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from camwatch.imagery import load
from camwatch.scenes import scan
from camwatch.scenes.access.limits import VARIABLE
from camwatch.scenes.item import native_geobox
from canary import Canary
from fuzzing import MEMORY, SECONDS
from products import BOX, DN, MAKERS
from test_scenes_declassified import BLANK, write_qgis, write_scan
from test_scenes_dimap import airbus, spot
from test_scenes_hls import L30, write_granule
from test_scenes_landsat import write_product
from test_scenes_planet import write_scene
from test_scenes_sentinel2 import write_l1c, write_old
from test_scenes_vendors import BAND_META, write_bundle, write_raster

CASES = 2100
WORKERS = 2


def stereo(folder: Path) -> Path:
    """An Indian product of one band."""
    write_raster(folder / "BAND2.tif", DN, BOX)
    (folder / "BAND_META.txt").write_text(BAND_META)
    return folder


def film(folder: Path) -> Path:
    """A scan of film with control points."""
    path = write_scan(folder, BLANK, name="scan_19710430.tif")
    write_qgis(path.with_suffix(".points"))
    return path


FAMILIES = MAKERS | {
    "landsat 7": lambda folder: write_product(folder, names={1: "blue", 8: "pan"}, quality=("QA_PIXEL", "QA_RADSAT")),
    "sentinel2 1C": write_l1c,
    "sentinel2 old": write_old,
    "hls": lambda folder: write_granule(folder, L30, ("B03", "B04")),
    "planet": lambda folder: write_scene(folder, count=4, kind="AnalyticMS"),
    "spot": lambda folder: spot(folder, np.stack([DN % 256] * 4).astype(np.uint8)),
    "airbus": lambda folder: airbus(folder, tile=(32, 32)),
    "airbus jp2": lambda folder: airbus(folder, suffix="JP2", listed=True),
    "maxar": write_bundle,
    "other vendors": stereo,
    "declassified": film,
}
if find_spec("pyhdf"):
    from test_scenes_aster import write_hdf

    FAMILIES["aster"] = write_hdf


def run_worker(lane: int, cases: int, base: Path, work: Path, bird: Canary) -> list[dict[str, object]]:
    """Run every `WORKERS`-th case in a process, and in a new one after a death."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    told: list[dict[str, object]] = []
    first = lane
    while first < cases:
        where = (str(base), str(work), str(bird.folder), bird.address)
        code = f"from fuzzing import work_on; work_on(range({first}, {cases}, {WORKERS}), *{where!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, errors="replace", env=environment, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        told += [line for line in lines if "what" in line]
        if done.returncode == 0:
            return told
        assert lines, done.stderr[-2000:]
        dead = lines[-1]["case"]
        maker, ended = list(FAMILIES)[dead % len(FAMILIES)], f"worker ended with {done.returncode}: {done.stderr[-500:]}"
        told.append({"case": dead, "maker": maker, "escaped": ended})
        first = dead + WORKERS
    return told


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """One sound product of every layout."""
    folder = tmp_path_factory.mktemp("base")
    paths = {}
    for name, make in FAMILIES.items():
        (folder / name).mkdir()
        paths[name] = str(make(folder / name).relative_to(folder / name))
    (folder / "paths.json").write_text(json.dumps(paths))
    return folder


@pytest.fixture
def canary(tmp_path_factory):
    bird = Canary(tmp_path_factory.mktemp("elsewhere"))
    yield bird
    bird.close()


@pytest.mark.parametrize("name", FAMILIES)
def test_sound_products_are_answered(base, name):
    # What is refused below is refused for its damage, not because nothing like it would open.
    found = scan(base / name / json.loads((base / "paths.json").read_text())[name].rpartition("/")[0])
    assert found.items
    assert not found.unreadable
    for item in found.items:
        assert load(item, native_geobox(item)).valid.any()


def test_real_products_meet_no_limit(shared):
    found = scan(shared / "data" / "products")
    assert len(found.items) > 15
    told = "\n".join(entry.reason for entry in found.unreadable)
    for refused in (VARIABLE, "makes no sense", "names a file", "none of the Earth", "names overviews", "link leads out", "points outside"):
        assert refused not in told


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
