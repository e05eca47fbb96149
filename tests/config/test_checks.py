"""What every command refuses alike."""

import typing
from dataclasses import replace

import pytest
from support.helpers import error_of

from dcgan_tf.config import commands
from dcgan_tf.config.checks import check
from dcgan_tf.config.train import TrainConfig

FIELDS = {
    TrainConfig: ["data", "run_dir", "generator", "discriminator"],
    commands.AnimateConfig: ["run"],
    commands.ExportConfig: ["source", "out", "discriminator"],
    commands.GenerateConfig: ["source", "out"],
    commands.InterpolateConfig: ["source", "out"],
    commands.PrepareConfig: ["source", "out"],
    commands.TrainFeaturesConfig: ["data", "out"],
    commands.EvaluateConfig: ["source", "data", "held_out", "features", "out"],
}
POSITIONALS = {
    (commands.AnimateConfig, "run"): "RUN",
    (commands.ExportConfig, "source"): "RUN",
    (commands.GenerateConfig, "source"): "RUN",
    (commands.InterpolateConfig, "source"): "RUN",
    (commands.PrepareConfig, "source"): "DATA",
    (commands.TrainFeaturesConfig, "data"): "DATA",
    (commands.EvaluateConfig, "source"): "RUN",
}
NEEDED = {"source": "run", "out": "x.gif", "run": "run", "data": "digits", "seeds": (1, 2)}
CASES = [(kind, name) for kind, names in FIELDS.items() for name in names]


def config(kind, **changes):
    return kind(**{name: value for name, value in NEEDED.items() if name in typing.get_type_hints(kind)} | changes)


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{kind.__name__}-{name}" for kind, name in CASES])
def test_an_empty_name_is_refused_as_by_a_variable_of_the_shell_that_was_never_set(kind, name):
    shown = POSITIONALS.get((kind, name), f"--{name.replace('_', '-')}")
    may_miss = name not in NEEDED or (kind, name) in {
        (commands.ExportConfig, "out"), (commands.EvaluateConfig, "out"), (commands.EvaluateConfig, "data"),
    }  # fmt: skip
    assert error_of(check, config(kind, **{name: ""})) == (
        f"{shown}: is empty: give a name" + (", or leave it out" if may_miss else "")
    )
    assert error_of(check, config(kind, **{name: "a\0b"})) == (
        f"{shown} a\\x00b: holds a NUL character, which no name can: give another"
    )


@pytest.mark.parametrize(
    "asked",
    [
        commands.GenerateConfig("run", "out"),
        commands.InterpolateConfig("run", (1, 2), "walk.gif"),
        commands.EvaluateConfig("run"),
    ],
    ids=["generate", "interpolate", "evaluate"],
)
def test_classes_may_be_called_anything_but_nothing(asked):
    for labels in (("cat", "old dog"), ("3",), ("-3", "all"), ("all",)):
        check(replace(asked, labels=labels))
    for labels, shown in ((("cat", ""), '""'), ((" ",), '""'), (("a\0b",), "a\\x00b")):
        assert error_of(check, replace(asked, labels=labels)) == (
            f"--labels {shown}: is no class: give names or numbers of classes, such as 3, or all"
        )


@pytest.mark.parametrize("labels", [("cat", "dog"), ("all",)], ids=["named", "all"])
def test_a_film_of_one_seed_goes_through_classes(labels):
    check(commands.InterpolateConfig("run", (5,), "walk.gif", labels=labels))
