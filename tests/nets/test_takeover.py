"""What a net of classes takes over from one that knows none."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from support.helpers import error_of
from support.small_nets import shake

from dcgan_tf.common.backend import keras
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.config.variants import applied
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.takeover import take_over

layers = keras.layers
SHAPE, CLASSES = (8, 8, 3), 3
LABELS = np.array([2, 0, 1, 2], np.int32)


def of_classes(name, **more):
    return applied(preset_for(SHAPE, name), Recipe(conditional=True, **more), CLASSES)


@functools.cache
def before(build, name):
    """A net that knows no classes, and has learned something."""
    return shake(build(preset_for(SHAPE, name)))


def given(net):
    """What a net is called with: latents or images, and labels where it takes them."""
    first = np.random.default_rng(0).uniform(-1, 1, [len(LABELS), *net.inputs[0].shape[1:]]).astype("float32")
    return [first, LABELS] if len(net.inputs) == 2 else first


def without_classes(net):
    """Sets to 0 what is added for a class."""
    for layer in net.layers:
        if isinstance(layer, layers.Embedding):
            layer.embeddings.assign(layer.embeddings * 0)
    return net


# Its first layer is dense, or a transposed convolution after a reshape.
@pytest.mark.parametrize("name, count", [("mnist-mlp", 3), ("faces64", 5), ("paints200", 5)])
def test_a_generator_draws_what_it_drew_but_for_what_the_class_adds(name, count):
    net, old = build_generator(of_classes(name), seed=1), before(build_generator, name)
    fresh = [weight.copy() for weight in net.get_weights()]
    assert take_over(net, old, "runs/epoch5_Gmodel.h5") == (
        f"runs/epoch5_Gmodel.h5 knows no classes: the weights of its {count} layers are taken over; new are the weights of "
        "the class"
    )
    drawn = net(given(net), training=False).numpy()
    expected = old(given(net)[0], training=False).numpy()
    assert not np.allclose(drawn, expected, atol=0.01)
    np.testing.assert_allclose(without_classes(net)(given(net), training=False), expected, rtol=0, atol=1e-5)
    # What the class goes into is as it was drawn.
    table, kernel, *_ = fresh
    assert table.shape == (CLASSES, 50)
    inputs = {"mnist-mlp": 0, "paints200": 0, "faces64": 3}[name]
    first = net.get_layer(index=next(place for place, layer in enumerate(net.layers) if hasattr(layer, "kernel")))
    np.testing.assert_array_equal(
        np.take(first.kernel.numpy(), range(100, 150), axis=inputs), np.take(kernel, range(100, 150), axis=inputs)
    )


@pytest.mark.parametrize("judge", ["projection", "auxiliary"])
@pytest.mark.parametrize("name, count", [("mnist-mlp", 3), ("faces64", 4), ("paints200", 3)])
def test_a_discriminator_gives_the_logits_that_it_gave(name, count, judge):
    net, old = build_discriminator(of_classes(name, class_judge=judge), seed=1), before(build_discriminator, name)
    fresh = [weight.copy() for weight in net.get_weights()]
    assert take_over(net, old, "d.h5") == (
        f"d.h5 knows no classes: the weights of its {count} layers are taken over; new are the weights of the class"
    )
    kept = [weight for weight, was in zip(net.get_weights(), fresh) if np.array_equal(weight, was)]
    assert [weight.shape[0] for weight in kept if weight.ndim == 2] == (
        [CLASSES] if judge == "projection" else [net.outputs[1]._keras_history.operation.kernel.shape[0]]
    )
    images = given(old)
    expected = old(images, training=False)
    logits = without_classes(net)(given(net), training=False)
    np.testing.assert_allclose(logits[0] if judge == "auxiliary" else logits, expected, rtol=1e-5, atol=1e-4)


def test_scales_and_shifts_of_classes_are_new():
    net, old = build_generator(of_classes("faces64", class_norm=True)), before(build_generator, "faces64")
    assert take_over(net, old, "g.h5") == (
        "g.h5 knows no classes: the weights of its 5 layers are taken over; new are the weights of the class and the scales "
        "and shifts of the batch normalizations"
    )
    norms = [[layer for layer in own.layers if isinstance(layer, layers.BatchNormalization)] for own in (net, old)]
    for new, was in zip(*norms, strict=True):
        np.testing.assert_array_equal(new.moving_mean, was.moving_mean)
        np.testing.assert_array_equal(new.moving_variance, was.moving_variance)
        tables = [
            layer.embeddings for layer in net.layers
            if isinstance(layer, layers.Embedding) and layer.output_dim == was.gamma.shape[0]
        ]  # fmt: skip
        for table, value in zip(
            sorted(tables, key=lambda table: -float(table[0, 0])), (was.gamma, was.beta), strict=True
        ):
            table.assign(np.repeat(value.numpy()[None], CLASSES, axis=0))
    expected = old(given(net)[0], training=False)
    np.testing.assert_allclose(without_input(net)(given(net), training=False), expected, rtol=0, atol=1e-5)


def without_input(net):
    """Sets to 0 what stands for a class beside the latents."""
    [table] = [layer.embeddings for layer in net.layers if getattr(layer, "output_dim", 0) == 50]
    table.assign(table * 0)
    return net


def with_units(net, units, instead):
    """The rows of a net where those of so many units have others."""
    return tuple(replace(row, units=instead) if row.units == units else row for row in net)


MLP, FACES = preset_for(SHAPE, "mnist-mlp"), preset_for(SHAPE, "faces64")
REFUSED = {
    "another preset": (build_generator, "mnist-mlp", preset_for(SHAPE, "mnist")),
    "another size": (build_generator, "mnist-mlp", preset_for((8, 9, 3), "mnist-mlp")),
    "fewer units": (build_generator, "mnist-mlp", replace(MLP, generator=with_units(MLP.generator, 512, 256))),
    "more units": (build_generator, "mnist-mlp", replace(MLP, generator=with_units(MLP.generator, 512, 562))),
    "fewer units to judge": (
        build_discriminator,
        "mnist-mlp",
        replace(MLP, discriminator=with_units(MLP.discriminator, 256, 206)),
    ),
    "a layer more": (build_generator, "mnist-mlp", replace(MLP, generator=MLP.generator[:1] + MLP.generator)),
    "a bias more": (build_discriminator, "faces64", applied(FACES, Recipe(d_bias=True))),
    "other kernels": (build_generator, "paints200", applied(preset_for(SHAPE, "paints200"), Recipe(upsampling="even"))),
}


@pytest.mark.parametrize("old", REFUSED)
def test_nets_that_are_not_alike_are_refused(old):
    build, name, other = REFUSED[old]
    net = build(of_classes(name))
    fresh = [weight.copy() for weight in net.get_weights()]
    assert error_of(take_over, net, build(other), "old.h5") == (
        f"old.h5: knows no classes, and is not the {net.name} of this run without them, of which the weights could be taken "
        "over: leave it out, or give its --preset"
    )
    assert all(np.array_equal(weight, was) for weight, was in zip(net.get_weights(), fresh, strict=True))
