"""Work on many items in threads, which helps because decoding and reading release the interpreter's lock."""

import collections
import os
from concurrent.futures import ThreadPoolExecutor

MAX_THREADS = 32
PENDING_PER_THREAD = 4  # Enough to keep every thread busy while one slow item holds up the results.


def in_order(function, items):
    """Yields `function(item)` for each item, in order, computed in as many threads as there are processors.

    Only a few results are in memory at a time. Close the generator when you leave it early, so that its threads end.

    Raises:
        Whatever `function` raises, when the result of that item is due.
    """
    threads = min(MAX_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads)
    pending = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= PENDING_PER_THREAD * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
