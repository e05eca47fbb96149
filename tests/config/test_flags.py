import pytest
from support.helpers import error_of

from dcgan_tf.config.commands import PrepareConfig, TrainFeaturesConfig
from dcgan_tf.config.parser import parse
from dcgan_tf.config.train import TrainConfig


@pytest.mark.parametrize(
    "kind, others",
    [(TrainConfig, []), (PrepareConfig, ["x", "--out", "y"]), (TrainFeaturesConfig, ["x", "--out", "y"])],
)
@pytest.mark.parametrize("words, size", [(["64"], (64, 64)), (["120", "90"], (120, 90))])
def test_an_image_size_is_one_number_or_two(kind, others, words, size):
    assert parse(kind, [*others, "--image-size", *words]).image_size == size


@pytest.mark.parametrize(
    "words, line",
    [
        (["x"], "--image-size x: must be a whole number"),
        (["6.5"], "--image-size 6.5: must be a whole number"),
        ([], "--image-size: needs one value or 2, HEIGHT [WIDTH], each a whole number"),
        (
            ["1", "2", "--", "a", "b"],
            "b: is one word more than DATA: leave it out, or put a name with spaces in quotes",
        ),
    ],
)
def test_nothing_else_is(words, line):
    assert error_of(parse, TrainConfig, ["--image-size", *words]) == line
