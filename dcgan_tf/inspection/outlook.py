"""What a training on the images would be: its settings, how long it takes, and how much disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.progress import Work
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.source import ImageSource
from dcgan_tf.training.plan import Plan, plan_run, run_folder

if TYPE_CHECKING:  # Its module loads TensorFlow.
    from dcgan_tf.training.trial import Costs


class Outlook(NamedTuple):
    """plan: of a new run; None where none could begin. costs: of that run, or None. why_not: in words, where one is None."""

    plan: Plan | None
    costs: Costs | None
    why_not: str = ""


def look_ahead(flags: TrainConfig, source: ImageSource) -> Outlook:
    """What `dcgan-tf train` with these flags would make of these images. Some steps are measured, which loads TensorFlow."""
    try:
        plan = plan_run(flags, source, run_folder(flags), None)
    except UserError as error:
        return Outlook(None, None, printable(error))
    with Work("measuring the steps of a training"):
        from dcgan_tf.training.trial import costs

        try:
            return Outlook(plan, costs(plan))
        except UserError as error:
            return Outlook(plan, None, printable(error))
