"""Pictures of a trained generator: one for each seed, and films from seed to seed. No TensorFlow at module level."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out
from dcgan_tf.config.commands import GenerateConfig, InterpolateConfig, film_format
from dcgan_tf.pictures import film
from dcgan_tf.pictures.images import grid, to_picture, write_png

BATCH = 64  # images that the generator makes at once: with a sheet's, all that are held in memory
SHEET = 100  # pictures of a contact sheet at most


def generate(config: GenerateConfig) -> None:
    """Writes OUT/seed0001.png, ..., and contact sheets where asked, each whole or not at all; says so in one line.

    Raises:
        UserError: a value out of range, a source that is no generator, a place that cannot be written, a full disk.
    """
    folder = Path(config.out)
    check_out(folder, is_folder=True)
    from dcgan_tf.generators.generator import (
        open_generator,  # imports TensorFlow: after all that can be refused without
    )

    generator = open_generator(config.source, config.epoch, config.latents)
    seeds = range(config.seed, config.seed + config.count)
    sheets, sheet = [], []
    images = _seed_images(generator, seeds, config.truncation)
    images = tqdm(images, total=config.count, unit="picture", dynamic_ncols=True, disable=None)
    for seed, image in zip(seeds, images, strict=True):
        write_png(folder / _name(seed), image, flush=False)
        if config.grid:
            sheet.append(image)
        if len(sheet) == SHEET or (sheet and seed == seeds[-1]):
            first = seed - len(sheet) + 1
            sheets.append("grid.png" if config.count <= SHEET else f"grid_{first:04d}-{seed:04d}.png")
            write_png(folder / sheets[-1], contact_sheet(np.stack(sheet)), flush=False)
            sheet.clear()
    made = [_count("picture", config.count, _name(seeds[0]), _name(seeds[-1]))]
    if sheets:
        made.append(_count("contact sheet", len(sheets), sheets[0], sheets[-1]))
    print(f"{printable(folder)}: {'; '.join(made)}")


def interpolate(config: InterpolateConfig) -> None:
    """Writes a film, a closed loop through latent space over the seeds; says so in one line.

    Raises:
        UserError: a value out of range, a source that is no generator, no H.264 encoder, a place that cannot be
            written, a full disk.
    """
    path = Path(config.out)
    check_out(path, is_folder=False)
    from dcgan_tf.generators.generator import open_generator

    generator = open_generator(config.source, config.epoch, config.latents)
    images = _loop_images(generator, config)
    images = tqdm(images, total=config.frames, unit="frame", dynamic_ncols=True, disable=None)
    frames = ((film.frame(to_picture(image)), 1 / config.fps) for image in images)
    try:
        film.write_film(path, film_format(config.out), frames, config.fps)
    except film.NoEncoder as error:
        raise UserError(f"--out {printable(path)}: {error}, or give a name that ends in .gif") from error
    print(
        f"{printable(path)}: {config.frames} frames, {config.frames / config.fps:g} seconds, "
        f"a loop over {len(config.seeds)} seeds"
    )


def contact_sheet(images: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] -> uint8 [h, w, C]: a grid as square as possible, row by row."""
    columns = math.isqrt(len(images) - 1) + 1  # the square root, rounded up
    return grid(images, -(-len(images) // columns), columns)


def loop_positions(frames: np.ndarray, legs: int, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Where frames [N] of a loop are: the leg [N], 0..legs - 1, and the part of it [N], float32, from 0 to below 1.

    legs: from each seed to the next, and from the last to the first. total: frames of the whole loop; after the last
    one comes the first, so that nothing is shown twice.
    """
    leg, rest = np.divmod(frames * legs, total)
    return leg, (rest / total).astype(np.float32)


def _seed_images(generator, seeds: range, truncation: float) -> Iterator[np.ndarray]:
    """uint8 [H, W, C] of every seed, BATCH at a time."""
    from dcgan_tf.generators import latents

    for start in range(0, len(seeds), BATCH):
        some = np.array(seeds[start : start + BATCH], np.int32)
        drawn = latents.seed_latents(some, generator.latent_dim, generator.distribution)
        yield from generator.images(_truncated(drawn, truncation))


def _loop_images(generator, config: InterpolateConfig) -> Iterator[np.ndarray]:
    """uint8 [H, W, C] of every frame, BATCH at a time."""
    from dcgan_tf.generators import latents

    stops = np.array(config.seeds, np.int32)
    stops = np.asarray(latents.seed_latents(stops, generator.latent_dim, generator.distribution))
    for start in range(0, config.frames, BATCH):
        some = np.arange(start, min(start + BATCH, config.frames))
        leg, t = loop_positions(some, len(stops), config.frames)
        on_the_way = latents.interpolate(stops[leg], stops[(leg + 1) % len(stops)], t, generator.distribution)
        yield from generator.images(_truncated(on_the_way, config.truncation))


def _truncated(latents, truncation: float) -> np.ndarray:
    """Latents float32 [N, latent_dim], pulled towards the middle of their distribution.

    Fewer odd pictures, less variety. Brock et al. 2019 (arXiv:1809.11096) draw again what is too far out, and Karras
    et al. 2019 (arXiv:1812.04948) scale, as here, but in a space between latents and image that a DCGAN has not.
    """
    return np.asarray(latents) * np.float32(truncation)


def _name(seed: int) -> str:
    return f"seed{seed:04d}.png"


def _count(what: str, count: int, first: str, last: str) -> str:
    return f"1 {what}, {first}" if count == 1 else f"{count} {what}s, {first} to {last}"
