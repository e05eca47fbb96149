"""The moving average of a generator: smoother than any one step's, and what is shown and saved."""

from dcgan_tf.common.backend import tf
from dcgan_tf.gan.fast import ops
from dcgan_tf.nets.surgery import copy_of, with_gain

# Moving it takes as long as Adam's update: of a net of dense layers, a twentieth of the step.
_EVERY, _EARLY = 4, 1000  # steps


class MovingAverage:
    """net: a copy of the model whose weights, statistics of batch normalization included, follow those of the model.

    To make pictures it needs statistics of its own, see `dcgan_tf.generators.sampler`.
    """

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
        weights that have learned nothing yet. From step 1,000 on, one step in four moves it, so much further."""
        if not self._decay:
            self._move(1.0)
            return
        is_early = step < _EARLY
        count = tf.cast(step, tf.float32)
        decay = tf.minimum(self._decay, (1 + count) / (10 + count))
        rate = 1 - tf.where(is_early, decay, decay**_EVERY)
        tf.cond(is_early | (step % _EVERY == 0), lambda: self._move(rate), lambda: None)

    def _move(self, rate) -> None:
        for average, value in self._pairs:
            ops.move_towards(average, value, rate)
