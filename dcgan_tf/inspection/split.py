"""`dcgan-tf split`: lists of images to train on and of images to hold out, no picture of which is in both."""

import os
from pathlib import Path

import numpy as np

from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out
from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.text import plural
from dcgan_tf.config.commands import SplitConfig
from dcgan_tf.config.fitting import MAX_CHOSEN_SIDE
from dcgan_tf.data.files.image_files import Classes, classes_by_folder
from dcgan_tf.data.files.listed import MARK
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.inspection.duplicates import exact_groups, near_groups
from dcgan_tf.inspection.groups import by_folder, by_prefix, joined, split
from dcgan_tf.inspection.lists import refuse_within, write_list
from dcgan_tf.inspection.looks import look_through

TRAIN, TEST = "train.txt", "test.txt"


def split_images(config: SplitConfig) -> int:
    """Writes the lists that `config` describes, and prints how to train on them. Returns 0.

    Raises:
        UserError: the images are no files, or cannot be split so; a list is there already, or cannot be written.
    """
    folder = Path(config.out)
    check_out(folder, is_folder=True)
    for name in (TRAIN, TEST):
        if (folder / name).exists():
            raise UserError(f"--out {printable(config.out)}: holds {name} already: give another folder")
    source = open_source(config.data, max_chosen_side=MAX_CHOSEN_SIDE)
    if source.home is None:
        raise UserError(
            f"{printable(config.data)}: is no folder or list of image files, of which alone lists can be made"
        )
    if not config.data.startswith(MARK):
        refuse_within("--out", folder, source.home)
    first_of = joined(len(source), _groups(config, source))
    classes = _classes(config, source)
    is_test = split(first_of, classes.labels, config.test, config.seed)
    if is_test.all() or not is_test.any():
        raise UserError(
            f"--test {config.test:g}: of {plural(len(source), 'image')} in {plural(len(np.unique(first_of)), 'group')}, as "
            "they belong together, no such share can be held out: give another"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, chosen, what in ((TRAIN, ~is_test, "to train on"), (TEST, is_test, "to hold out")):
        write_list(folder / name, source, np.flatnonzero(chosen), f"{config.data} {what}")
    say(_report(classes, first_of, is_test))
    train, test = (printable(quoted(f"@{folder / name}")) for name in (TRAIN, TEST))
    say(f"next     {program()} train --data {train}")
    say(f"then     {program()} evaluate RUN --held-out {test}")
    return 0


def _classes(config: SplitConfig, source: ImageSource) -> Classes:
    """The classes of the images; where a folder is a group, those that the folders lie in."""
    if config.by_folder:
        return classes_by_folder([os.path.dirname(name) for name in source.names])
    return Classes(source.labels, source.class_names)


def _groups(config: SplitConfig, source: ImageSource):
    """Groups of images that must not be parted: of one picture, and those that are asked for."""
    looks = look_through(source)
    groups = [group.tolist() for group in exact_groups(looks)]
    groups += [group.indices.tolist() for group in near_groups(looks)]
    if config.by_folder:
        groups += by_folder(source.names)
    if config.by_prefix is not None:
        groups += by_prefix(source.names, config.by_prefix)
    return groups


def _report(classes, first_of, is_test) -> str:
    groups = len(np.unique(first_of))
    rows = [f"{'train':<8} {int((~is_test).sum()):,} images", f"{'test':<8} {int(is_test.sum()):,} images"]
    if classes.names is not None:
        for row, chosen in enumerate((~is_test, is_test)):
            counts = np.bincount(np.asarray(classes.labels)[chosen], minlength=len(classes.names))
            rows[row] += ": " + ", ".join(f"{name} {count:,}" for name, count in zip(classes.names, counts))
    if groups < len(first_of):
        rows.append(f"{'groups':<8} {groups:,}, as some images belong together")
    return "\n".join(rows)
