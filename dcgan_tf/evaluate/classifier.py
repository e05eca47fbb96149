"""`dcgan-tf train-features`: trains a small classifier of a person's own labelled images, and reads it again."""

import json
import zipfile
from pathlib import Path

import numpy as np

from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out, remove_leftovers, whole_file
from dcgan_tf.common.reading import check_regular
from dcgan_tf.common.text import table
from dcgan_tf.config.commands import TrainFeaturesConfig
from dcgan_tf.data.named_sets import NAMED_SETS
from dcgan_tf.data.sizes import enlarging_text
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate.class_net import FEATURE_COUNT, default_epochs, net_size, split, told, trained
from dcgan_tf.metrics.accuracy import shares_right
from dcgan_tf.metrics.features import open_outputs
from dcgan_tf.nets.reading.archive import read_member

MIN_IMAGES_PER_CLASS = 5  # One of them is held out.
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
    height, width = net_size(source.image_shape)
    epochs = config.epochs or default_epochs(len(train), source.image_shape)
    for line in source.notes:
        say(line)
    if enlarged := enlarging_text(source):
        say(enlarged)
    say(
        f"{printable(source.name)}: {len(names)} classes, {len(train):,} images to train on for {epochs} epochs at "
        f"{height}x{width}, {len(held_out):,} held out"
    )
    remove_leftovers(Path(config.out).parent, is_locked=False)
    with whole_file(config.out) as beside:  # A place that cannot be written fails here, before the training.
        net = trained(source, classes, train, len(names), config.seed, epochs)
        right = told(net, source, held_out) == classes[held_out]
        net.save(beside)
        with zipfile.ZipFile(beside, "a") as archive:
            archive.writestr(CLASSES_FILE, json.dumps({"classes": names, "held_out_accuracy": float(right.mean())}))
    _report(names, classes[held_out], right)
    say(f"{printable(config.out)}: {FEATURE_COUNT} features; compare with --features {printable(config.out)}")


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


def _report(names: list[str], classes: np.ndarray, right: np.ndarray) -> None:
    """Prints the accuracy on held-out images, over all and for each class, or for the worst of many classes."""
    counts, shares = np.bincount(classes, minlength=len(names)), shares_right(right, classes, len(names))
    say(f"of {len(right):,} held-out images {np.mean(right):.2%} are told rightly")
    order = np.arange(len(names))
    if len(names) > MAX_SHOWN_CLASSES:
        order = np.argsort(shares, kind="stable")[:MAX_SHOWN_CLASSES]
        say(f"the {MAX_SHOWN_CLASSES} worst of {len(names)} classes:")
    rows = [("class", "images", "  right")]  # "right" is as wide as "100.00%".
    rows += [(printable(names[label]), f"{counts[label]:,}", f"{shares[label]:.2%}") for label in order]
    say(table(rows, align="<>>"))
