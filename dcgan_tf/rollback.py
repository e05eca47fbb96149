"""Going back to the best epoch after a collapse, with a lower learning rate and another seed.

RUN/rollbacks.json lists what was done, oldest first: from_step, to_step, reason, and the seed and learning rate since.
A run that is stopped and resumed reads it, and goes on exactly as it would have.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from dcgan_tf import checkpoints
from dcgan_tf.animation import sample_pictures
from dcgan_tf.files import whole_file
from dcgan_tf.plan import Plan
from dcgan_tf.starting import restore

MOST = 3  # in a run; after that it is only said
SLOWER = 0.5  # the learning rate, times this


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
    step = checkpoints.read_best(plan.run_dir).get("step")
    return step in checkpoints.saved_steps(plan.run_dir) and len(rollbacks(plan.run_dir)) < MOST


def go_back(plan: Plan, from_step: int, reason: str) -> None:
    """Makes the best state that from which `resume` goes on. What the run has saved and drawn since is removed.

    plan: as it was until now.
    """
    best = checkpoints.read_best(plan.run_dir)
    step = best["step"]
    # First what a killed process must not resume from; without it, it would resume from the best state and collapse again.
    for later in checkpoints.saved_steps(plan.run_dir):
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
    for later in checkpoints.saved_epochs(plan.run_dir):
        if later > best["epoch"]:
            checkpoints.remove_models(plan.run_dir, later)
    for epoch, picture in sample_pictures(plan.run_dir):
        if epoch > best["epoch"]:
            picture.unlink()
