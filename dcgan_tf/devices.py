"""What this machine computes on, and in which precision it does so fastest."""

import platform
import signal
import sys
from pathlib import Path

import psutil

from dcgan_tf.backend import tf
from dcgan_tf.cluster import Cluster

CONNECT_SECONDS = 120  # for TensorFlow to connect workers that have just met


def local_devices() -> list[str]:
    """What of this machine a run trains on: all its GPUs, or else its processor."""
    gpus = tf.config.list_physical_devices("GPU")
    return [f"GPU:{number}" for number in range(len(gpus))] or ["CPU:0"]


def make_strategy(cluster: Cluster) -> tf.distribute.Strategy:
    """How the devices of all workers train together. Of a cluster, all workers must call this at about the same time,
    each before any other work of TensorFlow's."""
    if cluster.size > 1:
        # TensorFlow waits for the others as long as it takes, and no signal handler of Python's would run meanwhile.
        before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(CONNECT_SECONDS)
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        return strategy
    devices = local_devices()
    return tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else tf.distribute.get_strategy()


def same_everywhere(strategy: tf.distribute.Strategy, number: int) -> bool:
    """Whether `number` is the same on all workers, who all must call this."""

    @tf.function
    def mean():
        def own():
            replica = tf.distribute.get_replica_context()
            return replica.all_reduce(tf.distribute.ReduceOp.MEAN, tf.constant(number, tf.float64))

        return strategy.experimental_local_results(strategy.run(own))

    return all(float(value) == number for value in mean())


def describe_device() -> str:
    """Such as "GPU NVIDIA T4" or "CPU Intel(R) Xeon(R), 2 threads"."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", "unknown") for gpu in gpus]
        return f"GPU {', '.join(names)}"
    affinity = getattr(psutil.Process(), "cpu_affinity", lambda: range(psutil.cpu_count()))()
    return f"CPU {_cpu_name()}, {len(affinity)} threads"


def choose_precision(asked: str, image_shape: tuple[int, int, int]) -> str:
    """The precision asked for; for "auto", bfloat16 where the hardware computes in it, else float32.

    Small images stay float32 under "auto": their nets gain nothing, and TensorFlow's CPU kernel for the gradient of a
    bfloat16 convolution returns uninitialized memory where its input is 1x1 and part of the kernel sees padding only
    (found with TensorFlow 2.21 on a CPU with AMX).
    """
    if asked != "auto":
        return asked
    if min(image_shape[:2]) < 16:
        return "float32"
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return "bfloat16" if details.get("compute_capability", (0, 0)) >= (8, 0) else "float32"
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & _cpu_flags() else "float32"


def peak_memory() -> int:
    """The most bytes this process has held in main memory so far."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource  # not on Windows

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


def _cpu_flags() -> set[str]:
    return set(_cpu_facts().get("flags", "").split())
