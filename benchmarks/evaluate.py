"""Judge the installed command line on labelled real pairs, which are read where they lie and are not part of this repository.

    python benchmarks/evaluate.py registration [--cases fast]
    python benchmarks/evaluate.py structures [--first 12] [--swap]

CAMWATCH_TEST_DATA names the folder that holds `eval/` (the scripts that judge) and `data/` (the pairs); by default `shared` beside the checkout.
Prints what the script prints; the last line is one JSON summary. Says so and ends with 0 where the folder is absent.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPTS = ("registration", "structures")


def main() -> int:
    """Run one of the scripts and return its exit code."""
    if len(sys.argv) < 2 or sys.argv[1] not in SCRIPTS:
        print(__doc__)
        return 2
    folder = Path(os.environ.get("CAMWATCH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared"))
    script = folder / "eval" / f"{sys.argv[1]}.py"
    if not script.is_file():
        print(f"no labelled pairs here: {script} is absent; set CAMWATCH_TEST_DATA to the folder that holds eval/ and data/")
        return 0
    command = Path(sys.executable).with_name("camwatch")
    return subprocess.run([sys.executable, str(script), "--command", str(command), *sys.argv[2:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
