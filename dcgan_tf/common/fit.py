"""How images of any size become those of one size: cut, bordered or stretched."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor, ImageOps

from dcgan_tf.common import pixels
from dcgan_tf.common.margins import without_margins

RESIZED = {  # in words
    "center": "resized and cropped to",
    "random": "resized, and cut elsewhere in every epoch, to",
    "pad": "resized and bordered to",
    "stretch": "stretched to",
}


def cover(stored: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The (H, W) of an image, resized in proportion until it covers `size`: one side is that of `size`, or both are."""
    scale = max(side / own for side, own in zip(size, stored))
    return tuple(max(side, round(own * scale)) for side, own in zip(size, stored))


def cut(image: np.ndarray, size: tuple[int, int], place: float) -> np.ndarray:
    """A part of an image, [h, w, C] -> [H, W, C]. place: from 0, where it begins, to below 1, where it ends."""
    top, left = (int(place * (own - side + 1)) for own, side in zip(image.shape, size))
    return image[top : top + size[0], left : left + size[1]]


def trimmed(image: Image.Image) -> Image.Image:
    """A Pillow image, L or RGB, without its flat margins."""
    values = np.asarray(image)
    inner = without_margins(values.reshape(*values.shape[:2], -1))
    return Image.fromarray(inner[..., 0] if values.ndim == 2 else inner)


class Fit(NamedTuple):
    """What is made of an image.

    size    (H, W), each at least 1
    crop    center: resized until it covers the size, and its middle cut out. pad: resized until it is within the size, and
            given a border. random: resized until it covers the size; it is cut when it is read. stretch: resized to the
            size, whatever its shape
    border  with pad: a colour as Pillow names them, or "reflect", which mirrors the image at its edges
    trim    whether the flat margins of an image are cut off first
    """

    size: tuple[int, int]
    crop: str = "center"
    border: str = "white"
    trim: bool = False

    def image(self, image: Image.Image) -> Image.Image:
        """Fits a Pillow image of mode L or RGB, antialiased (Lanczos)."""
        height, width = self.size
        if self.trim:
            image = trimmed(image)
        if image.size == (width, height):
            return image
        if self.crop == "stretch":
            return image.resize((width, height), Image.Resampling.LANCZOS)
        if self.crop == "pad":
            return self._padded(image)
        if self.crop == "random":
            return image.resize(cover((image.height, image.width), self.size)[::-1], Image.Resampling.LANCZOS)
        return pixels.fit(image, self.size)

    def images(self, images: np.ndarray, places: np.ndarray | None = None) -> np.ndarray:
        """Fits each image: uint8 [N, h, w, C] -> uint8 [N, H, W, C], with C of 1 or 3. places: with random, where each is
        cut, float [N], see `cut`."""
        if images.shape[1:3] == tuple(self.size) and not self.trim:
            return images
        fitted = np.empty((len(images), *self.size, images.shape[-1]), np.uint8)
        for i, image in enumerate(images):
            pillow = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
            whole = np.asarray(self.image(pillow))
            fitted[i] = cut(whole.reshape(*whole.shape[:2], -1), self.size, 0 if places is None else places[i])
        return fitted

    def headroom(self, stored: tuple[int, int]) -> float:
        """How many times as long the sides of the size could be before an image of that (H, W) had to be enlarged."""
        factors = [own / side for own, side in zip(stored, self.size)]
        return max(factors) if self.crop == "pad" else min(factors)

    def _padded(self, image):
        height, width = self.size
        scale = min(height / image.height, width / image.width)
        inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(inner, Image.Resampling.LANCZOS)
        left, top = (width - image.width) // 2, (height - image.height) // 2
        if self.border == "reflect":
            sides = [(top, height - image.height - top), (left, width - image.width - left), (0, 0)]
            values = np.asarray(image)
            return Image.fromarray(np.pad(values, sides[: values.ndim], mode="symmetric"))
        colour = ImageColor.getcolor(self.border, image.mode)
        return ImageOps.expand(image, (left, top, width - image.width - left, height - image.height - top), colour)
