"""A run that goes on: whether it does, from which state, and as which of its rollbacks left it."""

from dataclasses import replace

from dcgan_tf.common.backend import tf
from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.program import program, quoted
from dcgan_tf.config.settings import Settings
from dcgan_tf.gan.step import GAN
from dcgan_tf.runs.settings import IMAGES, NETS, SHAPE, changes, identity
from dcgan_tf.runs.state import restore_state, saved_nets
from dcgan_tf.training import rollback
from dcgan_tf.training.plan import Plan
from dcgan_tf.training.start import build_gan

# Keras and TensorFlow raise these for a damaged state.
_DAMAGE_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    UserError,
    tf.errors.OpError,
)


def goes_on(plan: Plan, begun: Settings | None) -> bool:
    """Whether the run folder holds a run to go on with. begun: its settings.

    Raises:
        UserError: --resume says otherwise, or the run there has other settings.
    """
    folder, shown, asked = plan.folder, printable(plan.folder.path), plan.config.resume
    if begun is None and (folder.saved_epochs() or folder.saved_steps()):
        raise UserError(
            f"--run-dir {shown}: holds saved models, but no config.json to resume them with: start from them with "
            "--generator and --discriminator and another --run-dir"
        )
    if begun is not None and asked == "never":
        raise UserError(f"--resume never: {shown} holds a run already: give another --run-dir")
    if begun is not None and not folder.saved_steps() and len(folder.saved_epochs()) > 1:
        raise UserError(
            f"--run-dir {shown}: holds models of {len(folder.saved_epochs())} epochs, but no state to resume them from: "
            "restore its folder state, or start from them with --generator and --discriminator and another --run-dir"
        )
    if begun is None or not folder.saved_steps():
        if asked == "must":
            raise UserError(f"--resume must: {shown} holds no run: check --run-dir, or leave out --resume")
        return False
    there, here = identity(begun), identity(plan.settings)
    if changed := changes(there, here):
        raise UserError(
            f"{shown}: the run there was begun with other settings ({'; '.join(changed)}): "
            f"{_way_on({name for name in there if there[name] != here.get(name)}, plan, begun)}, or give another --run-dir"
        )
    return True


def _way_on(changed: set[str], plan: Plan, begun: Settings) -> str:
    """How to go on with a run whose settings have changed. changed: the names of those, see `identity`."""
    if changed == {NETS}:
        return f"go on with dcgan_tf {begun.versions.get('dcgan_tf', 'of then')}"
    if "--data" in changed or changed <= {SHAPE, IMAGES, NETS}:
        return "give the images that it was begun with"
    return f"carry on with: {program()} resume {quoted(plan.folder.path)}"


def resume(plan: Plan, precision: str) -> tuple[Plan, GAN, int]:
    """(plan, gan, step) of the newest state, after all that has been rolled back so far.

    Raises:
        UserError: no state can be read.
    """
    done = rollback.rollbacks(plan.folder)
    if not done:
        return plan, *_restore(plan, precision)
    plan = replace(plan, seed=done[-1]["seed"], learning_rate=done[-1]["learning_rate"])
    gan, step = _restore(plan, precision)
    gan.set_learning_rate(plan.learning_rate)  # The restored state still holds the rate from before the rollback.
    return plan, gan, step


def _restore(plan: Plan, precision: str) -> tuple[GAN, int]:
    """The newest state that can be read, and its step."""
    for step in reversed(plan.folder.saved_steps()):
        try:
            gan = build_gan(plan, precision, saved_nets(plan.folder, step))
            restore_state(plan.folder, step, gan)
            return gan, step
        except _DAMAGE_ERRORS as error:
            say(f"warning: the state of step {step:,} cannot be read: {first_line(error)}")
    raise UserError(
        f"{printable(plan.folder.states)}: none of its states can be read: start from a saved epoch with "
        "--generator and --discriminator and another --run-dir"
    )
