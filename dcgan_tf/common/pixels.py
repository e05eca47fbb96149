"""Functions that turn arrays of pixels into uint8 images of a wanted value range, number of channels and size."""

import numpy as np
from PIL import Image, ImageOps

MAX_GREY_DIFFERENCE_LEVELS = 12
MIN_PIXELS_PER_STRAY_PIXEL = 1000  # One pixel in a thousand may differ by more.
PIECE_PIXELS = 2**20  # Large images are converted in pieces, because wider numbers take several times their memory.


def spread(count, at_most) -> np.ndarray:
    """Returns up to `at_most` different indices of range(count): int64, ascending, evenly spread from first to last."""
    return np.linspace(0, count - 1, min(count, at_most)).round().astype(np.int64)


def to_uint8(values, low, high) -> np.ndarray:
    """Maps numbers low..high linearly to uint8 0..255, rounded to nearest; numbers outside are clipped."""
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return values
    if values.size > PIECE_PIXELS:
        flat = values.reshape(-1)
        return _in_pieces(lambda piece: to_uint8(piece, low, high), flat, flat.shape).reshape(values.shape)
    # int32 and float64 need 64 bits; float32 holds every value of the smaller types.
    values = values.astype(np.result_type(values.dtype, np.float32))
    return np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def to_channels(images, channels) -> np.ndarray:
    """Gives images 1 or 3 channels: uint8 [..., H, W, C] -> uint8 [..., H, W, channels].

    C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA). Alpha is composited on white. RGB becomes grey as in ITU-R
    BT.601, bit for bit as Pillow does it.
    """
    if images.shape[-1] == channels:
        return images
    flat = images.reshape(-1, images.shape[-1])
    if len(flat) > PIECE_PIXELS:
        converted = _in_pieces(lambda piece: to_channels(piece, channels), flat, (len(flat), channels))
        return converted.reshape(*images.shape[:-1], channels)
    if images.shape[-1] in (2, 4):
        alpha = images[..., -1:].astype(np.uint16)
        images = ((images[..., :-1] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if images.shape[-1] == 3 and channels == 1:
        red, green, blue = np.moveaxis(images.astype(np.uint32), -1, 0)
        images = ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)[..., None]
    if images.shape[-1] == 1 and channels == 3:
        images = np.repeat(images, 3, axis=-1)
    return images


def _in_pieces(convert, values, shape) -> np.ndarray:
    """Returns `convert(values)`, uint8 of a shape, converted some rows at a time."""
    converted = np.empty(shape, np.uint8)
    for start in range(0, len(values), PIECE_PIXELS):
        converted[start : start + PIECE_PIXELS] = convert(values[start : start + PIECE_PIXELS])
    return converted


def size_within(image_shape, longer_side: int) -> tuple[int, int]:
    """Returns (H, W) for images (H, W, C), shrunk in proportion where a side is longer than `longer_side`."""
    height, width = image_shape[:2]
    scale = min(1, longer_side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def fit(image, size) -> Image.Image:
    """Resizes a Pillow image, antialiased, until it covers `size` (H, W), and cuts out its centre of that size."""
    height, width = size
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def is_grey(image) -> bool:
    """Whether an image, uint8 [H, W, C] with C of 1 or 3, shows no colour.

    JPEG leaves traces of colour in a grey image: its channels differ by a few levels, and in a few pixels by more.
    Tinted paper and coloured marks on a grey scan go beyond the limits here, so they count as colour.
    """
    if image.shape[-1] == 1:
        return True
    red, green, blue = np.moveaxis(image, -1, 0)  # Reducing an axis of three takes NumPy twenty times as long.
    difference = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return np.count_nonzero(difference > MAX_GREY_DIFFERENCE_LEVELS) <= difference.size / MIN_PIXELS_PER_STRAY_PIXEL
