"""Functions that turn arrays of pixels into uint8 images of a wanted value range, number of channels and size."""

import numpy as np
from PIL import Image, ImageOps


def spread(count, at_most) -> np.ndarray:
    """At most `at_most` different indices of range(count), evenly spread, the first and the last among them."""
    return np.linspace(0, count - 1, min(count, at_most)).round().astype(np.int64)


def to_uint8(values, low, high) -> np.ndarray:
    """Numbers low..high to uint8 0..255: rounded to nearest, clipped outside."""
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return values
    # int32 and float64 stay in 64 bits, everything smaller is exact in 32.
    values = values.astype(np.result_type(values.dtype, np.float32))
    return np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def to_channels(images, channels) -> np.ndarray:
    """uint8 [..., H, W, C] with C of 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) -> [..., H, W, channels], 1 or 3.

    Alpha is composited on white; RGB becomes grey as in ITU-R BT.601, bit for bit as Pillow does it.
    """
    if images.shape[-1] in (2, 4):
        alpha = images[..., -1:].astype(np.uint16)
        images = ((images[..., :-1] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if images.shape[-1] == 3 and channels == 1:
        red, green, blue = np.moveaxis(images.astype(np.uint32), -1, 0)
        images = ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)[..., None]
    if images.shape[-1] == 1 and channels == 3:
        images = np.repeat(images, 3, axis=-1)
    return images


def size_within(image_shape, longer_side: int) -> tuple[int, int]:
    """(H, W) of images (H, W, C) made smaller, where they are larger, so that neither side is longer than that."""
    height, width = image_shape[:2]
    scale = min(1, longer_side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def fit(image, size) -> Image.Image:
    """A Pillow image resized so that it covers `size` (H, W), antialiased, and the centre cut out."""
    height, width = size
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def fit_all(images, size) -> np.ndarray:
    """`fit` of each of uint8 [N, h, w, C], C of 1 or 3 -> uint8 [N, H, W, C]."""
    if images.shape[1:3] == tuple(size):
        return images
    fitted = np.empty((len(images), *size, images.shape[-1]), np.uint8)
    for i, image in enumerate(images):
        pillow = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        fitted[i] = np.asarray(fit(pillow, size)).reshape(fitted.shape[1:])
    return fitted


def is_grey(image) -> bool:
    """Whether uint8 [H, W, C], C of 1 or 3, is grey in content.

    The channels of a pixel may differ by 12 levels, and one pixel in 1,000 by more: the traces that JPEG leaves. Tinted
    paper and coloured marks on a grey scan are beyond that.
    """
    if image.shape[-1] == 1:
        return True
    difference = image.max(axis=-1) - image.min(axis=-1)
    return np.count_nonzero(difference > 12) <= difference.size / 1000
