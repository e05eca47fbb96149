"""The film of a training: training.gif or training.mp4 from the sample pictures of a run, one frame per picture.

Frames are read, drawn and written one at a time, so that memory does not grow with their number.
"""

import contextlib
import functools
import re
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.GifImagePlugin import getdata, getheader

from dcgan_tf.errors import UserError, printable
from dcgan_tf.files import whole_file

WHOLE_SECONDS = 30  # what the film takes at most, while that is possible at MOST_FPS
LAST_FRAME_SECONDS = 3
LEAST_FPS, MOST_FPS = 5, 25
LEAST_WIDTH = 256  # pixels; smaller pictures are enlarged
PALETTE_PIXELS = 8000  # pixels of a frame that its 256 colours are chosen from
NO_ENCODER = "--format mp4: needs ffmpeg with H.264: pip install imageio[ffmpeg], or give --format gif"

Picture = tuple[int, Path]  # epoch, file
Frame = tuple[Image.Image, float]  # L or RGB, seconds on show


def sample_pictures(run_dir) -> list[Picture]:
    """(epoch, path) of every RUN/picture/image_at_epoch_<epoch>.png, by epoch; empty when there are none."""
    found = []
    for path in (Path(run_dir) / "picture").glob("image_at_epoch_*.png"):
        if name := re.fullmatch(r"image_at_epoch_([0-9]+)\.png", path.name):
            found.append((int(name[1]), path))
    return sorted(found)


def animate(run_dir, format: str = "gif", fps: float | None = None) -> Path:
    """Makes RUN/training.gif or RUN/training.mp4 from the run's sample pictures, whole or not at all.

    Every frame carries its epoch on a strip below the picture; the last one stays for 3 seconds. Pictures that cannot
    be read, or are of another size or colour mode than most, are left out, with a warning on standard error.

    Args:
        format: "gif" or "mp4" (H.264).
        fps: frames a second, 1 to 50; a GIF rounds the time of a frame to hundredths of a second. Default: so many
            that the whole takes about half a minute, between 5 and 25.

    Returns:
        The file made.

    Raises:
        UserError: no usable picture, a setting out of range, no H.264 encoder, a full disk.
    """
    if format not in WRITERS:
        raise UserError(f"--format {printable(format)}: must be gif or mp4")
    if fps is not None and not 1 <= fps <= 50:
        raise UserError(f"--fps {fps:g}: must be from 1 to 50")
    pictures = _usable(run_dir)
    fps = fps or automatic_fps(len(pictures))
    path = Path(run_dir) / f"training.{format}"
    with whole_file(path) as beside:
        WRITERS[format](beside, _frames(pictures, fps), fps)
    return path


