"""Small images made large enough to be looked at, and pictures of the size that was asked for."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.memory import check_fits

READABLE_PIXELS = 512  # The longer side of a sheet that a person can look at without a magnifying glass.
MAX_SIDE_PIXELS = 16_384  # The side of a frame that H.264 takes; a GIF takes four times as many.
WORK_BYTES_PER_PIXEL = 12  # Pillow's own copy of a picture, its neighbour while it is resized, and the array.


def whole_factor(height: int, width: int, at_least: int = READABLE_PIXELS) -> int:
    """The least whole number that makes the longer side `at_least` pixels long; 1 where it is already."""
    return max(1, -(-at_least // max(height, width)))


def enlarged(images: np.ndarray, factor: int) -> np.ndarray:
    """uint8 [..., h, w, C] to [..., h * factor, w * factor, C], every pixel a sharp square of factor x factor."""
    return images.repeat(factor, axis=-3).repeat(factor, axis=-2)


@dataclass(frozen=True)
class Resize:
    """The size that pictures get, as --size or --scale says; without either, they keep their own.

    longer_side  in pixels: smooth, by Lanczos
    factor       a whole number: every pixel becomes a sharp square
    """

    longer_side: int | None = None
    factor: int | None = None

    @property
    def is_asked(self) -> bool:
        return (self.longer_side, self.factor) != (None, None)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) of a picture that has these before."""
        if self.longer_side is None:
            return width * (self.factor or 1), height * (self.factor or 1)
        scale = self.longer_side / max(width, height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def apply(self, picture: Image.Image) -> Image.Image:
        """A picture, L or RGB, in its new size."""
        how = Image.Resampling.NEAREST if self.longer_side is None else Image.Resampling.LANCZOS
        return picture.resize(self.size(*picture.size), how)

    def check(self, width: int, height: int, below: int = 0) -> None:
        """To be called before the first of the pictures, of this size, is made.

        below: how many pixels are added below it.

        Raises:
            UserError: they would become larger than any viewer or the memory takes.
        """
        if not self.is_asked:
            return
        flag = f"--size {self.longer_side}" if self.factor is None else f"--scale {self.factor}"
        wide, high = self.size(width, height)
        if max(wide, high + below) > MAX_SIDE_PIXELS:
            raise UserError(
                f"{flag}: makes {wide}x{high + below} pixels of {width}x{height}, and {MAX_SIDE_PIXELS} a side are the "
                "most: give a smaller one"
            )
        check_fits(
            f"{flag}: a picture of {wide}x{high} pixels", WORK_BYTES_PER_PIXEL * wide * high, "give a smaller size"
        )


AS_IT_IS = Resize()
