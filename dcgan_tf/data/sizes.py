"""The sizes of stored images: in words, and which one they are trained on where nobody says it.

Sizes are counted: how many images have each (H, W), in pixels.
"""

import statistics
from collections import Counter

from dcgan_tf.common.fit import Fit
from dcgan_tf.config.fitting import MAX_OWN_SIDE, sensible_side
from dcgan_tf.data.source import ImageSource

ROUNDING = 1e-6  # of a headroom, which is a quotient
MIN_OBLONG_RATIO = 1.25  # of the longer side to the shorter
MIN_SHAPED_SIDE = 16  # Of a smaller size, few multiples of 4 are near.


def median_side(sizes: Counter) -> int:
    """The median of the shorter sides of at least one image."""
    return statistics.median_low([min(size) for size in sizes.elements()])


def many_sizes(sizes: Counter) -> str:
    """Says in a few words that there are several sizes."""
    return (
        f"holds images of {len(sizes):,} sizes (shorter side: smallest {min(map(min, sizes))}, "
        f"median {median_side(sizes)})"
    )


def how_to_choose(side: int | None) -> str:
    """What to do about images of many sizes. side: the median of their shorter sides; None: not known."""
    return f"choose one, such as --image-size {sensible_side(side or 64)}"


def size_flag(size: tuple[int, int]) -> str:
    """The flag that asks for an (H, W)."""
    height, width = size
    return f"--image-size {height}" + ("" if height == width else f" {width}")


def chosen_size(sizes: Counter, max_side: int | None) -> tuple[int, int] | None:
    """The square that images are trained on where nobody says a size, and they have many, or one that is large; None where
    they keep their own, or `max_side` is None.

    max_side: of the square, in pixels.
    """
    is_own = len(sizes) == 1 and min(next(iter(sizes))) <= MAX_OWN_SIDE
    return None if max_side is None or not sizes or is_own else square(median_side(sizes), max_side)


def square(side: int, max_side: int) -> tuple[int, int]:
    """The square for images whose shorter sides have that median."""
    side = sensible_side(min(side, max_side))
    return side, side


def headroom(sizes: Counter, fit: Fit) -> float:
    """How many times as long the sides that are fitted to could be before half of the images had to be enlarged."""
    return statistics.median_low(map(fit.headroom, sizes.elements()))


def shape_of_most(sizes: Counter, fit: Fit) -> tuple[int, int] | None:
    """The (H, W) that has the shorter side of a square `fit.size`, and the shape of the median image, where that is oblong.

    None where most images are nearly squares, the size is none or small, or half of the images would have to be enlarged.
    """
    height, width = fit.size
    ratio = statistics.median_low([width / height for height, width in sizes.elements()])
    if height != width or height < MIN_SHAPED_SIDE or 1 / MIN_OBLONG_RATIO < ratio < MIN_OBLONG_RATIO:
        return None
    longer = height * max(ratio, 1 / ratio)
    for side in (sensible_side(longer + 2), sensible_side(longer)):  # the nearest multiple of 4, or the one below
        shaped = (height, side) if ratio > 1 else (side, width)
        if headroom(sizes, fit._replace(size=shaped)) >= 1 - ROUNDING:
            return shaped
    return None


def enlarging_text(source: ImageSource, *, is_free: bool = True) -> str | None:
    """A warning where most images have been enlarged. is_free: whether another size can be given."""
    if source.headroom is None or source.headroom >= 1 - ROUNDING:
        return None
    height, width = source.image_shape[:2]
    better = tuple(sensible_side(side * source.headroom + ROUNDING) for side in (height, width))
    return (
        f"warning: most images are smaller than {height}x{width}, and are enlarged, which takes time and adds no detail"
        + (f": {size_flag(better)} fits them" if is_free else "")
    )
