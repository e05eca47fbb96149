"""Spectral normalization (arXiv:1802.05957): weights held at a largest singular value of 1.

As Keras's SpectralNormalization does it, the weights themselves are divided, after every update: so the saved net is one
of plain layers, and the step has no more to differentiate.
"""

import numpy as np

from dcgan_tf.common.backend import tf
from dcgan_tf.gan.fast import ops


class SpectralNorm:
    """Of all kernels of a model, each as a matrix [inputs, units]."""

    def __init__(self, model, seed: int):
        self._kernels = [layer.kernel.value for layer in model.layers if hasattr(layer, "kernel")]
        random = np.random.default_rng(seed)
        # The first left singular vector of each, [units], found by one turn of the power iteration at every update.
        self.variables = [
            tf.Variable(random.normal(size=kernel.shape[-1]), dtype=tf.float32, trainable=False, name="singular_vector")
            for kernel in self._kernels
        ]
        for _ in range(20):
            self.project()

    def project(self) -> None:
        for kernel, variable in zip(self._kernels, self.variables):
            matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
            left = tf.math.l2_normalize(tf.linalg.matvec(matrix, tf.math.l2_normalize(variable)))
            right = tf.linalg.matvec(matrix, left, transpose_a=True)  # its length is the singular value
            ops.assign(variable, right)
            ops.assign(kernel, kernel / tf.maximum(tf.norm(right), 1e-12))
