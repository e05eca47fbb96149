"""What a run computes on: this machine's devices, and those of other workers."""

import functools
import platform
import signal
import sys
from pathlib import Path

import psutil

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.training.machine.cluster import Cluster

MAX_CONNECT_SECONDS = 120  # TensorFlow has so long to connect workers that have just met.


def local_devices() -> list[str]:
    """What of this machine a run trains on: all its GPUs, or else its processor."""
    gpus = tf.config.list_physical_devices("GPU")
    return [f"GPU:{number}" for number in range(len(gpus))] or ["CPU:0"]


def check_precision(asked: str) -> None:
    """Refuses --precision float16 where it does not work.

    Raises:
        UserError: there is no GPU.
    """
    if asked == "float16" and local_devices() == ["CPU:0"]:
        raise UserError("--precision float16: is for GPUs, and there is none here: give bfloat16 or float32")


def make_strategy(cluster: Cluster) -> tf.distribute.Strategy:
    """How the devices of all workers train together. Of a cluster, all workers must call this at about the same time,
    each before any other work of TensorFlow's."""
    if cluster.size > 1:
        # TensorFlow waits for the others without end, in C++, where no Python signal handler runs: the default handler of
        # an alarm ends the process.
        before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(MAX_CONNECT_SECONDS)
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        return strategy
    devices = local_devices()
    return tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else tf.distribute.get_strategy()


def sum_over_workers(strategy: tf.distribute.Strategy, number: float) -> float:
    """The sum of what all workers give, each of whom must call this; each of them gets the same."""
    if strategy.num_replicas_in_sync == 1:
        return number
    here = len(strategy.extended.worker_devices)  # this worker's devices
    return float(_total(strategy)(tf.constant(number / here, tf.float64)))


@functools.cache
def _total(strategy: tf.distribute.Strategy):
    """A scalar -> its sum over all replicas."""

    def of_replica(number):
        # The argument lies on no device and could not be reduced; its copy lies on the replica's.
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(number))

    @tf.function
    def total(number):
        return strategy.experimental_local_results(strategy.run(of_replica, args=(number,)))[0]

    return total


def describe_device() -> str:
    """Such as "GPU NVIDIA T4" or "CPU Intel(R) Xeon(R), 2 threads"."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", "unknown") for gpu in gpus]
        return f"GPU {', '.join(names)}"
    affinity = getattr(psutil.Process(), "cpu_affinity", lambda: range(psutil.cpu_count()))()
    return f"CPU {_cpu_name()}, {len(affinity)} threads"


def peak_memory() -> int:
    """The most bytes this process has held in main memory so far."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource  # The module does not exist on Windows.

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts KiB


def _cpu_facts() -> dict[str, str]:
    """Linux's list of the first processor; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _cpu_name() -> str:
    return _cpu_facts().get("model name") or platform.processor() or platform.machine()
