"""Adam in one pass over the weights instead of Keras's dozen, on one device or many."""

import functools

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.gan.fast import ops
from dcgan_tf.gan.replicas import all_reduce


def apply(optimizer, gradients, model) -> None:
    """Does what `optimizer.apply(gradients, model.trainable_variables)` does.

    gradients: those of this replica's part of the loss. All replicas apply their sum.
    """
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        gradients = all_reduce(gradients)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        _apply_scaled(optimizer, gradients, model)
    else:
        _apply_adam(optimizer, gradients, model)


def _apply_adam(optimizer, gradients, model):
    steps = optimizer.iterations + 1
    ops.assign(optimizer.iterations.value, steps)
    update = functools.partial(
        ops.adam,
        step=tf.cast(steps, tf.float32),
        learning_rate=optimizer.learning_rate,
        beta_1=optimizer.beta_1,
        beta_2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
    )
    slots = (model.trainable_variables, gradients, optimizer._momentums, optimizer._velocities)
    for variable, gradient, m, v in zip(*slots, strict=True):
        update(variable.value, gradient, m.value, v.value)
        if variable.constraint is not None:
            ops.assign(variable.value, variable.constraint(variable))


def _apply_scaled(optimizer, gradients, model):
    """Keras's rule (arXiv:1710.03740, section 3.2): where a gradient has overflowed, no weight moves and the scale of
    the loss is halved; the scale is doubled after `dynamic_growth_steps` steps without an overflow."""
    scale, sound_steps = (tf.identity(own.value) for own in (optimizer.dynamic_scale, optimizer.step_counter))
    is_sound = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])

    def move():
        _apply_adam(optimizer.inner_optimizer, [gradient / scale for gradient in gradients], model)
        return True

    tf.cond(is_sound, move, lambda: False)
    grows = sound_steps == optimizer.dynamic_growth_steps - 1
    factor = tf.where(is_sound, tf.where(grows, 2.0, 1.0), 0.5)
    ops.assign(optimizer.dynamic_scale.value, scale * factor)
    ops.assign(
        optimizer.step_counter.value,
        tf.where(is_sound & ~grows, sound_steps + 1, tf.zeros_like(sound_steps)),
    )
