"""`dcgan-tf train-features`: trains a small classifier of a person's own labelled images, and reads it again."""

import json
import zipfile
from pathlib import Path

import numpy as np

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out, remove_leftovers, whole_file
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.pixels import size_within
from dcgan_tf.common.progress import Work
from dcgan_tf.common.reading import check_regular
from dcgan_tf.common.text import table
from dcgan_tf.config.commands import TrainFeaturesConfig
from dcgan_tf.data.named_sets import NAMED_SETS
from dcgan_tf.data.sizes import enlarging_text
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.metrics.features import open_outputs
from dcgan_tf.nets.reading.archive import read_member

layers = keras.layers

FEATURE_COUNT = 128  # The last hidden layer has so many units.
MAX_SIDE_PIXELS = 64  # The net sees images of this size at most.
BATCH_IMAGES = 128
LEARNING_RATE = 2e-3
MIN_IMAGES_PER_CLASS = 5  # One of them is held out.
DEFAULT_BUDGET_PIXELS = 200_000 * 28 * 28  # By default training sees so many pixels: three minutes on two slow cores.
MAX_SHOWN_CLASSES = 20
CLASSES_FILE = "classes.json"  # It lies in the .keras file, beside what Keras puts there.


def train_features(config: TrainFeaturesConfig) -> None:
    """Trains a classifier, prints its accuracy on a held-out tenth, and writes it, whole or not at all.

    The file is a Keras net that takes pixels 0 to 255; its layer "features" holds 128 numbers, its output a logit for
    each class.

    Raises:
        UserError: a value out of range, data without labels, of one class, or with too few images of one; a place that
            cannot be written, a full disk.
    """
    check_out(Path(config.out), is_folder=False)
    source = open_source(config.data, size=config.image_size, value_range=config.value_range, reading=config.reading)
    names, classes = _classes(config.data, source)
    train, held_out = split(classes, config.seed)
    size = size_within(source.image_shape, MAX_SIDE_PIXELS)
    epochs = config.epochs or int(np.clip(round(DEFAULT_BUDGET_PIXELS / (len(train) * size[0] * size[1])), 2, 60))
    for line in source.notes:
        say(line)
    if enlarged := enlarging_text(source):
        say(enlarged)
    say(
        f"{printable(source.name)}: {len(names)} classes, {len(train):,} images to train on for {epochs} epochs at "
        f"{size[0]}x{size[1]}, {len(held_out):,} held out"
    )
    remove_leftovers(Path(config.out).parent, is_locked=False)
    with whole_file(config.out) as beside:  # A place that cannot be written fails here, before the training.
        keras.utils.set_random_seed(config.seed)
        net = build([*size, source.image_shape[-1]], len(names))
        _fit(net, _Batches(source, size, classes, train, config.seed), epochs)
        logits = [net.predict_on_batch(images) for images in _read(source, size, held_out)]
        right = np.concatenate(logits).argmax(axis=1) == classes[held_out]
        net.save(beside)
        with zipfile.ZipFile(beside, "a") as archive:
            archive.writestr(CLASSES_FILE, json.dumps({"classes": names, "held_out_accuracy": float(right.mean())}))
    _report(names, classes[held_out], right)
    say(f"{printable(config.out)}: {FEATURE_COUNT} features; compare with --features {printable(config.out)}")


def build(image_shape, class_count: int) -> keras.Sequential:
    """A net of convolutions whose filters double while the image halves, until its shorter side is below 8 pixels; then
    the hidden layer "features", and a logit for each class. Pixels go in as they are on disk, 0 to 255."""
    chain = [keras.Input(image_shape), layers.Rescaling(1 / 127.5, -1)]
    side, filters = min(image_shape[:2]), 16
    while True:
        chain += [layers.Conv2D(filters, 3, padding="same", use_bias=False)]
        chain += [layers.BatchNormalization(momentum=0.9), layers.ReLU()]
        if side < 8:
            break
        chain += [layers.MaxPooling2D()]
        side, filters = side // 2, min(2 * filters, 128)
    chain += [layers.Flatten(), layers.Dense(FEATURE_COUNT, "relu", name="features"), layers.Dropout(0.3)]
    return keras.Sequential([*chain, layers.Dense(class_count, name="classes")])


