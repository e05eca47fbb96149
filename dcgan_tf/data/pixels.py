"""Pixels of any source made uint8 images of the wanted size and channels, and the ImageSource that hands them out."""

import dataclasses
import functools
import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps


class Wanted(NamedTuple):
    """What images a source is to make of those that are stored; None leaves it to their content.

    size         (H, W), each at least 1: they are resized to cover it, and cropped to their centre
    channels     1 (grey) or 3 (RGB)
    value_range  the stored values that become 0 and 255, the first below the second
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    value_range: tuple[float, float] | None = None

    @property
    def values(self) -> str:
        """`ImageSource.values` of images that are stored in 8 bits."""
        if self.value_range is None:
            return "uint8 0..255"
        low, high = self.value_range
        return f"{low:g}..{high:g} (given)"


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSource:
    """A set of images of one shape, read by index; make one with `dcgan_tf.data.sources.open_source`.

    Attributes:
        name: short name for a default run folder: file stem, folder name or name of the set.
        image_shape: (H, W, C), C is 1 or 3.
        count: number of images, also ``len(source)``.
        pixels: what `read` calls: indices, int64 [n] -> uint8 [n, H, W, C].
        values: the stored value range, for people: "uint8 0..255".
        labels: int64 [count], or None.
        class_names: the names of the labels 0, 1, ..., or None.
        notes: one-line facts for the start of a run: what was skipped, resized, converted.
    """

    name: str
    image_shape: tuple[int, int, int]
    count: int
    pixels: Callable[[np.ndarray], np.ndarray]
    values: str
    labels: np.ndarray | None = None
    class_names: list[str] | None = None
    notes: list[str] = dataclasses.field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def read(self, indices) -> np.ndarray:
        """The images at `indices` (int [n], any order) as a new uint8 [n, H, W, C], 0..255; threads may call it at once.

        Raises:
            UserError: an image cannot be read any more, or holds NaN.
        """
        return np.ascontiguousarray(self.pixels(np.asarray(indices, dtype=np.int64)))

    @functools.cached_property
    def fingerprint(self) -> str:
        """16 hex digits of the shape, the labels and 64 images spread over the set; not of where or how it is stored."""
        digest = hashlib.blake2b(repr((self.count, self.image_shape)).encode(), digest_size=8)
        for index in spread(self.count, 64):  # one at a time: images may be large
            digest.update(self.read([index]))
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels, dtype="<i8"))
        return digest.hexdigest()


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
