"""What is measured on the machine at hand before a run begins: in which precision it computes fastest, and whether
XLA helps on its GPU."""

import functools
import time
from dataclasses import dataclass

from dcgan_tf.common.backend import quiet_stderr, tf
from dcgan_tf.training.machine.devices import sum_over_workers
from dcgan_tf.training.summary import measure_step

GAIN = 1.2  # how much faster than float32 bfloat16 must be to be chosen
_TURNS, _HOPELESS = 5, 4


@dataclass(frozen=True)
class Precision:
    """name: float32, bfloat16 or float16, what the nets compute in. reason: in words; empty where it was asked for."""

    name: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})" if self.reason else self.name


def fastest_precision(strategy: tf.distribute.Strategy) -> Precision:
    """bfloat16 where a convolution and its gradients are faster in it by `GAIN`, float32 elsewhere: measured, over all
    workers together, each of whom must call this."""
    seconds = _convolution_seconds()
    times = sum_over_workers(strategy, seconds[tf.float32]) / sum_over_workers(strategy, seconds[tf.bfloat16])
    if times >= GAIN:
        return Precision("bfloat16", f"a convolution takes {times:.1f} times as long in float32")
    return Precision("float32", f"a convolution takes {1 / times:.1f} times as long in bfloat16")


def settle_xla(gan, update, steps: int) -> float:
    """Lets XLA compile the step where that is faster: measured on a GPU, never on a CPU, where oneDNN's operations are
    faster than what XLA makes. Returns the seconds of a step as it will be.

    update, steps: as for `measure_step`.
    """
    plain = measure_step(gan, update, steps)
    if not _gpus() or gan.replicas > 1:
        return plain
    gan.use_xla(True)
    try:
        compiled = measure_step(gan, update, steps)
    except tf.errors.OpError:  # a layer of somebody's own net that XLA does not know
        compiled = float("inf")
    gan.use_xla(compiled < plain)
    return min(plain, compiled)


def _convolution_seconds() -> dict:
    """Seconds by type, the least of a few in turn, for a convolution of 64 to 128 channels and both its gradients."""
    count = 256 if _gpus() else 16  # enough to fill it
    images, kernel = tf.ones([count, 32, 32, 64]), tf.ones([4, 4, 64, 128])

    @tf.function
    def work(images, kernel):
        with tf.GradientTape() as tape:
            tape.watch([images, kernel])
            features = tf.nn.conv2d(images, kernel, 2, "SAME")
        gradients = tape.gradient(features, [images, kernel], features)
        return tf.add_n([tf.reduce_sum(tf.cast(value, tf.float32)) for value in gradients])

    def run(images, kernel):
        float(work(images, kernel))  # waits for it

    types = (tf.float32, tf.bfloat16)
    with quiet_stderr():  # without AVX-512, oneDNN says that it does not do bfloat16
        jobs = {to: functools.partial(run, tf.cast(images, to), tf.cast(kernel, to)) for to in types}
        return _least_seconds(jobs)


def _least_seconds(jobs: dict) -> dict:
    """Seconds of each job, the least of a few in turn, after one that compiles. No more turns where one takes so much
    longer than another that they would change nothing: emulated, bfloat16 takes 18 times as long, and seconds of a start.
    """
    seconds = dict.fromkeys(jobs, float("inf"))
    for turn in range(1 + _TURNS):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if turn:
                seconds[name] = min(seconds[name], time.perf_counter() - start)
        if turn > 1 and max(seconds.values()) > _HOPELESS * min(seconds.values()):
            break
    return seconds


def _gpus() -> list:
    return tf.config.list_physical_devices("GPU")
