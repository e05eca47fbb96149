"""GIF and MP4 files, frame by frame.

Frames are taken and written one at a time, so that memory does not grow with their number.
"""

import contextlib
import functools
import os
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.GifImagePlugin import getdata, getheader

from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.common.install import install_command
from dcgan_tf.pictures.enlarge import AS_IT_IS, MAX_SIDE_PIXELS, Resize, whole_factor

CAPTION_PIXELS = 66  # The strip with the caption is at most so high, with the pixel that makes a height even.
PALETTE_SAMPLE_PIXELS = 8000  # The 256 colours of a frame are chosen from about so many of its pixels.

Frame = tuple[Image.Image, float]  # (L or RGB, the seconds that it is shown)


class NoEncoder(Exception):
    """An MP4 needs ffmpeg with H.264, and there is none. The message continues a line that begins with the flag."""

    def __init__(self):
        if "IMAGEIO_FFMPEG_EXE" in os.environ:  # It goes before the one that comes with the package.
            super().__init__("needs ffmpeg with H.264: unset IMAGEIO_FFMPEG_EXE, which names another")
        else:
            super().__init__(f"needs ffmpeg with H.264: {install_command(['imageio-ffmpeg'])}")


class EncoderFailed(Exception):
    """ffmpeg ended with an error; the message is what it says."""


def frame_size(width: int, height: int, resize: Resize = AS_IT_IS) -> tuple[int, int]:
    """(width, height) of the frame of a picture of that size, without caption, and before its sizes are made even."""
    return _readable(width, height, resize).size(width, height)


def fits(width: int, height: int) -> bool:
    """Whether a picture of this size can be a frame, with its caption."""
    width, height = frame_size(width, height)
    return max(width, height + CAPTION_PIXELS) <= MAX_SIDE_PIXELS


def frame(picture: Image.Image, caption: str | None = None, resize: Resize = AS_IT_IS) -> Image.Image:
    """The picture as L or RGB, of the size that `resize` asks for, its sizes made even, as H.264 asks.

    Where it asks for none, a small picture is enlarged by a whole factor, to 512 pixels on its longer side at least.
    With a caption: on a white strip below the picture.
    """
    picture = picture.convert("L" if picture.mode == "L" else "RGB")
    enlarged = _readable(*picture.size, resize).apply(picture)
    width, height = enlarged.width + enlarged.width % 2, enlarged.height + enlarged.height % 2
    if caption is None:
        # The added pixel repeats the picture's own edge: a white one would be a line beside a dark picture.
        whole = enlarged.resize((width, height), Image.Resampling.NEAREST)
        whole.paste(enlarged)
        return whole
    font_size = min(max(enlarged.width // 24, 14), 32)
    strip = 2 * font_size
    whole = Image.new(enlarged.mode, (width, height + strip), "white")
    whole.paste(enlarged)
    ImageDraw.Draw(whole).text(
        (font_size // 2, whole.height - strip // 2), caption, fill="black", font=_font(font_size), anchor="lm"
    )
    return whole


def _readable(width: int, height: int, resize: Resize) -> Resize:
    """`resize`, or where it asks for nothing the enlargement that makes a picture of this size large enough to be seen."""
    if resize.is_asked:
        return resize
    return Resize(factor=whole_factor(height, width))


def write_film(path, format: str, frames: Iterator[Frame], fps: float) -> None:
    """Writes a GIF that repeats for ever, or an H.264 MP4, whole or not at all.

    Args:
        format: "gif" or "mp4".
        frames: all of one size, even for MP4, see `frame`. A GIF rounds the seconds to hundredths; in an MP4 a frame
            takes round(seconds * fps) of its own frames.
        fps: frames a second of an MP4.

    Raises:
        NoEncoder: no H.264 encoder, before the first frame is taken or after some.
        UserError: a full disk, a folder that cannot be written, or an encoder that fails.
    """
    try:
        with whole_file(path) as beside:
            WRITERS[format](beside, frames, fps)
    except EncoderFailed as error:
        raise UserError(
            f"{printable(path)}: ffmpeg failed ({first_line(error)}): make a GIF, or mend ffmpeg"
        ) from error


def frame_seconds(format: str, fps: float) -> float:
    """How long a film of that many frames a second shows each of them."""
    return _hundredths(1 / fps) / 100 if format == "gif" else 1 / fps


def _hundredths(seconds: float) -> int:
    """The time of a frame as a GIF stores it."""
    return round(100 * seconds)


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
                file.writelines(getheader(frame, info={"loop": 0})[0])  # loop=0 repeats for ever.
            # Colour frames bring their own palette; grey ones use the 256 greys of the header.
            own_palette = frame.mode == "P"
            data = getdata(frame, duration=_hundredths(seconds) * 10, include_color_table=own_palette)
            file.writelines(data)
            data.clear()  # A reference cycle in getdata would keep the list until the next garbage collection.
        file.write(b";")


def _to_256_colours(frame: Image.Image) -> Image.Image:
    """Gives each pixel the nearest of 256 colours that are chosen for this frame.

    Choosing the colours from some of the pixels, refined once by k-means, is three times as fast as median cut over
    all pixels and comes closer. Dithering would flicker from frame to frame.
    """
    step = max(1, round((frame.width * frame.height / PALETTE_SAMPLE_PIXELS) ** 0.5))
    some = frame.resize((frame.width // step, frame.height // step), Image.Resampling.NEAREST)
    corner = (0, frame.height - 1)
    white_below = frame.getpixel(corner) == (255, 255, 255)
    frame = frame.quantize(palette=some.quantize(256, kmeans=1), dither=Image.Dither.NONE)
    if white_below:
        # The colour nearest to the white of the caption strip becomes pure white; else the strip would flicker.
        colours, white = frame.getpalette(), 3 * frame.getpixel(corner)
        colours[white : white + 3] = [255, 255, 255]
        frame.putpalette(colours)
    return frame


def _write_mp4(path: Path, frames: Iterator[Frame], fps: float) -> None:
    """Frames to ffmpeg's standard input, as PPM files one after the other."""
    # Not imageio_ffmpeg.write_frames, because it does not report that ffmpeg failed.
    command = [
        *(_ffmpeg(), "-y", "-v", "error"),
        *("-f", "image2pipe", "-c:v", "ppm", "-framerate", str(Fraction(fps).limit_denominator(1000)), "-i", "-"),
        # Without the tags that say BT.709, players guess the colour matrix, each in its own way.
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,setparams=color_primaries=bt709:color_trc=bt709"),
        *("-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-movflags", "+faststart", f"file:{path}"),
    ]
    try:
        ffmpeg = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:  # IMAGEIO_FFMPEG_EXE may name anything.
        raise NoEncoder from error
    with ffmpeg:
        with contextlib.suppress(BrokenPipeError):  # ffmpeg gave up; its own message, read below, says why.
            for frame, seconds in frames:
                ppm = f"P6 {frame.width} {frame.height} 255\n".encode() + frame.convert("RGB").tobytes()
                for _ in range(round(seconds * fps)):
                    ffmpeg.stdin.write(ppm)
        words = ffmpeg.communicate()[1].decode(errors="replace").strip()
    if "Unknown encoder" in words:
        raise NoEncoder
    if ffmpeg.returncode:
        raise EncoderFailed(words or f"it ended with code {ffmpeg.returncode}")


def _ffmpeg() -> str:
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise NoEncoder from error


WRITERS = {"gif": _write_gif, "mp4": _write_mp4}
