import numpy as np
import pytest
from PIL import Image
from support.evaluations import files, result_of

from dcgan_tf.evaluate import plot


def drawn(result, monkeypatch, path):
    """The figure that `write_plot` writes."""
    figures = []
    monkeypatch.setattr(plot, "write_figure", lambda figure, path: figures.append(figure))
    assert plot.write_plot(result, "digits", path)
    figures[0].canvas.draw()
    return figures[0]


def test_one_epoch_makes_no_plot(tmp_path):
    measured = {"7": {"mean": 11.25}, "a file": {"mean": 12.25}}
    result = result_of(swd=({"mean": 2.75}, measured))
    assert not plot.write_plot(result, "digits", tmp_path / "evaluation.png")
    assert files(tmp_path) == []
    measured["8"] = {"mean": 9.0}
    assert plot.write_plot(result, "digits", tmp_path / "evaluation.png")
    assert files(tmp_path) == ["evaluation.png"]
    with Image.open(tmp_path / "evaluation.png") as picture:
        assert picture.size == (900, 280)


def test_a_panel_for_each_unit_with_its_name_and_the_best_epoch_marked(tmp_path, monkeypatch):
    result = result_of(
        swd=({"64": 2.0, "mean": 3.0, "32": 4.0}, {str(at): {"64": at, "mean": 9.0 - at, "32": 1.0} for at in (2, 4)}),
        tones=({"distance": 0.5, "clipped": 0.5}, {str(at): {"distance": 3.0, "clipped": 0.25} for at in (2, 4)}),
        kid=({"kid": -0.06, "standard_error": 0.05}, {str(at): {"kid": -0.01, "standard_error": 1.0} for at in (2, 4)}),
        modes=({"covered": 1.0, "divergence": None}, {str(at): {"covered": 1.0, "divergence": None} for at in (2, 4)}),
    )
    figure = drawn(result, monkeypatch, tmp_path / "x.png")
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "SWD,\nx 1000", "levels,\n0 to 255", "share,\n0 to 1", "KID", "share,\n0 to 1"
    ]  # fmt: skip
    assert figure.get_suptitle() == "digits: measured" and figure.axes[-1].get_xlabel() == "epoch"
    assert "best: epoch 4" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    for axes in figure.axes:  # nothing is off the axis
        low, high = axes.get_ylim()
        assert axes.get_yscale() == "linear"
        for line in axes.lines:
            values = np.asarray(line.get_ydata(), float)
            assert line.get_linestyle() == "--" or all(low <= value <= high for value in values)


def test_missing_numbers_and_several_seeds(tmp_path, monkeypatch):
    result = result_of(copies=({"share_copied": 0.01}, {"1": {"share_copied": None}, "2": {"share_copied": 0.5}}))
    result.measures["copies"].standard_deviations["2"] = {"share_copied": 0.125}
    figure = drawn(result, monkeypatch, tmp_path / "x.png")
    [line, *_] = [line for line in figure.axes[0].lines if line.get_label() == "copied"]
    assert line.get_xdata().tolist() == [2] and len(figure.axes[0].collections) == 1
    nothing = result_of(copies=({"share_copied": 0.01}, {"1": {"share_copied": None}, "2": {"share_copied": None}}))
    assert not plot.write_plot(nothing, "digits", tmp_path / "x.png")


@pytest.mark.filterwarnings("error")
def test_names_that_look_like_numbers_are_no_epochs_of_a_plot(tmp_path):
    measured = {name: {"mean": 11.25} for name in ("7", "007", "²", "٣", "9" * 400)}
    result = result_of(swd=({"mean": 2.75, "$a": 1.0}, measured))
    assert not plot.write_plot(result, "犬 $x$", tmp_path / "evaluation.png")
    measured["8"] = {"mean": 9.0}
    assert plot.write_plot(result, "犬 $x$", tmp_path / "evaluation.png")
