"""The one place that imports TensorFlow and Keras: ``from dcgan_tf.common.backend import keras, tf``.

TensorFlow prints a dozen lines on the standard error of the process as it starts: some before it reads its own log
level, some when it first looks for devices. This module does both while standard error is discarded; a failing import
still raises. ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment shows everything. In a cluster, TensorFlow's own error lines
are silenced too, because each of its threads reports a lost worker, which also arrives as an exception.
"""

import contextlib
import os
import platform

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3" if os.environ.get("TF_CONFIG") else "2")
# TensorFlow would take all memory of a GPU at once, and nothing could be exported or measured beside a training.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
# TensorFlow uses oneDNN's convolutions by default only where the processor has AVX-512 VNNI. Most desktops have AVX2
# alone, and there steps are 1.1 to 2.1 times as fast with oneDNN (docs/performance.md).
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def quiet_stderr():
    """Discards what libraries print on the standard error of the process, unless TF_CPP_MIN_LOG_LEVEL is 0."""
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

# The remapper of TensorFlow 2.21's graph optimizer fails on a bias followed by a leaky ReLU in training, and prints an
# error each time. Steps are as fast without it, and their results are the same.
tf.config.optimizer.set_experimental_options({"remapping": False})

# Keras warns at every .h5 file that its format is legacy; this program promises exactly that format.
absl.logging.set_verbosity(absl.logging.ERROR)

__all__ = ["keras", "quiet_stderr", "tf"]
