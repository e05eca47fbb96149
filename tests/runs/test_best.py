"""best.json only reports: lost or damaged, it is made again from log.jsonl where that tells the best."""

import json

import pytest

from dcgan_tf.runs.best import criterion, find_best, is_better, mend_best
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.lines import SCORES, read_numbers

WHOLE = {"epoch": 2, "step": 17, "diversity": 0.5, "swd": 30.0}
LOG = [
    {"step": 10, "epoch": 1, "diversity": 0.5, "swd": 90.0},
    {"step": 17, "epoch": 2, "diversity": 0.5, "swd": 30.0},  # Stopped within the epoch: the better models stay.
    {"step": 20, "epoch": 2, "diversity": 0.9, "swd": 50.0},
    {"step": 30, "epoch": 3, "diversity": 0.9, "swd": 40.0},  # without models
    {"step": 40, "epoch": 4, "diversity": 0.9},
    {"step": 50, "epoch": 5, "diversity": 0.9, "swd": 60.0},
    {"step": 50, "epoch": 5, "d_loss": 1.0},
    {"step": 60, "epoch": 6, "swd": -1.0},
]


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.log.write_text("".join(json.dumps(line) + "\n" for line in LOG))
    for epoch in (1, 2, 4, 5, 6):
        folder.generator(epoch).touch()
    return folder


def mend(folder):
    mend_best(folder, read_numbers(folder.log, *SCORES))


