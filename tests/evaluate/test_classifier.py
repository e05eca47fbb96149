import contextlib
import io
import json
import os
import zipfile

import numpy as np
import pytest
from PIL import Image
from support.helpers import error_of
from support.image_sets import source_of

from dcgan_tf import cli
from dcgan_tf.common.backend import keras
from dcgan_tf.config.checks import check
from dcgan_tf.config.commands import TrainFeaturesConfig
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate import class_net, classifier
from dcgan_tf.evaluate.class_net import split
from dcgan_tf.evaluate.classifier import class_names, predict_stacked, train_features
from dcgan_tf.metrics.diversity import modes
from dcgan_tf.metrics.features import open_features, open_outputs


def predict(path, source):
    """The class of each image of a source as the classifier in a file says, int64 [n]."""
    return open_outputs(str(path)).extract(source).argmax(axis=1)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A classifier of digits, trained for a few epochs by the command, and what the command printed."""
    path = tmp_path_factory.mktemp("features") / "new" / "digits.keras"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert cli.main(["train-features", "digits", "--out", str(path), "--epochs", "12"]) == 0
    return path, said.getvalue().splitlines()


def test_digits_are_told_apart_and_the_numbers_are_said(digits):
    path, lines = digits
    assert lines[0] == "digits: 10 classes, 1,618 images to train on for 12 epochs at 8x8, 179 held out"
    accuracy = json.loads(zipfile.ZipFile(path).read("classes.json"))["held_out_accuracy"]
    assert accuracy > 0.93 and lines[1] == f"of 179 held-out images {accuracy:.2%} are told rightly"
    assert lines[2] == "class  images    right" and len(lines) == 2 + 1 + 10 + 1
    shown = [line.split() for line in lines[3:13]]
    assert [row[0] for row in shown] == list("0123456789")
    right = sum(int(row[1]) * float(row[2][:-1]) / 100 for row in shown)
    assert right == pytest.approx(accuracy * 179, abs=0.1)
    assert lines[-1] == f"{path}: 128 features; compare with --features {path}"
    assert os.listdir(path.parent) == ["digits.keras"]


def test_the_accuracy_is_that_of_images_not_trained_on(digits):
    path, _ = digits
    source = open_source("digits")
    train, held_out = split(source.labels, seed=0)
    right = predict(path, source) == source.labels
    accuracy = json.loads(zipfile.ZipFile(path).read("classes.json"))["held_out_accuracy"]
    assert right[held_out].mean() == accuracy < right[train].mean()


def test_the_file_is_a_net_of_plain_keras(digits):
    path, _ = digits
    net = keras.models.load_model(path)
    images = open_source("digits").read(np.arange(20))
    logits = net.predict(images, verbose=0)  # pixels 0 to 255
    np.testing.assert_array_equal(logits.argmax(axis=1), predict(path, source_of(images)))
    hidden = keras.Model(net.inputs, net.get_layer("features").output).predict(images, verbose=0)
    space = open_features(str(path))
    assert space.dimension == 128
    np.testing.assert_allclose(space.extract(source_of(images)), hidden, atol=1e-4)


def test_predictions_have_names(digits):
    path, _ = digits
    assert class_names(path) == list("0123456789")
    net = keras.Sequential([keras.Input([8, 8, 1]), keras.layers.Flatten(), keras.layers.Dense(3)])
    other = path.parent / "other.keras"
    net.save(other)
    assert predict(other, open_source("digits")).max() <= 2  # any classifier predicts
    for file in (other, path.parent / "none.keras"):
        assert error_of(class_names, file) == (
            f"{file}: does not name its classes: give a file made by dcgan-tf train-features"
        )
    other.unlink()


def test_modes_of_stacked_digits(digits):
    path, _ = digits
    source = open_source("digits")
    sure = np.flatnonzero(predict(path, source) == source.labels)
    labels = source.labels[sure]
    chosen = [sure[np.flatnonzero(labels == label)[0]] for label in (3, 0, 7)]
    image = np.concatenate([source.read([index])[0] for index in chosen], axis=-1)  # 3 in red, 0 in green, 7 in blue
    stacked = source_of(np.stack([image, image[..., ::-1]]))
    found = predict_stacked(path, stacked)
    assert found.tolist() == [307, 703]
    assert modes(found, 1000) == (0.002, pytest.approx(np.log(500)))


def coloured(folder, counts, size=(20, 12)):
    """A folder of red, green, ... pictures, and noise on them, in folders of these names."""
    random = np.random.default_rng(0)
    for channel, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            image = random.integers(0, 100, [*size, 3], np.uint8)
            image[..., channel] += 120
            Image.fromarray(image).save(folder / name / f"{i}.png")
    return str(folder)


def test_folders_of_classes_of_which_one_is_rare(tmp_path, capsys):
    data = coloured(tmp_path / "data", {"grün": 40, "red one": 90, "tiny": 5})
    out = tmp_path / "net.keras"
    train_features(TrainFeaturesConfig(data, str(out), epochs=6))
    printed = capsys.readouterr().out.splitlines()
    assert "data: 3 classes, 121 images to train on for 6 epochs at 20x12, 14 held out" in printed
    assert [line.split()[:-1] for line in printed[-4:-1]] == [["grün", "4"], ["red", "one", "9"], ["tiny", "1"]]
    assert class_names(out) == ["grün", "red one", "tiny"]
    pure = np.zeros([2, 40, 24, 3], np.uint8) + 50
    pure[0, ..., 1], pure[1, ..., 0] = 170, 170
    assert predict(out, source_of(pure)).tolist() == [1, 0]  # of twice the size


def test_labels_that_skip_numbers(tmp_path, monkeypatch):
    images = np.zeros([60, 6, 6, 1], np.uint8)
    labels = np.repeat([-3, 70], 30)
    images[30:] = 255
    source = source_of(images, labels=labels)
    monkeypatch.setattr(classifier, "open_source", lambda *_, **__: source)
    train_features(TrainFeaturesConfig("numbers", str(tmp_path / "net.keras"), epochs=4))
    assert class_names(tmp_path / "net.keras") == ["-3", "70"]
    np.testing.assert_array_equal(predict(tmp_path / "net.keras", source), np.repeat([0, 1], 30))


def test_large_images_are_shrunk():
    source = source_of(np.random.default_rng(0).integers(0, 256, [40, 200, 128, 3], np.uint8))
    batches = class_net._Batches(source, (64, 41), np.arange(40) % 2, np.arange(40), seed=0)
    images, _ = batches[0]
    assert images.shape == (8, 64, 41, 3) and images.dtype == np.uint8
    net = class_net.build([64, 41, 3], 2)
    assert net.output_shape == (None, 2) and net.get_layer("features").output.shape == (None, 128)


@pytest.mark.parametrize("shape", [[1, 1, 1], [4, 9, 3], [28, 28, 1], [96, 5, 3]])
def test_nets_of_any_size(shape):
    images = np.zeros([2, *shape], np.float32)
    assert class_net.build(shape, 5)(images, training=False).shape == (2, 5)


def test_the_split_is_a_tenth_of_every_class_by_the_seed():
    classes = np.repeat([0, 1, 2], [100, 50, 5])
    train, held_out = split(classes, seed=3)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held_out])), np.arange(155))
    assert np.bincount(classes[held_out]).tolist() == [10, 5, 1]
    np.testing.assert_array_equal(split(classes, seed=3)[1], held_out)
    assert split(classes, seed=4)[1].tolist() != held_out.tolist()


def test_every_epoch_has_an_order_of_its_own_by_the_seed():
    source = source_of(np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1))

    def epochs(seed):
        batches = class_net._Batches(source, (1, 1), np.arange(100), np.arange(20, 100), seed)
        for _ in range(2):
            seen = []
            for number in range(len(batches)):
                images, classes = batches[number]
                assert images.ravel().tolist() == classes.tolist()
                seen.append(frozenset(classes.tolist()))
            batches.on_epoch_end()
            yield seen

    first, second = epochs(0)
    assert frozenset().union(*first) == frozenset().union(*second) == frozenset(range(20, 100))
    assert first != second and [first, second] == list(epochs(0)) != list(epochs(1))


def test_the_same_command_makes_the_same_net(tmp_path):
    data = coloured(tmp_path / "data", {"a": 20, "b": 20}, size=(6, 6))  # A net of one convolution is soon made.
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        train_features(TrainFeaturesConfig(data, str(tmp_path / f"{name}.keras"), epochs=1, seed=seed))
    images = source_of(np.random.default_rng(0).integers(0, 256, [10, 6, 6, 3], np.uint8))
    one, two, three = (
        open_features(str(tmp_path / f"{name}.keras")).extract(images) for name in ("one", "two", "three")
    )
    np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-4)
    assert abs(one - three).max() > 0.1


# ---------------------------------------------------------------------------------------------- mistakes


def refused(tmp_path, data, **flags):
    out = tmp_path / "net.keras"
    message = error_of(train_features, TrainFeaturesConfig(data, str(out), epochs=1, **flags))
    assert not list(tmp_path.glob("*.keras")) and not list(tmp_path.glob(".*"))
    return message


def test_data_without_labels(tmp_path, squares):
    assert refused(tmp_path, str(squares)) == (
        f"{squares}: has no labels, which a classifier learns from: give a folder with a folder for each class, an IDX file "
        "with its labels beside, or one of digits, mnist, fashion_mnist, cifar10"
    )


def test_one_class_and_too_few_images(tmp_path, monkeypatch):
    data = coloured(tmp_path / "data", {"a": 20, "rare one": 4})
    assert refused(tmp_path, data) == (
        f"{data}: needs at least 5 images of each class, and has 4 of rare one: give more, or leave that class out"
    )
    one = source_of(np.zeros([20, 4, 4, 1], np.uint8), labels=np.full(20, 7))
    monkeypatch.setattr(classifier, "open_source", lambda *_, **__: one)
    assert refused(tmp_path, "sevens") == "sevens: has only one class, 7: give images of two or more"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"out": "net.h5"}, "--out net.h5: must end in .keras"),
        ({"out": ""}, "--out: is empty: give a name"),
        ({"epochs": 0}, "--epochs 0: must be at least 1"),
        ({"seed": -1}, "--seed -1: must be at least 0 and below 2147483648"),
        ({"image_size": (0, 5)}, "--image-size 0 5: must be a height and a width from 1 to 4096 pixels"),
    ],
)
def test_values_out_of_range(flags, message):
    wanted = TrainFeaturesConfig(**({"data": "digits", "out": "net.keras"} | flags))
    assert error_of(check, wanted) == error_of(cli.train_features, wanted) == message


def test_a_folder_in_the_place_of_the_file(tmp_path):
    (tmp_path / "net.keras").mkdir()
    message = error_of(train_features, TrainFeaturesConfig("digits", str(tmp_path / "net.keras")))
    assert message.startswith(f"--out {tmp_path / 'net.keras'}: ") and "is a folder, must be a file" in message


def test_an_interrupted_training_leaves_the_older_file(tmp_path, monkeypatch):
    out = tmp_path / "net.keras"
    out.write_bytes(b"the older one")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(class_net, "_fit", interrupted)
    assert cli.main(["train-features", "digits", "--out", str(out)]) == 130
    assert os.listdir(tmp_path) == ["net.keras"] and out.read_bytes() == b"the older one"


def test_a_net_that_is_no_classifier(tmp_path):
    net = keras.Sequential([keras.Input([8, 8, 1]), keras.layers.Conv2D(2, 3)])
    net.save(tmp_path / "net.keras")
    assert error_of(open_outputs, str(tmp_path / "net.keras")) == (
        f"{tmp_path / 'net.keras'}: makes [6, 6, 2] of an image: give a classifier, which makes [classes]"
    )
