"""Work shared among processes, one for each core; they end with the script, however it ends."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

import cv2

Item, Result = TypeVar("Item"), TypeVar("Result")
MOST = 4  # processes: each has a picture in memory


def map_in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], prepare: Callable[..., None], *arguments
) -> Iterator[Result]:
    """Yield `work(item)` for each item, in order; each process has called `prepare(*arguments)` before.

    Raises
    ------
    OSError
        If a process was killed.
    """
    cores = min(MOST, os.cpu_count() or 1)
    with ProcessPoolExecutor(cores, get_context("spawn"), _begin, (prepare, *arguments)) as pool:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # they inherit this: Ctrl-C is for the script alone
        results = pool.map(work, items)
        signal.signal(signal.SIGINT, handler)
        try:
            yield from results
        except BrokenProcessPool:
            raise OSError("a process that did a part of the work was killed, for want of memory perhaps") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(prepare: Callable[..., None], *arguments) -> None:
    threading.Thread(target=lambda: parent_process().join() or os._exit(1), daemon=True).start()  # if that is killed
    cv2.setNumThreads(1)
    prepare(*arguments)
