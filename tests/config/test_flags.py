import pytest
import tyro

from dcgan_tf.config.commands import PrepareConfig, TrainFeaturesConfig
from dcgan_tf.config.train import TrainConfig


@pytest.mark.parametrize(
    "kind, others",
    [(TrainConfig, []), (PrepareConfig, ["x", "--out", "y"]), (TrainFeaturesConfig, ["x", "--out", "y"])],
)
@pytest.mark.parametrize("words, size", [(["64"], (64, 64)), (["120", "90"], (120, 90))])
def test_an_image_size_is_one_number_or_two(kind, others, words, size):
    assert tyro.cli(kind, args=[*others, "--image-size", *words]).image_size == size


@pytest.mark.parametrize("words", [["x"], ["6.5"], ["1", "2", "3"], []])
def test_nothing_else_is(words, capsys):
    with pytest.raises(SystemExit) as ended:
        tyro.cli(TrainConfig, args=["--image-size", *words])
    assert ended.value.code == 2
