"""Nets that claim too much are refused before memory is taken; settings of any type are one line."""

import json

import h5py
import pytest
from support.helpers import error_of
from support.small_nets import generator, keras, layers

from dcgan_tf.nets import limits
from dcgan_tf.nets.saved import load_model

MB = 1_000_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "net.h5"
    generator().save(path)
    return path.read_bytes()


@pytest.fixture
def changed(whole, tmp_path):
    """Makes the file of a net whose settings `change(their list of layers, all settings)` has changed or returned."""

    def make(change):
        path = tmp_path / "net.h5"
        path.write_bytes(whole)
        with h5py.File(path, "r+") as file:
            net = json.loads(file.attrs["model_config"])
            file.attrs["model_config"] = json.dumps(change(net["config"]["layers"], net) or net)
        return path

    return make


def added(kind, **settings):
    return lambda entries, net: entries.append({"class_name": kind, "config": {"name": "it", **settings}})


def test_needs_worked_out_by_hand(monkeypatch):
    def build():  # 500,000 weights of 4 bytes, twice; 4 images of 1,000x1,000 floats, three times.
        return keras.Sequential(
            [keras.Input([1]), layers.Dense(250_000), layers.Reshape([500, 500, 1]), layers.UpSampling2D(2)]
        )

    monkeypatch.setattr(limits, "free_bytes", lambda: 50 * MB)
    assert error_of(limits.built, build) == (
        "needs 52 MB of memory for its weights and a block of 4 images, and 50 MB are free: give a smaller net"
    )
    monkeypatch.setattr(limits, "free_bytes", lambda: 52 * MB)
    assert limits.built(build).output_shape == (None, 1000, 1000, 1)


@pytest.mark.parametrize(
    "change",
    [
        added("UpSampling2D", size=[30_000, 30_000]),
        added("ZeroPadding2D", padding=[[10**6, 10**6], [10**6, 10**6]]),
        added("Conv2D", filters=10**9, kernel_size=[3, 3]),
        added("Conv2DTranspose", filters=1, kernel_size=[3, 3], strides=[20_000, 20_000]),
        lambda entries, net: entries[0]["config"].update(batch_shape=[None, 10**12]),
    ],
)
def test_claims_of_terabytes(changed, monkeypatch, change):
    monkeypatch.setattr(limits, "free_bytes", lambda: 10**12)
    path = changed(change)
    message = error_of(load_model, path)
    assert message.startswith(f"{path}: needs ")
    assert message.endswith(
        " GB of memory for its weights and a block of 4 images, and 1e+03 GB are free: give a smaller net"
    )


@pytest.mark.parametrize("value", [None, -1, 2.5, float("nan"), "8", {}, 10**30])
def test_settings_of_wrong_types_are_one_line(changed, value):
    path = changed(lambda entries, net: entries[1]["config"].update(units=value))
    assert error_of(load_model, path).startswith(f"{path}: ")


def nested(depth):
    def change(entries, net):
        activation = "relu"
        for number in range(depth):
            activation = {"class_name": "Activation", "config": {"name": f"a{number}", "activation": activation}}
        entries[-1]["config"]["activation"] = activation

    return change


def wrapped(depth):
    def change(entries, net):
        for number in range(depth):
            net = {"class_name": "Sequential", "config": {"name": f"n{number}", "layers": [net]}}
        return net

    return change


@pytest.mark.parametrize("change", [nested(150), wrapped(100)])
def test_deep_nesting(changed, change):
    path = changed(change)
    assert error_of(load_model, path) == (
        f"{path}: has settings nested over 64 deep: give a net of fewer nets within nets"
    )


def test_very_many_layers(changed):
    path = changed(lambda entries, net: entries.extend(entries[2:3] * 5000))
    assert error_of(load_model, path) == f"{path}: has 5,009 layers, 5,000 at most are read: give a smaller net"


def test_a_long_name_is_cut_and_printable(changed):
    path = changed(added("\x1b[2J" + "x" * 1000))
    assert error_of(load_model, path) == (
        f"{path}: layer 'it' (\\x1b[2J{'x' * 53}...) does not load: only plain layers of Keras do, never code; "
        "save the net without it"
    )
