import json

import pytest
from support.evaluations import evaluate, files
from support.helpers import error_of

from dcgan_tf.evaluate import report


def test_a_damaged_evaluation_is_one_line(run, capsys):
    (run / "evaluation").mkdir()
    path = run / "evaluation" / "evaluation.json"
    path.write_text("{}")
    assert evaluate(run, "--metrics", "diversity") == 2
    assert capsys.readouterr().err == (
        f"error: {path}: is no evaluation that can be added to: delete it, or give another --out\n"
    )


def test_the_table_by_hand(tmp_path):
    evaluation = report.Evaluation(tmp_path / "evaluation.json", {"source": "x"})
    evaluation.begin("swd", {"images": 9}, lambda: {"64": 2.7, "32": 2.8, "mean": 2.75})
    evaluation.begin("copies", {"images": 9}, lambda: {"share_nearer": None})
    evaluation.add("swd", "7", {"64": 21.123, "32": 1.377, "mean": 11.25})
    evaluation.add("copies", "7", {"share_nearer": 0.5})
    assert report.table(evaluation, ["swd", "copies"], ["7"]) == (
        "epoch  SWD 64  SWD 32    SWD  nearer\n"
        "    7   21.12    1.38  11.25   50.0%\n"
        " real    2.70    2.80   2.75       -"
    )  # fmt: skip
    evaluation.write()
    assert files(tmp_path) == ["evaluation.json"]
    again = report.Evaluation(tmp_path / "evaluation.json", {"source": "x"})
    assert again.measures == evaluation.measures


def test_one_epoch_makes_no_plot(tmp_path):
    evaluation = report.Evaluation(tmp_path / "evaluation.json", {})
    evaluation.begin("swd", {}, lambda: {"mean": 2.75})
    evaluation.add("swd", "7", {"mean": 11.25})
    evaluation.add("swd", "a file", {"mean": 12.25})
    assert not report.write_plot(evaluation, tmp_path / "evaluation.png")
    assert files(tmp_path) == []
    evaluation.add("swd", "8", {"mean": 9.0})
    assert report.write_plot(evaluation, tmp_path / "evaluation.png")
    assert files(tmp_path) == ["evaluation.png"]


GOOD = {"protocol": {"images": 9, "held_out": None}, "real": {"mean": 2.75}, "epochs": {"7": {"mean": None}}}


@pytest.mark.parametrize(
    "measured",
    [
        None, [], 1, {}, {"protocol": {}, "real": {}}, GOOD | {"epochs": []}, GOOD | {"epochs": {"7": 1}},
        GOOD | {"epochs": {"7": {"mean": "1"}}}, GOOD | {"real": {"mean": float("nan")}}, GOOD | {"real": {"mean": 1e300}},
        GOOD | {"real": None}, GOOD | {"protocol": {"images": float("inf")}},
    ],
)  # fmt: skip
def test_an_evaluation_of_other_contents_is_one_line(tmp_path, measured):
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps({"measures": {"swd": measured}}))
    assert error_of(report.Evaluation, path, {}) == (
        f"{path}: is no evaluation that can be added to: delete it, or give another --out"
    )
    path.write_text(json.dumps({"measures": {"swd": GOOD}}))
    assert report.Evaluation(path, {}).measures == {"swd": GOOD}


def test_names_that_look_like_numbers_are_no_epochs_of_a_plot(tmp_path):
    evaluation = report.Evaluation(tmp_path / "evaluation.json", {})
    evaluation.begin("swd", {}, lambda: {"mean": 2.75, "$a": 1.0})
    for name in ("7", "007", "²", "٣", "9" * 400):
        evaluation.add("swd", name, {"mean": 11.25})
    assert not report.write_plot(evaluation, tmp_path / "evaluation.png")
    evaluation.add("swd", "8", {"mean": 9.0})
    assert report.write_plot(evaluation, tmp_path / "evaluation.png")
