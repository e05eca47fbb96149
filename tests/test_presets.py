import subprocess
import sys

import pytest

from dcgan_tf.presets import PRESETS, epochs_for, fit, get_preset, preset_for


def test_the_six_presets_in_the_order_in_which_auto_looks():
    assert list(PRESETS) == ["mnist", "mnist-mlp", "mnist56", "faces64", "mri96", "paints200"]


@pytest.mark.parametrize(
    "name, lr, betas, batch, epochs, latents, dim, update, g_step, target, scale, init, bn, drop, grid",
    [
        ("mnist", 3e-4, (0.5, 0.999), 128, 5, "uniform", 96, "alternating", "latents", 1.0, 1.0, "torch", (1e-5, 0.9), False, (4, 4)),
        ("mnist-mlp", 2e-4, (0.5, 0.999), 64, 10, "normal", 100, "alternating", "fresh", 1.0, 0.5, "torch", (1e-5, 0.9), False, (5, 5)),
        ("mnist56", 2e-4, (0.5, 0.999), 64, 20, "normal", 100, "alternating", "fresh", 0.9, 1.0, "torch", (1e-5, 0.9), False, (5, 5)),
        ("faces64", 2e-4, (0.5, 0.999), 128, 5, "normal", 100, "alternating", "fakes", 1.0, 1.0, "dcgan", (1e-5, 0.9), False, (8, 8)),
        ("mri96", 2e-4, (0.5, 0.999), 64, 400, "normal", 100, "alternating", "fakes", 1.0, 1.0, "torch", (1e-5, 0.9), True, (8, 8)),
        ("paints200", 1e-4, (0.9, 0.999), 16, 800, "normal", 100, "joint", "fakes", 1.0, 1.0, "keras", (1e-3, 0.99), False, (2, 2)),
    ],
)  # fmt: skip
def test_training_numbers(
    name, lr, betas, batch, epochs, latents, dim, update, g_step, target, scale, init, bn, drop, grid
):
    preset = get_preset(name)
    assert (preset.learning_rate, (preset.beta_1, preset.beta_2)) == (lr, betas)
    assert (preset.batch_size, preset.epochs, preset.drop_remainder) == (batch, epochs, drop)
    assert (preset.latents, preset.latent_dim, preset.grid) == (latents, dim, grid)
    assert (preset.update, preset.generator_step) == (update, g_step)
    assert (preset.real_target, preset.d_loss_scale) == (target, scale)
    assert (preset.initializer, (preset.bn_epsilon, preset.bn_momentum)) == (init, bn)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(
        KeyError, match="no preset 'faces'; there are mnist, mnist-mlp, mnist56, faces64, mri96, paints200"
    ):
        get_preset("faces")


@pytest.mark.parametrize(
    "shape, family, name",
    [
        ((28, 28, 1), "auto", "mnist"),
        ((56, 56, 1), "auto", "mnist56"),
        ((200, 200, 3), "auto", "paints200"),
        ((28, 28, 1), "mnist-mlp", "mnist-mlp"),
        ((28, 28, 3), "auto", "faces64@28x28x3"),
        ((120, 90, 1), "auto", "faces64@120x90x1"),
        ((40, 40, 3), "paints200", "paints200@40x40x3"),
    ],
)
def test_preset_for(shape, family, name):
    preset = preset_for(shape, family)
    assert (preset.name, preset.image_shape) == (name, shape)
    assert (preset is PRESETS.get(name)) == ("@" not in name)


def test_a_fitted_net_has_one_stage_per_halving_and_filters_that_double_inwards():
    preset = fit(get_preset("faces64"), (120, 90, 1))
    # 120x90 -> 60x45 -> 30x23 -> 15x12 -> 8x6 -> 4x6
    ups = [layer for layer in preset.generator if layer.kind == "deconv"][1:]
    assert [(up.units, up.stride, up.crop) for up in ups] == [
        (512, (2, 1), (0, 0)),  # 8x6
        (256, (2, 2), (1, 0)),  # 15x12
        (128, (2, 2), (0, 1)),  # 30x23
        (64, (2, 2), (0, 1)),  # 60x45
        (1, (2, 2), (0, 0)),
    ]
    downs = [layer for layer in preset.discriminator if layer.kind == "conv"]
    assert [down.units for down in downs] == [64, 128, 256, 512, 512, 1]
    assert downs[-1].kernel == (4, 6)


def test_the_rule_gives_the_paper_its_own_net_back():
    again = fit(get_preset("faces64"), (64, 64, 3))
    assert (again.generator, again.discriminator) == (
        get_preset("faces64").generator,
        get_preset("faces64").discriminator,
    )


def test_a_fitted_discriminator_ends_as_its_family_does():
    """paints200's first and third convolution are equal rows: the head begins after the third."""
    preset = fit(get_preset("paints200"), (40, 40, 3))  # 40 -> 20 -> 10 -> 5
    assert [(layer.kind, layer.units, layer.kernel) for layer in preset.discriminator] == [
        ("conv", 64, (5, 5)), ("conv", 128, (5, 5)), ("conv", 256, (5, 5)), ("flatten", 0, (1, 1)), ("dense", 1, (1, 1)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "shape, batch", [((8, 8, 1), 64), ((120, 90, 1), 32), ((256, 256, 3), 8), ((1024, 1024, 3), 8)]
)
def test_batches_of_a_fitted_net_shrink_with_the_image(shape, batch):
    assert preset_for(shape).batch_size == batch


@pytest.mark.parametrize(
    "shape, grid", [((8, 8, 1), (8, 8)), ((256, 128, 3), (4, 8)), ((200, 200, 1), (5, 5)), ((600, 2000, 3), (2, 2))]
)
def test_sample_pictures_of_a_fitted_net_fit_a_screen(shape, grid):
    assert preset_for(shape).grid == grid


@pytest.mark.parametrize("steps, epochs", [(1, 400), (29, 345), (1000, 10), (50_000, 5)])
def test_epochs_of_a_fitted_net_make_about_ten_thousand_steps(steps, epochs):
    assert epochs_for(preset_for((8, 8, 1)), steps) == epochs
    assert epochs_for(get_preset("paints200"), steps) == 800


def test_presets_config_and_cli_import_neither_tensorflow_nor_keras():
    code = "import sys, dcgan_tf.presets, dcgan_tf.config, dcgan_tf.cli, dcgan_tf.plan;" + (
        "print([name for name in ('tensorflow', 'keras', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
