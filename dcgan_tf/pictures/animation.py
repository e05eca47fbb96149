"""The film of a training: training.gif or training.mp4 from the sample pictures of a run, one frame per picture."""

import contextlib
import os
import struct
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from dcgan_tf.common.console import note, warn
from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.files import remove_leftovers
from dcgan_tf.common.progress import counted
from dcgan_tf.common.reading import open_regular
from dcgan_tf.pictures import film
from dcgan_tf.pictures.enlarge import AS_IT_IS, Resize
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.pictures import SamplePicture, sample_pictures

MAX_FILM_SECONDS = 30  # A film takes longer only where MAX_AUTOMATIC_FPS does not allow it.
LAST_FRAME_SECONDS = 3
EARLY_FRAMES, EARLY_FRAME_FACTOR = 10, 3  # So many at the start, where most changes, stay for so many times as long.
MIN_AUTOMATIC_FPS, MAX_AUTOMATIC_FPS = 5, 25
# Pillow raises all of these for damaged files, and the last for pictures of an absurd size.
DAMAGED = (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)


def animate(run_dir, format: str = "gif", fps: float | None = None, resize: Resize = AS_IT_IS) -> Path:
    """Makes RUN/training.gif or RUN/training.mp4 from the run's sample pictures, whole or not at all.

    Every frame carries its epoch or step on a strip below the picture; the last one stays for 3 seconds. Pictures that
    cannot be read, or are of another size or colour mode than most, are left out, with a warning on standard error.

    Args:
        format: "gif" or "mp4" (H.264).
        fps: frames a second, 1 to 50; a GIF rounds the time of a frame to hundredths of a second. Default: so many
            that the whole takes about half a minute at most, between 5 and 25, and the first ten frames stay for three
            times as long as the others.
        resize: the size of the pictures; without one, small ones are enlarged.

    Returns:
        The file made.

    Raises:
        UserError: no usable picture, a setting out of range, no H.264 encoder, a full disk.
    """
    if format not in film.WRITERS:
        raise UserError(f"--format {printable(format)}: must be gif or mp4")
    if fps is not None and not 1 <= fps <= 50:
        raise UserError(f"--fps {fps:g}: must be from 1 to 50")
    pictures = _usable(run_dir, resize)
    _check_size(pictures[0].path, resize)
    early_factor = 1 if fps else EARLY_FRAME_FACTOR
    fps = fps or automatic_fps(len(pictures))
    path = RunFolder(Path(run_dir)).film(format)
    remove_leftovers(path.parent, is_locked=False)
    try:
        film.write_film(path, format, _frames(pictures, fps, early_factor, resize), fps)
    except film.NoEncoder as error:
        raise UserError(f"--format mp4: {error}, or give --format gif") from error
    return path


def automatic_fps(count: int) -> float:
    """Frames a second for `count` frames: all but the early ones take a multiple of 10 ms, as a GIF asks, from 40 to 200."""
    times = count + (EARLY_FRAME_FACTOR - 1) * min(count, EARLY_FRAMES)
    hundredths = 100 * (MAX_FILM_SECONDS - LAST_FRAME_SECONDS) // times
    return 100 / min(max(hundredths, 100 // MAX_AUTOMATIC_FPS), 100 // MIN_AUTOMATIC_FPS)


def _usable(run_dir, resize: Resize) -> list[SamplePicture]:
    """The pictures that can be read and have the mode and size of most; warns of the others."""
    folder = RunFolder(Path(run_dir))
    try:
        os.listdir(folder.pictures)
    except (FileNotFoundError, NotADirectoryError):
        pass  # It is said below that there are no pictures.
    except OSError as error:
        raise UserError(
            f"{printable(folder.pictures)}: cannot be read ({error.strerror}): give the folder of a run that you may read"
        ) from error
    pictures = sample_pictures(folder)
    kinds = {picture.path: _kind(picture.path, resize) for picture in pictures}
    readable = Counter(kind for kind in kinds.values() if kind)
    if not readable:
        found = f"none of the {len(pictures)} can be read" if pictures else "there is none"
        raise UserError(
            f"{printable(folder.pictures)}: an animation needs image_at_*.png, but {found}: "
            "give the folder of a run that has drawn its first samples"
        )
    [(common, _)] = readable.most_common(1)
    left_out = [path.name for path, kind in kinds.items() if kind != common]
    if left_out:
        names = ", ".join(left_out[:3]) + (f" and {len(left_out) - 3} more" if left_out[3:] else "")
        warn(f"warning: left out of the animation, as unreadable or unlike most: {names}")
    return [picture for picture in pictures if kinds[picture.path] == common]


def _kind(path: Path, resize: Resize) -> tuple | None:
    """Mode and size of the frame of a picture; None when it is damaged, or too large for a frame."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # Grids of large images are no attack.
            with open_regular(path) as file, Image.open(file) as picture:
                kind = "L" if picture.mode == "L" else "RGB", film.frame_size(*picture.size, resize)
                picture.verify()  # This checks the checksums, in a hundredth of the time of decoding.
    except DAMAGED:
        return None
    return kind if film.fits(*picture.size) else None


def _check_size(path: Path, resize: Resize) -> None:
    """Refuses a size that a picture cannot get; one that is damaged by now is told of where it is drawn."""
    with contextlib.suppress(*DAMAGED), open_regular(path) as file, Image.open(file) as picture:
        resize.check(*picture.size, film.CAPTION_PIXELS)


def _frames(pictures: list[SamplePicture], fps: float, early_factor: int, resize: Resize) -> Iterator[film.Frame]:
    """A picture that turns out to be damaged as it is decoded, or is gone by then, is left out, with a note."""
    drawn = 0
    for picture in counted(pictures, "making the film", len(pictures), "frame"):
        try:
            frame = _draw(picture.path, picture.caption, resize)
        except DAMAGED as error:
            note(f"{printable(picture.path)}: left out of the animation ({first_line(error)})")
            continue
        drawn += 1
        seconds = (early_factor if drawn <= EARLY_FRAMES else 1) / fps
        yield frame, LAST_FRAME_SECONDS if picture == pictures[-1] else seconds
    if not drawn:
        raise UserError(f"{printable(picture.path.parent)}: none of the pictures in it can be decoded: delete them")


def _draw(path: Path, caption: str, resize: Resize) -> Image.Image:
    with open_regular(path) as file, Image.open(file) as picture:
        return film.frame(picture, caption, resize)
