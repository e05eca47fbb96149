import re

import pytest

from dcgan_tf import cli
from dcgan_tf.config.declared import flags_of
from dcgan_tf.config.helptext import described, help_text
from dcgan_tf.config.train import TrainConfig

KINDS = {name: kind for name, (kind, _) in cli.COMMANDS.items()}


@pytest.mark.parametrize("name", KINDS)
def test_every_flag_says_what_it_does_and_what_it_is_by_itself(name):
    for declared in flags_of(KINDS[name]):
        text = described(declared)
        assert re.match(r"[\w\"]", text) and text.endswith("."), declared.name
        if not declared.positional and declared.name not in ("--out", "--seeds"):
            assert text.count("Default: ") == 1 and not text.startswith("Default"), declared.name
        assert "None" not in text


def test_the_most_used_flags_of_train_come_first_and_every_flag_is_in_a_group():
    text = help_text("train.py", "Trains.", TrainConfig, (("To try it:", ""), ("Yours:", "photos")), 80)
    titles = re.findall(r"^(\w.*):$", text, re.M)
    assert titles == ["most used", "data", "net", "training", "pictures", "saving", "measuring", "examples"]
    first = text[text.index("most used:") : text.index("\ndata:")]
    assert re.findall(r"^  (--[\w-]+)", first, re.M) == [
        *("--data", "--preset", "--image-size", "--run-dir", "--epochs", "--batch-size", "--recipe"),
        *("--flips", "--conditional", "--resume", "--dry-run"),
    ]
    shown = re.findall(r"^  (--[\w-]+)", text, re.M)
    assert sorted(shown) == sorted(declared.name for declared in flags_of(TrainConfig))
    assert text.startswith("usage: train.py [DATA] [flags]\n\nTrains.\n\nmost used:\n  --data DATA\n      Images: a")
    assert text.endswith("examples:\n  To try it:\n    train.py\n  Yours:\n    train.py photos")


@pytest.mark.parametrize(
    "name, lines",
    [
        ("train", ["  --resume auto|never|must", "  --augment colour|translation|cutout ...", "  --preset NAME"]),
        ("train", ["  --dry-run, --no-dry-run", "  --image-size HEIGHT [WIDTH]", "  --max-steps STEPS", "  --seed N"]),
        (
            "evaluate",
            [
                "  RUN",
                "  --epoch N|best|newest|all",
                "  --metrics NAME ...",
                "  --features imagenet|inception|FILE|none",
            ],
        ),
        ("interpolate", ["usage: dcgan-tf RUN --seeds SEED SEED ... --out FILE [flags]", "  --fps NUMBER"]),
        ("prepare", ["  DATA", "  --out FOLDER", "  --value-range LOW HIGH"]),
    ],
)
def test_what_stands_for_a_value(name, lines):
    text = help_text("dcgan-tf", "", KINDS[name], (), 100).split("\n")
    assert [line for line in lines if line not in text] == []
