"""The moving average of a generator's weights: its pictures change less from step to step, and are shown and saved."""

from dcgan_tf.common.backend import tf
from dcgan_tf.gan.fast import ops
from dcgan_tf.nets.surgery import copy_of, with_gain

# Moving the average takes as long as Adam's update, a twentieth of a step of dense nets. So it moves rarely, once the
# weights change slowly.
EARLY_STEPS = 1000
LATE_INTERVAL_STEPS = 4


class MovingAverage:
    """A net that follows a model.

    net: a copy of the model whose weights are averages of the model's, and so are its batch normalization's statistics.
    For pictures it needs statistics of its own, see `dcgan_tf.generators.sampler`.
    """

    def __init__(self, model, decay: float, gain: float = 1.0):
        """decay: per step, below 1; 0 for a copy of the model without averaging. gain: of the copy, see `with_gain`."""
        self.net, self._decay = copy_of(model) if gain == 1 else with_gain(model, gain), decay
        pairs = [(a, b) for a, b in zip(self.net.variables, model.variables) if "seed_generator" not in a.path]
        self._pairs = [(average.value, variable.value) for average, variable in pairs]

    @property
    def variables(self) -> list:
        return self.net.variables

    def update(self, step) -> None:
        """Moves the average towards the model. step: int64 scalar, the number of updates done before this one.

        The decay begins small, so that the average soon forgets the weights that had learned nothing. From step 1,000
        on, the average moves at one step in four, as far as four steps would move it.
        """
        if not self._decay:
            self._move(1.0)
            return
        is_early = step < EARLY_STEPS
        count = tf.cast(step, tf.float32)
        decay = tf.minimum(self._decay, (1 + count) / (10 + count))
        rate = 1 - tf.where(is_early, decay, decay**LATE_INTERVAL_STEPS)
        tf.cond(is_early | (step % LATE_INTERVAL_STEPS == 0), lambda: self._move(rate), lambda: None)

    def _move(self, rate) -> None:
        for average, value in self._pairs:
            ops.move_towards(average, value, rate)
