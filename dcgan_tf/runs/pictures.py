"""The sample pictures of a run in the order in which they were drawn. No TensorFlow.

Those at the ends of epochs are named after the epoch, image_at_epoch_0007.png, and those in between after the step,
image_at_step_000200.png. So where both are there, the steps of an epoch decide the order.
"""

from dataclasses import dataclass
from pathlib import Path

from dcgan_tf.common.errors import UserError
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import read_settings


@dataclass(frozen=True)
class SamplePicture:
    """step: the updates done; None for an epoch of unknown length. caption: "epoch 7" or "step 200"."""

    step: int | None
    caption: str
    path: Path


def picture_path(folder: RunFolder, step: int, steps_per_epoch: int) -> Path:
    """Where the sample picture after `step` updates is, or would be."""
    epoch, within = divmod(step, steps_per_epoch)
    return folder.picture_within(step) if within or not epoch else folder.picture(epoch)


def sample_pictures(folder: RunFolder, steps_per_epoch: int | None = None) -> list[SamplePicture]:
    """All that are there, ordered by step.

    steps_per_epoch: None asks config.json. Where that does not tell, epochs come after steps.
    """
    named = list(folder.named_pictures())
    if steps_per_epoch is None and any(kind == "step" for kind, _, _ in named):
        steps_per_epoch = _said_by_config(folder)
    lengths = {"step": 1, "epoch": steps_per_epoch}
    found = [
        (lengths[kind] is None, number * (lengths[kind] or 1), f"{kind} {number}", path) for kind, number, path in named
    ]
    return [SamplePicture(None if unknown else step, caption, path) for unknown, step, caption, path in sorted(found)]


def _said_by_config(folder: RunFolder) -> int | None:
    try:
        settings = read_settings(folder)
    except UserError:  # A film is made of what is there.
        return None
    return settings and settings.steps_per_epoch
