"""Flat margins that many images of a set have."""

from typing import NamedTuple

import numpy as np

from dcgan_tf.common.margins import MAX_MARGIN_DIFFERENCE_LEVELS

MIN_MARGIN_SHARE = 0.02  # of the side; narrower ones are counted as none

SIDES = ("top", "right", "bottom", "left")


class CommonMargin(NamedTuple):
    """The margins that images have at one side.

    side         "top", "right", "bottom" or "left"
    image_share  of the images that have one here, 0..1
    width_share  median of its widths among them, 0..1 of the height or the width; 0 where there is none
    colour       "black", "white" or "coloured", as most are; None where there is none
    """

    side: str
    image_share: float
    width_share: float
    colour: str | None


def common_margins(looks: np.ndarray) -> list[CommonMargin]:
    """Says for each side how many images have a flat margin there of 2% or more. looks: LOOK [N]."""
    return [_common_margin(side, looks["margins"][:, k], looks["margin_colours"][:, k]) for k, side in enumerate(SIDES)]


def _common_margin(side, widths, colours) -> CommonMargin:
    has_one = widths >= MIN_MARGIN_SHARE
    if not has_one.any():
        return CommonMargin(side, 0.0, 0.0, None)
    colours = colours[has_one]
    is_black = (colours <= MAX_MARGIN_DIFFERENCE_LEVELS).all(axis=1)
    is_white = (colours >= 255 - MAX_MARGIN_DIFFERENCE_LEVELS).all(axis=1)
    counts = {"black": is_black.sum(), "white": is_white.sum(), "coloured": (~is_black & ~is_white).sum()}
    return CommonMargin(
        side, float(has_one.mean()), float(np.median(widths[has_one])), max(counts, key=lambda name: counts[name])
    )
