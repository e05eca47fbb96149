"""The `dcgan-tf` command, and what every command does with flags, errors and signals. No TensorFlow at module level."""

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence

from dcgan_tf.common.console import forget_notes, say, warn
from dcgan_tf.common.errors import LostWorker, Mismatch, UserError, printable
from dcgan_tf.common.program import program
from dcgan_tf.common.progress import Work
from dcgan_tf.common.signals import ENDING, handle, restore
from dcgan_tf.common.text import nearest
from dcgan_tf.common.versions import versions
from dcgan_tf.config.checks import check
from dcgan_tf.config.commands import (
    AnimateConfig,
    EvaluateConfig,
    ExportConfig,
    GenerateConfig,
    InspectConfig,
    InterpolateConfig,
    PrepareConfig,
    ResumeConfig,
    SplitConfig,
    TrainFeaturesConfig,
)
from dcgan_tf.config.declared import texts_of
from dcgan_tf.config.examples import EXAMPLES
from dcgan_tf.config.helptext import help_text, wrapped
from dcgan_tf.config.parser import parse
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.training.machine import cluster

HELP, VERSION = ("-h", "--help", "-?"), ("-V", "--version", "version")


def main(arguments: Sequence[str] | None = None) -> int:
    """`dcgan-tf train ...`, `dcgan-tf export RUN ...` and so on; returns the exit code. Without a command it lists them."""
    return exit_code(lambda: _main(_words(arguments)))


def train_main(arguments: Sequence[str] | None = None) -> int:
    """`python train.py ...`; returns the exit code."""
    return exit_code(lambda: _command("train", "python train.py", _words(arguments)))


def export_main(arguments: Sequence[str] | None = None) -> int:
    """`python export.py ...`; returns the exit code."""
    return exit_code(lambda: _command("export", "python export.py", _words(arguments)))


def _words(arguments: Sequence[str] | None) -> list[str]:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # The process was started without it, as with `>&-`; libraries write to it.
            setattr(sys, name, open(os.devnull, "w"))
    return sys.argv[1:] if arguments is None else list(arguments)


def _main(words: list[str]) -> int:
    first, *rest = words or ["help"]
    if first in ("help", *HELP):
        if not rest or rest[0] == "help":
            say(_commands())
            return 0
        first, rest = rest[0], [HELP[0]]
    if first in VERSION:
        return _say_version()
    if first.startswith("-"):
        raise UserError(
            f"{printable(first)}: a command goes first, such as {program()} train {printable(' '.join(words))}"
        )
    name = first.replace("_", "-")
    if name not in COMMANDS:
        near = nearest(first.lower(), COMMANDS)
        meant = f"did you mean {near}?" if near else f"give one of {', '.join(COMMANDS)}"
        raise UserError(f"{printable(first) or repr(first)}: is no command: {meant}")
    return _command(name, f"{program()} {name}", rest)


def _command(name: str, called: str, words: list[str]) -> int:
    """called: what a person types before the flags."""
    kind, run = COMMANDS[name]
    asked = words[: words.index("--")] if "--" in words else words
    if set(HELP) & set(asked):
        say(_as_typed_here(help_text(called, texts_of(kind)[0], kind, EXAMPLES[name], _columns())))
        return 0
    if set(VERSION[:2]) & set(asked):
        return _say_version()
    config = parse(kind, words)
    trains = name in ("train", "resume")
    with Work(name) if not trains or cluster.from_environment().is_chief else contextlib.nullcontext():
        return run(config)  # Of several workers, the chief speaks.


def _commands() -> str:
    """What `dcgan-tf` alone says: its commands, a sentence each."""
    columns = _columns()
    lines = [f"usage: {program()} COMMAND [flags]", ""]
    lines += [wrapped("Train a GAN on your own images, watch it learn, and ship the result.", columns), "", "commands:"]
    for name, (kind, _) in COMMANDS.items():
        lines += [f"  {name}", wrapped(texts_of(kind)[0], columns, "      ")]
    return _as_typed_here(
        "\n".join(
            [
                *lines,
                "",
                f"{program()} COMMAND --help lists the flags of one.",
                f"{program()} --version says which it is.",
            ]
        )
    )


def _as_typed_here(text: str) -> str:
    """A help text whose words name other commands as a person has to type them here."""
    return text.replace('"dcgan-tf ', f'"{program()} ')


def _say_version() -> int:
    """Without TensorFlow, whose import takes seconds."""
    own, *others = versions().items()
    say(f"dcgan-tf {own[1]} ({', '.join(' '.join(pair) for pair in others)})")
    return 0


def _columns() -> int:
    return shutil.get_terminal_size().columns


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


def inspect(config: InspectConfig) -> int:
    check(config)
    from dcgan_tf.inspection.net_file import inspect_net, is_net

    if is_net(config.data):
        return inspect_net(config.data, config.part)
    from dcgan_tf.inspection.inspect import inspect_images

    return inspect_images(config)


def split(config: SplitConfig) -> int:
    check(config)
    from dcgan_tf.inspection.split import split_images

    return split_images(config)


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
    "inspect": (InspectConfig, inspect),
    "split": (SplitConfig, split),
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
