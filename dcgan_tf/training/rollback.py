"""Going back after a collapse, with a lower learning rate and another seed: to the best epoch, or to the beginning.

rollbacks.json lists what was done, oldest first: from_step, to_step, reason, and the seed and learning rate since. A run
that is stopped and resumed reads it, and goes on exactly as it would have.
"""

import math
from dataclasses import asdict, dataclass
from typing import Annotated

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import disk_errors_in_one_line, write_json
from dcgan_tf.common.reading import read_json
from dcgan_tf.common.seals import check_seal, sealed
from dcgan_tf.config.ranges import LEARNING_RATE
from dcgan_tf.config.typed import typed
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.pictures import sample_pictures
from dcgan_tf.training.plan import Plan

MAX_ROLLBACKS = 3  # Later collapses only warn.
ROLLBACK_LEARNING_RATE_FACTOR = 0.5
ROLLBACK_SEED_STEP = 1000  # Added to the seed at every rollback, so that the same collapse does not come again.
EARLY_SHARE = 1 / 3  # In the first third of its steps, a run loses little by starting over.


@dataclass(frozen=True)
class Rollback:
    """An entry of rollbacks.json."""

    from_step: int
    to_step: int
    reason: str
    seed: int
    learning_rate: Annotated[float, LEARNING_RATE]


def rollbacks(folder: RunFolder) -> list[dict]:
    """What rollbacks.json lists; [] where it is missing.

    Raises:
        UserError: it is not what `go_back` writes. It decides the steps to come, so nothing in it is passed over.
    """
    try:
        done = read_json(folder.rollbacks)
        if not isinstance(done, list):
            raise ValueError("it is no list")
        for item in done:
            check_seal(item)
        return [asdict(typed(Rollback, item, f"entry {number}")) for number, item in enumerate(done, 1)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        reason = printable(getattr(error, "strerror", None) or error)
        raise UserError(
            f"{printable(folder.rollbacks)}: cannot be read ({reason}): restore it, or delete it to go on with the random "
            "numbers of --seed, as if the run had never gone back"
        ) from error


def possible(plan: Plan) -> bool:
    """Whether there is a state to go back to, and it has not been done too often."""
    return _target(plan) is not None and len(rollbacks(plan.folder)) < MAX_ROLLBACKS


def _target(plan: Plan) -> int | None:
    """The step to go back to; None where there is no state of it.

    It is the step of the best epoch. It is the first step where nothing has been measured yet, and where the run has gone
    back to the best epoch before, has collapsed again without becoming better, and lost little: there the best epoch
    itself was on its way down.
    """
    first, best = plan.first_step, plan.folder.read_best().get("step")
    states = plan.folder.saved_steps()
    target = first if best is None or (first in states and _was_on_its_way_down(plan, best)) else best
    return target if target in states else None


def _was_on_its_way_down(plan: Plan, best: int) -> bool:
    done, first = rollbacks(plan.folder), plan.first_step
    # --max-steps does not count: it only says where the run stops for now.
    all_steps = plan.epochs * plan.steps_per_epoch - first
    return bool(done) and done[-1]["to_step"] == best and best - first <= EARLY_SHARE * all_steps


def go_back(plan: Plan, from_step: int, reason: str) -> None:
    """Makes the state to go back to the one from which `resume` goes on. What the run has saved and drawn since is removed.

    rollbacks.json comes last. A process that is killed before it goes on without it, from the newest state that is left,
    and collapses and goes back again; one that is killed after it has nothing left to do.

    plan: as it was until now.
    """
    folder, step = plan.folder, _target(plan)
    epoch = math.ceil(step / plan.steps_per_epoch)
    with disk_errors_in_one_line(folder.path):
        if step == plan.first_step:
            folder.best.unlink(missing_ok=True)
        for later in folder.saved_steps():
            if later > step:
                folder.remove_state(later)
        for later in folder.saved_epochs():
            if later > epoch:
                folder.remove_models(later)
        for picture in sample_pictures(folder, plan.steps_per_epoch):
            if picture.step > step:
                picture.path.unlink()
    done = rollbacks(folder)
    done.append({
        "from_step": from_step,
        "to_step": step,
        "reason": reason,
        "seed": plan.config.seed + ROLLBACK_SEED_STEP * (len(done) + 1),
        "learning_rate": ROLLBACK_LEARNING_RATE_FACTOR * plan.learning_rate,
    })  # fmt: skip
    write_json(folder.rollbacks, [sealed(item) for item in done])
