"""The commands generate and interpolate: a picture for each seed, and films from seed to seed or from class to class.

Functions import what loads TensorFlow, so that mistakes in flags are told at once.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out, remove_leftovers
from dcgan_tf.common.progress import counted
from dcgan_tf.common.text import plural
from dcgan_tf.config.commands import GenerateConfig, InterpolateConfig, film_format
from dcgan_tf.generators.classes import asks_for_all, in_turn
from dcgan_tf.generators.sheets import ClassSheets, Sheets
from dcgan_tf.generators.walk import BATCH_SIZE, stops_of, truncated, walk_images, way_text
from dcgan_tf.pictures import film
from dcgan_tf.pictures.enlarge import Resize
from dcgan_tf.pictures.images import to_picture, write_picture


def generate(config: GenerateConfig) -> None:
    """Writes OUT/seed0001.png, ..., and contact sheets where asked, each whole or not at all; says so in one line.

    Where all classes are asked for by that word, each gets a contact sheet of its own.

    Raises:
        UserError: a value out of range, a source that is no generator, a place that cannot be written, a full disk.
    """
    folder = Path(config.out)
    check_out(folder, is_folder=True)
    generator = _opened(config)
    resize = Resize(config.size, config.scale)
    resize.check(generator.image_shape[1], generator.image_shape[0])
    remove_leftovers(folder, is_locked=False)
    seeds = range(config.seed, config.seed + config.count)
    of_all = [Sheets(folder, "grid", seeds, generator)] if config.grid else []
    of_classes = [ClassSheets(folder, seeds, generator)] if asks_for_all(config.labels, generator.class_names) else []
    images = _seed_images(generator, seeds, config.truncation)
    images = counted(images, "drawing", config.count, "picture")
    for seed, image in zip(seeds, images, strict=True):
        write_picture(folder / _name(seed), resize.apply(to_picture(image)), flush=False)
        for sheets in of_all + of_classes:
            sheets.add(seed, image)
    made = [_files(config.count, "picture", _of(generator.origin), [_name(seeds[0]), _name(seeds[-1])])]
    if generator.classes:
        made[0] += f", of {in_turn(generator.labels, generator.class_names)}"
    made += [_files(len(sheets.written), "contact sheet", "", sheets.written) for sheets in of_all]
    made += [_files(len(sheets.written), "contact sheet", " by class", sheets.written) for sheets in of_classes]
    made += [f"none of {sheets.missing}, as there is no picture" for sheets in of_classes if sheets.missing]
    say(f"{printable(folder)}: {'; '.join(made)}")


def interpolate(config: InterpolateConfig) -> None:
    """Writes a film, a closed loop through latent space over the seeds, and from class to class; says so in one line.

    Raises:
        UserError: a value out of range, a source that is no generator, no H.264 encoder, a place that cannot be
            written, a full disk.
    """
    path = Path(config.out)
    check_out(path, is_folder=False)
    generator = _opened(config)
    stops = stops_of(generator, config)
    resize, (height, width, _) = Resize(config.size, config.scale), generator.image_shape
    resize.check(width, height)
    remove_leftovers(path.parent, is_locked=False)
    images = walk_images(generator, stops, config.frames, config.truncation)
    images = counted(images, "drawing", config.frames, "frame")
    frames = ((film.frame(to_picture(image), resize=resize), 1 / config.fps) for image in images)
    format = film_format(config.out)
    try:
        film.write_film(path, format, frames, config.fps)
    except film.NoEncoder as error:
        raise UserError(f"--out {printable(path)}: {error}, or give a name that ends in .gif") from error
    seconds = config.frames * film.frame_seconds(format, config.fps)
    way = way_text(generator, stops, seconds / len(stops.seeds))
    say(f"{printable(path)}: {config.frames} frames{_of(generator.origin)}, {way}, {seconds:.3g} s in all")


def _opened(config: GenerateConfig | InterpolateConfig):
    from dcgan_tf.generators.generator import open_generator

    return open_generator(
        config.source,
        config.epoch,
        config.latents,
        labels=config.labels,
        value_range=config.value_range,
        file=config.file,
    )


def _seed_images(generator, seeds: range, truncation: float) -> Iterator[np.ndarray]:
    """uint8 [H, W, C] of every seed, BATCH_SIZE at a time."""
    from dcgan_tf.generators import latents

    for start in range(0, len(seeds), BATCH_SIZE):
        some = np.array(seeds[start : start + BATCH_SIZE], np.int32)
        drawn = latents.seed_latents(some, generator.latent_dim, generator.distribution)
        yield from generator.images(truncated(drawn, truncation), generator.labels_of(some))


def _name(seed: int) -> str:
    return f"seed{seed:04d}.png"


def _files(count: int, word: str, which: str, names: list[str]) -> str:
    """3, "picture", " of epoch 12" -> "3 pictures of epoch 12, seed0001.png to seed0003.png"."""
    return f"{plural(count, word)}{which}, " + (names[0] if count == 1 else f"{names[0]} to {names[-1]}")


def _of(origin: str) -> str:
    """ " of epoch 12 (the best, SWD 27.1)", or "" where it is not known which one it is."""
    return f" of {origin}" if origin else ""
