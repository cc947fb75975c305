"""Work in processes of its own, handed back in the order in which it was asked for."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Answer = TypeVar("Answer")


def apart(work: Callable[..., Answer], tasks: Sequence[tuple[Any, ...]], workers: int) -> Iterator[Answer]:
    """Yield `work(*task)` for each task in order, `workers` at a time; in this process where that is one.

    Tasks and answers are pickled. The interpreters are fresh ones: a fork would copy the locks of this process's threads as they happen to stand.
    """
    workers = min(workers, len(tasks))
    if workers <= 1:
        yield from (work(*task) for task in tasks)
        return
    with ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn")) as executor:
        yield from executor.map(work, *zip(*tasks, strict=True))
