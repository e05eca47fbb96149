"""Work on many items in threads: images decode, and files are read, without the interpreter's lock."""

import collections
import os
from concurrent.futures import ThreadPoolExecutor


def in_order(function, items):
    """`map` in as many threads as processors: yields results in order, few of them in memory; close it when left early."""
    workers = min(32, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(workers)
    pending = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= 4 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
