import dataclasses
import subprocess
import sys

import pytest

from dcgan_tf.config.presets import PRESETS, get_preset


def test_the_six_presets_in_the_order_in_which_auto_looks():
    assert list(PRESETS) == ["mnist", "mnist-mlp", "mnist56", "faces64", "mri96", "paints200"]


@pytest.mark.parametrize(
    "name, lr, betas, batch, epochs, latents, dim, update, g_step, target, scale, init, bn, drop, grid",
    [
        ("mnist", 3e-4, (0.5, 0.999), 128, 5, "uniform", 96, "alternating", "latents", 1.0, 1.0, "torch", (1e-5, 0.9), False, (4, 4)),
        ("mnist-mlp", 2e-4, (0.5, 0.999), 64, 10, "normal", 100, "alternating", "fresh", 1.0, 0.5, "torch", (1e-5, 0.9), False, (5, 5)),
        ("mnist56", 2e-4, (0.5, 0.999), 64, 20, "normal", 100, "alternating", "fresh", 0.9, 1.0, "torch", (1e-5, 0.9), False, (5, 5)),
        ("faces64", 2e-4, (0.5, 0.999), 128, 5, "normal", 100, "alternating", "fakes", 1.0, 1.0, "dcgan", (1e-5, 0.9), False, (8, 8)),
        ("mri96", 2e-4, (0.5, 0.999), 64, 400, "normal", 100, "alternating", "fakes", 1.0, 1.0, "torch", (1e-5, 0.9), True, (5, 5)),
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


def test_presets_know_no_classes():
    for preset in PRESETS.values():
        assert (preset.classes, preset.class_judge, preset.shown_classes) == (0, "projection", [])
        assert preset.generator_inputs == preset.latent_dim


@pytest.mark.parametrize(
    "classes, rows, shown",
    [
        (1, 1, [0]),
        (3, 3, [0, 1, 2]),
        (5, 3, [0, 1, 3]),
        (40, 16, [0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 30, 32, 35, 37]),
        (1000, 4, [0, 250, 500, 750]),
    ],
)
def test_classes_are_shown_evenly(classes, rows, shown):
    preset = dataclasses.replace(PRESETS["mnist"], classes=classes, grid=(rows, 8))
    assert preset.shown_classes == shown


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(
        KeyError, match="no preset 'faces'; there are mnist, mnist-mlp, mnist56, faces64, mri96, paints200"
    ):
        get_preset("faces")


def test_presets_config_and_cli_import_neither_tensorflow_nor_keras():
    code = "import sys, dcgan_tf.config.presets, dcgan_tf.config.train, dcgan_tf.cli, dcgan_tf.training.plan;" + (
        "print([name for name in ('tensorflow', 'keras', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
