"""Layers in the order in which they compute, with nets within nets in their place; what cannot be computed is told."""

import json
import time

import h5py
import numpy as np
import pytest
from support.helpers import error_of
from support.small_nets import keras, layers, outputs, shake

from dcgan_tf.nets.reading.graph import graph_of, parts_of
from dcgan_tf.nets.reading.making import make_net
from dcgan_tf.nets.saved import load_net, parts_in, settings_of

ops = keras.ops


def assert_loads(net, path, kinds=None):
    """Saves a net, loads it, and compares; kinds: of its layers, in order."""
    shake(net).save(path)
    loaded = load_net(path)
    rng = np.random.default_rng(2)
    x = [rng.uniform(-1, 1, [2, *tensor.shape[1:]]).astype("float32") for tensor in net.inputs]
    x = x if len(x) > 1 else x[0]
    for given, wanted in zip(keras.tree.flatten(loaded(x, training=False)), keras.tree.flatten(net(x, training=False))):
        np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-5)
    if kinds is not None:
        assert [type(layer).__name__ for layer in loaded.layers] == kinds.split()
    return loaded


both_endings = pytest.mark.parametrize("ending", [".h5", ".keras"])


# Nets of plain Keras


@both_endings
def test_layers_and_nets_that_are_called_twice(tmp_path, ending):
    inner = keras.Sequential([keras.Input([4]), layers.Dense(4), layers.BatchNormalization()], name="inner")
    shared = layers.Dense(4)
    inputs = keras.Input([4])
    x = layers.Subtract()([inner(shared(inputs)), inner(shared(shared(inputs)))])
    loaded = assert_loads(
        keras.Model(inputs, x), tmp_path / f"net{ending}", "InputLayer Dense Dense BatchNormalization Subtract"
    )
    assert len(loaded.weights) == 2 + 2 + 4


def test_a_net_of_nets_of_nets_with_the_same_names(tmp_path):
    def wrapped(*inner):
        return keras.Sequential([keras.Input([4]), layers.Dense(4, name="dense"), *inner], name="net")

    inputs = keras.Input([4], name="net_input")
    net = keras.Model(inputs, wrapped(wrapped(wrapped(layers.BatchNormalization(name="dense_1"))))(inputs))
    loaded = assert_loads(net, tmp_path / "net.keras", "Dense Dense Dense BatchNormalization")
    assert isinstance(loaded, keras.Sequential)
    assert len({layer.name for layer in loaded.layers}) == 4


@pytest.mark.parametrize("names", [("a", "z"), ("z", "a")])
def test_inputs_and_outputs_keep_their_order(tmp_path, names):
    first, second = (keras.Input([size], name=name) for size, name in zip([2, 3], names))
    high, low = layers.Dense(4)(second), layers.Dense(5)(first)
    loaded = assert_loads(keras.Model([second, first], [low, high, second]), tmp_path / "net.keras")
    assert [tensor.shape for tensor in loaded.inputs] == [(None, 3), (None, 2)]
    assert [tensor.shape for tensor in loaded.outputs] == [(None, 5), (None, 4), (None, 3)]


@both_endings
def test_operations_between_layers(tmp_path, ending):
    a, b = keras.Input([4]), keras.Input([4])
    x = ops.concatenate([a * b + layers.Dense(4)(a), ops.tanh(b) - ops.sigmoid(a)], axis=1)
    x = ops.maximum(ops.relu(x), ops.minimum(ops.softplus(x), x))
    assert_loads(keras.Model([a, b], layers.Dense(2)(x)), tmp_path / f"net{ending}")


@pytest.mark.parametrize(
    ("operation", "name"),
    [(lambda x: ops.reshape(x, [-1, 2, 2]), "Reshape"), (lambda x: ops.exp(x), "Exp"), (lambda x: x[:, :2], "GetItem")],
)
def test_an_operation_that_is_no_layer(tmp_path, operation, name):
    inputs = keras.Input([4])
    path = tmp_path / "net.keras"
    keras.Model(inputs, operation(layers.Dense(4)(inputs))).save(path)
    message = error_of(load_net, path)
    assert message.startswith(f"{path}: operation '")
    assert message.endswith(f"' ({name}) does not load: only layers of Keras do; save the net without it")


def test_a_layer_whose_inputs_are_named(tmp_path):
    inputs = keras.Input([3, 4])
    attended = layers.Attention()([inputs, layers.Dense(4)(inputs)])
    x = layers.MultiHeadAttention(1, 2)(query=attended, value=inputs, use_causal_mask=False)
    assert_loads(keras.Model(inputs, x), tmp_path / "net.keras")


