"""The moving average of a generator: smoother than any one step's, and what is shown and saved."""

from dcgan_tf import kernels
from dcgan_tf.adapt import copy_of, with_gain
from dcgan_tf.backend import tf


class MovingAverage:
    """net: a copy of the model whose weights, statistics of batch normalization included, follow those of the model."""

    def __init__(self, model, decay: float, gain: float = 1.0):
        """decay: per step, below 1; 0: no average, but the model as it is. gain: that of the copy, see `with_gain`."""
        self.net, self._decay = copy_of(model) if gain == 1 else with_gain(model, gain), decay
        pairs = [(a, b) for a, b in zip(self.net.variables, model.variables) if "seed_generator" not in a.path]
        self._pairs = [(average.value, variable.value) for average, variable in pairs]

    @property
    def variables(self) -> list:
        return self.net.variables

    def update(self, step) -> None:
        """step: int64 scalar, updates done before this one. Early on the decay is smaller: else the average would be of
        weights that have learned nothing yet."""
        step = tf.cast(step, tf.float32)
        rate = 1 - tf.minimum(self._decay, (1 + step) / (10 + step))
        for average, value in self._pairs:
            kernels.move_towards(average, value, rate)
