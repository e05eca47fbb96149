"""Pictures with detail of many sizes, as photographs have, made from a seed, and what people do to copies of them."""

import io

import numpy as np
from PIL import Image

SHAPE = (96, 120)


def picture(seed, size=SHAPE, grey=False) -> np.ndarray:
    """uint8 [H, W, 3], or [H, W, 1]: soft blobs, over which there are ever smaller and fainter ones."""
    random = np.random.default_rng(seed)
    channels = 1 if grey else 3
    levels = np.full((*size, channels), 128.0)
    for cells, height in ((3, 60), (7, 40), (15, 20)):
        for channel in range(channels):
            coarse = Image.fromarray(random.uniform(-1, 1, (cells, cells)).astype(np.float32))
            levels[..., channel] += height * np.asarray(coarse.resize(size[::-1], Image.Resampling.BICUBIC))
    return np.clip(levels, 5, 235).astype(np.uint8)


def recompressed(image, quality) -> np.ndarray:
    content = io.BytesIO()
    _pillow(image).save(content, "JPEG", quality=quality)
    return _array(Image.open(content))


def resized(image, factor) -> np.ndarray:
    pillow = _pillow(image)
    return _array(pillow.resize([round(side * factor) for side in pillow.size], Image.Resampling.LANCZOS))


def cropped(image, share) -> np.ndarray:
    """Without a share of the height and of the width, half of it on either side."""
    down, across = (round(side * share / 2) for side in image.shape[:2])
    return image[down : image.shape[0] - down, across : image.shape[1] - across]


def brighter(image, factor) -> np.ndarray:
    return np.clip(np.rint(image * factor), 0, 255).astype(np.uint8)


def mirrored(image) -> np.ndarray:
    return image[:, ::-1]


def _pillow(image):
    return Image.fromarray(np.ascontiguousarray(image[..., 0] if image.shape[-1] == 1 else image))


def _array(pillow):
    return np.asarray(pillow).reshape(*pillow.size[::-1], -1)
