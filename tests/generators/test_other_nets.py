"""Generators that other programs have saved draw what they were trained to draw: no pale pictures, each class its own."""

import numpy as np
import pytest
from PIL import Image
from support import small_nets
from support.films import gif_frames
from support.helpers import error_of

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import forget_notes
from dcgan_tf.config.commands import GenerateConfig, InterpolateConfig
from dcgan_tf.config.net_file import NetFile
from dcgan_tf.generators import generate
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.latents import seed_latents
from dcgan_tf.nets.saved import load_net

layers = keras.layers
LATENTS = (
    "note: {} does not say which latents it was trained on: normal ones are taken; if the pictures look wrong, "
    "try --latents uniform\n"
)


@pytest.fixture(autouse=True)
def _notes():
    forget_notes()


def net_ending_in(activation, *last):
    return small_nets.shake(
        keras.Sequential(
            [keras.Input([6]), layers.Dense(48), layers.Reshape([4, 4, 3]), layers.Activation(activation), *last]
        )
    )


def classes_net():
    """Draws class c as a flat image whose grey is 40 times c, whatever the latents."""
    latents, labels = keras.Input([6]), keras.Input([1])
    embedding = layers.Embedding(5, 16)
    grey = layers.Flatten()(embedding(labels))
    silent = layers.Dense(16, kernel_initializer="zeros", use_bias=False)(latents)
    net = keras.Model([labels, latents], layers.Reshape([4, 4, 1])(layers.ReLU(255.0)(layers.Add()([grey, silent]))))
    embedding.set_weights([np.repeat(40.0 * np.arange(5)[:, None], 16, 1)])
    return net


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    path = tmp_path_factory.mktemp("classes") / "cgan.h5"
    classes_net().save(path)
    return str(path)


def greys(folder):
    return [int(np.asarray(Image.open(path))[0, 0]) for path in sorted(folder.glob("seed*.png"))]


@pytest.mark.parametrize(
    ("activation", "last", "to_level"),
    [
        ("sigmoid", [], lambda x: 255 * x),
        ("tanh", [], lambda x: 127.5 * x + 127.5),
        ("sigmoid", [layers.Rescaling(255.0)], lambda x: x),
        ("tanh", [layers.Rescaling(0.5, 0.5)], lambda x: 255 * x),
    ],
)
def test_pictures_have_the_tones_that_the_net_means(tmp_path, capsys, activation, last, to_level):
    net = net_ending_in(activation, *last)
    net.save(tmp_path / "mine.h5")
    opened = open_generator(str(tmp_path / "mine.h5"))
    latents = np.random.default_rng(0).normal(0, 6, [20, 6]).astype(np.float32)
    levels = np.rint(to_level(np.asarray(net(latents, training=False), np.float64)))
    assert np.abs(opened.images(latents) - levels).max() <= 1
    assert levels.min() < 30 and levels.max() > 225  # from dark to light, as the net draws
    assert capsys.readouterr().out == LATENTS.format("mine")


def test_a_range_that_no_layer_tells_is_measured_and_said(tmp_path, capsys):
    net = net_ending_in("relu", layers.Rescaling(40.0))
    net.save(tmp_path / "linear.h5")
    opened = open_generator(str(tmp_path / "linear.h5"), latents="normal")
    seeds = np.arange(1, 257, dtype=np.int32)
    drawn = net(seed_latents(seeds, 6, "normal"), training=False).numpy()
    assert capsys.readouterr().out == (
        f"note: linear does not say the range of its images; of 256 they reach from 0 to {drawn.max():.3g}, which is "
        "taken as 0..255: --value-range LOW HIGH says otherwise\n"
    )
    latents = np.ones([3, 6], np.float32)
    levels = np.rint(np.asarray(net(latents, training=False))).clip(0, 255)
    assert np.abs(opened.images(latents) - levels).max() <= 1


def test_a_range_that_is_given_overrules(tmp_path, capsys):
    net = net_ending_in("tanh")
    net.save(tmp_path / "mine.h5")
    opened = open_generator(str(tmp_path / "mine.h5"), latents="normal", value_range=(0, 1))
    latents = np.random.default_rng(0).normal(size=[9, 6]).astype(np.float32)
    levels = np.rint(255 * np.asarray(net(latents, training=False))).clip(0, 255)
    assert np.abs(opened.images(latents) - levels).max() <= 1
    assert capsys.readouterr().out == ""


