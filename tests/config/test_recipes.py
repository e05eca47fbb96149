import dataclasses

import pytest
from support.helpers import error_of

from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.presets import CLASS_EMBEDDING_DIM, PRESETS, Layer
from dcgan_tf.config.recipes import RECIPES, TUTORIAL, Recipe, described, with_switches
from dcgan_tf.config.train import Switches
from dcgan_tf.config.variants import applied
from dcgan_tf.nets.build import build_discriminator, build_generator


def test_every_switch_is_a_flag():
    names = [[field.name for field in dataclasses.fields(kind)] for kind in (Recipe, Switches)]
    assert names[0] == ["batch_size", "learning_rate", *names[1]]  # two that the tutorial has as well


def test_the_tutorial_changes_nothing():
    assert all(applied(preset, RECIPES["tutorial"]) == preset for preset in PRESETS.values())
    assert with_switches(TUTORIAL, Switches()) == Recipe() and described(Recipe()) == ""


def test_a_switch_takes_the_place_of_the_recipe_s_own():
    got = with_switches(RECIPES["best"], Switches(ema=0.0, flips="on", spectral_norm="off", augment=(), loss="hinge"))
    assert got == dataclasses.replace(RECIPES["best"], ema=0.0, flips=True, augment=(), loss="hinge")
    assert described(Recipe(ema=0.99, augment=("colour", "cutout"), flips=True, packing=2)) == (
        "ema 0.99, augment colour cutout, flips, packing 2"
    )


def test_classes_in_words():
    assert described(Recipe(conditional=True, class_norm=True)) == "conditional, class-norm"
    assert described(Recipe(ema=0.99, conditional=True, class_judge="auxiliary")) == (
        "ema 0.99, conditional, class-judge auxiliary"
    )
    asked = Switches(conditional="on", class_norm="off", class_judge="projection")
    assert with_switches(TUTORIAL, asked) == Recipe(conditional=True)
    assert not any(recipe.conditional or recipe.class_norm for recipe in RECIPES.values())


@pytest.mark.parametrize("name", PRESETS)
def test_classes_count_only_for_a_conditional_recipe(name):
    preset = PRESETS[name]
    assert applied(preset, TUTORIAL, 3) == applied(preset, Recipe(class_norm=True), 3) == preset
    made = applied(preset, Recipe(conditional=True), 3)
    assert (made.classes, made.class_judge, made.discriminator) == (3, "projection", preset.discriminator)
    assert made.generator_inputs == preset.latent_dim + CLASS_EMBEDDING_DIM == preset.generator_inputs + 50
    # Rows change only where one says how many numbers it takes.
    begins_with_reshape = preset.generator[0].kind == "reshape"
    assert made.generator[1:] == preset.generator[1:]
    assert (made.generator[0] != preset.generator[0]) == begins_with_reshape
    normed = applied(preset, Recipe(conditional=True, class_norm=True, class_judge="auxiliary"), 3)
    assert normed.class_judge == "auxiliary" and normed.discriminator == preset.discriminator
    for row, plain in zip(normed.generator, made.generator, strict=True):
        words = ["class_bn" if word == "bn" else word for word in plain.then.split()]
        assert row == dataclasses.replace(plain, then=" ".join(words))


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_makes_batches_smaller_and_never_larger(name):
    preset = PRESETS[name]
    assert applied(preset, Recipe(batch_size=8)) == dataclasses.replace(preset, batch_size=8)
    assert applied(preset, Recipe(batch_size=512)) == preset


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_raises_a_learning_rate_and_lowers_none(name):
    preset = PRESETS[name]
    assert applied(preset, Recipe(learning_rate=0.01)) == dataclasses.replace(preset, learning_rate=0.01)
    assert applied(preset, Recipe(learning_rate=1e-5)) == preset


@pytest.mark.parametrize("name", PRESETS)
def test_even_kernels_are_multiples_of_the_stride(name):
    preset = applied(PRESETS[name], Recipe(upsampling="even"))
    for layer, before in zip(preset.generator, PRESETS[name].generator):
        if layer.kind == "deconv" and layer.stride[0] > 1:
            assert layer.kernel[0] % layer.stride[0] == 0 and abs(layer.kernel[0] - before.kernel[0]) < layer.stride[0]
            assert layer.kernel[0] >= 2 * layer.stride[0]
        else:
            assert layer == before


@pytest.mark.parametrize(
    ("kernel", "stride", "even"), [(5, 2, 4), (3, 2, 4), (4, 2, 4), (7, 3, 6), (4, 3, 6), (2, 2, 4)]
)
def test_even_kernels_are_the_smaller_ones_that_overlap(kernel, stride, even):
    deconv = Layer("deconv", 3, (kernel, kernel), (stride, stride), then="tanh")
    preset = dataclasses.replace(PRESETS["faces64"], generator=(deconv,))
    (layer,) = applied(preset, Recipe(upsampling="even")).generator
    assert layer == dataclasses.replace(deconv, kernel=(even, even))


@pytest.mark.parametrize("name", PRESETS)
def test_resizing_generators_make_images_of_the_same_shape_with_as_many_weights(name):
    shape = (14, 10, 3)
    plain = preset_for(shape, name)
    preset = applied(plain, Recipe(upsampling="resize"))
    nets = [build_generator(p) for p in (plain, preset)]
    assert nets[1].output_shape == (None, *shape) and nets[0].count_params() == nets[1].count_params()
    deconvs = [layer for layer in nets[1].layers if "transpose" in layer.name and layer.strides != (1, 1)]
    assert not deconvs


@pytest.mark.parametrize("name", ["mnist", "faces64", "paints200", "mnist56", "mri96"])
def test_packs_and_minibatch_std_widen_the_discriminator_s_layers(name):
    shape = (14, 10, 3)
    preset = applied(preset_for(shape, name), Recipe(packing=2, minibatch_std=True))
    net = build_discriminator(preset)
    assert net.input_shape == (None, 14, 10, 6) and net.output_shape == (None, 1) and preset.drop_remainder
    place = next(place for place, layer in enumerate(net.layers) if "minibatch" in layer.name)
    weighty = [layer for layer in net.layers[place:] if layer.weights]
    assert len(weighty) == (2 if name == "mnist" else 1)  # mnist has a hidden dense layer after its convolutions


@pytest.mark.parametrize("name", PRESETS)
def test_a_bias_before_all_batch_normalization(name):
    shape = (14, 10, 3)
    plain = preset_for(shape, name)
    nets = [build_discriminator(preset) for preset in (plain, applied(plain, Recipe(d_bias=True)))]
    weighty = [[layer for layer in net.layers if layer.weights] for net in nets]
    assert weighty[1][0].use_bias and (name in ("faces64", "mri96")) != weighty[0][0].use_bias
    # In mri96, one normalization less: two numbers to learn and two statistics for each filter, and one bias.
    filters = weighty[1][0].bias.shape[0]
    more = {"faces64": filters, "mri96": filters - 4 * filters}.get(name, 0)
    assert nets[1].count_params() == nets[0].count_params() + more
    assert nets[1].output_shape == (None, 1)


def test_a_net_without_convolutions_has_no_place_for_minibatch_std():
    assert error_of(applied, preset_for((8, 8, 1), "mnist-mlp"), Recipe(minibatch_std=True)) == (
        "--minibatch-std on: the discriminator of --preset mnist-mlp has no convolution, before which it would stand: "
        "leave it out, or give another --preset"
    )
