"""Work on many items in threads, which helps because decoding and reading release the interpreter's lock."""

import collections
import os

from dcgan_tf.common.threads import Threads

MAX_THREADS = 32
PENDING_PER_THREAD = 4  # Enough to keep every thread busy while one slow item holds up the results.
MAX_PENDING_BYTES = 2**29


def in_order(function, items, result_bytes: int = 0):
    """Yields `function(item)` for each item, in order, computed in as many threads as there are processors.

    Only a few results are in memory at a time. Close the generator when you leave it early, so that its threads end;
    one that hangs in a read is left alone.

    result_bytes: about what one result takes. Of large ones fewer are computed ahead.

    Raises:
        Whatever `function` raises, when the result of that item is due.
    """
    threads = min(MAX_THREADS, os.cpu_count() or 1)
    ahead = PENDING_PER_THREAD * threads
    if result_bytes:
        ahead = max(1, min(ahead, MAX_PENDING_BYTES // result_bytes))
    pool = Threads(min(threads, ahead))
    pending = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.close()