def test_nets_of_several_outputs(tmp_path):
    inputs = keras.Input([4])
    hidden = layers.Dense(3)(inputs)
    loaded = assert_loads(keras.Model(inputs, [layers.Dense(1)(hidden), hidden]), tmp_path / "net.keras")
    assert [tensor.shape for tensor in loaded.outputs] == [(None, 1), (None, 3)]


def test_a_net_within_a_net_of_several_outputs_is_refused(tmp_path):
    inner_input = keras.Input([4])
    inner = keras.Model(inner_input, [layers.Dense(2)(inner_input), layers.Dense(3)(inner_input)])
    inputs = keras.Input([4])
    keras.Model(inputs, layers.Concatenate()(inner(inputs))).save(tmp_path / "net.keras")
    assert error_of(load_net, tmp_path / "net.keras") == (
        f"{tmp_path}/net.keras: holds a layer with several outputs, which does not load: save the net without it"
    )


def test_training_for_ever_is_refused(tmp_path):
    inputs = keras.Input([4])
    keras.Model(inputs, layers.Dropout(0.5, name="noisy")(inputs, training=True)).save(tmp_path / "net.keras")
    assert error_of(load_net, tmp_path / "net.keras") == (
        f"{tmp_path}/net.keras: layer 'noisy' is always called with training=True; only nets that leave it to the caller load"
    )
    keras.Model(inputs, layers.Dropout(0.5)(inputs, training=False)).save(tmp_path / "net.keras")
    assert isinstance(load_net(tmp_path / "net.keras"), keras.Sequential)


# Settings by hand, as Keras before 3 wrote them


def layer(name, kind="Dense", *calls, **config):
    config = {"units": 2, **config} if kind == "Dense" else config
    return {
        "name": name, "class_name": kind, "config": {"name": name, **config},
        "inbound_nodes": [[[*ref, 0, {}] for ref in call] for call in calls],
    }  # fmt: skip


def functional(entries, output, inputs=("in",), name="net"):
    settings = [layer(one, "InputLayer", batch_input_shape=[None, 2]) for one in inputs]
    return {
        "name": name, "class_name": "Model", "inbound_nodes": [],
        "config": {
            "name": name, "layers": [*settings, *entries], "input_layers": [[one, 0, 0] for one in inputs],
            "output_layers": [[*output, 0]],
        },
    }  # fmt: skip


def graph(raw):
    return graph_of(settings_of(json.dumps({**raw, "keras_version": "2.2.4"})))


def test_layers_are_listed_in_any_order():
    made = graph(
        functional(
            [layer("c", "Dense", [["b", 0]]), layer("b", "Dense", [["a", 0]]), layer("a", "Dense", [["in", 0]])],
            ["c", 0],
        )
    )
    assert [step.entry.name for step in made.steps] == ["a", "b", "c"]
    assert made.is_chain


@pytest.mark.parametrize(
    ("entries", "output", "words"),
    [
        ([layer("a", "Dense", [["b", 0]]), layer("b", "Dense", [["a", 0]])], ["b", 0],
         "layer 'a' takes what no layer of the net gives; the file is damaged"),
        ([layer("a", "Dense", [["a", 0]])], ["a", 0], "layer 'a' takes what no layer of the net gives; the file is damaged"),
        ([layer("a", "Dense", [["gone", 0]])], ["a", 0], "layer 'a' takes what no layer of the net gives; the file is damaged"),
        ([layer("a", "Dense", [["in", 0]])], ["gone", 0],
         "gives what its layer 'gone' gives, and holds no such layer; the file is damaged"),
        ([layer("a", "Dense", [["in", 0]]), layer("a", "Dense", [["in", 0]])], ["a", 0],
         "names two of its layers alike: give a net saved with model.save"),
    ],
)  # fmt: skip
def test_layers_that_wait_for_each_other_or_for_none(entries, output, words):
    assert error_of(graph, functional(entries, output)) == words


def test_an_input_that_is_also_called():
    made = graph(functional([layer("more", "InputLayer", [["in", 0]], batch_input_shape=[None, 2])], ["in", 0]))
    assert made.steps == []


def in_seconds(raw) -> tuple[str, float]:
    """(the one line that a net is refused with, the seconds that it took)"""
    start = time.process_time()
    return error_of(graph, raw), time.process_time() - start


@pytest.mark.parametrize("has_layers", [True, False])
def test_nets_that_hold_each_other_many_times_are_bounded(has_layers):
    """Fifteen nets, each of which calls the next one ten times: 10^15 calls, also where the last one has no layer."""
    net = functional([layer("a", "Dense", [["in", 0]])] * has_layers, ["a" if has_layers else "in", 0], name="inner")
    for depth in range(15):
        net["inbound_nodes"] = [[["in" if call == 0 else "inner", max(0, call - 1), 0, {}]] for call in range(10)]
        net["name"] = "inner"
        net = functional([net], ["inner", 9], name=f"net{depth}")
    message, seconds = in_seconds(net)
    assert message.startswith("has over 5,000 layers")
    assert seconds < 5


