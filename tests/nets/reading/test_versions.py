"""Nets saved by Keras 1.2 to 2.15 give the outputs they gave there. tests/h5/README.md says how the files were made."""

import json
import shutil

import h5py
import numpy as np
import pytest
from support.helpers import H5, error_of

from dcgan_tf.common.backend import keras
from dcgan_tf.config.net_file import NetFile
from dcgan_tf.nets.conditional import inputs_of
from dcgan_tf.nets.opening import open_net, open_to_train
from dcgan_tf.nets.saved import load_model, load_net, parts_in

CHAINS = [
    "k122_sigmoid_generator.h5", "k122_deconvolution_generator.h5", "k122_th_sigmoid_generator.h5",
    "k122_th_deconvolution_generator.h5", "k122_misc_layers.h5", "k122_clip_discriminator.h5",
    "k122_hard_sigmoid_generator.h5", "k122_gan_whole.h5",
    "k209_tanh_nested_frozen.h5", "k209_channels_first_discriminator.h5", "k209_gan_whole.h5",
    "k209th_tutorial_generator.h5", "k209th_gap_discriminator.h5",
    "k222_clip_discriminator.h5", "k222_channels_first_generator.h5", "k222_hard_sigmoid_generator.h5",
    "k231_misc_layers.h5",
    "tf23_leaky_inside.h5", "tf23_tanh_nested_frozen.h5",
    "tf212_leaky_inside.keras", "tf212_tanh_nested_frozen_zip.keras",
    "tf213_spectral_generator.keras", "tf213_spectral_discriminator.h5", "tf213_gan_whole_functional.keras",
    "tf215_tanh_nested.keras", "tf215_clip_discriminator.keras",
]  # fmt: skip
# Flatten of channels first needs a layer before it that turns the image back; the net is a chain all the same.
FLAT = ["k122_th_discriminator.h5", "k209_channels_first_discriminator_flat.h5"]
BRANCHED = [
    "k122_cgan_multiply.h5", "k122_cgan_channel.h5",
    "k222_cgan_channel_label_first.h5", "k222_cgan_onehot.h5", "k222_gan_whole_spliced.h5",
    "k222_gan_whole_conditional.h5", "k231_acgan_multiply.h5",
    "tf212_cgan_multiply_zip.keras", "tf213_cgan_channel.keras", "tf215_gan_whole_spliced.keras",
    "tf213_functions_generator.h5", "tf213_functions_generator.keras",
]  # fmt: skip
WHOLE = [
    "k122_gan_whole.h5", "k222_gan_whole_spliced.h5", "k222_gan_whole_conditional.h5",
    "tf215_gan_whole_spliced.keras",
]  # fmt: skip
BOTH = ("generator", "discriminator")


def net_in(file: str) -> str:
    """The name by which the outputs of a file's net are recorded."""
    return file.partition(".")[0].removesuffix("_zip")


@pytest.mark.parametrize("file", [*CHAINS, *FLAT])
def test_chains(old, file):
    net = old.load(file)
    assert isinstance(net, keras.Sequential)
    assert not net.compiled
    assert {layer.compute_dtype for layer in net.layers} == {"float32"}
    old.assert_same(net, net_in(file))


@pytest.mark.parametrize("file", BRANCHED)
def test_branches(old, file):
    path = old.path(file)
    net = old.load(file)
    assert isinstance(net, keras.Model)
    assert not isinstance(net, keras.Sequential)
    old.assert_same(net, net_in(file))
    assert error_of(load_model, path) == (
        f"{path}: holds a net with branches; only one layer after the other, from one input to one output, loads"
    )


def test_every_committed_net_is_compared(old):
    files = {path.name for path in old.folder.iterdir() if path.suffix in (".h5", ".keras")}
    assert {file for file in files if "weights" not in file} == {*CHAINS, *FLAT, *BRANCHED}
    assert (H5 / "old_keras.zip").stat().st_size < 700_000


@pytest.mark.parametrize(
    ("file", "latents", "labels", "is_one_hot"),
    [
        ("k122_cgan_multiply.h5", 0, 1, False),
        ("k222_cgan_channel_label_first.h5", 1, 0, False),
        ("tf213_cgan_channel.keras", 0, 1, False),
        ("k222_cgan_onehot.h5", 0, 1, True),
    ],
)
def test_inputs_keep_their_order(old, file, latents, labels, is_one_hot):
    inputs = inputs_of(old.load(file))
    assert (inputs.latents, inputs.labels, inputs.is_one_hot) == (latents, labels, is_one_hot)
    assert (inputs.latent_dim, inputs.classes) == (6, 3)