DAMAGED = [
    None, "", "null", "[]", "{", "{}", "[" * 100_000, '{"epoch": "5", "step": 50, "swd": 1}', '{"epoch": true, "swd": 1}',
    '{"epoch": -5, "swd": 1}', '{"epoch": 1180591620717411303424, "swd": 1}', '{"epoch": 3, "step": 30, "swd": 40}',
    '{"epoch": 5}', '{"epoch": 5, "step": 50, "swd": "1"}', '{"epoch": 5, "step": 50, "swd": NaN}',
    '{"epoch": 5, "step": 50, "swd": null}', '{"epoch": 5, "step": 50, "swd": -1}', '{"step": 50, "swd": 1}',
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
def test_a_lost_or_damaged_best_is_the_least_swd_that_was_logged_of_the_epochs_that_have_models(folder, text, capsys):
    if text is not None:
        folder.best.write_text(text)
    line = (
        f"note: {folder.best}: is lost or damaged: by log.jsonl, the best of the epochs whose models are there is 2, "
        "with an SWD of 30.0\n"
    )
    assert find_best(folder) == WHOLE
    assert folder.best.exists() == (text is not None)  # A command that only reads writes nothing.
    assert capsys.readouterr() == (line, "")
    mend(folder)
    assert folder.read_best() == WHOLE
    assert find_best(folder) == WHOLE and capsys.readouterr() == ("", "")


def test_a_whole_best_stays_as_it_is_whatever_the_log_says(folder, capsys):
    text = '{"epoch": 5, "step": 50, "swd": 77.5, "swd_of_real_images": 2.5}'
    folder.best.write_text(text)
    mend(folder)
    assert folder.best.read_text() == text and find_best(folder)["epoch"] == 5
    assert capsys.readouterr() == ("", "")


def test_the_log_tells_the_best_as_training_told_it(folder):
    """By SWD while that is above 2.5 times what real images have, then by KID."""
    scores = {1: (90.0, 0.5), 2: (60.0, 0.7), 4: (24.0, 0.4), 5: (22.0, 0.5), 6: (23.0, 0.3), 7: (20.0, 0.2)}
    lines = [
        {"step": 10 * epoch, "epoch": epoch, "swd": swd, "kid": kid, "swd_of_real_images": 10.0, "swd_images": 1024}
        for epoch, (swd, kid) in scores.items()
    ]
    told = []
    folder.log.write_text("")
    for line in lines:
        with folder.log.open("a") as log:
            log.write(json.dumps(line) + "\n")
        told.append(find_best(folder)["epoch"])
    assert told == [1, 2, 4, 4, 6, 6]  # The 7th has no models.
    assert find_best(folder) == {
        "epoch": 6, "step": 60, "swd": 23.0, "kid": 0.3, "swd_of_real_images": 10.0, "images": 1024,
    }  # fmt: skip


def test_all_scores_of_the_best_come_from_the_log_which_earlier_had_no_swd_of_real_images(folder):
    """Without that, KID tells, as it did then."""
    lines = [
        {
            "step": 70,
            "epoch": 4,
            "swd": 35.0,
            "kid": 0.2,
            "fid": 9.0,
            "precision": 0.5,
            "recall": 0.1,
            "swd_images": 99,
        },
        {"step": 80, "epoch": 5, "swd": 34.0, "kid": 0.3, "feature_images": 256},
    ]
    folder.log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = {name: value for name, value in lines[0].items() if name != "swd_images"} | {"images": 99}
    assert find_best(folder) == found


FAR, NEAR = ({"swd_of_real_images": floor, "images": 1024} for floor in (2.0, 10.0))


@pytest.mark.parametrize(
    "scores, best, name, better",
    [
        ({"swd": 20.0}, {}, None, True),
        ({"swd": 20.0}, {"swd": 19.0}, "swd", False),
        ({"swd": 20.0, "kid": 0.1}, {"swd": 19.0, "kid": 0.2}, "kid", True),
        ({"swd": 18.0, "kid": 0.2}, {"swd": 19.0, "kid": 0.2}, "kid", False),
        ({"swd": 20.0, "kid": 0.1}, {"swd": 19.0}, "swd", False),  # as after the features were installed
        ({"swd": 18.0}, {"swd": 19.0, "kid": 0.1}, "swd", True),  # as without them on another machine
        ({"swd": 20.0, "kid": 0.1} | NEAR, {"swd": 19.0, "kid": 0.2} | NEAR, "kid", True),
        ({"swd": 20.0, "kid": 0.1} | FAR, {"swd": 19.0, "kid": 0.2} | FAR, "swd", False),
        ({"swd": 24.0, "kid": 0.2} | NEAR, {"swd": 26.0, "kid": 0.1} | NEAR, "swd", True),  # Only one is near.
        ({"swd": 26.0, "kid": 0.1} | NEAR, {"swd": 24.0, "kid": 0.2} | NEAR, "swd", False),
        ({"swd": 24.0, "kid": 0.1} | NEAR, {"kid": 0.2} | NEAR, "kid", True),  # as where best.json is damaged
    ],
)
def test_of_two_epochs_the_better_one(scores, best, name, better):
    assert criterion(scores, best) == name and is_better(scores, best) == better


@pytest.mark.parametrize("text", [None, "null"])
def test_where_neither_tells_the_work_goes_on_without(tmp_path, text, capsys):
    folder = RunFolder(tmp_path)
    line = f"note: {folder.best}: is lost or damaged, and log.jsonl names no measured epoch whose models are there\n"
    if text:
        folder.best.write_text(text)
    mend(folder)
    assert find_best(folder) == {} and capsys.readouterr().out == (line if text else "")
    folder.log.write_text(json.dumps(LOG[0]) + "\n")
    assert find_best(folder) == {} and capsys.readouterr().out == ("" if text else line)


def test_a_best_without_numbers_still_names_its_epoch_where_the_log_is_gone(folder):
    folder.log.unlink()
    folder.best.write_text('{"epoch": 5}')
    mend(folder)
    assert find_best(folder) == {"epoch": 5} and folder.best.read_text() == '{"epoch": 5}'


def test_a_log_that_cannot_be_read_is_a_note(folder, capsys):
    folder.log.unlink()
    folder.log.mkdir()
    assert find_best(folder) == {}
    assert capsys.readouterr().out == (
        f"note: {folder.log}: cannot be read (Is a directory): the best epoch is not known from it\n"
    )
