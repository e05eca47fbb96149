"""The size that images are trained on: what else it could be, and what that would cost. No TensorFlow."""

import contextlib
from dataclasses import replace

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.text import shape_text, time_text
from dcgan_tf.config.settings import Settings
from dcgan_tf.config.settle import Facts, settle
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.config.work import seconds_of
from dcgan_tf.data.sizes import ROUNDING, size_flag
from dcgan_tf.data.source import ImageSource

SIDES = (64, 128, 200, 256)  # pixels, of the squares that are offered


def other_sizes(flags: TrainConfig, source: ImageSource, facts: Facts) -> tuple[Settings, ...]:
    """What a new run would be with images of other sizes, none of which enlarges most of them.

    They are squares, and where most images are oblong, the size that has their shape. They are offered where the size was
    chosen, and in a dry run. Saved nets have a size of their own.
    """
    height, width, channels = source.image_shape
    is_offered = (source.size_is_chosen or flags.dry_run) and facts.start is None
    if not is_offered or height != width or source.headroom is None:
        return ()
    sizes = [(side, side) for side in SIDES if side != height and side <= height * source.headroom + ROUNDING]
    sizes += [source.shape_of_most] if source.shape_of_most else []
    others = []
    for size in sizes:
        data = replace(facts.data, image_shape=(*size, channels))
        with contextlib.suppress(UserError):  # Batches of that size, with these flags, may have too few images.
            others.append(settle(replace(flags, image_size=size), replace(facts, data=data)))
    return tuple(others)


def sizes_text(settled: Settings, is_chosen: bool, others: tuple[Settings, ...], seconds_per_step: float) -> str:
    """Such as "64x64, chosen; with --image-size 128: about 2 h; with --image-size 64 84: about 1 h"; "" where none is offered."""
    if not (others or is_chosen):
        return ""
    offers = [
        f"with {size_flag(other.data.image_shape[:2])}: about {time_text(seconds_of(other, settled, seconds_per_step))}"
        for other in others
    ]
    shown = shape_text(settled.data.image_shape[:2])
    return "; ".join([f"{shown}, chosen as no --image-size is given" if is_chosen else shown, *offers])
