"""Nets of PyTorch as Keras nets: the same outputs. files/README.md says how the files here were made."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.helpers import error_of

from dcgan_tf.config.presets import PRESETS
from dcgan_tf.nets import limits
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.pytorch.recognised import net_of_tensors
from dcgan_tf.nets.pytorch.tensors import read_tensors

TORCH = Path(__file__).parent / "files"
EXPECTED = np.load(TORCH / "expected.npz")
KNOWN = (
    "is none of the nets that are known by their shapes (mnist, mnist-mlp, mnist56, and faces64 and mri96 in any width "
    "and size)"
)


def tensors_of(file):
    return read_tensors(TORCH / file)


def assert_same_outputs(net, name):
    given = np.asarray(net(EXPECTED[f"{name}_x"], training=False))
    np.testing.assert_allclose(given, EXPECTED[f"{name}_y"], rtol=0, atol=1e-5)


def resized(rows, numbers):
    """Rows of a preset with other units, and other shapes of reshapes, in order."""
    numbers = iter(numbers)
    return tuple(
        dataclasses.replace(row, shape=next(numbers))
        if row.kind == "reshape"
        else dataclasses.replace(row, units=next(numbers))
        if row.units
        else row
        for row in rows
    )


@pytest.fixture
def small_presets(monkeypatch):
    """The nets that are known by their numbers, with the small numbers of the files here."""
    sizes = {
        "mnist": ((28, 28, 1), (6, 98, (7, 7, 2), 3, 1), (2, 3, 5, 1)),
        "mnist-mlp": ((8, 8, 1), (5, 6, 64, (8, 8, 1)), (6, 5, 1)),
        "mnist56": ((16, 16, 1), (16, (2, 2, 4), 2, 1, 1), (2, 4, 8, 1)),
    }
    for name, (image_shape, generator, discriminator) in sizes.items():
        preset = PRESETS[name]
        small = dataclasses.replace(
            preset,
            image_shape=image_shape,
            generator=resized(preset.generator, generator),
            discriminator=resized(preset.discriminator, discriminator),
        )
        monkeypatch.setitem(PRESETS, name, small)


@pytest.mark.parametrize("part", ["generator", "discriminator"])
@pytest.mark.parametrize("family", ["mnist", "mlp", "mnist56", "faces"])
def test_nets_compute_what_pytorch_computed(small_presets, family, part):
    name = f"{family}_{part}"
    net = net_of_tensors(tensors_of(f"{name}.pth"))
    assert net.name == part
    assert_same_outputs(net, name)


def test_a_file_of_safetensors_without_the_order_of_layers():
    assert_same_outputs(net_of_tensors(tensors_of("faces_generator.safetensors")), "faces_generator")


def test_a_checkpoint_of_both_nets():
    tensors = tensors_of("mri_checkpoint.pth")
    assert error_of(net_of_tensors, tensors) == (
        "holds 2 nets, netG (generator), netD (discriminator): say which is meant with --part, or give a file with one net"
    )
    for part in ("generator", "discriminator"):
        assert_same_outputs(net_of_tensors(tensors, part), f"mri_{part}")
    twice = tensors | {name.replace("netG", "ema"): values for name, values in tensors.items() if "netG" in name}
    assert error_of(net_of_tensors, twice, "generator") == (
        "holds 2 nets, netG (generator), ema (generator): say which is meant with --part, or give a file with one generator"
    )
    assert net_of_tensors(twice, "discriminator").name == "discriminator"


def test_a_module_of_both_nets():
    tensors = {
        name.replace("netG/module", "state/module.gan.G").replace("netD/main", "state/module.gan.D"): values
        for name, values in tensors_of("mri_checkpoint.pth").items()
    }
    assert error_of(net_of_tensors, tensors) == (
        "holds 2 nets, state/G (generator), state/D (discriminator): say which is meant with --part, or give a file with one net"
    )
    for part in ("generator", "discriminator"):
        assert_same_outputs(net_of_tensors(tensors, part), f"mri_{part}")
    # Where anything else is there, too, both may be parts of something larger.
    tensors["state/module.gan.embedding.weight"] = np.zeros([10, 4], np.float32)
    assert error_of(net_of_tensors, tensors, "generator").startswith(KNOWN)


def test_the_part_that_is_not_there():
    assert error_of(net_of_tensors, tensors_of("faces_generator.pth"), "discriminator") == (
        "holds a generator, and a discriminator is asked for: give the file of a discriminator"
    )


def random_tensors(*shapes, name="main.{}", bias=False):
    """A state dict: convolutions of these shapes, and batch normalizations, of shapes with one axis."""
    rng, tensors = np.random.default_rng(0), {}
    for place, shape in enumerate(shapes):
        layer = name.format(place)
        for kind in ["weight", *(["bias", "running_mean", "running_var"] if len(shape) == 1 else ["bias"] * bias)]:
            size = shape if kind == "weight" or len(shape) == 1 else shape[:1]
            tensors[f"{layer}.{kind}"] = rng.uniform(0.1, 0.9, size).astype(np.float32)
    return tensors


def square(*shape, kernel=4):
    return (*shape, kernel, kernel)


@pytest.mark.parametrize(
    "image_shape, shapes",
    [
        ((8, 8, 1), [square(7, 2), (2,), square(2, 1)]),
        ((16, 16, 3), [square(7, 8), (8,), square(8, 4), (4,), square(4, 3)]),
        ((14, 14, 1), [square(7, 8, kernel=7), (8,), square(8, 1)]),
        ((24, 24, 3), [square(7, 8), (8,), square(8, 4), (4,), square(4, 3, kernel=5)]),
        (
            (128, 128, 3),
            [
                square(7, 6), (6,), square(6, 5), (5,), square(5, 4), (4,), square(4, 3), (3,), square(3, 2), (2,),
                square(2, 3),
            ],
        ),
    ],
)  # fmt: skip
def test_generators_of_other_sizes(image_shape, shapes):
    net = net_of_tensors(random_tensors(*shapes))
    assert (net.input_shape, net.output_shape) == ((None, 7), (None, *image_shape))


@pytest.mark.parametrize(
    "image_shape, shapes",
    [
        ((8, 8, 1), [square(2, 1), square(1, 2)]),
        ((32, 32, 3), [square(2, 3), square(4, 2), (4,), square(8, 4), (8,), square(1, 8)]),
        ((28, 28, 1), [square(2, 1), square(4, 2), (4,), square(1, 4, kernel=7)]),
        ((24, 24, 3), [square(2, 3, kernel=5), (2,), square(4, 2), (4,), square(1, 4)]),
    ],
)  # fmt: skip
def test_discriminators_of_other_sizes(image_shape, shapes):
    net = net_of_tensors(random_tensors(*shapes))
    assert (net.input_shape, net.output_shape) == ((None, *image_shape), (None, 1))


def test_names_that_tell_kinds_of_layers_sorted_by_name():
    generator = tensors_of("faces_generator.pth")
    words = {"main.0": "conv1", "main.1": "bn1", "main.3": "conv2", "main.4": "bn2", "main.6": "conv3"}
    named = {f"{words[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": v for name, v in generator.items()}
    assert_same_outputs(net_of_tensors(dict(sorted(named.items()))), "faces_generator")


def test_a_normalization_without_weights():
    tensors = tensors_of("faces_generator.pth")
    plain = net_of_tensors({name: v for name, v in tensors.items() if name not in ("main.1.weight", "main.1.bias")})
    ones = tensors | {"main.1.weight": np.ones(8, np.float32), "main.1.bias": np.zeros(8, np.float32)}
    latents = EXPECTED["faces_generator_x"]
    np.testing.assert_array_equal(plain(latents), net_of_tensors(ones)(latents))


def test_weights_of_64_bits_become_32():
    tensors = {name: v.astype(np.float64) for name, v in tensors_of("faces_generator.pth").items()}
    assert_same_outputs(net_of_tensors(tensors), "faces_generator")


def test_nets_that_are_not_known():
    shapes = [square(7, 2), (2,), square(2, 2), (2,), square(2, 4)]  # four channels
    assert error_of(net_of_tensors, random_tensors(*shapes)) == (
        f"{KNOWN}; its layers, in order: main.0 7x2x4x4, main.1 2, main.2 2x2x4x4, main.3 2, main.4 2x4x4x4"
    )
    many = error_of(net_of_tensors, random_tensors(*[(3, 3)] * 1000))
    assert many.endswith("main.18 3x3, main.19 3x3, and 980 more")
    assert len(error_of(net_of_tensors, random_tensors((3, 3), name="a" * 500 + "\n{}"))) < 300


@pytest.mark.parametrize(
    "shapes",
    [
        [square(7, 2), square(2, 3)],  # no batch normalization between
        [square(7, 2), (2,), square(3, 3)],  # channels that do not chain
        [square(7, 2), (2,), square(2, 3), (3,)],  # a normalization at the end
        [square(7, 2), (2,), square(2, 3, kernel=3)],
        [(7, 2, 4, 5), (2,), square(2, 3)],
        [square(7, 2), (2,), (2, 3, 4, 5)],
        [square(2, 3), square(2, 2)],  # two logits
        [square(2, 3), square(1, 2, kernel=0)],
        [square(0, 3), square(1, 0)],
        [(0,)],
        [(7, 2, 4), (2,)],
        [()],
        [square(1, 3, kernel=4)],
        [square(7, 1), (1,), *[square(1, 1), (1,)] * 11, square(1, 1)],  # an image of 16,384x16,384
        [square(7, 1), (1,), *[square(1, 1), (1,)] * 40, square(1, 1)],
        [(256, 100), (512, 256), (785, 512)],
    ],
)  # fmt: skip
def test_shapes_of_no_net(shapes):
    assert error_of(net_of_tensors, random_tensors(*shapes)).startswith(KNOWN)


def changed(file="faces_generator.pth", **changes):
    """The tensors of a file, with others for some, or without those that are None. "_1_weight" is "main.1.weight"."""
    changes = {f"main{key.replace('_', '.', 2)}": values for key, values in changes.items()}
    return {name: values for name, values in (tensors_of(file) | changes).items() if values is not None}


NO_STATISTICS = (
    "layer 'main.1' has one weight for each channel but no running statistics, like a batch normalization with "
    "track_running_stats=False: what it gives depends on the whole batch; give a net with running statistics"
)
OTHER_KIND = "only dense layers, convolutions and batch normalizations are read, without spectral norm and the like"
APART = "layer 'main.1' has tensors that do not belong together: the file is damaged"


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(_1_running_mean=None, _1_running_var=None), NO_STATISTICS),
        (dict(_1_running_var=None), APART),
        (dict(_1_running_mean=None), NO_STATISTICS),
        (dict(_1_bias=np.zeros(3, np.float32)), APART),
        (dict(_1_running_var=np.ones([8, 1], np.float32)), APART),
        (dict(_3_weight_orig=np.zeros(1)), f"layer 'main.3' has a tensor 'weight_orig': {OTHER_KIND}"),
        (dict(_3_weight=None), f"layer 'main.3' has a tensor 'bias': {OTHER_KIND}"),
        (
            dict(_3_bias=np.zeros(7, np.float32)),
            "layer 'main.3' has a bias of shape [7], its weight asks for [4]: the file is damaged",
        ),
        (
            dict(_3_bias=np.zeros([], np.float32)),
            "layer 'main.3' has a bias of shape [], its weight asks for [4]: the file is damaged",
        ),
        (
            dict(_3_bias=np.zeros(4, np.int8)),
            "layer 'main.3' has no floating-point numbers: give a net that is not quantized",
        ),
    ],
)  # fmt: skip
def test_layers_that_are_not_read(changes, message):
    assert error_of(net_of_tensors, changed(**changes)) == message


def test_no_tensors_and_no_layers():
    assert error_of(net_of_tensors, {}) == "holds no tensors: give a state dict of PyTorch"
    assert error_of(net_of_tensors, {"a.num_batches_tracked": np.array(1)}).startswith(KNOWN)


def test_a_net_that_does_not_fit_into_the_memory(monkeypatch):
    shapes = [square(7, 1), (1,), *[square(1, 1), (1,)] * 9, square(1, 3)]  # 4096x4096x3 of a few kilobytes
    monkeypatch.setattr(limits, "free_bytes", lambda: 2 * 10**9)
    assert error_of(net_of_tensors, random_tensors(*shapes)) == (
        "needs 2.42 GB of memory for its weights and a block of 4 images, and 2 GB are free: give a smaller net"
    )


def test_the_rows_built_are_those_of_the_presets():
    """The family of any width, at the widths of the presets, is the presets' own nets."""
    for name in ("faces64", "mri96"):
        preset = PRESETS[name]
        for part, build in (("generator", build_generator), ("discriminator", build_discriminator)):
            shapes = []
            channels = preset.latent_dim if part == "generator" else 3
            for row in getattr(preset, part):
                if row.units:
                    pair = (channels, row.units) if row.kind == "deconv" else (row.units, channels)
                    shapes += [(*pair, *row.kernel), *([(row.units,)] if "bn" in row.then else [])]
                    channels = row.units
            net, wanted = net_of_tensors(random_tensors(*shapes)), build(preset)
            for layer, other in zip(net.layers, wanted.layers, strict=True):
                config, expected = layer.get_config(), other.get_config()
                for key, value in expected.items():
                    assert key.endswith(("name", "_initializer")) or config[key] == value, (name, part, key)


