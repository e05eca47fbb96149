"""What is measured on the machine at hand before a run begins: in which precision it computes fastest, and whether
XLA helps on its GPU."""

import functools
import time
from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.backend import quiet_stderr, tf
from dcgan_tf.training.machine.devices import sum_over_workers

MIN_BFLOAT16_SPEEDUP = 1.2  # bfloat16 is chosen where a convolution is so many times as fast as in float32.
_MEASURED_TURNS = 5
_HOPELESS_FACTOR = 4  # Once a job takes so many times as long as another, more turns would change nothing.


@dataclass(frozen=True)
class Precision:
    """name: float32, bfloat16 or float16, what the nets compute in. reason: in words; empty where it was asked for."""

    name: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})" if self.reason else self.name


def settle_precision(settled: str, is_free: bool, strategy: tf.distribute.Strategy) -> Precision:
    """The precision of a run: as settled, or measured where that is "auto".

    is_free: whether no flag says it, so that it is the run's that is there.
    """
    if settled == "auto":
        return fastest_precision(strategy)
    return Precision(settled, "as this run began" if is_free else "")


def fastest_precision(strategy: tf.distribute.Strategy) -> Precision:
    """bfloat16 where a convolution and its gradients are faster in it by `MIN_BFLOAT16_SPEEDUP`, float32 elsewhere:
    measured, over all workers together, each of whom must call this."""
    seconds = _convolution_seconds()
    times = sum_over_workers(strategy, seconds[tf.float32]) / sum_over_workers(strategy, seconds[tf.bfloat16])
    if times >= MIN_BFLOAT16_SPEEDUP:
        return Precision("bfloat16", "faster here than float32")
    return Precision("float32", "bfloat16 gains little or nothing here")


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
    except tf.errors.OpError:  # The user's own net may have a layer that XLA does not know.
        compiled = float("inf")
    gan.use_xla(compiled < plain)
    return min(plain, compiled)


def measure_step(gan, update, steps: int) -> float:
    """Seconds of one training step, the median of `steps` after one that compiles; the nets stay as they were.

    update: does one and returns its metrics. Where several workers train together, all must measure.
    """
    variables = [variable for owner in gan.variables().values() for variable in owner]
    before = [variable.numpy() for variable in variables]
    seconds = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        float(update()["d_loss"])
        seconds.append(time.perf_counter() - start)
    for variable, value in zip(variables, before):
        variable.assign(value)
    return float(np.median(seconds[1:]))


def _convolution_seconds() -> dict:
    """Seconds by type, the least of a few in turn, for a convolution of 64 to 128 channels and both its gradients."""
    count = 256 if _gpus() else 16  # Enough images to keep the device busy.
    images, kernel = tf.ones([count, 32, 32, 64]), tf.ones([4, 4, 64, 128])

    @tf.function
    def work(images, kernel):
        with tf.GradientTape() as tape:
            tape.watch([images, kernel])
            features = tf.nn.conv2d(images, kernel, 2, "SAME")
        gradients = tape.gradient(features, [images, kernel], features)
        return tf.add_n([tf.reduce_sum(tf.cast(value, tf.float32)) for value in gradients])

    def run(images, kernel):
        float(work(images, kernel))  # Converting the result waits for the computation.

    types = (tf.float32, tf.bfloat16)
    with quiet_stderr():  # On processors without AVX-512, oneDNN warns that it has no bfloat16.
        jobs = {to: functools.partial(run, tf.cast(images, to), tf.cast(kernel, to)) for to in types}
        return _least_seconds(jobs)


def _least_seconds(jobs: dict) -> dict:
    """Seconds of each job, the least of a few turns, after one turn that compiles.

    Turns end early where one job takes `_HOPELESS_FACTOR` times as long as another: emulated bfloat16 takes 18 times as
    long as float32, and more turns would add seconds to every start.
    """
    seconds = dict.fromkeys(jobs, float("inf"))
    for turn in range(1 + _MEASURED_TURNS):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if turn:
                seconds[name] = min(seconds[name], time.perf_counter() - start)
        if turn > 1 and max(seconds.values()) > _HOPELESS_FACTOR * min(seconds.values()):
            break
    return seconds


def _gpus() -> list:
    return tf.config.list_physical_devices("GPU")