def split(classes: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(indices to train on, indices held out): of each class a tenth, at least one image, is held out by the seed."""
    random = np.random.default_rng([seed, 0])
    held_out = []
    for label in np.unique(classes):
        members = random.permutation(np.flatnonzero(classes == label))
        held_out.append(members[: max(1, round(len(members) / 10))])
    held_out = np.sort(np.concatenate(held_out))
    return np.setdiff1d(np.arange(len(classes)), held_out), held_out


def predict_stacked(file, source) -> np.ndarray:
    """The class of images whose channels each show an image of their own, such as Stacked MNIST, int64 [n].

    With the K classes of the net in the file and 3 channels, the class is (red * K + green) * K + blue, 0 to K^3 - 1:
    1,000 modes for digits.

    Raises:
        UserError: no such file, or no classifier of images.
    """
    net = open_outputs(str(file))
    stacked = np.zeros(len(source), np.int64)
    for channel in range(source.image_shape[-1]):
        stacked = stacked * net.dimension + net.extract(_Channel(source, channel)).argmax(axis=1)
    return stacked


def class_names(file) -> list[str]:
    """The names of the classes 0, 1, ... of a classifier that `train_features` has written.

    Raises:
        UserError: it is not such a file.
    """
    try:
        check_regular(file)
        with zipfile.ZipFile(file) as archive:
            return [str(name) for name in json.loads(read_member(archive, CLASSES_FILE))["classes"]]
    except Exception as error:  # zipfile and json raise almost anything for files that are not theirs.
        raise UserError(
            f"{printable(file)}: does not name its classes: give a file made by dcgan-tf train-features"
        ) from error


class _Channel:
    """One channel of a source, as grey images."""

    def __init__(self, source, channel: int):
        self._source, self._channel = source, channel

    def __len__(self):
        return len(self._source)

    def read(self, indices) -> np.ndarray:
        return self._source.read(indices)[..., self._channel : self._channel + 1]


class _Batches(keras.utils.PyDataset):
    """Batches (uint8 [b, h, w, C], int64 [b]); every epoch in an order of its own, decided by the seed."""

    def __init__(self, source, size, classes, indices, seed: int):
        super().__init__()
        self._source, self._size, self._classes, self._indices, self._seed = source, size, classes, indices, seed
        self._batch = min(BATCH_IMAGES, max(8, len(indices) // 8))
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self):
        return len(self._indices) // self._batch  # The images left over come in another epoch.

    def __getitem__(self, number):
        some = np.sort(self._order[number * self._batch : (number + 1) * self._batch])
        return Fit(self._size).images(self._source.read(some)), self._classes[some]

    def on_epoch_end(self):
        self._epoch += 1
        self._order = np.random.default_rng([self._seed, 1, self._epoch]).permutation(self._indices)


def _classes(data: str, source: ImageSource) -> tuple[list[str], np.ndarray]:
    """(the names of the classes, the class 0, 1, ... of each image, int64 [n]).

    Raises:
        UserError: there are no labels, or none to tell apart, or a class has too few images.
    """
    if source.labels is None:
        raise UserError(
            f"{printable(data)}: has no labels, which a classifier learns from: give a folder with a folder for each class, "
            f"an IDX file with its labels beside, or one of {', '.join(NAMED_SETS)}"
        )
    names, classes, counts = source.classes
    if len(names) < 2:
        raise UserError(f"{printable(data)}: has only one class, {printable(names[0])}: give images of two or more")
    fewest = counts.argmin()
    if counts[fewest] < MIN_IMAGES_PER_CLASS:
        raise UserError(
            f"{printable(data)}: needs at least {MIN_IMAGES_PER_CLASS} images of each class, and has {counts[fewest]} of "
            f"{printable(names[fewest])}: give more, or leave that class out"
        )
    return list(names), classes


def _fit(net: keras.Sequential, batches: _Batches, epochs: int) -> None:
    steps = epochs * len(batches)
    model = keras.Model(
        net.inputs, net.outputs
    )  # It shares its layers with `net`, so that `net` is saved without the optimizer.
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    with Work("training the classifier", steps) as work:
        count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: work.update())
        model.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[count])


def _read(source, size, indices):
    for start in range(0, len(indices), BATCH_IMAGES):
        yield Fit(size).images(source.read(indices[start : start + BATCH_IMAGES]))


def _report(names: list[str], classes: np.ndarray, right: np.ndarray) -> None:
    """Prints the accuracy on held-out images, over all and for each class, or for the worst of many classes."""
    counts = np.bincount(classes, minlength=len(names))
    shares = np.bincount(classes, right, len(names)) / counts
    say(f"of {len(right):,} held-out images {np.mean(right):.2%} are told rightly")
    order = np.arange(len(names))
    if len(names) > MAX_SHOWN_CLASSES:
        order = np.argsort(shares, kind="stable")[:MAX_SHOWN_CLASSES]
        say(f"the {MAX_SHOWN_CLASSES} worst of {len(names)} classes:")
    rows = [("class", "images", "  right")]  # "right" is as wide as "100.00%".
    rows += [(printable(names[label]), f"{counts[label]:,}", f"{shares[label]:.2%}") for label in order]
    say(table(rows, align="<>>"))
