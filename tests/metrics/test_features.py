import hashlib
import json
import zipfile
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image
from support.helpers import error_of
from support.image_sets import source_of

from dcgan_tf.common.backend import keras
from dcgan_tf.data.source import ImageSource
from dcgan_tf.metrics import inception
from dcgan_tf.metrics.features import FeatureSpace, open_features

layers = keras.layers


def random_images(count=7, size=(8, 8), channels=3):
    return np.random.default_rng(1).integers(0, 256, [count, *size, channels], np.uint8)


def save(tmp_path, net, name="net.keras"):
    net.save(tmp_path / name)
    return str(tmp_path / name)


def small_net(*head, channels=3, size=(8, 8)):
    return keras.Sequential([
        keras.Input([*size, channels]), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, padding="same", activation="relu"),
        *head,
    ])  # fmt: skip


def branched(dense=True):
    """A residual net, which `nets.saved.load_model` does not read."""
    x = inputs = keras.Input([8, 8, 3])
    x = layers.Conv2D(4, 3, padding="same", name="first")(layers.Rescaling(1 / 255)(x))
    x = layers.Add(name="sum")([x, layers.Conv2D(4, 1, name="second")(layers.ReLU()(x))])
    if dense:
        pooled = layers.GlobalAveragePooling2D(name="pooled")(x)
        x = layers.Softmax()(layers.Dense(5)(layers.Dropout(0.5)(pooled)))
    return keras.Model(inputs, x)


def outputs(net, layer, images):
    """What goes out of a layer, computed by Keras."""
    return np.asarray(keras.Model(net.inputs[0], layer.output)(images.astype(np.float32), training=False))


# ---------------------------------------------------------------------------------------------- which numbers


@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
def test_the_input_of_the_last_layer_with_weights(tmp_path, name):
    net = small_net(
        layers.Flatten(), layers.Dense(6, "relu", name="hidden"), layers.Dropout(0.5), layers.Dense(3), layers.Softmax()
    )
    space = open_features(save(tmp_path, net, name))
    images = random_images()
    assert (space.name, space.dimension, space.image_shape) == (name, 6, (8, 8, 3))
    found = space.extract(source_of(images))
    assert found.dtype == np.float32 and found.shape == (7, 6)
    np.testing.assert_allclose(found, outputs(net, net.get_layer("hidden"), images), atol=1e-5)


def test_maps_are_averaged_over_space(tmp_path):
    net = small_net(layers.Conv2D(3, 1, activation="softmax"), layers.Flatten())
    images = random_images()
    maps = outputs(net, net.layers[1], images)
    found = open_features(save(tmp_path, net)).extract(source_of(images))
    np.testing.assert_allclose(found, maps.mean(axis=(1, 2)), atol=1e-5)


@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
def test_nets_with_branches(tmp_path, name):
    net = branched()
    images = random_images()
    found = open_features(save(tmp_path, net, name)).extract(source_of(images))
    np.testing.assert_allclose(found, outputs(net, net.get_layer("pooled"), images), atol=1e-5)


def test_a_net_without_a_classifier_gives_what_comes_out_of_it(tmp_path):
    net = branched(dense=False)
    images = random_images()
    found = open_features(save(tmp_path, net)).extract(source_of(images))
    np.testing.assert_allclose(found, outputs(net, net.get_layer("sum"), images).mean(axis=(1, 2)), atol=1e-5)


def test_a_net_on_top_of_another(tmp_path):
    pixels = keras.Input([8, 8, 3])
    below = branched(dense=False)
    net = keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(below(pixels))))
    images = random_images()
    wanted = np.asarray(below(images.astype(np.float32), training=False)).mean(axis=(1, 2))
    np.testing.assert_allclose(open_features(save(tmp_path, net)).extract(source_of(images)), wanted, atol=1e-5)


# ---------------------------------------------------------------------------------------------- which images


def mean_space(image_shape, seen=None):
    """Features that are the means of the channels."""

    def run(images):
        assert images.dtype == np.float32 and images.shape[1:] == image_shape
        if seen is not None:
            seen.append(len(images))
        return images.mean(axis=(1, 2))

    return FeatureSpace("mean", image_shape[-1], image_shape, run)


