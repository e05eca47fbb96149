"""Going back after a collapse, with a lower learning rate and another seed: to the best epoch, or to the beginning.

RUN/rollbacks.json lists what was done, oldest first: from_step, to_step, reason, and the seed and learning rate since.
A run that is stopped and resumed reads it, and goes on exactly as it would have.
"""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

from dcgan_tf.common.files import whole_file
from dcgan_tf.runs.folder import read_best, remove_models, sample_pictures, saved_epochs, saved_steps
from dcgan_tf.training.plan import Plan
from dcgan_tf.training.start import restore

MOST = 3  # in a run; after that it is only said
SLOWER = 0.5  # the learning rate, times this
EARLY = 1 / 3  # of a run: not much is lost with it


def rollbacks(run_dir: Path) -> list[dict]:
    path = run_dir / "rollbacks.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def resume(plan: Plan, precision: str):
    """(plan, gan, step) of the newest state, after all that has been rolled back so far."""
    done = rollbacks(plan.run_dir)
    if not done:
        return plan, *restore(plan, precision)
    plan = replace(plan, seed=done[-1]["seed"], learning_rate=done[-1]["learning_rate"])
    gan, step = restore(plan, precision)
    gan.set_learning_rate(plan.learning_rate)  # the state that was gone back to holds the one before
    return plan, gan, step


def possible(plan: Plan) -> bool:
    """Whether there is a state to go back to, and it has not been done too often."""
    return _target(plan) is not None and len(rollbacks(plan.run_dir)) < MOST


def _target(plan: Plan) -> int | None:
    """The step to go back to; None where there is no state of it.

    That of the best epoch. The first one where nothing has been measured yet, and where the run has gone back to the best
    epoch before, has collapsed again without becoming better, and lost little: there the best itself was on its way down.
    """
    first, best = plan.first_step, read_best(plan.run_dir).get("step")
    states = saved_steps(plan.run_dir)
    target = first if best is None or (first in states and _was_on_its_way_down(plan, best)) else best
    return target if target in states else None


def _was_on_its_way_down(plan: Plan, best: int) -> bool:
    done, first = rollbacks(plan.run_dir), plan.first_step
    whole = plan.epochs * plan.steps_per_epoch - first  # --max-steps is where it stops for now
    return bool(done) and done[-1]["to_step"] == best and best - first <= EARLY * whole


def go_back(plan: Plan, from_step: int, reason: str) -> None:
    """Makes the state to go back to that from which `resume` goes on. What the run has saved and drawn since is removed.

    plan: as it was until now.
    """
    step = _target(plan)
    epoch = math.ceil(step / plan.steps_per_epoch)
    # First what a killed process must not resume from; without it, it would resume from that state and collapse again.
    if step == plan.first_step:
        (plan.run_dir / "best.json").unlink(missing_ok=True)
    for later in saved_steps(plan.run_dir):
        if later > step:
            shutil.rmtree(plan.run_dir / "state" / str(later))
    done = rollbacks(plan.run_dir)
    done.append({
        "from_step": from_step,
        "to_step": step,
        "reason": reason,
        "seed": plan.config.seed + 1000 * (len(done) + 1),
        "learning_rate": SLOWER * plan.learning_rate,
    })  # fmt: skip
    with whole_file(plan.run_dir / "rollbacks.json") as beside:
        beside.write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")
    for later in saved_epochs(plan.run_dir):
        if later > epoch:
            remove_models(plan.run_dir, later)
    for later, picture in sample_pictures(plan.run_dir):
        if later > epoch:
            picture.unlink()
