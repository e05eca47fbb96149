import json

import numpy as np
import pytest
from PIL import Image
from support import small_nets

from dcgan_tf.common.backend import tf
from dcgan_tf.export.judge import Judge
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators.latents import interpolate, seed_latents
from dcgan_tf.generators.runtimes import SavedModel, SavedModelSession
from dcgan_tf.pictures.images import to_uint8


@pytest.fixture(scope="module")
def nets():
    return small_nets.generator(), small_nets.discriminator()


@pytest.fixture(scope="module")
def folder(nets, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "7"
    SavedModelWriter(nets[0], "uniform", Judge(nets[1])).write(path, {"name": "small"})
    return path


@pytest.fixture(scope="module", params=[SavedModel, SavedModelSession])
def loaded(request, folder):
    return request.param(str(folder))


def pictures(net, latents):
    return to_uint8(net(latents, training=False))


def within_a_level(images, wanted):
    assert images.dtype == np.uint8 and images.shape == wanted.shape
    assert np.abs(images.astype(int) - wanted).max() <= 1


def test_the_folder_holds_what_a_server_expects(folder):
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "saved_model.pb",
        "fingerprint.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets.extra/model_card.json",
    }
    card = json.loads((folder / "assets.extra/model_card.json").read_text())
    assert card["name"] == "small"
    assert set(card["checksums"]) == files - {"fingerprint.pb"}


def test_names_types_and_shapes_of_every_signature(folder):
    signatures = SavedModelSession(str(folder)).signatures
    described = {
        signature: {
            side: {
                name: (tf.dtypes.as_dtype(tensor.dtype).name, [size.size for size in tensor.tensor_shape.dim])
                for name, tensor in getattr(signatures[signature], side).items()
            }
            for side in ("inputs", "outputs")
        }
        for signature in signatures
        if not signature.startswith("__")
    }
    images, seeds = ("uint8", [-1, 8, 8, 3]), ("int32", [-1])
    assert described == {
        "serving_default": {"inputs": {"latents": ("float32", [-1, 6])}, "outputs": {"images": images}},
        "generate": {"inputs": {"seeds": seeds}, "outputs": {"images": images, "latents": ("float32", [-1, 6])}},
        "generate_png": {"inputs": {"seeds": seeds}, "outputs": {"image_bytes": ("string", [-1])}},
        "interpolate": {
            "inputs": {"seeds_a": seeds, "seeds_b": seeds, "t": ("float32", [-1])},
            "outputs": {"images": images},
        },
        "score": {"inputs": {"images": images}, "outputs": {"logits": ("float32", [-1, 1])}},
    }


@pytest.mark.parametrize("count", [1, 3, 64])
def test_every_signature_does_what_the_nets_do(loaded, nets, count):
    generator, discriminator = nets
    seeds = np.arange(100, 100 + count, dtype=np.int32)
    others, t = seeds + 7, np.linspace(0, 1, count, dtype=np.float32)
    latents, ends = (seed_latents(numbers, 6, "uniform").numpy() for numbers in (seeds, others))
    images = pictures(generator, latents)

    within_a_level(loaded.run("serving_default", {"latents": latents})["images"], images)
    generated = loaded.run("generate", {"seeds": seeds})
    within_a_level(generated["images"], images)
    np.testing.assert_array_equal(generated["latents"], latents)
    files = loaded.run("generate_png", {"seeds": seeds})["image_bytes"]
    assert all(png.startswith(b"\x89PNG") for png in files)
    np.testing.assert_array_equal([tf.io.decode_png(png) for png in files], generated["images"])
    way = loaded.run("interpolate", {"seeds_a": seeds, "seeds_b": others, "t": t})["images"]
    within_a_level(way, pictures(generator, interpolate(latents, ends, t, "uniform")))
    logits = loaded.run("score", {"images": images})["logits"]
    np.testing.assert_allclose(logits, discriminator(images / np.float32(127.5) - 1), rtol=1e-5, atol=1e-5)


def test_a_seed_gives_the_same_picture_in_every_batch(loaded):
    seeds = np.arange(70, dtype=np.int32)
    every = loaded.run("generate", {"seeds": seeds})
    for chosen in (seeds[:1], seeds[3:6], seeds[::-1], np.int32([9, 9, 69])):
        some = loaded.run("generate", {"seeds": chosen})
        np.testing.assert_array_equal(some["images"], every["images"][chosen])
        np.testing.assert_array_equal(some["latents"], every["latents"][chosen])


def test_without_a_discriminator_there_is_no_score_and_weights_are_those_of_the_moment(nets, tmp_path):
    generator = small_nets.generator()
    writer = SavedModelWriter(generator, "normal")
    writer.write(tmp_path / "1")
    generator.set_weights([weight * 0.5 for weight in generator.get_weights()])
    writer.write(tmp_path / "2")
    latents = seed_latents(np.arange(5, dtype=np.int32), 6, "normal").numpy()
    first, second = SavedModel(str(tmp_path / "1")), SavedModel(str(tmp_path / "2"))
    assert sorted(second.signatures) == ["generate", "generate_png", "interpolate", "serving_default"]
    within_a_level(second(latents), pictures(generator, latents))
    assert np.abs(first(latents).astype(int) - second(latents)).max() > 1
    assert not (tmp_path / "1" / "assets.extra").exists()


def test_the_states_of_dropout_are_not_saved(folder):
    names = [name for name, _ in tf.train.list_variables(str(folder / "variables" / "variables"))]
    # The generator has 3 kernels and 2 batch normalizations of 4 variables; the discriminator 3 kernels and 3 biases.
    assert len([name for name in names if name.startswith("weights/")]) == 3 + 8 + 6


def test_grey_pictures_are_grey_png_files(tmp_path):
    layers = small_nets.layers
    net = small_nets.shake(
        small_nets.keras.Sequential(
            [small_nets.keras.Input([4]), layers.Dense(20, activation="tanh"), layers.Reshape([4, 5, 1])]
        )
    )
    SavedModelWriter(net, "normal").write(tmp_path / "1")
    [png] = SavedModel(str(tmp_path / "1")).run("generate_png", {"seeds": [5]})["image_bytes"]
    (tmp_path / "a.png").write_bytes(png)
    with Image.open(tmp_path / "a.png") as picture:
        assert (picture.mode, picture.size) == ("L", (5, 4))
