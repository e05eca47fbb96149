"""The commands generate and interpolate: a picture for each seed, and films from seed to seed.

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
from dcgan_tf.pictures import film
from dcgan_tf.pictures.enlarge import Resize
from dcgan_tf.pictures.images import to_picture, write_picture, write_png
from dcgan_tf.pictures.sheet import contact_sheet

# Only this many images, and those of a contact sheet, are in memory at a time.
BATCH_SIZE = 64
MAX_SHEET_PICTURES = 100


def generate(config: GenerateConfig) -> None:
    """Writes OUT/seed0001.png, ..., and contact sheets where asked, each whole or not at all; says so in one line.

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
    sheets, sheet = [], []
    images = _seed_images(generator, seeds, config.truncation)
    images = counted(images, "drawing", config.count, "picture")
    for seed, image in zip(seeds, images, strict=True):
        write_picture(folder / _name(seed), resize.apply(to_picture(image)), flush=False)
        if config.grid:
            sheet.append(image)
        if len(sheet) == MAX_SHEET_PICTURES or (sheet and seed == seeds[-1]):
            first = seed - len(sheet) + 1
            sheets.append("grid.png" if config.count <= MAX_SHEET_PICTURES else f"grid_{first:04d}-{seed:04d}.png")
            write_png(folder / sheets[-1], _sheet(generator, sheet, first), flush=False)
            sheet.clear()
    made = [_files(config.count, "picture", _name(seeds[0]), _name(seeds[-1]), generator.origin)]
    if generator.classes:
        made[0] += f", of {_classes(generator.labels)}"
    if sheets:
        made.append(_files(len(sheets), "contact sheet", sheets[0], sheets[-1]))
    say(f"{printable(folder)}: {'; '.join(made)}")


def interpolate(config: InterpolateConfig) -> None:
    """Writes a film, a closed loop through latent space over the seeds; says so in one line.

    Raises:
        UserError: a value out of range, a source that is no generator, no H.264 encoder, a place that cannot be
            written, a full disk.
    """
    path = Path(config.out)
    check_out(path, is_folder=False)
    generator = _opened(config)
    resize, (height, width, _) = Resize(config.size, config.scale), generator.image_shape
    resize.check(width, height)
    remove_leftovers(path.parent, is_locked=False)
    images = _loop_images(generator, config)
    images = counted(images, "drawing", config.frames, "frame")
    frames = ((film.frame(to_picture(image), resize=resize), 1 / config.fps) for image in images)
    format = film_format(config.out)
    try:
        film.write_film(path, format, frames, config.fps)
    except film.NoEncoder as error:
        raise UserError(f"--out {printable(path)}: {error}, or give a name that ends in .gif") from error
    seconds = config.frames * film.frame_seconds(format, config.fps)
    say(
        f"{printable(path)}: {config.frames} frames{_of(generator.origin)}, a loop over {len(config.seeds)} seeds: "
        f"{seconds / len(config.seeds):.3g} s from one seed to the next, {seconds:.3g} s in all"
    )


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


def _sheet(generator, images: list[np.ndarray], first_seed: int) -> np.ndarray:
    """The contact sheet of uint8 [H, W, C] images of seeds one after the other, each with its class where there are."""
    seeds = range(first_seed, first_seed + len(images))
    labels = generator.labels_of(seeds)
    if labels is None:
        return contact_sheet(images, [str(seed) for seed in seeds])
    return contact_sheet(images, [f"{seed}: {label}" for seed, label in zip(seeds, labels, strict=True)])


def loop_positions(frames: np.ndarray, legs: int, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the frames of a loop are: on which leg [N], 0..legs - 1, and at which part of it [N], float32 in 0..1.

    frames: their numbers [N], 0..total - 1. legs: one from each seed to the next, and one from the last to the first.
    total: the frames of the whole loop. The last frame is one step before the first, so that none is shown twice.
    """
    leg, rest = np.divmod(frames * legs, total)
    return leg, (rest / total).astype(np.float32)


def _seed_images(generator, seeds: range, truncation: float) -> Iterator[np.ndarray]:
    """uint8 [H, W, C] of every seed, BATCH_SIZE at a time."""
    from dcgan_tf.generators import latents

    for start in range(0, len(seeds), BATCH_SIZE):
        some = np.array(seeds[start : start + BATCH_SIZE], np.int32)
        drawn = latents.seed_latents(some, generator.latent_dim, generator.distribution)
        yield from generator.images(_truncated(drawn, truncation), generator.labels_of(some))


def _loop_images(generator, config: InterpolateConfig) -> Iterator[np.ndarray]:
    """uint8 [H, W, C] of every frame, BATCH_SIZE at a time."""
    from dcgan_tf.generators import latents

    stops = np.array(config.seeds, np.int32)
    stops = np.asarray(latents.seed_latents(stops, generator.latent_dim, generator.distribution))
    for start in range(0, config.frames, BATCH_SIZE):
        some = np.arange(start, min(start + BATCH_SIZE, config.frames))
        leg, t = loop_positions(some, len(stops), config.frames)
        on_the_way = latents.interpolate(stops[leg], stops[(leg + 1) % len(stops)], t, generator.distribution)
        nearer = np.where(t < 0.5, leg, (leg + 1) % len(stops))  # A class changes at once, half way between two seeds.
        yield from generator.images(_truncated(on_the_way, config.truncation), generator.labels_of(nearer + 1))


def _truncated(latents, truncation: float) -> np.ndarray:
    """Latents float32 [N, latent_dim], scaled towards 0, the middle of their distribution.

    That gives fewer odd pictures, and less variety. Brock et al. 2019 (arXiv:1809.11096) draw outlying numbers anew
    instead; Karras et al. 2019 (arXiv:1812.04948) scale as here, but in an intermediate space that a DCGAN lacks.
    """
    return np.asarray(latents) * np.float32(truncation)


def _name(seed: int) -> str:
    return f"seed{seed:04d}.png"


def _files(count: int, word: str, first: str, last: str, origin: str = "") -> str:
    """3, "picture" -> "3 pictures of epoch 12, seed0001.png to seed0003.png"."""
    return f"{plural(count, word)}{_of(origin)}, " + (first if count == 1 else f"{first} to {last}")


def _classes(labels: tuple[int, ...]) -> str:
    """(3,) -> "class 3"; (0, 1, 2) -> "classes 0, 1, 2 in turn"."""
    if len(labels) == 1:
        return f"class {labels[0]}"
    return f"classes {', '.join(map(str, labels))} in turn"


def _of(origin: str) -> str:
    """ " of epoch 12 (the best, SWD 27.1)", or "" where it is not known which one it is."""
    return f" of {origin}" if origin else ""