def test_the_layers_of_today(old):
    def kinds(file):
        return [type(layer).__name__ for layer in old.load(file).layers]

    assert kinds("k122_hard_sigmoid_generator.h5") == [
        "Dense", "Reshape", "UpSampling2D", "Conv2D", "Rescaling", "ReLU",
    ]  # fmt: skip
    assert kinds("tf213_spectral_discriminator.h5") == [
        "SpectralNormalization", "LeakyReLU", "SpectralNormalization", "LeakyReLU", "Flatten", "SpectralNormalization",
    ]  # fmt: skip
    assert kinds("tf215_tanh_nested.keras") == [
        "Dense", "Reshape", "UpSampling2D", "Conv2D", "BatchNormalization", "Activation",
        "UpSampling2D", "Conv2D", "BatchNormalization", "Activation", "Conv2D", "Activation",
    ]  # fmt: skip


# Whole GANs


@pytest.mark.parametrize("file", WHOLE)
def test_the_generator_of_a_whole_gan(old, file):
    path = old.path(file)
    assert parts_in(path) == BOTH
    old.assert_same(old.load(file, "generator"), net_in(file), "g")


@pytest.mark.parametrize("file", WHOLE)
def test_the_discriminator_judges_what_the_generator_makes(old, file):
    name = net_in(file)
    discriminator = old.load(file, "discriminator")
    takes = [old.y(name, "g"), *old.x(name)[1:]]
    given = discriminator(takes if len(discriminator.inputs) > 1 else takes[0], training=False)
    np.testing.assert_allclose(np.asarray(given), old.y(name), rtol=0, atol=1e-5)


def test_a_whole_gan_without_a_part_is_refused_where_one_net_is_wanted(old):
    path = old.path("k222_gan_whole_spliced.h5")
    assert error_of(open_net, path, "generator") == (
        f"{path}: is a whole GAN, generator and discriminator in one: give --part generator to take that alone"
    )
    old.assert_same(open_net(path, "generator", NetFile(part="generator")), net_in(path.name), "g")


def test_a_whole_gan_is_trained_further_by_its_parts(old, capsys):
    path = old.path("k209_gan_whole.h5")
    assert isinstance(open_to_train(path, "discriminator"), keras.Sequential)
    assert capsys.readouterr().out == f"note: {path} is a whole GAN: its discriminator is taken\n"
    cgan = open_to_train(old.path("k222_cgan_onehot.h5"), "generator")
    assert inputs_of(cgan).classes == 3 and inputs_of(cgan).is_one_hot


@pytest.mark.parametrize("file", ["k209_tanh_nested_frozen.h5", "tf215_tanh_nested.keras", "tf23_leaky_inside.h5"])
def test_what_is_no_whole_gan_has_no_parts(old, file):
    path = old.path(file)
    assert parts_in(path) == ()
    assert error_of(load_net, path, "generator") == (
        f"{path}: is no whole GAN, of a generator and a discriminator as nets within a net: leave --part out"
    )


# Nets that were frozen, whose weights are saved in another order


def test_a_frozen_net_stays_frozen_where_its_file_says_so(old):
    """Keras before TensorFlow 2 saved nothing of it."""
    net = old.load("tf23_tanh_nested_frozen.h5")
    assert [layer.trainable for layer in net.layers if layer.weights] == [False] * 6 + [True]
    net = old.load("tf213_gan_whole_functional.keras", "discriminator")
    assert not any(layer.trainable for layer in net.layers if layer.weights)


# Weights alone


@pytest.mark.parametrize(
    ("file", "net", "beside"),
    [
        ("k122_tanh_nested_frozen_weights.h5", "k122_tanh_nested_frozen", "k122_tanh_nested_frozen.json"),
        ("k209th_tanh_nested_weights.h5", "k209th_tanh_nested", "k209th_tanh_nested.json"),
        ("k222_sigmoid_generator_weights.h5", "k222_sigmoid_generator", "k222_sigmoid_generator.json"),
        ("tf213_sigmoid_generator.weights.h5", "tf213_sigmoid_generator", "tf213_sigmoid_generator.json"),
        ("tf213_tanh_nested_frozen.weights.h5", "tf213_tanh_nested_frozen", "tf213_tanh_nested_frozen.json"),
    ],
)
def test_weights_with_their_settings_beside_them(old, capsys, file, net, beside):
    old.assert_same(open_net(old.path(file), "generator"), net)
    assert capsys.readouterr().out == (
        f"note: {file} holds weights alone: their net is taken from {beside} beside it\n"
    )