def automatic_fps(count: int) -> float:
    """Frames a second for `count` frames: a frame takes a multiple of 10 ms, as a GIF asks, from 40 to 200."""
    hundredths = 100 * (WHOLE_SECONDS - LAST_FRAME_SECONDS) // count
    return 100 / min(max(hundredths, 100 // MOST_FPS), 100 // LEAST_FPS)


def _usable(run_dir) -> list[Picture]:
    pictures = sample_pictures(run_dir)
    kinds = {path: _kind(path) for _, path in pictures}
    readable = Counter(kind for kind in kinds.values() if kind)
    if not readable:
        found = f"none of the {len(pictures)} can be read" if pictures else "there is none"
        raise UserError(
            f"{printable(Path(run_dir) / 'picture')}: an animation needs image_at_epoch_*.png, but {found}: "
            "give the folder of a run that has drawn its first samples"
        )
    [(common, _)] = readable.most_common(1)
    left_out = [path.name for path, kind in kinds.items() if kind != common]
    if left_out:
        names = ", ".join(left_out[:3]) + (f" and {len(left_out) - 3} more" if left_out[3:] else "")
        print(f"warning: left out of the animation, as unreadable or unlike most: {names}", file=sys.stderr)
    return [(epoch, path) for epoch, path in pictures if kinds[path] == common]


def _kind(path: Path) -> tuple | None:
    """Mode and size of a picture; None when it is damaged."""
    try:
        with Image.open(path) as picture:
            kind = _mode(picture), picture.size
            picture.verify()  # checksums: a hundredth of the time of decoding
    except (OSError, SyntaxError, ValueError, struct.error):  # what Pillow raises at damaged files
        return None
    return kind


def _mode(picture: Image.Image) -> str:
    return "L" if picture.mode == "L" else "RGB"


def _frames(pictures: list[Picture], fps: float) -> Iterator[Frame]:
    *first, last = pictures
    for epoch, path in first:
        yield _draw(path, f"epoch {epoch}"), 1 / fps
    epoch, path = last
    yield _draw(path, f"epoch {epoch}"), LAST_FRAME_SECONDS


def _draw(path: Path, caption: str) -> Image.Image:
    """The picture, enlarged by a whole factor where it is small, above a white strip with the caption."""
    with Image.open(path) as opened:
        picture = opened.convert(_mode(opened))
    factor = -(-LEAST_WIDTH // picture.width)
    width, height = picture.width * factor, picture.height * factor
    font_size = min(max(width // 24, 14), 32)
    strip = 2 * font_size
    # H.264 asks for even sizes: one more white pixel where needed.
    frame = Image.new(picture.mode, (width + width % 2, height + height % 2 + strip), "white")
    frame.paste(picture.resize((width, height), Image.Resampling.NEAREST))
    ImageDraw.Draw(frame).text(
        (font_size // 2, frame.height - strip // 2), caption, fill="black", font=_font(font_size), anchor="lm"
    )
    return frame


@functools.cache
def _font(size: int):
    return ImageFont.load_default(size)


def _write_gif(path: Path, frames: Iterator[Frame], fps: float) -> None:
    """Frame by frame through Pillow's encoder: Image.save(append_images=...) and imageio keep all frames in memory."""
    with path.open("wb") as file:
        for index, (frame, seconds) in enumerate(frames):
            if frame.mode == "RGB":
                frame = _to_256_colours(frame)
            if index == 0:
                file.writelines(getheader(frame, info={"loop": 0})[0])  # 0: for ever
            # Colour frames bring their own palette; grey ones use the 256 greys of the header.
            own_palette = frame.mode == "P"
            data = getdata(frame, duration=round(100 * seconds) * 10, include_color_table=own_palette)
            file.writelines(data)
            data.clear()  # a reference cycle in getdata keeps the list until the next garbage collection
        file.write(b";")


def _to_256_colours(frame: Image.Image) -> Image.Image:
    """Each pixel to the nearest of 256 colours that suit this frame.

    Choosing the colours from some of the pixels, refined once by k-means, is three times as fast as median cut over
    all pixels and comes closer. Dithering would flicker from frame to frame.
    """
    step = max(1, round((frame.width * frame.height / PALETTE_PIXELS) ** 0.5))
    some = frame.resize((frame.width // step, frame.height // step), Image.Resampling.NEAREST)
    frame = frame.quantize(palette=some.quantize(256, kmeans=1), dither=Image.Dither.NONE)
    # The nearest colour to the white of the strip becomes pure white, else all white would flicker a little.
    colours, white = frame.getpalette(), 3 * frame.getpixel((0, frame.height - 1))
    colours[white : white + 3] = [255, 255, 255]
    frame.putpalette(colours)
    return frame


def _write_mp4(path: Path, frames: Iterator[Frame], fps: float) -> None:
    """Frames to ffmpeg's standard input, as PPM files one after the other."""
    # imageio_ffmpeg.write_frames would do, but for not reporting that ffmpeg failed.
    command = [
        *(_ffmpeg(), "-y", "-v", "error"),
        *("-f", "image2pipe", "-c:v", "ppm", "-framerate", str(Fraction(fps).limit_denominator(1000)), "-i", "-"),
        # Colours by BT.709, and said so: players guess otherwise, and not all alike.
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,setparams=color_primaries=bt709:color_trc=bt709"),
        *("-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-movflags", "+faststart", f"file:{path}"),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as ffmpeg:
        with contextlib.suppress(BrokenPipeError):  # ffmpeg gave up: its own words below say why
            for frame, seconds in frames:
                ppm = f"P6 {frame.width} {frame.height} 255\n".encode() + frame.convert("RGB").tobytes()
                for _ in range(round(seconds * fps)):
                    ffmpeg.stdin.write(ppm)
        words = ffmpeg.communicate()[1].decode(errors="replace").strip()
    if "Unknown encoder" in words:
        raise UserError(NO_ENCODER)
    if ffmpeg.returncode:
        raise RuntimeError(f"ffmpeg failed: {words}")


def _ffmpeg() -> str:
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise UserError(NO_ENCODER) from error


WRITERS = {"gif": _write_gif, "mp4": _write_mp4}
