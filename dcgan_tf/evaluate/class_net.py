"""The small classifier of labelled images: its net, how it is trained, and what it takes an image for."""

from collections.abc import Iterator

import numpy as np

from dcgan_tf.common.backend import keras
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.pixels import size_within
from dcgan_tf.common.progress import Work

layers = keras.layers

FEATURE_COUNT = 128  # The last hidden layer has so many units.
MAX_SIDE_PIXELS = 64  # The net sees images of this size at most.
BATCH_IMAGES = 128
LEARNING_RATE = 2e-3
DEFAULT_BUDGET_PIXELS = 200_000 * 28 * 28  # By default training sees so many pixels: three minutes on two slow cores.
MIN_EPOCHS, MAX_EPOCHS = 2, 60


def net_size(image_shape) -> tuple[int, int]:
    """The (H, W) at which the net sees images (H, W, C)."""
    return size_within(image_shape, MAX_SIDE_PIXELS)


def default_epochs(images: int, image_shape) -> int:
    """How often so many images are trained on where nobody says it."""
    height, width = net_size(image_shape)
    return int(np.clip(round(DEFAULT_BUDGET_PIXELS / (images * height * width)), MIN_EPOCHS, MAX_EPOCHS))


def trained(
    source, classes, indices, class_count: int, seed: int, epochs: int, what: str = "training the classifier"
) -> keras.Sequential:
    """A new net, trained on some images of a source; equal calls give the same net, up to rounding.

    source: anything with `image_shape` and `read(indices)` -> uint8 [n, H, W, C]. classes: of each of its images, int [N], 0
    to class_count - 1. indices: those to train on, int [n]. what: is done, for people who wait.
    """
    keras.utils.set_random_seed(seed)
    size = net_size(source.image_shape)
    net = build([*size, source.image_shape[-1]], class_count)
    _fit(net, _Batches(source, size, classes, indices, seed), epochs, what)
    return net


def told(net: keras.Sequential, source, indices) -> np.ndarray:
    """The class that a net takes each image at `indices` (int [n]) for, int64 [n]."""
    size = net.input_shape[1:3]
    logits = [net.predict_on_batch(images) for images in _read(source, size, indices)]
    return np.concatenate(logits).argmax(axis=1)


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


def _fit(net: keras.Sequential, batches: _Batches, epochs: int, what: str) -> None:
    steps = epochs * len(batches)
    model = keras.Model(
        net.inputs, net.outputs
    )  # It shares its layers with `net`, so that `net` is saved without the optimizer.
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    with Work(what, steps) as work:
        count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: work.update())
        model.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[count])


def _read(source, size, indices) -> Iterator[np.ndarray]:
    """uint8 [b, h, w, C]."""
    for start in range(0, len(indices), BATCH_IMAGES):
        yield Fit(size).images(source.read(indices[start : start + BATCH_IMAGES]))
