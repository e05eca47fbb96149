"""`dcgan-tf resume RUN`: the flags that a run was begun with, from its folder alone. No TensorFlow."""

from dataclasses import asdict, replace
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.commands import ResumeConfig
from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.data.places import find_place
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import read_settings


def flags_of_run(config: ResumeConfig) -> TrainConfig:
    """The flags with which `train` carries on with the run that `config` names.

    config: in range, see `config.checks`.

    Raises:
        UserError: there is no such run, config.json is damaged, or its images are not where they were.
    """
    folder = _folder(config.run)
    begun = read_settings(folder)
    if begun is None:
        raise UserError(
            f"{printable(config.run)}: holds no run (there is no {folder.config.name}): give a run's folder, such as "
            "checkpoints/paints200, or its name in checkpoints"
        )
    given = {name: value for name, value in asdict(config).items() if name != "run" and value is not None}
    if config.epochs is not None:
        given.setdefault("max_steps", None)  # Else the run would stop at the steps of before, whatever the epochs.
    # The recipe, with its switches, and the precision are taken from the run where no flag says one.
    flags = replace(
        begun.config,
        run_dir=str(folder.path),
        resume="auto",
        recipe="auto",
        switches=Switches(),
        precision="auto",
        **given,
    )
    if config.data is None:
        try:
            find_place(flags.data)
        except UserError as error:
            raise UserError(
                f"{printable(folder.path)}: its images are not at {printable(flags.data)} any more, as seen from here: "
                "give their place with --data"
            ) from error
    return flags


def _folder(run: str) -> RunFolder:
    """The folder of that path, or of that name in checkpoints."""
    below = Path("checkpoints") / run
    return RunFolder(below if not Path(run).exists() and below.is_dir() else Path(run))
