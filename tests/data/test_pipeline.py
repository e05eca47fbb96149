import os
import signal
import threading

import numpy as np
import pytest

from dcgan_tf.common.errors import UserError
from dcgan_tf.config.order import Order
from dcgan_tf.data.pipeline import batch_indices, batches

ORDER = Order(22, 8, False, seed=5)  # Its batches have 8, 8 and 6 images.


class Source:
    """A source whose image i is filled with the value i."""

    image_shape = (2, 3, 1)

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def read(self, indices, seed=0, epoch=0):
        return np.broadcast_to(
            np.asarray(indices, np.uint8)[:, None, None, None], [len(indices), *self.image_shape]
        ).copy()


def epoch(count, batch_size, drop, seed, number):
    per_epoch = count // batch_size if drop else -(-count // batch_size)
    return [
        batch_indices(Order(count, batch_size, drop, seed), step).numpy().tolist()
        for step in range(number * per_epoch, (number + 1) * per_epoch)
    ]


def test_an_epoch_is_a_permutation_with_a_last_partial_batch():
    parts = epoch(22, 8, False, 0, 3)
    assert [len(part) for part in parts] == [8, 8, 6]
    assert sorted(sum(parts, [])) == list(range(22))


def test_a_dropped_remainder_is_another_one_every_epoch():
    parts = [epoch(22, 8, True, 0, number) for number in range(2)]
    assert [[len(part) for part in parts_] for parts_ in parts] == [[8, 8], [8, 8]]
    left_out = [set(range(22)) - set(sum(parts_, [])) for parts_ in parts]
    assert [len(left) for left in left_out] == [6, 6] and left_out[0] != left_out[1]


def test_order_depends_on_epoch_and_seed_alone():
    assert epoch(50, 8, False, 1, 0) == epoch(50, 8, False, 1, 0)
    assert epoch(50, 8, False, 1, 0) != epoch(50, 8, False, 1, 1)
    assert epoch(50, 8, False, 1, 0) != epoch(50, 8, False, 2, 0)


def test_a_dataset_that_starts_late_gives_the_same_steps():
    whole = [(int(step), images.numpy()) for step, images in batches(Source(22), ORDER, 0, 9)]
    late = [(int(step), images.numpy()) for step, images in batches(Source(22), ORDER, 4, 9)]
    assert [step for step, _ in whole] == list(range(9))
    assert [step for step, _ in late] == list(range(4, 9))
    for (_, a), (_, b) in zip(whole[4:], late):
        assert np.array_equal(a, b)


def test_images_are_float32_between_minus_one_and_one():
    ((_, images),) = batches(Source(256), Order(256, 256, False, 0), 0, 1)
    assert images.dtype == "float32" and images.shape == (256, 2, 3, 1)
    values = np.sort(images.numpy()[:, 0, 0, 0])
    assert values == pytest.approx(np.arange(256) / 127.5 - 1, abs=1e-7)
    assert (values[0], values[-1]) == (-1.0, 1.0)


def test_an_error_of_the_source_comes_out_as_it_is():
    class Broken(Source):
        def read(self, indices, seed=0, epoch=0):
            raise UserError("image 3: is damaged")

    with pytest.raises(UserError, match="^image 3: is damaged$"):
        list(batches(Broken(22), ORDER, 0, 2))


def test_workers_read_disjoint_shares_of_the_same_batch():
    whole = [images.numpy() for _, images in batches(Source(22), ORDER, 0, 3)]
    shares = [[images.numpy() for _, images in batches(Source(22), ORDER, 0, 3, n, 3)] for n in range(3)]
    assert [[len(images) for images in parts] for parts in zip(*shares)] == [[2, 3, 3], [2, 3, 3], [2, 2, 2]]
    for images, parts in zip(whole, zip(*shares)):
        assert np.array_equal(images, np.concatenate(parts))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_signals_are_heard_while_a_batch_is_waited_for():
    begun, ended = threading.Lock(), threading.Event()

    class Hangs(Source):
        def read(self, indices, seed=0, epoch=0):
            if begun.acquire(blocking=False):  # Several batches are read at once.
                os.kill(os.getpid(), signal.SIGINT)
            ended.wait(20)
            return super().read(indices)

    with pytest.raises(KeyboardInterrupt):
        list(batches(Hangs(22), ORDER, 0, 9))
    assert not ended.is_set()
    ended.set()
