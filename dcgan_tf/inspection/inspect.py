"""`dcgan-tf inspect`: what is in a set of images, told before anything is trained on it."""

from pathlib import Path

from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out, disk_errors_in_one_line, whole_file
from dcgan_tf.config.commands import InspectConfig
from dcgan_tf.config.fitting import MAX_CHOSEN_SIDE
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.places import find_place
from dcgan_tf.data.sources import open_source
from dcgan_tf.inspection.findings import Findings, find
from dcgan_tf.inspection.lists import refuse_within, write_list
from dcgan_tf.inspection.outlook import look_ahead
from dcgan_tf.inspection.page import page
from dcgan_tf.inspection.report import report


def inspect_images(config: InspectConfig) -> int:
    """Prints what `config` asks for, and writes the page and the list. Returns 0.

    Raises:
        UserError: the images cannot be opened; a file cannot be written, or lies within their folder.
    """
    for flag, path in (("--html", config.html), ("--out", config.out)):
        if path is not None:
            _check_file(flag, Path(path))
            _refuse_within(config, flag, Path(path))
    if config.out is not None and Path(config.out).resolve() == Path(config.html).resolve():
        raise UserError(f"--out {printable(config.out)}: is the file of --html, too: give another")
    if config.out is not None and config.reading.frames == "all":
        raise UserError("--out: a list names files, not their frames: leave out --frames all")
    space = _space(config.features)
    source = open_source(
        config.data,
        size=config.image_size,
        value_range=config.value_range,
        reading=config.reading,
        max_chosen_side=MAX_CHOSEN_SIDE,
    )
    found = find(source, None if space is None else space.extract(source))
    flags = TrainConfig(
        config.data, image_size=config.image_size, value_range=config.value_range, reading=config.reading
    )
    text = report(found, config, look_ahead(flags, source))
    say(text)
    _write(Path(config.html), page(found, config, text).encode("utf-8", "replace"))
    say(f"page       {printable(config.html)}")
    if config.out is not None:
        _write_list(found, config)
    return 0


def _check_file(flag, path) -> None:
    try:
        check_out(path, is_folder=False)
    except UserError as error:
        raise UserError(str(error).replace("--out", flag, 1)) from error


def _refuse_within(config, flag, path) -> None:
    place = find_place(config.data)
    if place.kind not in ("path", "list"):
        return
    if path.resolve() == Path(place.path).resolve():
        raise UserError(f"{flag} {printable(path)}: is the file of the images: give another")
    if Path(place.path).is_dir():
        refuse_within(flag, path, place.path)


def _space(features):
    if features is None:
        return None
    from dcgan_tf.metrics.features import open_features  # loads TensorFlow

    return open_features(features)


def _write(path: Path, content: bytes) -> None:
    with disk_errors_in_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as beside:
            beside.write_bytes(content)


def _write_list(found: Findings, config) -> None:
    source = found.source
    if source.home is None:
        say(
            f"list       none: {printable(config.data)} is no folder or list of image files, of which alone lists are made"
        )
        return
    out = Path(config.out)
    write_list(out, source, found.clean, f"{config.data}: without copies (mirrored ones stay) and flat ones")
    say(f"list       {printable(config.out)}: {len(found.clean):,} of {len(source):,} images; mirrored ones stay in")
