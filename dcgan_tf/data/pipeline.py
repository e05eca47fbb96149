"""Batches as a pure function of (seed, step). Without a shuffle buffer, a process can start at any step."""

from dcgan_tf.common.backend import tf
from dcgan_tf.common.threads import Threads
from dcgan_tf.config.order import Order, share
from dcgan_tf.data.balance import Balanced

MAX_DEAF_SECONDS = 0.5  # So often a long wait for images is asked whether it is given up.


def batch_indices(order: Order, step, balanced: Balanced | None = None):
    """Returns the indices of the images of step `step`: int64 [batch_size], or fewer for the last batch of an epoch.

    Every epoch takes all images in an order of its own: a permutation keyed by (seed, epoch); or, `balanced`, as many of
    each class.
    """
    size = order.batch_size
    step = tf.cast(step, tf.int64)
    epoch, position = step // order.steps_per_epoch, step % order.steps_per_epoch
    places = tf.range(position * size, tf.minimum((position + 1) * size, order.images))
    if balanced:
        return balanced.indices(order, epoch, places)
    key = tf.stack([tf.constant(order.seed, tf.int64), epoch])
    return tf.random.experimental.index_shuffle(places, key, max_index=tf.constant(order.images - 1, tf.int64))


def batches(
    source, order: Order, start: int, stop: int, worker: int = 0, workers: int = 1, gives_up=None, *, labelled=False
):
    """Yields (step, images) for steps start to stop - 1: int64 scalar, float32 [N, H, W, C] in -1..1.

    labelled: yields (step, images, labels), the class of each image, int32 [N], 0 to K - 1, see `ImageSource.classes`.

    worker, workers: of each batch, only the share of worker number `worker` of `workers` is read and yielded. The
        shares of all workers, put together, are the batch in its order.

    gives_up: asked now and then while a batch is waited for; where it returns True, the batches end. None: they do not.

    Raises:
        Whatever `source.read` raises.
    """
    failures = []
    balanced = Balanced(source.classes.numbers) if order.balanced else None
    classes = tf.constant(source.classes.numbers, tf.int32) if labelled else None

    def read(indices, epoch):
        try:
            return source.read(indices, order.seed, int(epoch))
        except Exception as error:  # TensorFlow would wrap it into an error of its own.
            failures.append(error)
            raise

    def load(step):
        indices = batch_indices(order, step, balanced)
        if workers > 1:
            first, last = share(tf.shape(indices)[0], worker, workers)
            indices = indices[first:last]
        images = tf.numpy_function(read, [indices, step // order.steps_per_epoch], tf.uint8)
        images.set_shape([None, *source.image_shape])
        images = tf.cast(images, tf.float32) / 127.5 - 1.0
        return (step, images, tf.gather(classes, indices)) if labelled else (step, images)

    # Two batches in preparation are enough to hide reading and resizing behind the step.
    dataset = tf.data.Dataset.range(start, stop).map(load, num_parallel_calls=2, deterministic=True).prefetch(2)
    # There is nothing to tune here, and TensorFlow 2.21's tuner sometimes keeps a process waiting for up to a minute
    # after the last batch.
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = dataset.with_options(options)
    # TensorFlow hears no signal while it waits for a batch; Python does. So another thread waits in TensorFlow.
    thread, iterator = Threads(1), iter(dataset)
    try:
        coming = thread.submit(next, iterator, None)
        while (batch := _result(coming, gives_up)) is not None:
            coming = thread.submit(next, iterator, None)
            yield batch
    except tf.errors.OpError as error:
        raise failures[0] if failures else error from None
    finally:
        thread.close()


def _result(coming, gives_up):
    """What a Future gives, or None where the wait for it is given up."""
    while True:
        try:
            return coming.result(MAX_DEAF_SECONDS if gives_up else None)
        except TimeoutError:
            if coming.done():
                return coming.result()  # It came just now, or the error is its own.
            if gives_up():
                return None
