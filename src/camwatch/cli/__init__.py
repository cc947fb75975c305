"""The command line: verbs parse, call, print and choose an exit code; nothing is computed here.

Exit codes: 0 done; 1 done, and something that was asked for was refused or not testable; 2 bad usage or input; 3 internal error.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from typing import TYPE_CHECKING, NoReturn

from camwatch.errors import CamwatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD_INPUT, INTERNAL, INTERRUPTED = 2, 3, 130
STOPPED = "stopped; start the same command again to go on"

GARBAGE = 100_000
"""Objects made before the collector looks for rings among them; importing makes 200,000 and drops none, and the default is to look every 700."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb and leave the process with its exit code."""
    gc.set_threshold(GARBAGE)
    _leave(execute(arguments))


def _leave(code: int) -> NoReturn:
    """End the process at once: all is written and closed by now, and taking every module apart would last a tenth of a second."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # Python itself tells what could not be written
    if os.environ.get("CAMWATCH_DEBUG"):
        sys.exit(code)  # a profiler or a coverage tool has yet to write what it found
    os._exit(code)


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code; every error is one line on standard error."""
    # Many small products on few cores: threads of the linear algebra only get into one another's way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from typer.main import get_command

    from camwatch.cli.app import app

    if not sys.warnoptions:
        # Libraries' notices are for developers; what a user must know is said by camwatch itself. The variable is for worker processes.
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"
    try:
        code = get_command(app).main(list(sys.argv[1:] if arguments is None else arguments), prog_name="camwatch", standalone_mode=False)
    except BrokenPipeError:  # the reader of a table has seen enough
        sys.stderr.close()
        return 0
    except (Exception, KeyboardInterrupt) as error:
        what, code = _told(error)
        if code == INTERNAL and os.environ.get("CAMWATCH_DEBUG"):
            raise
        sys.stderr.write(f"camwatch: {' '.join(what.split())}\n")
    else:
        if code == INTERRUPTED:  # the argument parser answers Ctrl-C itself, and says nothing
            sys.stderr.write(f"camwatch: {STOPPED}\n")
    return int(code or 0)


def _told(error: BaseException) -> tuple[str, int]:
    """Return what to say of an error, and the exit code."""
    if isinstance(error, CamwatchError):
        return str(error), BAD_INPUT
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        return STOPPED, INTERRUPTED
    if type(error).__name__ == "NoArgsIsHelpError":
        return "say what to do; camwatch --help lists the verbs", BAD_INPUT
    if isinstance(error, OSError) and error.filename is not None:  # a folder that cannot be written, a full disk
        return f"{error.filename2 or error.filename}: {error.strerror}", BAD_INPUT
    usage = getattr(error, "format_message", None)  # the argument parser's errors, whichever library it comes from
    if usage is not None:
        return usage(), BAD_INPUT
    return f"internal error: {type(error).__name__}: {error}; set CAMWATCH_DEBUG=1 for the details and report it", INTERNAL
