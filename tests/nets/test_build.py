import functools
import math

import numpy as np
import pytest

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.presets import PRESETS, get_preset
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.config.variants import applied
from dcgan_tf.nets.build import build_discriminator, build_generator

CLASSES = 7


@functools.cache
def of_sizes(preset):
    """(generator, discriminator), made quickly: their weights have sizes, but no values."""
    with tf.Graph().as_default():
        return build_generator(preset), build_discriminator(preset)


def count(variables):
    return sum(math.prod(variable.shape) for variable in variables)


def counts(preset):
    return [count(net.trainable_variables) for net in of_sizes(preset)]


# What classes add: the first layer of the generator takes 50 numbers more, each of which has `first` weights; `channels`
# are normalized in all batches of the generator; the last row of the discriminator takes `features`.
SIZES = {
    "mnist": (6_675_009, 1_102_721, dict(first=1024, channels=1024 + 6272 + 64, features=1024)),
    "mnist-mlp": (559_632, 533_505, dict(first=256, channels=0, features=256)),
    "mnist56": (1_923_521, 669_377, dict(first=12_544, channels=0, features=7 * 7 * 256)),
    "faces64": (3_576_704, 2_765_568, dict(first=16 * 512, channels=512 + 256 + 128 + 64, features=4 * 4 * 512)),
    "mri96": (3_578_432, 2_767_424, dict(first=16 * 512, channels=512 + 256 + 128 + 64, features=4 * 4 * 512)),
    "paints200": (17_349_184, 454_657, dict(first=160_000, channels=160_000 + 128 + 64, features=25 * 25 * 64)),
    "faces64@8x8x1": (629_504, 527_872, dict(first=4 * 256, channels=256 + 128, features=2 * 2 * 256)),
    "paints200@12x9x3": (1_064_064, 210_945, dict(first=2304, channels=2304 + 128, features=3 * 3 * 128)),
}


def preset_of(name):
    family, _, shape = name.partition("@")
    return preset_for(tuple(map(int, shape.split("x"))), family) if shape else PRESETS[name]


@pytest.mark.parametrize("name", SIZES)
def test_shapes_and_trainable_parameters(name):
    preset, (generator, discriminator, _) = preset_of(name), SIZES[name]
    g, d = of_sizes(preset)
    assert isinstance(g, keras.Sequential) and isinstance(d, keras.Sequential)
    assert (g.input_shape, g.output_shape) == ((None, preset.latent_dim), (None, *preset.image_shape))
    assert (d.input_shape, d.output_shape) == ((None, *preset.image_shape), (None, 1))
    assert counts(preset) == [generator, discriminator]


@pytest.mark.parametrize("name", SIZES)
def test_what_classes_add(name):
    generator, discriminator, adds = SIZES[name]
    generator += CLASSES * 50 + 50 * adds["first"]
    projection, auxiliary = (
        applied(preset_of(name), Recipe(conditional=True, class_judge=judge, class_norm=judge == "auxiliary"), CLASSES)
        for judge in ("projection", "auxiliary")
    )
    assert counts(projection) == [generator, discriminator + CLASSES * adds["features"]]
    with_norms = generator + 2 * adds["channels"] * (CLASSES - 1)
    assert counts(auxiliary) == [with_norms, discriminator + CLASSES * adds["features"] + CLASSES]
    for preset in (projection, auxiliary):
        g, _ = of_sizes(preset)
        assert [(tensor.name, tensor.dtype, tensor.shape) for tensor in g.inputs] == [
            ("latents", "float32", (None, preset.latent_dim)),
            ("labels", "int32", (None,)),
        ]
        assert g.output_shape == (None, *preset.image_shape)
    judges, tells = of_sizes(projection)[1], of_sizes(auxiliary)[1]
    assert [tensor.shape for tensor in judges.inputs] == [(None, *projection.image_shape), (None,)]
    assert judges.output_shape == (None, 1)
    assert [tensor.shape for tensor in tells.inputs] == [(None, *auxiliary.image_shape)]
    assert tells.output_shape == [(None, 1), (None, CLASSES)]


def test_paints200_with_its_batch_normalization_statistics():
    assert count(of_sizes(get_preset("paints200"))[0].variables) == 17_669_568


