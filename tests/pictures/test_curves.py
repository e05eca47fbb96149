import json
import time

import numpy as np
import pytest
from PIL import Image
from support.log_lines import numbers

from dcgan_tf.pictures import curves
from dcgan_tf.runs.folder import RunFolder

LINE = {"step": 10, "epoch": 1, "d_loss": 1.2, "g_loss": 0.9, "d_real": 0.6, "d_fake": 0.4, "images_per_sec": 1234.5}


def write_log(path, lines, torn=""):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + torn)
    return path


def write_curves(log):
    return curves.write_curves(RunFolder(log.parent))


def log_lines(count):
    random = np.random.default_rng(0)
    return [
        LINE | {"step": 10 * i, "epoch": 1 + i // 20, "d_loss": 1.3 + random.normal(0, 0.1), "g_loss": 1 + i / count}
        for i in range(1, count + 1)
    ]


def labels(figure):
    losses, *_ = figure.axes
    [top] = losses.child_axes
    return [text.get_text() for text in top.get_xticklabels()], top.get_xticks().tolist()


def test_a_picture_with_the_torn_last_line_left_out(tmp_path):
    log = write_log(tmp_path / "log.jsonl", log_lines(50), torn='{"step": 510, "ep')
    assert write_curves(log) is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.jsonl", "losses.png"]
    with Image.open(tmp_path / "losses.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (900, 640))
        colours = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
    # blue and orange, the solid lines of the two losses
    assert [0, 114, 178] in colours.tolist() and [230, 159, 0] in colours.tolist()


@pytest.mark.parametrize("text", [None, "", '{"step": 1, "ep'])
def test_nothing_is_written_without_a_whole_line(tmp_path, text):
    log = tmp_path / "log.jsonl"
    if text is not None:
        log.write_text(text)
    before = sorted(tmp_path.iterdir())
    assert write_curves(log) is False
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "lines",
    [
        [LINE],
        [LINE, LINE | {"step": 20}],
        [LINE, LINE | {"step": 20, "g_loss": float("nan"), "d_loss": float("inf")}],
        [LINE, {"step": 20, "epoch": 1, "fid": 30.5}],
        [{"step": 20, "epoch": 1, "fid": 30.5}],
        [LINE | {"step": 10, "epoch": 1}, LINE | {"step": 20, "epoch": 4}],
    ],
    ids=["one line", "constant", "not finite", "another line", "no known key", "epochs between lines"],
)
def test_odd_logs_are_drawn_without_a_warning(tmp_path, lines):
    assert write_curves(write_log(tmp_path / "log.jsonl", lines)) is True


def test_epochs_stand_at_their_first_logged_step():
    lines = [LINE | {"step": step, "epoch": 1 + step // 100} for step in range(10, 400, 10)]
    assert labels(curves._draw(numbers(lines))) == (["1", "2", "3", "4"], [10.0, 100.0, 200.0, 300.0])


def test_every_value_is_drawn_thin_and_the_mean_solid():
    lines = log_lines(100)
    losses, probabilities = curves._draw(numbers(lines)).axes
    thin, mean = losses.lines[:2]
    np.testing.assert_array_equal(thin.get_xdata(), [line["step"] for line in lines])
    np.testing.assert_array_equal(thin.get_ydata(), [line["d_loss"] for line in lines])
    assert thin.get_linewidth() < mean.get_linewidth() and thin.get_alpha() < 1
    # a fiftieth of 100 values: each with the next one
    values = thin.get_ydata()
    np.testing.assert_allclose(mean.get_ydata()[:-1], (values[:-1] + values[1:]) / 2)
    assert [text.get_text() for text in losses.get_legend().get_texts()] == ["discriminator loss", "generator loss"]
    assert [text.get_text() for text in probabilities.get_legend().get_texts()] == ["D(real)", "D(generated)"]
    assert probabilities.get_ylim() == (-0.02, 1.02)


@pytest.mark.parametrize(
    ("window", "expected"),
    [(1, [1, 2, 6, 3]), (2, [1.5, 4, 4.5, 3]), (3, [1.5, 3, 11 / 3, 4.5]), (4, [3, 3, 11 / 3, 4.5])],
)
def test_running_mean(window, expected):
    np.testing.assert_allclose(curves.running_mean(np.array([1.0, 2.0, 6.0, 3.0]), window), expected)


@pytest.mark.parametrize(
    "name, spike, scale", [("g_loss", 1e6, "log"), ("g_loss", -1e6, "symlog"), ("g_loss", 2.5, "linear")]
)
def test_nothing_is_off_the_axis_and_a_spike_does_not_flatten_the_rest(name, spike, scale):
    lines = log_lines(1000)
    lines[500][name] = spike
    losses, _ = curves._draw(numbers(lines)).axes
    low, high = losses.get_ylim()
    assert losses.get_yscale() == scale and low <= spike <= high
    values = [line[name] for line in lines]
    assert low <= min(values) and max(values) <= high
    assert losses.get_ylabel().startswith("loss, logarithmic" if scale == "log" else "loss")


def test_swd_has_a_panel_of_its_own_with_real_images_and_the_best_epoch(tmp_path):
    lines = log_lines(50)
    for line, swd in ((lines[9], 90.0), (lines[19], 30.0), (lines[39], 40.0)):
        line["swd"] = swd
    best = {"epoch": 2, "step": 200, "swd": 30.0, "swd_of_real_images": 12.5}
    losses, probabilities, swd = curves._draw(numbers(lines), "digits", best).axes
    points, floor, star = swd.lines
    assert (points.get_xdata().tolist(), points.get_ydata().tolist()) == ([100, 200, 400], [90, 30, 40])
    assert list(floor.get_ydata()) == [12.5, 12.5] and (star.get_xdata(), star.get_ydata()) == ([200], [30])
    low, high = swd.get_ylim()
    assert low < 12.5 and high > 90 and swd.get_ylabel() == "SWD, x 1000" and swd.get_xlabel() == "step"
    labels = [text.get_text() for text in swd.get_legend().get_texts()]
    assert labels == ["SWD", "real images", "best: epoch 2"]


def test_a_run_without_probabilities_or_best_has_fewer_panels():
    [losses] = curves._draw(numbers([{"step": 10, "epoch": 1, "g_loss": -3.0}])).axes
    assert losses.get_yscale() == "linear"
    _, swd = curves._draw(numbers([{"step": 10, "epoch": 1, "swd": 3.0}])).axes
    assert len(swd.lines) == 1


def test_a_long_log_is_thinned_and_fast(tmp_path):
    lines = log_lines(100_000)
    lines[77_777]["d_loss"] = 9.0
    log = write_log(tmp_path / "log.jsonl", lines)
    started = time.process_time()
    assert write_curves(log)
    assert time.process_time() - started < 6  # about one second on an idle core, plus matplotlib's import
    drawn = curves._draw(numbers(lines)).axes[0].lines[0].get_ydata()
    assert 800 <= len(drawn) <= 1600
    assert drawn.max() == 9.0


def test_kid_has_a_panel_too_and_the_star_where_it_tells_the_best():
    lines = [{"step": 100 * n, "epoch": n, "swd": 30.0 - n, "kid": kid} for n, kid in ((1, 0.5), (2, 0.1), (3, 0.2))]
    best = {"epoch": 2, "swd": 28.0, "kid": 0.1, "kid_of_real_images": 0.0, "swd_of_real_images": 12.0}
    _, swd, kid = curves._draw(numbers(lines), "run", best).axes[:3]
    assert [line.get_marker() for line in swd.lines] == ["o", "None"]
    points, floor, star = kid.lines
    assert list(points.get_ydata()) == [0.5, 0.1, 0.2] and kid.get_ylabel() == "KID"
    assert list(floor.get_ydata()) == [0.0, 0.0]
    assert (star.get_marker(), list(star.get_xdata()), list(star.get_ydata())) == ("*", [200], [0.1])