def test_classes_take_turns_by_the_seed_and_that_is_said(classes, tmp_path, capsys):
    generate.generate(GenerateConfig(classes, str(tmp_path / "out"), count=7, latents="normal", value_range=(0, 255)))
    assert greys(tmp_path / "out") == [0, 40, 80, 120, 160, 0, 40]
    assert capsys.readouterr().out == (
        "note: cgan draws 5 classes, 0 to 4, which take turns: --labels 4 draws one alone\n"
        f"{tmp_path}/out: 7 pictures, seed0001.png to seed0007.png, of classes 0, 1, 2, 3, 4 in turn\n"
    )


@pytest.mark.parametrize(
    ("labels", "first", "wanted", "said"),
    [
        (("3",), 1, [120, 120, 120, 120], "of class 3"),
        (("4", "0"), 1, [160, 0, 160, 0], "of classes 4, 0 in turn"),
        (("4", "0"), 2, [0, 160, 0, 160], "of classes 4, 0 in turn"),  # A seed keeps its class.
        (("4", "0", "1", "2"), 5, [160, 0, 40, 80], "of classes 4, 0, 1, 2 in turn"),
    ],
)
def test_classes_that_are_asked_for(classes, tmp_path, capsys, labels, first, wanted, said):
    out = tmp_path / "out"
    config = GenerateConfig(
        classes, str(out), count=4, seed=first, latents="normal", labels=labels, value_range=(0, 255), grid=True
    )
    generate.generate(config)
    assert greys(out) == wanted
    output = capsys.readouterr().out
    assert output.startswith(f"{out}: 4 pictures") and f", {said}; 1 contact sheet, grid.png\n" in output


@pytest.mark.parametrize("seeds", [(7, 8), (7,)])
def test_a_film_goes_smoothly_from_class_to_class(classes, tmp_path, seeds):
    config = InterpolateConfig(
        classes, seeds, str(tmp_path / "walk.gif"), frames=8, latents="normal", labels=("1", "4"), value_range=(0, 255),
        scale=1,
    )  # fmt: skip
    generate.interpolate(config)
    seen = [int(frame[0, 0, 0]) for frame in gif_frames(tmp_path / "walk.gif")[0]]
    assert seen == [40, 70, 100, 130, 160, 130, 100, 70]


def test_labels_that_the_net_has_not(classes):
    assert error_of(open_generator, classes, latents="normal", value_range=(0, 255), labels=("7",)) == (
        "--labels 7: cgan draws 5 classes: give numbers from 0 to 4"
    )


def test_a_whole_gan_offers_its_part(tmp_path):
    generator, discriminator = small_nets.generator(), small_nets.discriminator()
    path = str(tmp_path / "gan.h5")
    keras.Sequential([keras.Input([6]), generator, discriminator]).save(path)
    assert error_of(open_generator, path) == (
        f"{path}: is a whole GAN, generator and discriminator in one: give --part generator to take that alone"
    )
    opened = open_generator(path, latents="normal", file=NetFile(part="generator"))
    latents = np.random.default_rng(0).normal(size=[4, 6]).astype(np.float32)
    generator.save(tmp_path / "alone.h5")
    np.testing.assert_array_equal(opened.images(latents), open_generator(str(tmp_path / "alone.h5")).images(latents))
    assert load_net(path, "discriminator").output_shape == (None, 1)


def test_weights_alone_need_their_net(tmp_path, capsys):
    net = small_nets.generator()
    net.save_weights(tmp_path / "g.weights.h5")
    path = str(tmp_path / "g.weights.h5")
    message = error_of(open_generator, path)
    assert message.startswith(
        f"{path}: holds weights alone in the .weights.h5 format: say of which net, with --preset NAME or with --net FILE, "
        "the JSON of model.to_json; it holds layers/batch_normalization 32, 32, 32, 32; "
    )
    (tmp_path / "g.json").write_text(net.to_json())
    forget_notes()
    opened = open_generator(path, latents="normal")
    assert (
        capsys.readouterr().out == "note: g.weights.h5 holds weights alone: their net is taken from g.json beside it\n"
    )
    latents = np.random.default_rng(0).normal(size=[4, 6]).astype(np.float32)
    net.save(tmp_path / "whole.h5")
    np.testing.assert_array_equal(opened.images(latents), open_generator(str(tmp_path / "whole.h5")).images(latents))
    assert error_of(open_generator, path, file=NetFile(preset="mnist-mlp")).startswith(
        f"{path}: its weights do not fit that net; it holds layers/"
    )