def words(model):
    """The layers as one line: units or filters, kernel, stride, padding, slope or rate."""
    shown = {
        "Dense": lambda layer: f"dense{layer.units}",
        "Conv2D": lambda layer: f"conv{layer.filters}k{layer.kernel_size[0]}s{layer.strides[0]}{layer.padding}",
        "Conv2DTranspose": lambda layer: f"up{layer.filters}k{layer.kernel_size[0]}s{layer.strides[0]}{layer.padding}",
        "LeakyReLU": lambda layer: f"leaky{layer.negative_slope:g}",
        "Dropout": lambda layer: f"dropout{layer.rate:g}",
        "Activation": lambda layer: layer.activation.__name__,
        "BatchNormalization": lambda layer: "bn",
    }
    return " ".join(
        shown.get(type(layer).__name__, lambda layer: type(layer).__name__)(layer) for layer in model.layers
    )


@pytest.mark.parametrize(
    "name, generator, discriminator",
    [
        (
            "mnist",
            "dense1024 relu bn dense6272 relu bn Reshape up64k4s2same relu bn up1k4s2same tanh",
            "conv32k5s1valid leaky0.01 MaxPooling2D conv64k5s1valid leaky0.01 MaxPooling2D Flatten dense1024 leaky0.01 dense1",
        ),
        (
            "mnist-mlp",
            "dense256 relu dense512 relu dense784 tanh Reshape",
            "Flatten dense512 relu dense256 relu dense1",
        ),
        (
            "mnist56",
            "dense12544 relu Reshape up128k4s2same relu up64k4s2same relu up1k4s2same tanh",
            "conv64k4s2same relu conv128k4s2same relu conv256k4s2same relu Flatten dense1",
        ),
        (
            "faces64",
            "Reshape up512k4s1valid bn relu up256k4s2same bn relu up128k4s2same bn relu up64k4s2same bn relu up3k4s2same tanh",
            "conv64k4s2same leaky0.2 conv128k4s2same bn leaky0.2 conv256k4s2same bn leaky0.2 conv512k4s2same bn leaky0.2 "
            "conv1k4s1valid Flatten",
        ),
        (
            "mri96",
            "Reshape up512k4s1valid bn relu up256k4s2same bn relu up128k4s2same bn relu up64k4s2same bn relu up3k5s3same tanh",
            "conv64k5s3same bn leaky0.2 conv128k4s2same bn leaky0.2 conv256k4s2same bn leaky0.2 conv512k4s2same bn leaky0.2 "
            "conv1k4s1valid Flatten",
        ),
        (
            "paints200",
            "dense160000 bn leaky0.3 Reshape up128k5s2same bn leaky0.3 up64k5s2same bn leaky0.3 up3k5s2same tanh",
            "conv64k5s2same leaky0.3 dropout0.3 conv128k5s2same leaky0.3 dropout0.3 conv64k5s2same leaky0.3 dropout0.3 "
            "Flatten dense1",
        ),
    ],
)
def test_layers_in_order(name, generator, discriminator):
    assert [words(net) for net in of_sizes(PRESETS[name])] == [generator, discriminator]


SHAPES = [(8, 8, 1), (28, 28, 3), (60, 45, 1), (5, 3, 3), (1, 1, 1), (33, 97, 4)]


