"""In which order the layers of a net compute, and what each takes."""

import numpy as np
import pytest
from support.helpers import error_of

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.nets.calls import Call, Calls, calls_of

layers = keras.layers


def chain():
    return keras.Sequential(
        [keras.Input([3]), layers.Dense(4, name="a"), layers.ReLU(name="b"), layers.Dense(2, name="c")]
    )


def with_branches():
    """Two inputs, a layer that takes both, one that is called twice, and two outputs."""
    one, two = keras.Input([3], name="one"), keras.Input([3], name="two")
    shared = layers.Dense(3, name="shared")
    both = layers.Add(name="both")([shared(one), shared(two)])
    return keras.Model([one, two], [layers.Dense(1, name="left")(both), layers.Subtract(name="right")([one, both])])


def described(calls: Calls):
    return [(call.layer.name, call.takes, call.gives) for call in calls.calls]


def by_keras(call, values):
    return call.layer(values if len(values) > 1 else values[0])


def test_a_chain():
    calls = calls_of(chain())
    assert described(calls) == [("a", (0,), 1), ("b", (1,), 2), ("c", (2,), 3)]
    assert (calls.inputs, calls.outputs) == (1, (3,))


def test_branches():
    calls = calls_of(with_branches())
    assert calls.inputs == 2
    names = [call.layer.name for call in calls.calls]
    assert names[:3] == ["shared", "shared", "both"] and sorted(names[3:]) == ["left", "right"]
    by_name = {call.layer.name: call for call in calls.calls}
    first, second = (call for call in calls.calls if call.layer.name == "shared")
    assert sorted([first.takes, second.takes]) == [(0,), (1,)]
    assert by_name["both"].takes == tuple(call.gives for call in sorted((first, second), key=lambda call: call.takes))
    assert by_name["right"].takes == (0, by_name["both"].gives)  # In the order in which they are subtracted.
    assert calls.outputs == (by_name["left"].gives, by_name["right"].gives)
    known = {0, 1}
    for call in calls.calls:
        assert set(call.takes) <= known
        known.add(call.gives)


@pytest.mark.parametrize("make, shapes", [(chain, [(4, 3)]), (with_branches, [(4, 3), (4, 3)])])
def test_running_the_calls_is_calling_the_net(make, shapes):
    net, random = make(), np.random.default_rng(0)
    given = [tf.constant(random.normal(size=shape), tf.float32) for shape in shapes]
    given = given if len(given) > 1 else given[0]
    got, expected = calls_of(net).run(given, by_keras), net(given)
    assert isinstance(got, list) == isinstance(expected, list)
    for a, b in zip(*map(keras.tree.flatten, (got, expected)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_how_often_a_tensor_is_used():
    calls = Calls(1, [Call(None, (0, 0), 1), Call(None, (1, 0), 2)], (1, 2))
    assert [calls.users(tensor) for tensor in range(3)] == [3, 2, 1]


def test_a_net_of_a_part_of_another_has_the_calls_of_that_part_alone():
    whole = chain()
    part = keras.Model(whole.inputs, whole.get_layer("b").output)
    assert described(calls_of(part)) == [("a", (0,), 1), ("b", (1,), 2)]


def attended():
    x = keras.Input([4, 3])
    return keras.Model(x, layers.Attention(name="attention")([x, x], use_causal_mask=True))


def two_arguments():
    x = keras.Input([4, 3])
    return keras.Model(x, layers.MultiHeadAttention(1, 2, name="heads")(x, x))


def two_outputs():
    x = keras.Input([4, 3])
    return keras.Model(x, layers.LSTM(2, return_state=True, name="states")(x))


@pytest.mark.parametrize("make, name", [(attended, "attention"), (two_arguments, "heads"), (two_outputs, "states")])
def test_other_ways_of_calling_a_layer_are_refused(make, name):
    assert error_of(calls_of, make()) == f"calls its layer '{name}' with more than tensors, which cannot be trained"