def test_a_batch_in_memory_at_a_time_and_only_the_images_asked_for():
    read, seen = [], []
    images = random_images(300)

    def pixels(indices):
        read.append(len(indices))
        return images[indices]

    source = ImageSource("images", (8, 8, 3), 300, pixels, "uint8")
    found = mean_space((8, 8, 3), seen).extract(source)
    assert read == seen == [64] * 4 + [44]
    np.testing.assert_allclose(found, images.mean(axis=(1, 2)), rtol=1e-5)
    some = mean_space((8, 8, 3)).extract(source, [250, 3, 3])
    np.testing.assert_array_equal(some, found[[250, 3, 3]])
    assert mean_space((8, 8, 3)).extract(source, []).shape == (0, 3)


def test_images_are_resized_with_antialiasing():
    stripes = np.zeros([1, 64, 64, 1], np.uint8)
    stripes[:, :, ::2] = 200  # every other column: picking pixels would give all or nothing
    fitted = mean_space((8, 8, 1)).fitted(stripes)
    assert fitted.shape == (1, 8, 8, 1) and abs(fitted.astype(int) - 100).max() <= 8
    picture = Image.fromarray(stripes[0, ..., 0]).resize((8, 8), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(fitted[0, ..., 0], np.asarray(picture))


def test_grey_is_repeated_and_colour_made_grey():
    grey, colour = random_images(channels=1), np.full([2, 8, 8, 3], [255, 0, 0], np.uint8)
    np.testing.assert_array_equal(mean_space((8, 8, 3)).fitted(grey), grey.repeat(3, axis=-1))
    np.testing.assert_array_equal(mean_space((8, 8, 1)).fitted(colour), np.full([2, 8, 8, 1], 76))


def test_the_fingerprint_is_that_of_the_file(tmp_path):
    name = save(tmp_path, small_net(layers.Flatten(), layers.Dense(3)))
    content = (tmp_path / "net.keras").read_bytes()
    assert open_features(name).fingerprint == hashlib.blake2b(content, digest_size=8).hexdigest()


def test_nan_is_one_line():
    space = FeatureSpace("mine.keras", 1, (8, 8, 1), lambda images: np.full([len(images), 1], np.nan))
    message = error_of(space.extract, source_of(random_images(channels=1)))
    assert message == "mine.keras: makes NaN of some images: give another net with --features"


# ---------------------------------------------------------------------------------------------- files that do not do


def test_no_such_file(tmp_path):
    path = tmp_path / "none.keras"
    message = error_of(open_features, str(path))
    assert message == f"{path}: there is no such file; give a net saved with model.save, .h5 or .keras"


def test_no_net(tmp_path):
    (tmp_path / "net.keras").write_text("nothing of the kind")
    message = error_of(open_features, str(tmp_path / "net.keras"))
    assert message == (
        f"{tmp_path / 'net.keras'}: is no file of a net: give one saved with model.save, .h5 or .keras, or the tensors of "
        "PyTorch, .pth or .safetensors"
    )


def test_a_damaged_net_with_branches(tmp_path):
    path = save(tmp_path, branched())
    with zipfile.ZipFile(path) as archive:
        settings = archive.read("config.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", settings)
    assert error_of(open_features, path) == (
        f"{path}: is a ZIP archive that is no .keras file (it holds config.json): unpack it, and give the net that is in it"
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([5], "takes [5], which is no image [height, width, 1 or 3]: give a net that does"),
        ([8, 8, 2], "takes [8, 8, 2], which is no image [height, width, 1 or 3]: give a net that does"),
        ([3, 8, 8], "takes [3, 8, 8], which is no image [height, width, 1 or 3]: give a net that does"),
        ([None, None, 3], "takes images of any size, [None, None, 3]: save it with an Input of one size"),
    ],
)
def test_input_that_is_no_image(tmp_path, shape, message):
    path = save(tmp_path, keras.Sequential([keras.Input(shape), layers.Dense(2)]))
    assert error_of(open_features, path) == f"--features {path}: {message}"


def test_two_inputs_and_no_weights(tmp_path):
    a, b = keras.Input([8, 8, 3]), keras.Input([8, 8, 3])
    path = save(tmp_path, keras.Model([a, b], layers.Dense(2)(layers.Add()([a, b]))))
    assert "has 2 inputs and 1 outputs" in error_of(open_features, path)
    path = save(tmp_path, keras.Sequential([keras.Input([8, 8, 3]), layers.Flatten()]))
    assert error_of(open_features, path) == (
        f"--features {path}: has no layer with weights: give a trained image classifier"
    )


