"""One backward pass through the discriminator that serves the losses of both nets.

In a joint update both losses depend on the same logits of the fakes. So their gradients at a fake image differ by a
factor alone, that of their gradients at the image's logit: the generator's are the discriminator's, rescaled.
"""

from dcgan_tf.common.backend import tf
from dcgan_tf.config.recipes import Recipe

# Keeps the rescaling from dividing by zero; a gradient as small as this one changes no weight.
MIN_LOGIT_GRADIENT = 1e-20


def is_possible(recipe: Recipe, couples_images: bool, loss_scaling: bool, tells_classes: bool = False) -> bool:
    """Whether the discriminator's gradients can be rescaled to the generator's.

    The discriminator's loss has to have a gradient at every fake's logit: that of the standard loss is a probability,
    which is 0 by underflow only. A fake's logit has to be all that depends on the fake, and gradients multiplied by the
    scale of float16 could overflow on the way. What adds to the loss on the fakes, as a discriminator that tells classes
    does, has to be refused here.
    """
    return recipe.loss == "standard" and not (couples_images or loss_scaling or tells_classes)


def backward(tape, losses, logits, weights, fakes):
    """What `dcgan_tf.gan.plain.backward` gives, where `is_possible`."""
    (d_loss, g_loss), (_, fake_logits) = losses, logits
    at_real, at_fake = tape.gradient(d_loss, logits)
    at_fake = tf.maximum(at_fake, MIN_LOGIT_GRADIENT)
    *d_gradients, at_fakes = tape.gradient(logits, [*weights, fakes], output_gradients=[at_real, at_fake])
    at_fakes *= (tape.gradient(g_loss, fake_logits) / at_fake)[:, :, None, None]
    return d_gradients, at_fakes
