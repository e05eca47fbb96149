"""How the numbers of a step are computed: plainly, or the same numbers faster."""

from collections.abc import Callable
from dataclasses import dataclass

from dcgan_tf.gan import plain
from dcgan_tf.gan.fast import adam, forward, one_backward


@dataclass(frozen=True)
class Arithmetic:
    """The operations that a step is made of.

    forward              (model, keys) -> (x, draw) -> y: the forward pass of training, see `plain.Forward`
    backward             the gradients of a joint update at the discriminator's weights and at the fakes, see
                         `plain.backward`; used where `one_backward.is_possible`
    apply                (optimizer, gradients, model): one step of the optimizer
    max_one_pass_values  the discriminator takes real and generated images in one pass if an image has no more values
                         (height * width * channels); 0: never. It decides which random numbers a step draws, too.
                         One pass calls fewer small operations, but large images twice as many cost more in memory.
    """

    forward: Callable
    backward: Callable
    apply: Callable
    max_one_pass_values: int = 64 * 64 * 3


PLAIN = Arithmetic(plain.Forward, plain.backward, plain.apply)
FAST = Arithmetic(forward.TrainingForward, one_backward.backward, adam.apply)