@pytest.mark.parametrize("chain", [True, False])
@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
def test_code_in_a_file_is_never_run(tmp_path, chain, name):
    x = inputs = keras.Input([8, 8, 3])
    x = layers.Lambda(lambda images: images, output_shape=(8, 8, 3))(x)
    x = layers.Dense(2)(x if chain else layers.Add()([x, layers.Conv2D(3, 1)(x)]))
    path = save(tmp_path, keras.Model(inputs, x), name)
    message = error_of(open_features, path)
    assert message.startswith(f"{path}: layer 'lambda")
    assert "(Lambda) does not load: only plain layers of Keras do, never code; save the net without it" in message


@pytest.mark.parametrize(
    "change",
    [
        {"class_name": "TFSMLayer"},
        {"module": "os", "class_name": "Dense"},
        {"registered_name": "mine>Dense"},
        {"class_name": "function", "config": "system"},
        {"class_name": ["Dense"]},
    ],
)
def test_only_what_is_listed_is_made(tmp_path, change):
    path = save(tmp_path, branched())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    settings = json.loads(members["config.json"])
    settings["config"]["layers"][-2].update(change)
    members["config.json"] = json.dumps(settings)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert "does not load: only plain layers of Keras do" in error_of(open_features, path)


def test_how_a_net_was_trained_does_not_matter(tmp_path):
    net = branched()
    net.compile(keras.optimizers.Adam(), lambda true, predicted: 0 * predicted)
    assert open_features(save(tmp_path, net)).dimension == 4


# ---------------------------------------------------------------------------------------------- Inception-v3


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """Keras's own folder, empty; weights of nine bytes are the whole file."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(inception, "INCEPTION_MD5", hashlib.md5(b"nine byte").hexdigest())
    return tmp_path


WEIGHTS = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"


def test_inception_with_weights_from_the_cache(keras_home, monkeypatch, capsys):
    (keras_home / "models").mkdir()
    (keras_home / "models" / WEIGHTS).write_bytes(b"nine byte")

    def inception_v3(include_top, pooling, weights):
        assert (include_top, pooling, weights) == (False, "avg", str(keras_home / "models" / WEIGHTS))
        return keras.Sequential([keras.Input([None, None, 3]), layers.GlobalAveragePooling2D()])

    monkeypatch.setattr(keras.applications, "InceptionV3", inception_v3)
    space = open_features("inception")
    assert (space.name, space.dimension, space.image_shape) == ("inception", 3, (299, 299, 3))
    white_and_black = np.stack([np.full([10, 12, 3], 255, np.uint8), np.zeros([10, 12, 3], np.uint8)])
    np.testing.assert_allclose(space.extract(source_of(white_and_black)), [[1] * 3, [-1] * 3], atol=1e-6)
    assert capsys.readouterr().out == ""


def test_inception_is_downloaded_where_keras_looks_for_it(keras_home, monkeypatch, capsys):
    def get_file(name, url, cache_dir, cache_subdir):
        assert url == inception.INCEPTION_URL
        (cache_dir / cache_subdir / name).write_bytes(b"nine byte")

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    path = inception.inception_weights()
    assert path == keras_home / "models" / WEIGHTS and path.read_bytes() == b"nine byte"
    assert capsys.readouterr().out == (
        f"downloading the weights of Inception-v3 (88 MB) from storage.googleapis.com to {path}\n"
    )
    assert [file.name for file in path.parent.iterdir()] == [WEIGHTS]
    monkeypatch.delattr(keras.utils, "get_file")
    assert inception.inception_weights() == path  # the second time from there


def test_keras_looks_for_the_same_file():
    from keras.src.applications import inception_v3

    assert inception_v3.WEIGHTS_PATH_NO_TOP == inception.INCEPTION_URL


def test_without_a_network(keras_home, monkeypatch):
    def no_network(*_):
        raise URLError("Name or service not known")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", no_network)
    path = keras_home / "models" / WEIGHTS
    assert error_of(open_features, "inception") == (
        "--features inception: its weights cannot be downloaded (Name or service not known): "
        f"put {inception.INCEPTION_URL} at {path} yourself, or give --features imagenet or FILE.keras; "
        "swd, tones, msssim, copies, diversity and per-class need no such file"
    )
    assert list(path.parent.iterdir()) == []


def test_half_a_file_of_weights(keras_home):
    path = keras_home / "models" / WEIGHTS
    path.parent.mkdir()
    path.write_bytes(b"nine")
    assert error_of(open_features, "inception") == (
        f"{path} is not the whole file of weights: delete it and run the same command again, online; "
        "swd, tones, msssim, copies, diversity and per-class need no such file"
    )
