"""The `dcgan-tf` command, and what every command does with flags, errors and signals. No TensorFlow at module level."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence

import tyro

from dcgan_tf.common.console import forget_notes, give_up, say, warn
from dcgan_tf.common.errors import LostWorker, Mismatch, UserError, printable
from dcgan_tf.common.signals import ENDING, handle, restore
from dcgan_tf.config.checks import check
from dcgan_tf.config.commands import (
    AnimateConfig,
    EvaluateConfig,
    ExportConfig,
    GenerateConfig,
    InterpolateConfig,
    PrepareConfig,
    ResumeConfig,
    TrainFeaturesConfig,
)
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.training.machine import cluster


def main(arguments: Sequence[str] | None = None) -> int:
    """`dcgan-tf train ...`, `dcgan-tf export RUN ...` and so on; returns the exit code."""
    with _parsing():
        config = tyro.extras.subcommand_cli_from_dict(
            {name: kind for name, (kind, _) in COMMANDS.items()},
            prog="dcgan-tf",
            args=arguments,
            description="Train a GAN on your own images, watch it learn, and ship the result.",
        )
    run = next(run for kind, run in COMMANDS.values() if type(config) is kind)
    return exit_code(lambda: run(config))


def train_main(arguments: Sequence[str] | None = None) -> int:
    """`python train.py ...`; returns the exit code."""
    with _parsing():
        config = tyro.cli(TrainConfig, prog="train.py", args=arguments)
    return exit_code(lambda: train(config))


def export_main(arguments: Sequence[str] | None = None) -> int:
    """`python export.py ...`; returns the exit code."""
    with _parsing():
        config = tyro.cli(ExportConfig, prog="export.py", args=arguments)
    return exit_code(lambda: export(config))


@contextlib.contextmanager
def _parsing():
    """tyro reads the flags within. It prints help and mistakes by itself, and ends the process with 0 or 2; so does this
    where they cannot be written, as nobody reads them to their end in `| head`. Ctrl-C ends it quietly."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # The process was started without it, as with `>&-`; libraries write to it.
            setattr(sys, name, open(os.devnull, "w"))
    try:
        yield
    except OSError as error:
        asked = {"-h", "--help"} & set(sys.argv)
        give_up(sys.stdout if asked else sys.stderr, error)
        sys.exit(0 if asked else 2)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


# Each command checks its flags before the modules that do the work are imported: TensorFlow takes seconds.


def train(config: TrainConfig) -> int:
    if (
        cluster.from_environment().size == 1
    ):  # Several workers check when they meet, so that all of them hear of a mistake.
        check(config)
    from dcgan_tf.training.command import train

    return train(config)


def animate(config: AnimateConfig) -> int:
    check(config)
    from dcgan_tf.pictures.animation import animate
    from dcgan_tf.pictures.enlarge import Resize

    resize = Resize(config.size, config.scale)
    say(printable(animate(config.run, config.format, config.fps, resize)))
    return 0


def evaluate(config: EvaluateConfig) -> int:
    check(config)
    from dcgan_tf.evaluate.command import evaluate

    evaluate(config)
    return 0


def export(config: ExportConfig) -> int:
    check(config)
    from dcgan_tf.export.command import export

    return export(config)


def generate(config: GenerateConfig) -> int:
    check(config)
    from dcgan_tf.generators import generate

    generate.generate(config)
    return 0


def interpolate(config: InterpolateConfig) -> int:
    check(config)
    from dcgan_tf.generators import generate

    generate.interpolate(config)
    return 0


def prepare(config: PrepareConfig) -> int:
    check(config)
    from dcgan_tf.data import prepare

    return prepare.prepare(config)


def resume(config: ResumeConfig) -> int:
    check(config)
    from dcgan_tf.training.carry_on import flags_of_run

    return train(flags_of_run(config))


def train_features(config: TrainFeaturesConfig) -> int:
    check(config)
    from dcgan_tf.evaluate import classifier

    classifier.train_features(config)
    return 0


LOST_WORKER_CODE = 138  # Kubeflow restarts pods that end with this exit code.
COMMANDS = {
    "train": (TrainConfig, train),
    "resume": (ResumeConfig, resume),
    "animate": (AnimateConfig, animate),
    "evaluate": (EvaluateConfig, evaluate),
    "export": (ExportConfig, export),
    "generate": (GenerateConfig, generate),
    "interpolate": (InterpolateConfig, interpolate),
    "prepare": (PrepareConfig, prepare),
    "train-features": (TrainFeaturesConfig, train_features),
}


def exit_code(work: Callable[[], int]) -> int:
    """Runs `work`, which returns 0 or the number of the signal that stopped it, and turns the outcome into an exit
    code: 0 done, 1 an export that is not what it should be, 2 a mistake the user can mend, 138 a lost worker (one line on
    standard error for these), 128 + the signal's number."""

    def terminated(number, frame):
        sys.exit(128 + number)  # Unlike the default handler, this runs all clean-up: nothing half-written stays.

    forget_notes()
    before = handle(ENDING, terminated)
    try:
        stopped_by = work()
    except UserError as error:
        warn(f"error: {printable(error)}")
        return 2
    except Mismatch as error:
        warn(f"error: {printable(error)}")
        return 1
    except LostWorker as error:
        warn(f"error: {printable(error)}")
        return LOST_WORKER_CODE
    except OSError as error:
        # Code that knows the flag says more. This is for what the system may refuse at any place, such as a folder that
        # this user must not look into.
        if not (error.filename and error.strerror):
            raise
        warn(f"error: {printable(error.filename)}: {error.strerror}")
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        restore(before)
    return 128 + stopped_by if stopped_by else 0


if __name__ == "__main__":
    sys.exit(main())