@pytest.mark.parametrize("family", PRESETS)
@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_gets_a_net_of_any_family(family, shape):
    preset = preset_for(shape, family)
    latents = np.random.default_rng(0).normal(size=[2, preset.latent_dim]).astype("float32")
    images = build_generator(preset)(latents, training=True).numpy()
    assert images.shape == (2, *shape) and np.abs(images).max() <= 1 and np.ptp(images) > 0
    assert build_discriminator(preset)(images, training=True).shape == (2, 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_chosen_for_a_shape_is_the_net_of_a_family(shape):
    chosen = preset_for(shape)
    assert chosen == preset_for(shape, chosen.family)


def test_256x256_gets_a_net():
    generator, discriminator = of_sizes(preset_for((256, 256, 3)))
    assert generator.output_shape == (None, 256, 256, 3)
    assert discriminator.output_shape == (None, 1)


def test_dcgan_initializers():
    generator = build_generator(get_preset("faces64"))
    kernel, gamma = (
        generator.layers[4].kernel.numpy(),
        generator.layers[5].gamma.numpy(),
    )  # These are the convolution to 256 channels and its norm.
    assert kernel.mean() == pytest.approx(0, abs=1e-4) and kernel.std() == pytest.approx(0.02, rel=0.01)
    assert gamma.mean() == pytest.approx(1, abs=0.005) and gamma.std() == pytest.approx(0.02, rel=0.2)
    assert not generator.layers[5].beta.numpy().any()


@pytest.mark.parametrize(
    "name, net, layer, bound",
    [
        ("mnist", build_generator, 0, 1 / math.sqrt(96)),
        (
            "mnist",
            build_generator,
            7,
            1 / math.sqrt(64 * 4 * 4),
        ),  # PyTorch counts the output channels of ConvTranspose2d(128, 64, 4).
        ("mnist", build_discriminator, 0, 1 / math.sqrt(1 * 5 * 5)),
        ("mri96", build_generator, 1, 1 / math.sqrt(512 * 4 * 4)),
        ("mri96", build_discriminator, 3, 1 / math.sqrt(64 * 4 * 4)),
    ],
)
def test_torch_initializers(name, net, layer, bound):
    layer = net(get_preset(name)).layers[layer]
    for weight in layer.get_weights():  # A kernel, and a bias if there is one.
        assert np.abs(weight).max() <= bound
        assert weight.std() == pytest.approx(bound / math.sqrt(3), rel=0.2 if weight.ndim == 1 else 0.05)


def test_keras_initializers_are_glorot_uniform_and_zero():
    first = build_discriminator(get_preset("paints200")).layers[0]
    limit = math.sqrt(6 / (5 * 5 * 3 + 5 * 5 * 64))
    assert np.abs(first.kernel.numpy()).max() == pytest.approx(limit, rel=0.01)
    assert not first.bias.numpy().any()


@pytest.mark.parametrize(
    "name, epsilon, momentum", [("mnist", 1e-5, 0.9), ("faces64", 1e-5, 0.9), ("paints200", 1e-3, 0.99)]
)
def test_batch_normalization_constants(name, epsilon, momentum):
    norms = [layer for layer in of_sizes(get_preset(name))[0].layers if hasattr(layer, "moving_mean")]
    assert {(layer.epsilon, layer.momentum) for layer in norms} == {(epsilon, momentum)}


def test_the_seed_decides_the_weights_and_no_two_layers_share_them():
    preset = get_preset("mnist-mlp")
    one, same, other = (build_generator(preset, seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same))
    assert not np.array_equal(one[0], other[0])
    assert not np.array_equal(one[0].ravel()[:100], one[2].ravel()[:100] / one[2].max() * one[0].max())


# The sum of all weights, each times the cosine of its number, of the nets of seed 3 at 8x8x3: runs of before have to find
# the same nets.
DRAWN = {
    "mnist": (15.252086, -9.357173),
    "mnist-mlp": (-18.170841, 21.231678),
    "mnist56": (4.521679, 12.68384),
    "faces64": (15.424371, -15.951953),
    "mri96": (-9.822394, 13.997449),
    "paints200": (7.830374, 5.416061),
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_seed_draws_the_weights_that_it_has_always_drawn(name):
    preset = preset_for((8, 8, 3), name)
    for build, expected in zip((build_generator, build_discriminator), DRAWN[name]):
        weights = [weight.astype("float64") for weight in build(preset, seed=3).get_weights()]
        drawn = sum(np.cos(np.arange(weight.size)) @ weight.ravel() for weight in weights)
        assert drawn == pytest.approx(expected, abs=1e-3)


def test_a_saved_net_loads_where_this_package_is_not(tmp_path):
    for preset in (get_preset("mnist"), get_preset("paints200"), preset_for((9, 7, 3))):
        net = build_discriminator(preset)
        net.save(tmp_path / "net.h5")
        names = {type(layer).__module__.split(".")[0] for layer in keras.models.load_model(tmp_path / "net.h5").layers}
        assert names == {"keras"}
