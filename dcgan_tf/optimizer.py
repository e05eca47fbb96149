"""Adam as the presets ask for it, in one pass over the weights, on one device or many."""

import functools

from dcgan_tf import kernels
from dcgan_tf.backend import keras, tf
from dcgan_tf.presets import Preset


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
    variables = model.trainable_variables
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        gradients = all_reduce(gradients)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer.apply(gradients, variables)
        return
    steps = optimizer.iterations + 1
    kernels.assign(optimizer.iterations.value, steps)
    update = functools.partial(
        kernels.adam,
        step=tf.cast(steps, tf.float32),
        learning_rate=optimizer.learning_rate,
        beta_1=optimizer.beta_1,
        beta_2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
    )
    for variable, gradient, m, v in zip(variables, gradients, optimizer._momentums, optimizer._velocities, strict=True):
        update(variable.value, gradient, m.value, v.value)
        if variable.constraint is not None:
            kernels.assign(variable.value, variable.constraint(variable))