def test_the_families_have_no_further_kinds_of_layers():
    """Else their shapes could not be compared with those of a file."""
    names, parts = ("mnist", "mnist-mlp", "mnist56", "faces64", "mri96"), ("generator", "discriminator")
    kinds = {row.kind for name in names for part in parts for row in getattr(PRESETS[name], part)}
    assert kinds == {"dense", "conv", "deconv", "reshape", "flatten"}


@pytest.mark.parametrize("name", ["mnist", "mnist-mlp", "mnist56", "faces64", "mri96"])
def test_the_tutorials_nets_in_full_size(tmp_path, name):
    torch = pytest.importorskip("torch")
    from nets.torch import make

    preset = PRESETS[name]
    for part, module, shape in zip(
        ("generator", "discriminator"), make.FULL[name], ((preset.latent_dim,), preset.image_shape)
    ):
        net = make.randomized(module())
        paths = [tmp_path / file for file in ("zip.pth", "pickles.pth", "x.safetensors")]
        torch.save(net.state_dict(), paths[0])
        torch.save(net.state_dict(), paths[1], _use_new_zipfile_serialization=False)
        make.save_safetensors(net.state_dict(), paths[2])
        x = make.inputs(shape)
        wanted = make.outputs(net, x)
        for path in paths:
            tensors = read_tensors(path)
            assert {key: values.shape for key, values in tensors.items()} == {
                key: tuple(values.shape) for key, values in net.state_dict().items()
            }
            read = net_of_tensors(tensors, part)
            assert (read.input_shape[1:], read.name) == (tuple(shape), part)
            np.testing.assert_allclose(np.asarray(read(x, training=False)), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_family_in_other_sizes_against_pytorch(bias, channels):
    pytest.importorskip("torch")
    from nets.torch import make

    for side, widths, outer in (
        (4, (8, 6), 4),
        (4, (12, 8, 6, 4, 2), 4),
        (4, (4, 4, 4), 5),
        (7, (5, 4), 4),
        (6, (4, 4), 5),
    ):
        generator = make.FacesGenerator(9, widths, channels, side, outer, bias)
        discriminator = make.FacesDiscriminator(widths, channels, side, outer, bias, bias)
        size = side * 2 ** (len(widths) - 1) * {4: 2, 5: 3}[outer]
        for net, shape in ((generator, (9,)), (discriminator, (size, size, channels))):
            state = {name: values.numpy() for name, values in make.randomized(net).state_dict().items()}
            x = make.inputs(shape)
            given = np.asarray(net_of_tensors(state)(x, training=False))
            np.testing.assert_allclose(given, make.outputs(net, x), rtol=0, atol=1e-5)
