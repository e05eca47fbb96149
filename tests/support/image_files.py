"""Images in files for tests: made of noise, written in any format, and found again in the cache."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image


def noise(height, width, seed=0, channels=3):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def put(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def encoded(image, kind="PNG", **options) -> bytes:
    """The content of an image file."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, kind, **options)
    return content.getvalue()


def cached_files() -> list[Path]:
    """The files in the cache of the test at hand."""
    home = Path(os.environ["DCGAN_TF_CACHE"])
    return sorted(home.iterdir()) if home.exists() else []
