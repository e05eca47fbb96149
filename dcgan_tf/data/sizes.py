"""The sizes of stored images: in words, and which one they are trained on where nobody says it.

Sizes are counted: how many images have each (H, W), in pixels.
"""

import statistics
from collections import Counter

from dcgan_tf.common.fit import Fit
from dcgan_tf.config.fitting import MAX_OWN_SIDE, sensible_side
from dcgan_tf.data.source import ImageSource

ROUNDING = 1e-6  # of a headroom, which is a quotient


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


def enlarging_text(source: ImageSource, *, is_free: bool = True) -> str | None:
    """A warning where most images have been enlarged. is_free: whether another size can be given."""
    if source.headroom is None or source.headroom >= 1 - ROUNDING:
        return None
    height, width = source.image_shape[:2]
    sides = {side: sensible_side(side * source.headroom + ROUNDING) for side in (height, width)}
    better = f"{sides[height]}" + ("" if height == width else f" {sides[width]}")
    return (
        f"warning: most images are smaller than {height}x{width}, and are enlarged, which takes time and adds no detail"
        + (f": --image-size {better} fits them" if is_free else "")
    )
