"""Generators that draw one flat tone for each class, with a little noise, real images of such tones, and a classifier of
them, made by hand: what is drawn, and what is told, is known beforehand."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from dcgan_tf.common.backend import keras
from dcgan_tf.data.sources import open_source
from dcgan_tf.nets.saved import save_model
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import write_settings
from support.class_nets import class_preset
from support.settings import settings

layers = keras.layers
LATENTS, SIDE_PIXELS = 6, 8
NOISE_LEVELS = 8  # of real images, standard deviation
TONES = {"ant": 40, "bee": 100, "cow": 160, "dog": 220}  # The level, 0 to 255, of each class.
OTHER_TONES = {"owl": 250}  # What a classifier may tell besides.


def tone_generator(tones) -> keras.Model:
    """A net of latents [N, 6] and labels [N] that draws class k in the k-th tone."""
    latents, labels = keras.Input([LATENTS], name="latents"), keras.Input([], dtype="int32", name="labels")
    pixels = SIDE_PIXELS**2
    noise = layers.Dense(pixels, use_bias=False)(latents)
    tone = layers.Embedding(len(tones), pixels)(labels)
    added = layers.Reshape([SIDE_PIXELS, SIDE_PIXELS, 1])(layers.Add()([noise, tone]))
    net = keras.Model([latents, labels], layers.Activation("tanh")(added))
    signed = np.arctanh(np.array(tones, np.float32) / 127.5 - 1)
    weights = np.random.default_rng(0).normal(0, 0.03, [LATENTS, pixels])
    net.set_weights([weights, np.repeat(signed[:, None], pixels, axis=1)])
    return net


def tone_images(folder: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """A folder of real images, 8x8, grey, with a folder for each class. counts: how many of each."""
    random = np.random.default_rng(seed)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            image = TONES[name] + random.normal(0, NOISE_LEVELS, [SIDE_PIXELS, SIDE_PIXELS])
            Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder


def tone_run(folder: Path, data: Path, drawn: dict[int, dict[str, int]]) -> Path:
    """The folder of a run on the images in `data`. drawn: of each epoch, the tone in which each class is drawn."""
    folder.mkdir(parents=True)
    files = RunFolder(folder)
    source = open_source(str(data))
    for epoch, tones in drawn.items():
        save_model(tone_generator(list(tones.values())), files.generator(epoch))
    names = tuple(next(iter(drawn.values())))
    made = settings(str(data), source.image_shape, "normal", source.fingerprint, name=folder.name)
    images = replace(made.data, class_names=names)
    preset = class_preset("projection", len(names))
    write_settings(files, replace(made, data=images, preset=preset))
    return folder


def tone_net(names: tuple[str, ...]) -> keras.Model:
    """A classifier that tells the tone that is nearest to the mean of an image."""
    tones = np.array([(TONES | OTHER_TONES)[name] for name in names], np.float32)
    net = keras.Sequential([
        keras.Input([SIDE_PIXELS, SIDE_PIXELS, 1]), layers.GlobalAveragePooling2D(), layers.Dense(len(names))
    ])  # fmt: skip
    # -(mean - tone)^2, without the square of the mean, which is the same for all classes.
    net.set_weights([2 * tones[None], -(tones**2)])
    return net


def tone_classifier(path: Path, names: tuple[str, ...]) -> Path:
    """The file of such a net as `train-features` writes it, with the names of its classes."""
    tone_net(names).save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("classes.json", json.dumps({"classes": list(names)}))
    return path
