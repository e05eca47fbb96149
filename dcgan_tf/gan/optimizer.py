"""Adam as the presets ask for it; how it is applied belongs to the arithmetic of a step."""

from dcgan_tf.common.backend import keras
from dcgan_tf.config.presets import Preset


def make_adam(preset: Preset, learning_rate: float, model, loss_scaling: bool):
    """Adam for all weights of the model; with loss scaling, which float16 needs, inside a LossScaleOptimizer."""
    optimizer = keras.optimizers.Adam(learning_rate, preset.beta_1, preset.beta_2, preset.adam_epsilon)
    if loss_scaling:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer
