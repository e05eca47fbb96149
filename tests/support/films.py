"""Reads films back."""

import numpy as np
import pytest
from PIL import Image


def gif_frames(path):
    """Every frame as [h, w, 3], the milliseconds that it is shown, and how often the whole repeats (0: for ever)."""
    frames, durations = [], []
    with Image.open(path) as gif:
        for index in range(gif.n_frames):
            gif.seek(index)
            frames.append(np.asarray(gif.convert("RGB")))
            durations.append(gif.info["duration"])
        return frames, durations, gif.info["loop"]


def mp4_frames(path):
    """Every frame as [h, w, 3], and what ffmpeg says of the file."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    reader = imageio_ffmpeg.read_frames(str(path))
    about = next(reader)
    width, height = about["size"]
    return [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader], about
