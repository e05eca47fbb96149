"""The one place that imports TensorFlow and Keras: ``from dcgan_tf.common.backend import keras, tf``.

TensorFlow prints a dozen lines of start-up noise on the standard error of the process, some before its own log level
is read and some when it first looks for devices. Both happen here, with standard error turned away; a failing import
still raises. ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment shows everything. Of a cluster, TensorFlow's errors are silent
as well: each thread of it reports the loss of a worker, which also arrives as an exception.
"""

import contextlib
import os
import platform

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3" if os.environ.get("TF_CONFIG") else "2")
# By itself TensorFlow takes all memory of a GPU at once, so that nothing can be exported or measured beside a training.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
# TensorFlow takes oneDNN's convolutions by itself only where the processor has AVX-512 VNNI. With AVX2 alone, as most
# desktops have, steps are 1.1 to 2.1 times as fast with them (docs/performance.md).
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def quiet_stderr():
    """Turns away what libraries print on the standard error of the process; TF_CPP_MIN_LOG_LEVEL=0 shows it."""
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0":
        yield
        return
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


with quiet_stderr():
    import absl.logging
    import keras
    import tensorflow as tf

    tf.config.list_physical_devices()

# The graph optimizer's remapper fails on a bias followed by a leaky ReLU in training (TensorFlow 2.21) and prints an
# error each time; without it, steps are as fast and their results the same.
tf.config.optimizer.set_experimental_options({"remapping": False})

# Keras warns at every .h5 that the format is legacy; it is the format that this program promises.
absl.logging.set_verbosity(absl.logging.ERROR)

__all__ = ["keras", "quiet_stderr", "tf"]
