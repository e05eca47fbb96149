import json

import numpy as np
import pytest
from support import small_nets
from support.helpers import error_of

from dcgan_tf.export import convert
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators.find import Found, find, latent_distribution, load_keras, spans
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.nets.saved import save_model
from dcgan_tf.pictures.images import to_uint8

KINDS = "give a run's folder such as checkpoints/paints200, or a generator's .h5 or .keras file"


@pytest.fixture(scope="module")
def generator():
    return small_nets.generator()


@pytest.fixture(scope="module")
def run(generator, tmp_path_factory):
    """A run's folder with the models of epochs 2, 3, 4 and 9."""
    folder = tmp_path_factory.mktemp("runs") / "squares"
    folder.mkdir()
    for epoch in (2, 3, 4, 9):
        save_model(generator, folder / f"epoch{epoch}_Gmodel.h5")
    save_model(small_nets.discriminator(), folder / "epoch9_Dmodel.h5")
    (folder / "config.json").write_text(json.dumps({"config": {}, "preset": {"name": "x", "latents": "uniform"}}))
    return folder


def test_a_run_s_newest_epoch_is_taken(run):
    found = find(str(run))
    assert found == Found("keras", run / "epoch9_Gmodel.h5", "squares", 9, run / "epoch9_Dmodel.h5", found.settings)
    assert found.settings["preset"]["latents"] == "uniform"


def test_an_epoch_may_be_asked_for_and_its_discriminator_be_missing(run):
    found = find(str(run), 3)
    assert (found.path.name, found.epoch, found.discriminator) == ("epoch3_Gmodel.h5", 3, None)


def test_a_run_s_file_by_itself_brings_what_lies_beside_it(run):
    found = find(str(run / "epoch9_Gmodel.h5"))
    assert (found.name, found.epoch, found.discriminator) == ("epoch9_Gmodel", 9, run / "epoch9_Dmodel.h5")
    assert found.settings["preset"]["latents"] == "uniform"


def test_an_epoch_that_is_gone_is_one_line_with_those_that_are_kept(run):
    assert error_of(find, str(run), 5) == (f"--epoch 5: {run} has no models of that epoch (any more); it has 2-4, 9")


def test_what_holds_no_generator_is_one_line(run, tmp_path):
    assert error_of(find, str(tmp_path)) == (
        f"{tmp_path}: holds no saved model, or none yet (each epoch saves one at its end): {KINDS}"
    )
    assert error_of(find, f"{tmp_path}/no") == f"{tmp_path}/no: there is no such file or folder: {KINDS}"
    file = run / "epoch2_Gmodel.h5"
    assert error_of(find, str(file), 2) == (
        f"--epoch 2: {file} is not a run's folder with saved models: leave --epoch out"
    )
    long = "x" * 300
    assert error_of(find, long) == f"{long}: cannot be read (File name too long): {KINDS}"
    (tmp_path / "x.onnx").write_text("no")
    message = error_of(open_generator, str(tmp_path / "x.onnx"))
    assert message.startswith(f"{tmp_path}/x.onnx: is not a generator that runs (") and message.endswith(KINDS)
    found = find(str(run / "epoch9_Dmodel.h5"))
    assert error_of(load_keras, found) == (
        f"{run}/epoch9_Dmodel.h5: takes 8x8x3, not a row of latents; give the file of a generator"
    )


def test_images_of_two_channels_are_refused(tmp_path):
    layers, keras = small_nets.layers, small_nets.keras
    keras.Sequential([keras.Input([4]), layers.Dense(8), layers.Reshape([2, 2, 2])]).save(tmp_path / "two.keras")
    assert error_of(open_generator, str(tmp_path / "two.keras")) == (
        f"{tmp_path}/two.keras: makes images of 2 channels, not 1 or 3; give another net"
    )


@pytest.mark.parametrize(
    "asked, known, sizes, wanted",
    [
        ("normal", {"config": {}, "preset": {"latents": "uniform"}}, (96, (28, 28, 1)), "normal"),
        ("auto", {"config": {}, "preset": {"latents": "uniform"}}, (100, (64, 64, 3)), "uniform"),
        ("auto", {"preset": "mnist", "latents": {"distribution": "normal"}}, (96, (28, 28, 1)), "normal"),
        ("auto", {}, (96, (28, 28, 1)), "uniform"),  # as the preset mnist
        ("auto", {}, (96, (28, 28, 3)), "normal"),
        ("auto", {"config": {}}, (100, (64, 64, 3)), "normal"),
    ],
)
def test_what_latents_a_net_was_trained_on(asked, known, sizes, wanted):
    assert latent_distribution(asked, known, *sizes) == wanted


@pytest.mark.parametrize(
    "numbers, text", [([1], "1"), ([1, 2], "1-2"), ([1, 3, 4, 5, 50, 336, 337], "1, 3-5, 50, 336-337")]
)
def test_spans(numbers, text):
    assert spans(numbers) == text


@pytest.fixture(scope="module")
def places(run, generator, tmp_path_factory):
    """The same generator in every form that can be opened."""
    folder = tmp_path_factory.mktemp("places")
    SavedModelWriter(generator, "uniform").write(folder / "squares" / "9", {"latents": {"distribution": "uniform"}})
    made = {
        "run": run,
        "h5": run / "epoch2_Gmodel.h5",
        "savedmodel": folder / "squares" / "9",
        "versions": folder / "squares",
    }
    generator.save(folder / "net.keras")
    made["keras"] = folder / "net.keras"
    return made


@pytest.mark.parametrize("place", ["run", "h5", "savedmodel", "versions", "keras", "onnx", "tflite"])
def test_every_form_makes_the_same_pictures(place, places, generator, tmp_path):
    if place == "onnx":
        pytest.importorskip("tf2onnx", reason="needs dcgan-tf[export]")
        places = {place: tmp_path / "net.onnx"}
        convert.to_onnx(generator, places[place], {"latents": {"distribution": "uniform"}})
    if place == "tflite":
        pytest.importorskip("ai_edge_litert", reason="needs dcgan-tf[export]")
        places = {place: tmp_path / "net.tflite"}
        convert.to_litert(generator, places[place])
    opened = open_generator(str(places[place]), latents="uniform" if place in ("keras", "tflite") else "auto")
    assert (opened.latent_dim, opened.image_shape, opened.distribution) == (6, (8, 8, 3), "uniform")
    latents = np.random.default_rng(0).uniform(-1, 1, [9, 6]).astype(np.float32)
    images = opened.images(latents)
    wanted = to_uint8(generator(latents, training=False))
    assert images.dtype == np.uint8 and images.shape == wanted.shape
    assert np.abs(images.astype(int) - wanted).max() <= 1
    np.testing.assert_array_equal(opened.images(latents[4:5]), images[4:5])


def test_names(places):
    assert find(str(places["versions"])).name == find(str(places["savedmodel"])).name == "squares"
    assert find(str(places["savedmodel"])).epoch == 9


def test_a_net_that_has_become_nan_is_one_line(tmp_path):
    broken = small_nets.generator()
    broken.set_weights([np.full_like(weight, np.nan) for weight in broken.get_weights()])
    save_model(broken, tmp_path / "nan.h5")
    assert error_of(open_generator, str(tmp_path / "nan.h5")) == (
        f"{tmp_path}/nan.h5: has weights that are no numbers (NaN); give an earlier epoch"
    )
