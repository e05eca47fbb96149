import pytest

from dcgan_tf.config.fitting import epochs_for, fit, preset_for
from dcgan_tf.config.order import Order
from dcgan_tf.config.presets import PRESETS, get_preset


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
    "shape, grid", [((8, 8, 1), (8, 8)), ((128, 96, 3), (4, 5)), ((200, 200, 1), (4, 4)), ((600, 2000, 3), (4, 4))]
)
def test_sample_pictures_of_a_fitted_net_stay_small(shape, grid):
    assert preset_for(shape).grid == grid


@pytest.mark.parametrize("steps, epochs", [(1, 400), (29, 345), (1000, 10), (50_000, 5)])
def test_epochs_of_a_fitted_net_make_about_ten_thousand_steps(steps, epochs):
    assert epochs_for(preset_for((8, 8, 1)), steps) == epochs


@pytest.mark.parametrize(
    "name, images, epochs",
    [
        ("mnist", 60_000, 5), ("mnist-mlp", 60_000, 10), ("mnist56", 60_000, 20), ("faces64", 202_599, 5),
        ("mri96", 253, 400), ("paints200", 2656, 800),  # the sets of the tutorials
        ("mnist", 1000, 294), ("faces64", 5200, 194), ("faces64", 100, 400), ("faces64", 10**6, 5),
        ("mri96", 50_000, 400), ("paints200", 16, 800),
    ],
)  # fmt: skip
def test_a_net_trains_as_long_as_published_and_on_fewer_images_for_as_many_steps(name, images, epochs):
    preset = get_preset(name)
    assert epochs_for(preset, Order(images, preset.batch_size, preset.drop_remainder, 0).steps_per_epoch) == epochs
