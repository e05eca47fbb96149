"""Nets of every form load with equal outputs; code in a file never runs; each wrong file has its one line."""

import json
import os
import shutil
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.helpers import H5, error_of
from support.small_nets import assert_same_net, discriminator, generator, outputs, shake

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import forget_notes
from dcgan_tf.layers import MinibatchStd
from dcgan_tf.nets.saved import load_model, net_of, save_model
from dcgan_tf.nets.surgery import with_dtype
from dcgan_tf.runs.folder import epoch_of

layers = keras.layers
OLD_NETS = ["paints_generator", "paints_discriminator", "faces_discriminator", "mnist_functional"]


def change_config(path, change):
    """Rewrites the settings in an .h5 file: `change` gets them as a dict and edits it in place."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)


@pytest.fixture
def h5(tmp_path):
    """A copy of one old file, to be edited."""

    def copy(name):
        return Path(shutil.copy(H5 / name, tmp_path))

    return copy


# Loading


@pytest.mark.parametrize("version", ["tf212", "tf215"])
@pytest.mark.parametrize("net", OLD_NETS)
def test_files_of_old_tensorflow_give_the_outputs_they_gave_there(version, net):
    expected = np.load(H5 / f"{version}_expected.npz")
    model = load_model(H5 / f"{version}_{net}.h5")
    assert isinstance(model, keras.Sequential)
    assert not model.compiled
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    np.testing.assert_allclose(outputs(model, expected[f"{net}_x"]), expected[f"{net}_y"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("version", ["tf20", "tf26"])
def test_files_of_tensorflow_2_0_and_2_6(version):
    if "DCGAN_TF_DATA" not in os.environ:
        pytest.skip("DCGAN_TF_DATA is not set")
    folder = Path(os.environ["DCGAN_TF_DATA"]).parent / "h5"
    expected = np.load(folder / f"{version}_expected.npz")
    images = outputs(load_model(folder / f"{version}_Gmodel.h5"), expected["z"])
    np.testing.assert_allclose(images, expected["y"], rtol=0, atol=1e-5)
    logits = outputs(load_model(folder / f"{version}_Dmodel.h5"), expected["y"])
    np.testing.assert_allclose(logits, expected["d"], rtol=0, atol=1e-5)


def to_form_of_tensorflow_2_0(config):
    """Edits settings to what TensorFlow 2.0 saved: no InputLayer (the first layer says the shape), no `groups`."""
    net = config["config"]
    net["layers"] = [layer for layer in net["layers"] if layer["class_name"] != "InputLayer"]
    net.pop("build_input_shape", None)
    for layer in net["layers"]:
        layer["config"].pop("groups", None)
    assert "batch_input_shape" in net["layers"][0]["config"]


@pytest.mark.parametrize("net", ["paints_generator", "paints_discriminator"])
def test_the_form_of_tensorflow_2_0(h5, net):
    path = h5(f"tf212_{net}.h5")
    change_config(path, to_form_of_tensorflow_2_0)
    expected = np.load(H5 / "tf212_expected.npz")
    np.testing.assert_allclose(outputs(load_model(path), expected[f"{net}_x"]), expected[f"{net}_y"], rtol=0, atol=1e-5)


def test_the_input_shape_may_be_that_of_the_first_batch_seen(h5):
    def forget_shapes(config):
        to_form_of_tensorflow_2_0(config)
        config["config"]["layers"][0]["config"].pop("batch_input_shape")
        config["config"]["build_input_shape"] = {"class_name": "TensorShape", "items": [16, 6]}

    path = h5("tf215_paints_generator.h5")
    change_config(path, forget_shapes)
    assert load_model(path).input_shape == (None, 6)  # Any batch size is taken.


def test_settings_of_training_survive_where_they_matter():
    model = load_model(H5 / "tf215_mnist_functional.h5")
    convolution = next(layer for layer in model.layers if isinstance(layer, layers.Conv2D))
    assert convolution.kernel_regularizer.get_config() == {"l2": pytest.approx(0.01)}
    assert convolution.kernel_constraint.get_config() == {"max_value": 3.0, "axis": 0}
    dropout = next(layer for layer in model.layers if isinstance(layer, layers.SpatialDropout2D))
    assert dropout.rate == pytest.approx(0.2)
    statistics = next(layer for layer in model.layers if isinstance(layer, layers.BatchNormalization))
    assert (statistics.momentum, statistics.epsilon, statistics.gamma) == (0.9, 0.001, None)


def test_a_frozen_layer_stays_frozen(h5):
    path = h5("tf215_paints_discriminator.h5")
    change_config(path, lambda config: config["config"]["layers"][1]["config"].update(trainable=False))
    frozen = [layer.trainable for layer in load_model(path).layers]
    assert frozen == [False] + [True] * 7


@pytest.mark.parametrize("ending", [".h5", ".keras"])
@pytest.mark.parametrize("make", [generator, discriminator])
def test_files_of_plain_keras(tmp_path, make, ending):
    model = make()
    model.save(tmp_path / f"net{ending}")
    loaded = load_model(tmp_path / f"net{ending}")
    assert_same_net(model, loaded)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_a_functional_chain_of_plain_keras(tmp_path, ending):
    inputs = x = keras.Input([8, 8, 1])
    for layer in [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Dropout(0.1), layers.Flatten()]:
        x = layer(x)
    model = shake(keras.Model(inputs, layers.Dense(1, activation=layers.LeakyReLU(0.1))(x)))
    model.save(tmp_path / f"net{ending}")
    assert_same_net(model, load_model(tmp_path / f"net{ending}"))


# Saving


def test_a_saved_net_loads_in_plain_keras_and_here(tmp_path, capfd):
    model = generator()
    save_model(model, tmp_path / "epoch7_Gmodel.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["epoch7_Gmodel.h5"]
    assert_same_net(model, keras.models.load_model(tmp_path / "epoch7_Gmodel.h5", compile=False))
    assert_same_net(model, load_model(tmp_path / "epoch7_Gmodel.h5"))
    assert capfd.readouterr() == ("", "")


def test_saving_leaves_out_the_optimizer_and_overwrites(tmp_path):
    model = discriminator()
    model.compile("adam", "mse")
    model.train_on_batch(np.zeros([2, 8, 8, 3]), np.zeros([2, 1]))
    for _ in range(2):
        save_model(model, tmp_path / "d.h5")
    with h5py.File(tmp_path / "d.h5") as file:
        assert set(file) == {"model_weights"}


def test_a_disk_that_fails_at_any_byte_is_one_line_and_leaves_the_old_file(tmp_path, capfd):
    resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files")
    model = generator()
    save_model(model, tmp_path / "g.h5")
    full = (tmp_path / "g.h5").stat().st_size
    (tmp_path / "g.h5").write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # Writing on fails then, as on a full disk.
    try:
        for limit in (0, 500, full - 1):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            assert error_of(save_model, model, tmp_path / "g.h5") == (
                f"{tmp_path}/g.h5: cannot be written (File too large): check the disk, or give another"
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("g.h5", "old")]
    assert capfd.readouterr() == ("", "")


# Code is never run


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_a_lambda_is_refused_and_not_run(tmp_path, monkeypatch, ending):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"trap{ending}"
    touch = layers.Lambda(lambda x: (__import__("pathlib").Path("lambda_was_here").touch(), x)[1], name="trap")
    keras.Sequential([keras.Input([3]), layers.Dense(2), touch]).save(path)
    keras.models.load_model(path, compile=False, safe_mode=False)
    (tmp_path / "lambda_was_here").unlink()  # The file was there, so the trap works.

    assert error_of(load_model, path) == (
        f"{path}: layer 'trap' (Lambda) does not load: only plain layers of Keras do, never code; save the net without it"
    )
    assert not (tmp_path / "lambda_was_here").exists()


@pytest.mark.parametrize("version", ["tf212", "tf215"])
def test_a_lambda_of_old_tensorflow_is_refused(version, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "layer 'trap' (Lambda) does not load" in error_of(load_model, H5 / f"{version}_with_lambda.h5")
    assert not list(tmp_path.iterdir())


OWN_CLASS = {"module": "my.code", "class_name": "Mine", "config": {}, "registered_name": "my>Mine"}
LOADS = "elu, exponential, gelu, hard_sigmoid, hard_tanh, leaky_relu, linear, relu, relu6, selu, sigmoid, silu, softmax, softplus, softsign, swish"


@pytest.mark.parametrize(
    ("entry", "config", "reason"),
    [
        ({"class_name": "TFOpLambda"}, {}, "layer 'it' (TFOpLambda) does not load: only plain layers"),
        ({"class_name": "my>Mine"}, {}, "layer 'it' (my>Mine) does not load: only plain layers"),
        ({"registered_name": "my>Dense"}, {}, "layer 'it' (Dense) does not load: only plain layers"),
        ({"module": "kerasish.layers"}, {}, "layer 'it' (Dense) does not load: only plain layers"),
        (
            {},
            {"activation": "mine"},
            f"layer 'it' (Dense) has an activation that does not load; these do: {LOADS}, tanh",
        ),
        ({}, {"activation": OWN_CLASS}, "layer 'it' (Dense) has an activation that does not load"),
        ({}, {"activation": {"class_name": "Lambda", "config": {}}}, "has an activation that does not load"),
        ({}, {"use_bias": OWN_CLASS}, "has a use_bias that is not a plain value; save the net without it"),
        ({}, {"groups": 2}, f"layer 'it' (Dense) sets groups, which Keras {keras.__version__} does not know"),
        ({}, {"renorm": True}, f"layer 'it' (Dense) sets renorm, which Keras {keras.__version__} does not know"),
    ],
)
def test_what_is_not_a_plain_layer_of_keras_is_refused(h5, entry, config, reason):
    path = h5("tf215_paints_discriminator.h5")

    def change(net):
        last = net["config"]["layers"][-1]
        last["config"].update(name="it", **config)
        last.update(entry)

    change_config(path, change)
    message = error_of(load_model, path)
    assert message.startswith(f"{path}: layer 'it'")
    assert reason in message


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("kernel_regularizer", OWN_CLASS, "Mine"),
        ("kernel_constraint", OWN_CLASS, "Mine"),
        ("kernel_constraint", {"class_name": "get", "config": {"identifier": "x"}}, "get"),
        ("bias_constraint", "mine", "mine"),
    ],
)
def test_what_only_training_needs_is_left_out_with_a_note(h5, capsys, key, value, name):
    path = h5("tf215_paints_discriminator.h5")
    forget_notes()
    change_config(path, lambda net: net["config"]["layers"][-1]["config"].update({key: value}))
    name_of_layer = load_model(path).layers[-1].name
    assert capsys.readouterr().out == (
        f"note: layer '{name_of_layer}' (Dense) has a {key} that is not of Keras ({name}), which is left out: "
        "pictures do not need it\n"
    )
    assert_same_net(load_model(path), load_model(H5 / path.name))


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_how_a_net_was_trained_is_left_out_and_what_is_not_of_keras_is_said(tmp_path, capsys, ending):
    def wasserstein_loss(real, predicted):
        return keras.ops.mean(real * predicted)

    net, path = discriminator(), tmp_path / f"d{ending}"
    for optimizer, loss, said in (
        (keras.optimizers.RMSprop(), wasserstein_loss, "wasserstein_loss"),
        (keras.optimizers.Adam(), "binary_crossentropy", None),
        ("adam", keras.losses.BinaryCrossentropy(from_logits=True), None),
        ("sgd", "mse", None),
    ):
        net.compile(optimizer, loss)
        net.save(path)
        forget_notes()
        capsys.readouterr()
        assert_same_net(net, load_model(path))
        assert capsys.readouterr().out == (
            f"note: the net was trained with a loss that is not of Keras ({said}), which is left out: pictures do not need it\n"
            if said
            else ""
        )


def test_initializers_are_not_looked_at(h5):
    path = h5("tf215_paints_discriminator.h5")
    change_config(path, lambda net: net["config"]["layers"][-1]["config"].update(kernel_initializer=OWN_CLASS))
    assert_same_net(load_model(path), load_model(H5 / path.name))


def test_a_net_class_of_ones_own_is_refused(h5):
    path = h5("tf215_paints_discriminator.h5")
    change_config(path, lambda net: net.update(class_name="MyGAN"))
    assert error_of(load_model, path) == f"{path}: holds a MyGAN; give a Sequential net, or a functional one like it"


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_branches_are_refused(tmp_path, ending):
    inputs = keras.Input([4])
    hidden = layers.Dense(4)(inputs)
    skip = layers.ReLU()(hidden)
    shared = layers.Dense(4)
    nets = {
        "two_outputs": keras.Model(inputs, [hidden, skip]),
        "inner_output": keras.Model(inputs, [skip, hidden]),
        "called_twice": keras.Model(inputs, shared(shared(inputs))),
        "two_inputs": keras.Model([inputs, other := keras.Input([4])], layers.Add()([inputs, other])),
    }
    for name, net in nets.items():
        path = tmp_path / f"{name}{ending}"
        net.save(path)
        assert error_of(load_model, path) == (
            f"{path}: holds a net with branches; only one layer after the other, from one input to one output, loads"
        )


def test_a_layer_always_in_training_is_refused(h5):
    path = h5("tf215_mnist_functional.h5")

    def change(net):
        dropout = next(layer for layer in net["config"]["layers"] if layer["class_name"] == "SpatialDropout2D")
        dropout["config"]["name"] = dropout["name"] = "always"
        dropout["inbound_nodes"][0][0][3] = {"training": True}

    change_config(path, change)
    assert error_of(load_model, path) == (
        f"{path}: layer 'always' is always called with training=True; only nets that leave it to the caller load"
    )


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_nets_within_a_net_become_its_layers(tmp_path, ending):
    inner = keras.Sequential([keras.Input([4]), layers.Dense(3), layers.BatchNormalization()])
    net = shake(keras.Sequential([keras.Input([4]), layers.Dense(4), inner, layers.Dense(2)]))
    net.save(tmp_path / f"nested{ending}")
    loaded = load_model(tmp_path / f"nested{ending}")
    assert [type(layer).__name__ for layer in loaded.layers] == ["Dense", "Dense", "BatchNormalization", "Dense"]
    assert_same_net(net, loaded)


# Wrong files


def test_no_such_file_and_a_folder(tmp_path):
    missing = tmp_path / "a\nb.h5"
    assert error_of(load_model, missing) == (
        f"{tmp_path}/a\\nb.h5: there is no such file; give a net saved with model.save, .h5 or .keras"
    )
    assert error_of(load_model, tmp_path) == (
        f"{tmp_path}: is a folder; give a net saved with model.save as one file, .h5 or .keras"
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file(h5, share):
    path = h5("tf215_paints_generator.h5")
    os.truncate(path, int(path.stat().st_size * share))
    message = error_of(load_model, path)
    assert message.startswith(f"{path}: cannot be read (OSError: ")
    assert message.endswith("; it may be damaged: give a net saved with model.save, .h5 or .keras")


def test_weights_only(tmp_path):
    path = tmp_path / "g.weights.h5"
    generator().save_weights(path)
    assert error_of(load_model, path) == (
        f"{path}: holds weights alone in the .weights.h5 format, not a whole net; give one saved with model.save, .h5 or .keras"
    )


def test_weights_that_do_not_fit_the_settings(h5):
    path = h5("tf215_paints_discriminator.h5")

    def more_units(net):
        net["config"]["layers"][-1]["config"].update(units=2)

    name = load_model(path).layers[-1].name
    change_config(path, more_units)
    assert error_of(load_model, path) == (
        f"{path}: layer '{name}' has weights of shapes [[16, 1], [1]], but its settings ask for [[16, 2], [2]]; "
        "the file is damaged: give a net saved with model.save"
    )


@pytest.mark.parametrize(
    "config",
    ["{", "[" * 10_000, "[]", "{}"],
    ids=["cut", "deep", "list", "empty"],
)
def test_settings_that_make_no_sense(h5, config):
    path = h5("tf215_paints_discriminator.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = config
    assert error_of(load_model, path).startswith(f"{path}: cannot be read (")


def test_no_input_shape(h5):
    def forget_shapes(config):
        to_form_of_tensorflow_2_0(config)
        config["config"]["layers"][0]["config"].pop("batch_input_shape")

    path = h5("tf215_paints_generator.h5")
    change_config(path, forget_shapes)
    assert error_of(load_model, path) == (
        f"{path}: does not say the shape of its input; save it after it has been called on a batch"
    )


# Names


@pytest.mark.parametrize(
    ("path", "epoch"),
    [
        ("epoch7_Gmodel.h5", 7),
        (Path("runs/epoch3_/epoch12_Dmodel.h5"), 12),
        ("epoch0_Gmodel.h5", 0),
        ("epoch7_/Gmodel.h5", None),
        ("my_epoch7_Gmodel.h5", None),
        ("epoch_Gmodel.h5", None),
        ("epoch7Gmodel.h5", None),
        ("epoch-1_Gmodel.h5", None),
    ],
)
def test_epoch_of(path, epoch):
    assert epoch_of(path) == epoch


def test_mixed_nets_are_saved_as_float32(tmp_path):
    mixed = with_dtype(generator(), "mixed_bfloat16")
    save_model(with_dtype(mixed, "float32"), tmp_path / "g.h5")
    plain = keras.models.load_model(tmp_path / "g.h5", compile=False)
    assert {layer.compute_dtype for layer in plain.layers} == {"float32"}
    assert_same_net(plain, load_model(tmp_path / "g.h5"))


@pytest.fixture
def with_minibatch_std():
    return keras.Sequential([keras.Input([4, 4, 3]), MinibatchStd(), layers.Flatten(), layers.Dense(1)])


def test_a_net_is_made_from_its_settings_alone(with_minibatch_std):
    text = with_minibatch_std.to_json()
    made = net_of(text)
    made.set_weights(with_minibatch_std.get_weights())
    assert_same_net(made, with_minibatch_std)
    assert error_of(net_of, text.replace('"class_name": "Flatten"', '"class_name": "Lambda"')) == (
        f"layer '{with_minibatch_std.layers[1].name}' (Lambda) does not load: only plain layers of Keras do, never code; "
        "save the net without it"
    )
    assert error_of(net_of, "{").startswith("is damaged (JSONDecodeError: ")


def test_a_keras_file_may_have_the_layer_of_this_program(with_minibatch_std, tmp_path):
    with_minibatch_std.save(tmp_path / "net.keras")
    assert_same_net(load_model(tmp_path / "net.keras"), with_minibatch_std)