def test_very_many_calls_of_a_layer_are_refused_at_once():
    calls = [[["a", call + 1]] for call in range(20_000)]
    message, seconds = in_seconds(functional([layer("a", "ReLU", *calls, [["in", 0]])], ["a", 0]))
    assert message.startswith("has over 5,000 layers")
    assert seconds < 5


def test_very_many_layers_in_the_reverse_order():
    entries = [layer(f"a{number}", "ReLU", [[f"a{number - 1}" if number else "in", 0]]) for number in range(4000)]
    start = time.process_time()
    assert graph(functional(entries[::-1], ["a3999", 0])).is_chain
    assert time.process_time() - start < 5


def test_calls_of_a_net_are_counted_on_from_the_one_that_made_it():
    """Keras 2 counts the call of a net on its own inputs, which no file lists."""
    inner = functional([layer("a", "Dense", [["in", 0]])], ["a", 0], name="inner")
    inner["inbound_nodes"] = [[["in", 0, 0, {}]], [["inner", 1, 0, {}]]]
    made = graph(functional([inner], ["inner", 2]))
    assert [step.entry.name for step in made.steps] == ["a", "a"]
    assert not made.is_chain  # The layer is shared.
    assert len(made.parts) == 2


@pytest.mark.parametrize("names", [("block1/conv", "block1_conv"), ("a" * 300, "b.c-d"), ("größe:0", "x y")])
def test_names_that_a_scope_must_not_have(names):
    entries = [layer(names[0], "Dense", [["in", 0]]), layer(names[1], "Dense", [[names[0], 0]])]
    net, _ = make_net(graph(functional(entries, [names[1], 0])))
    assert outputs(net, np.zeros([1, 2], "float32")).shape == (1, 2)
    assert len({made.name for made in net.layers}) == 2


def test_weights_of_layers_with_a_slash_in_their_names(tmp_path):
    entries = [layer("block/a", "Dense", [["in", 0]]), layer("block/b", "Dense", [["block/a", 0]])]
    kernels = np.random.default_rng(0).normal(size=[2, 2, 2]).astype("float32")
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(functional(entries, ["block/b", 0]))
        file.attrs["keras_version"] = "2.2.4"
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"in", b"block/a", b"block/b"]
        for name, kernel in zip(["block/a", "block/b"], kernels):
            group = weights.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
            group[f"{name}/kernel:0"], group[f"{name}/bias:0"] = kernel, [1.0, 2.0]
    net = load_net(tmp_path / "net.h5")
    assert [made.name for made in net.layers] == ["block_a", "block_b"]
    np.testing.assert_allclose(
        outputs(net, np.float32([[1, 1]])), (kernels[0].sum(0) + [1, 2]) @ kernels[1] + [[1, 2]], atol=1e-5
    )


# Whole GANs


def gan(generator_first=True):
    generator = keras.Sequential([keras.Input([3]), layers.Dense(48), layers.Reshape([4, 4, 3])], name="g")
    discriminator = keras.Sequential([keras.Input([4, 4, 3]), layers.Flatten(), layers.Dense(1)], name="d")
    return generator, discriminator


@both_endings
def test_parts(tmp_path, ending):
    generator, discriminator = gan()
    path = tmp_path / f"gan{ending}"
    shake(keras.Sequential([keras.Input([3]), generator, discriminator])).save(path)
    assert parts_in(path) == ("generator", "discriminator")
    for part, net in [("generator", generator), ("discriminator", discriminator)]:
        x = np.random.default_rng(0).normal(size=[2, *net.input_shape[1:]]).astype("float32")
        np.testing.assert_allclose(outputs(load_net(path, part), x), outputs(net, x), rtol=0, atol=1e-5)


def test_what_is_not_a_whole_gan_has_no_parts():
    generator, discriminator = gan()
    judged_and_made = keras.Input([3])
    made = generator(judged_and_made)
    nets = {
        "generator within a net": keras.Sequential([keras.Input([3]), generator, layers.ReLU()]),
        "discriminator within a net": keras.Sequential([keras.Input([4, 4, 3]), discriminator]),
        "discriminator that is not the last": keras.Sequential(
            [keras.Input([3]), generator, discriminator, layers.ReLU()]
        ),
    }
    assert {name for name, net in nets.items() if parts_of(graph_of(settings_of(net.to_json())))} == set()
    both = keras.Model(judged_and_made, [made, discriminator(made)])  # as for a loss on the image beside the judge's
    assert set(parts_of(graph_of(settings_of(both.to_json())))) == {"generator", "discriminator"}
