"""Spectral normalization (arXiv:1802.05957): keeps the largest singular value of each kernel at 1.

The weights themselves are divided after every update, as by Keras's SpectralNormalization. So the saved net has plain
layers, and the step has nothing more to differentiate.
"""

import numpy as np

from dcgan_tf.common.backend import tf
from dcgan_tf.gan.fast import ops

FIRST_POWER_ITERATIONS = 20  # Enough for a singular vector to begin with; each update then needs one more.
MIN_SINGULAR_VALUE = 1e-12  # Avoids division by zero for a kernel of zeros.


class SpectralNorm:
    """Normalizes all kernels and embeddings of a model, each as a matrix [inputs, units].

    variables: an estimate of each kernel's first singular vector [units], times its singular value.
    """

    def __init__(self, model, seed: int):
        self._kernels = [
            getattr(layer, name).value
            for layer in model.layers
            for name in ("kernel", "embeddings")
            if hasattr(layer, name)
        ]
        random = np.random.default_rng(seed)
        self.variables = [
            tf.Variable(random.normal(size=kernel.shape[-1]), dtype=tf.float32, trainable=False, name="singular_vector")
            for kernel in self._kernels
        ]
        for _ in range(FIRST_POWER_ITERATIONS):
            self.project()

    def project(self) -> None:
        """Improves the singular vectors by one power iteration and divides the kernels by their singular values."""
        for kernel, variable in zip(self._kernels, self.variables):
            matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
            left = tf.math.l2_normalize(tf.linalg.matvec(matrix, tf.math.l2_normalize(variable)))
            right = tf.linalg.matvec(matrix, left, transpose_a=True)  # Its length is the singular value.
            ops.assign(variable, right)
            ops.assign(kernel, kernel / tf.maximum(tf.norm(right), MIN_SINGULAR_VALUE))
