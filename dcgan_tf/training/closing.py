"""The last three lines of a training, however it ends: what is done, where to look, what to type next."""

import contextlib
import math
import signal

from dcgan_tf.common.console import say
from dcgan_tf.common.errors import printable
from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.text import plural
from dcgan_tf.metrics.words import how_far_from_real, shown
from dcgan_tf.runs.best import find_best
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.pictures import sample_pictures
from dcgan_tf.training.plan import Plan
from dcgan_tf.training.trainer import Diverged

_NAMES = {signal.SIGINT: "Ctrl-C"}


def done(plan: Plan) -> str:
    """Of a run that has made all its steps."""
    step = max([plan.last_step, *plan.folder.saved_steps()])  # It may have been asked for fewer than it has.
    epochs = math.ceil(step / plan.steps_per_epoch)
    what = f"{plural(epochs, 'epoch')}, {plural(step, 'step')}{_how_good(plan.folder)}"
    # Where --max-steps ended it, its epochs are still ahead.
    more = plan.epochs if step < plan.epochs * plan.steps_per_epoch else 2 * epochs
    return _lines("done", what, plan.folder, [*_uses(plan.folder), f"{_resume(plan.folder)} --epochs {more}"])


def stopped(plan: Plan, number: int) -> str:
    """Of a run that a signal has stopped."""
    states = plan.folder.saved_steps()
    where = f"at {_place(plan, states[-1])}: all is saved" if states else "before its first step"
    name = _NAMES.get(number) or signal.Signals(number).name
    what = f"by {name} {where}{_how_good(plan.folder)}"
    return _lines("stopped", what, plan.folder, [_resume(plan.folder), *_uses(plan.folder)])


def broken_off(plan: Plan, error: BaseException) -> str:
    """Of a run that an error has ended, which is said elsewhere, or an impatient signal."""
    folder, states = plan.folder, plan.folder.saved_steps()
    saved = f"all up to {_place(plan, states[-1])} is saved" if states else "nothing was saved yet"
    following = _uses(folder)
    if not isinstance(error, Diverged):  # It would again: the error says what to change.
        following = [_resume(folder) if folder.config.exists() else "the same command again", *following]
    how = "stopped" if isinstance(error, (KeyboardInterrupt, SystemExit)) else "failed"
    return _lines(how, saved + _how_good(folder), folder, following or ["what the error says"])


@contextlib.contextmanager
def told_when_broken_off(plan: Plan):
    """Prints the lines of `broken_off` where anything ends the block before its end."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):  # The folder may be what has failed, and the error says so.
            say(broken_off(plan, error))
        raise


def _lines(how: str, what: str, folder: RunFolder, commands: list[str]) -> str:
    pictures = [picture.path for picture in sample_pictures(folder)[-1:]]
    shown = [path for path in (*pictures, folder.film("gif"), folder.losses) if path.exists()] or [folder.path]
    rows = {how: what, "look at": ", ".join(printable(path) for path in shown), "next": "  or  ".join(commands)}
    return "\n".join(f"{name:<8} {text}" for name, text in rows.items())


def _place(plan: Plan, step: int) -> str:
    """Such as "step 1,234 of 80,800, in epoch 13 of 800"."""
    epoch = max(1, math.ceil(step / plan.steps_per_epoch))
    return f"step {step:,} of {plan.last_step:,}, in epoch {epoch:,} of {max(plan.epochs, epoch):,}"


def _how_good(folder: RunFolder) -> str:
    """Such as "; the best is epoch 620: far from real images (SWD 31.2, KID 0.312)"; "" where nothing was measured."""
    best = find_best(folder)
    if "swd" not in best:
        return ""
    words = how_far_from_real(best)
    said = f": {words}" if words else ""
    numbers = ", ".join(shown(name, best[name]) for name in ("swd", "kid") if name in best)
    return f"; the best is epoch {best['epoch']:,}{said} ({numbers})"


def _resume(folder: RunFolder) -> str:
    return f"{program()} resume {quoted(folder.path)}"


def _uses(folder: RunFolder) -> list[str]:
    """Commands for what the run has saved."""
    if not folder.saved_epochs():
        return []
    run = quoted(folder.path)
    return [f"{program()} generate {run} --out {quoted(folder.path.name + '-pictures')}", f"{program()} export {run}"]
