"""That work which grows with what strangers send has a bound, on any machine and beside anything else."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Whether `work` takes less of the processor's time than that, in one of three tries: what other threads take, and
    a collection of garbage that happens to be due, does not count."""
    gc.disable()
    try:
        for _ in range(3):
            began = time.thread_time()
            work()
            if time.thread_time() - began < seconds:
                return True
        return False
    finally:
        gc.enable()
