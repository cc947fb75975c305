"""The worker of the fuzzing test: a process that damages, opens and loads one product after the other and says how each ended."""

from __future__ import annotations

import faulthandler
import json
import resource
import shutil
import sys
import time
import traceback
from pathlib import Path

import numpy as np

from camwatch.errors import CamwatchError
from mutations import NAMES, is_text, mutate
from products import pack

SEED = 20260
MEMORY = 2 * 2**30
"""Bytes of address space of a worker; the interpreter with its libraries takes about half of it."""
SECONDS = 20
"""Longest that one product may take on a busy machine; most take a hundredth of a second."""
SEVERAL = {"sentinel2 old"}
"""Layouts that hold several scenes."""


def one_case(number: int, base: Path, work: Path, elsewhere: str, address: str) -> dict[str, object]:
    """Damage a copy of one product, open it, and say how it ended."""
    import warnings

    from camwatch.imagery import load
    from camwatch.scenes import open_scene, scan
    from camwatch.scenes.item import bands_of, native_geobox

    warnings.simplefilter("ignore")  # as the command line does
    rng = np.random.default_rng([SEED, number])
    paths = json.loads((base / "paths.json").read_text())
    maker = list(paths)[number % len(paths)]
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base / maker, work)
    path = work / paths[maker]
    loose = work / "loose"
    inside = loose.is_dir() and rng.random() < 0.5  # a sound archive with a damaged member, or a damaged archive
    files = sorted(p for p in (loose if inside else path if path.is_dir() else work).rglob("*") if p.is_file() and (inside or loose not in p.parents))
    texts = [file for file in files if is_text(file.name)]
    victim = texts[rng.integers(len(texts))] if texts and rng.random() < 0.5 else files[rng.integers(len(files))]
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
        if number % 3 and maker not in SEVERAL:
            items = [open_scene(path)]
        else:
            found = scan(work)
            items = list(found.items)
            errors = [entry.reason for entry in found.unreadable]
        for item in items:
            json.dumps(item.to_dict(), allow_nan=False)
            box = native_geobox(item)
            image = load(item, box[: min(16, box.shape[0]), : min(16, box.shape[1])], bands=[bands_of(item)[0].name])
            if not np.isfinite(image.values[:, image.valid]).all():
                told["escaped"] = "valid pixels that are no numbers"
            answers += 1
    except CamwatchError as error:
        errors.append(str(error))
    except Exception as error:  # noqa: BLE001 - whatever escapes is what this test looks for
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
        told["escaped"] = f"{type(error).__name__}: {error}"[:200] + f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}"
    return told | {"seconds": time.monotonic() - start, "answers": answers, "errors": errors}


def peak_bytes() -> int:
    """Return the most memory that this process has held; on Linux `getrusage` tells that of the process that started it, where it held more."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:")) * 1024


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
        sys.stdout.write(json.dumps(told | {"peak": peak_bytes()}) + "\n")
