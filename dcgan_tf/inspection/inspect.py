"""`dcgan-tf inspect`: what is in a set of images, and what to do about it, before anything is trained."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out
from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.text import plural
from dcgan_tf.config.commands import InspectConfig
from dcgan_tf.config.fitting import MAX_CHOSEN_SIDE
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.inspection.duplicates import exact_groups, near_groups
from dcgan_tf.inspection.lists import check_can_list, write_list
from dcgan_tf.inspection.looks import look_through
from dcgan_tf.inspection.plain import is_flat
from dcgan_tf.inspection.report import Found, report
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.training.plan import Plan, plan_run


def inspect_images(config: InspectConfig) -> int:
    """Prints what is in the set that `config` names and, with --out, writes a list of the images to use. Returns 0.

    Raises:
        UserError: no such images; a list is asked for of what are no files; it cannot be written.
    """
    source = open_source(
        config.data,
        size=config.image_size,
        value_range=config.value_range,
        reading=config.reading,
        max_chosen_side=MAX_CHOSEN_SIDE,
    )
    if config.out is not None:
        check_out(Path(config.out), is_folder=False)
        check_can_list(config.data, source, Path(config.out))
    looks = look_through(source)
    found = Found(source, looks, exact_groups(looks), near_groups(looks))
    plan, problem = _plan(config, source)
    say(report(found, config.reading, plan, problem))
    data = config.data
    if config.out is not None:
        keeps = _to_keep(found)
        write_list(Path(config.out), source, keeps, f"{config.data}, without duplicates and flat images")
        kept, left = (plural(int(count), "image") for count in (keeps.sum(), (~keeps).sum()))
        say(f"{printable(config.out)}: {kept} to use; {left} left out")
        data = f"@{config.out}"
    say(f"next     {program()} train --data {printable(quoted(data))} --dry-run")
    return 0


def _plan(config: InspectConfig, source: ImageSource) -> tuple[Plan | None, str]:
    """How the images would be trained on with the same flags, whatever run there is; or None, and why they cannot be."""
    flags = TrainConfig(config.data, value_range=config.value_range, reading=config.reading)
    flags = replace(flags, image_size=config.image_size or (source.size_is_chosen and source.image_shape[:2]) or None)
    try:
        return plan_run(flags, source, RunFolder(Path("checkpoints", source.name)), None), ""
    except UserError as error:
        return None, str(error)


def _to_keep(found: Found) -> np.ndarray:
    """Which images are worth training on: bool [N]. Of a picture that is there several times the first; mirrored ones stay, as
    they may be another picture on purpose."""
    keeps = ~is_flat(found.looks)
    for group in found.equal:
        keeps[group[1:]] = False
    for group in found.near:
        keeps[group.indices[~group.mirrored][1:]] = False
    return keeps
