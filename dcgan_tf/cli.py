"""The `dcgan-tf` command, and what every command does with flags, errors and signals. No TensorFlow at module level."""

import signal
import sys
from collections.abc import Callable, Sequence

import tyro

from dcgan_tf.config import AnimateConfig, TrainConfig, check
from dcgan_tf.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """`dcgan-tf train ...` and `dcgan-tf animate RUN`; returns the exit code."""
    config = tyro.extras.subcommand_cli_from_dict(
        {"train": TrainConfig, "animate": AnimateConfig},
        prog="dcgan-tf",
        args=arguments,
        description="Train a GAN on your own images, and watch it learn.",
    )
    return exit_code(lambda: (train if isinstance(config, TrainConfig) else animate)(config))


def train_main(arguments: Sequence[str] | None = None) -> int:
    """`python train.py ...`; returns the exit code."""
    config = tyro.cli(TrainConfig, prog="train.py", args=arguments)
    return exit_code(lambda: train(config))


def train(config: TrainConfig) -> int:
    check(config)  # once more in the plan, but here before TensorFlow's seconds of import
    from dcgan_tf import training

    return training.train(config)


def animate(config: AnimateConfig) -> int:
    from dcgan_tf.animation import animate

    print(animate(config.run, config.format, config.fps))
    return 0


def exit_code(work: Callable[[], int]) -> int:
    """Runs `work`, which returns 0 or the number of the signal that stopped it, and turns the outcome into an exit
    code: 0 done, 2 a mistake the user can mend (one line on standard error), 128 + the signal's number."""

    def terminated(number, frame):
        sys.exit(128 + number)  # unwinds, so that nothing half-written stays

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        stopped_by = work()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        signal.signal(signal.SIGTERM, before)
    return 128 + stopped_by if stopped_by else 0


if __name__ == "__main__":
    sys.exit(main())
