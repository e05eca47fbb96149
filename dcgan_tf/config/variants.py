"""What a recipe changes of a preset's nets: a bias, a layer, how the generator enlarges."""

from dataclasses import replace

from dcgan_tf.common.errors import UserError
from dcgan_tf.config.presets import Layer, Preset
from dcgan_tf.config.recipes import Recipe, Upsampling


def applied(preset: Preset, recipe: Recipe, classes: int = 0) -> Preset:
    """The preset with the recipe's nets, batch size and learning rate.

    classes: how many the images have; they count only for a conditional recipe.

    Without a bias before its first batch normalization, a discriminator gives the same logits where all images of a batch
    are multiplied by any number: real and generated ones are normalized apart. It cannot see then how strong the contrast
    of generated images is, which drifts, up to where the generator's tanh has no gradient.

    Raises:
        UserError: the recipe has minibatch_std, and the discriminator has no convolution.
    """
    generator, discriminator = preset.generator, preset.discriminator
    if recipe.upsampling != "transposed":
        generator = tuple(_enlarging(layer, recipe.upsampling) for layer in generator)
    if recipe.d_bias:
        discriminator = _with_bias(discriminator)
    if recipe.minibatch_std:
        if not any(row.kind == "conv" for row in discriminator):
            raise UserError(
                f"--minibatch-std on: the discriminator of --preset {preset.family} has no convolution, "
                "before which it would stand: leave it out, or give another --preset"
            )
        discriminator = _with_minibatch_std(discriminator)
    if recipe.conditional:
        preset = replace(preset, classes=classes, class_judge=recipe.class_judge)
        generator = _of_classes(generator, preset.generator_inputs, has_norms=recipe.class_norm)
    return replace(
        preset,
        generator=generator,
        discriminator=discriminator,
        batch_size=min(preset.batch_size, recipe.batch_size or preset.batch_size),
        learning_rate=max(preset.learning_rate, recipe.learning_rate or preset.learning_rate),
        packing=recipe.packing,
        # A partial batch at the end of an epoch may be no whole number of packs.
        drop_remainder=preset.drop_remainder or recipe.packing > 1,
    )


def _with_bias(rows: tuple[Layer, ...]) -> tuple[Layer, ...]:
    first = next(place for place, row in enumerate(rows) if row.kind != "flatten")
    words = [word for word in rows[first].then.split() if word != "bn"]  # Batch normalization would cancel the bias.
    return (*rows[:first], replace(rows[first], bias=True, then=" ".join(words)), *rows[first + 1 :])


def _with_minibatch_std(rows: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The layer goes where features are largest: before the last convolution, or before the flattening after it."""
    last = max(place for place, row in enumerate(rows) if row.kind == "conv")
    place = last if rows[last].units == 1 else last + 1
    return (*rows[:place], Layer("minibatch_std"), *rows[place:])


def _of_classes(rows: tuple[Layer, ...], inputs: int, *, has_norms: bool) -> tuple[Layer, ...]:
    """The rows of a generator that takes so many numbers; has_norms: whether its batch normalizations know the class."""
    if rows[0].kind == "reshape":
        rows = (replace(rows[0], shape=(1, 1, inputs)), *rows[1:])
    if not has_norms:
        return rows
    return tuple(
        replace(row, then=" ".join("class_bn" if word == "bn" else word for word in row.then.split())) for row in rows
    )


def _enlarging(layer: Layer, upsampling: Upsampling) -> Layer:
    if layer.kind != "deconv" or layer.stride == (1, 1) or layer.padding == "valid":
        return layer
    if upsampling == "resize":
        return replace(layer, kind="resize")
    # A kernel of a smaller multiple takes less time, but must be as large as two strides for neighbours to overlap.
    return replace(layer, kernel=tuple(max(2, size // step) * step for size, step in zip(layer.kernel, layer.stride)))