@pytest.mark.parametrize(
    ("net", "of"),
    [("k222_sigmoid_generator", "tf213_sigmoid_generator.json"), ("k209th_tanh_nested", "tf215_tanh_nested.keras")],
)
def test_weights_with_a_net_of_another_version(old, capsys, tmp_path, net, of):
    """The layers have other names there: the weights are given in order."""
    path = shutil.copy(old.path(f"{net}_weights.h5"), tmp_path / "alone.h5")
    old.assert_same(open_net(path, "generator", NetFile(net=str(old.path(of)))), net)
    assert capsys.readouterr().out == ""


def test_weights_whose_net_nothing_says(old, tmp_path):
    path = shutil.copy(old.path("k222_sigmoid_generator_weights.h5"), tmp_path / "g.h5")
    message = error_of(open_net, path, "generator")
    assert message.startswith(
        f"{path}: holds weights alone in the .h5 format: say of which net, with --preset NAME or with --net FILE, the JSON "
        "of model.to_json; it holds dense_"
    )
    assert " 6x32, 32; conv2d_" in message
    tree = shutil.copy(old.path("tf213_sigmoid_generator.weights.h5"), tmp_path / "t.h5")
    assert error_of(open_net, tree, "generator").startswith(
        f"{tree}: holds weights alone in the .weights.h5 format: say of which net"
    )


@pytest.mark.parametrize(
    "file", ["k222_sigmoid_generator_weights.h5", "tf213_sigmoid_generator.weights.h5", "tf215_tanh_nested_frozen_ckpt"]
)
def test_weights_of_another_net(old, checkpoints_here, file):
    path = old.path(file)
    message = error_of(open_net, path, "generator", NetFile(net=str(old.path("k122_tanh_nested_frozen.json"))))
    assert message.startswith(f"{path}: its weights do not fit that net; it holds ")
    assert " 6x32, 32" in message


def test_a_checkpoint_of_a_frozen_net(old, checkpoints_here):
    settings = NetFile(net=str(old.path("tf215_tanh_nested_frozen.json")))
    net = open_net(old.path("tf215_tanh_nested_frozen_ckpt/ckpt"), "generator", settings)
    old.assert_same(net, "tf215_tanh_nested_frozen")


@pytest.mark.parametrize("version", ["tf23", "tf213"])
@pytest.mark.parametrize("role", BOTH)
def test_a_checkpoint_of_both_nets_and_their_optimizers(old, checkpoints_here, version, role):
    folder = old.path(f"{version}_dcgan_checkpoint")
    net = open_net(folder, role, NetFile(net=str(folder / f"{role}.json")))
    old.assert_same(net, f"{version}_dcgan_checkpoint_{role}")


def test_theano_with_names_that_hold_a_slash(old, tmp_path):
    """Layers that pad stand before its convolutions, and take none of their weights."""
    path = shutil.copy(old.path("k209th_gap_discriminator.h5"), tmp_path)
    with h5py.File(path, "r+") as file:
        raw = json.loads(file.attrs["model_config"])
        for entry in raw["config"]:
            name = entry["config"]["name"]
            entry["config"]["name"] = f"net/{name}"
            file["model_weights"].move(name, f"net/{name}")
        file.attrs["model_config"] = json.dumps(raw)
    old.assert_same(load_net(path), "k209th_gap_discriminator")


# What is left out


@pytest.mark.parametrize(
    "file", ["k122_clip_discriminator.h5", "k222_clip_discriminator.h5", "tf215_clip_discriminator.keras"]
)
def test_a_constraint_and_a_loss_of_the_authors_own_are_left_out_with_notes(old, capsys, file):
    net = load_net(old.path(file))
    convolutions = [layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel_constraint for layer in convolutions] == [None] * len(convolutions)
    assert capsys.readouterr().out == (
        "note: the net was trained with a loss that is not of Keras (wasserstein_loss), which is left out: pictures do not need "
        "it\n"
    ) + "".join(
        f"note: layer '{layer.name}' (Conv2D) has a kernel_constraint that is not of Keras (ClipConstraint), which is left "
        "out: pictures do not need it\n"
        for layer in convolutions
    )
