"""A few things at a time, with answers that do not depend on which is ready first."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORKERS = 2
"""Things under way at a time: GDAL and numpy let other threads work meanwhile, and each holds one more window in memory."""

MANY = 2**18
"""Pixels from which a thread is worth it where decoding is quick: starting one costs as much as reading a file (GDAL and PROJ begin anew in it)."""

_Task = TypeVar("_Task")
_Answer = TypeVar("_Answer")


def for_each(work: Callable[[_Task], _Answer], tasks: Sequence[_Task], *, at_once: bool) -> list[_Answer]:
    """Return the answers in the order of the tasks; `at_once`, several are under way at a time.

    Within a thread of another's they follow one another: who searches two tiles at a time keeps both cores at work, and each window more is memory.
    """
    nested = threading.current_thread() is not threading.main_thread()
    if not at_once or nested or len(tasks) < 2:
        return [work(task) for task in tasks]
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, tasks))
