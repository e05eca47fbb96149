"""Adam as the presets ask for it, in one pass over the weights, on one device or many."""

import functools

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.presets import Preset
from dcgan_tf.gan.fast import ops


def make_adam(preset: Preset, learning_rate: float, model, loss_scaling: bool):
    optimizer = keras.optimizers.Adam(learning_rate, preset.beta_1, preset.beta_2, preset.adam_epsilon)
    if loss_scaling:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


def all_reduce(tensors) -> list:
    """The sums over all replicas, in one message."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def apply(optimizer, gradients, model):
    """What `optimizer.apply` does; Adam itself in one pass over the weights instead of a dozen.

    gradients: of this replica's part of the loss. All replicas apply their sum.
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
    """Keras's rule (arXiv:1710.03740, section 3.2): where a gradient has overflowed, no weight moves and the loss's scale
    is halved; it is doubled after so many steps without."""
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
