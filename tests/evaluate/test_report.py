import pytest
from support.evaluations import result_of

from dcgan_tf.evaluate import report


def scored(swd, diversity=90.0, copied=0.01, epochs=("7",)):
    """A result of epochs that have the same numbers, but for SWD, of which there are as many as epochs."""
    return result_of(
        swd=({"8": 20.0, "mean": 20.0}, {epoch: {"8": value, "mean": value} for epoch, value in zip(epochs, swd)}),
        copies=({"share_copied": 0.01}, dict.fromkeys(epochs, {"share_copied": copied})),
        diversity=({"distance": 100.0}, dict.fromkeys(epochs, {"distance": diversity})),
    )


def test_the_table_by_hand():
    result = result_of(
        swd=({"64": 2.7, "32": 2.8, "mean": 2.75}, {"7": {"64": 21.123, "32": 1.377, "mean": 11.25}}),
        copies=({"share_nearer": None, "share_copied": 0.01}, {"7": {"share_nearer": 0.5, "share_copied": None}}),
    )
    assert report.table(result, ["swd", "copies"], ["7"]) == (
        "epoch  SWD 64  SWD 32    SWD  nearer  copied\n"
        "    7   21.12    1.38  11.25   50.0%       -\n"
        " real    2.70    2.80   2.75       -    1.0%"
    )
    assert report.table(result, ["swd", "copies"], ["7"], is_short=True) == (
        "epoch    SWD  copied\n"
        "    7  11.25       -\n"
        " real   2.75    1.0%"
    )  # fmt: skip


def test_the_short_table_begins_with_swd_diversity_and_copies_and_marks_the_best():
    result = scored([50.0, 30.0, 30.0, 40.0], epochs=("5", "10", "15", "20"))
    assert report.table(result, ["swd", "copies", "diversity"], ["5", "10", "15"], is_short=True) == (
        "epoch    SWD  diversity  copied\n"
        "    5  50.00      90.00    1.0%\n"
        " * 10  30.00      90.00    1.0%\n"
        "   15  30.00      90.00    1.0%\n"
        " real  20.00     100.00    1.0%"
    )
    assert report.best_of(result, ["5", "20"]) == "20"
    assert report.best_of(result, ["5"]) is None  # the only one


def test_measures_that_have_no_short_column_are_shown_whole():
    result = result_of(tones=({"distance": 1.0, "clipped": 0.5}, {"7": {"distance": 2.0, "clipped": 0.25}}))
    assert report.table(result, ["tones"], ["7"], is_short=True).split() == (
        "epoch tones clipped 7 2.00 25.0% real 1.00 50.0%".split()
    )
    assert report.best_of(result, ["7", "8"]) is None and report.summary(result, "7") == ""


def test_several_seeds_have_a_standard_deviation():
    result = scored([41.0])
    result.measures["swd"].standard_deviations["7"] = {"8": 1.234, "mean": 1.234}
    result.measures["copies"].standard_deviations["7"] = {"share_copied": None}
    assert report.table(result, ["swd", "copies"], ["7"]).splitlines()[1].split() == "7 41.00 +/- 1.23 1.0%".split()


LOOK = ". Look at the pictures: SWD sees colours and textures only."


@pytest.mark.parametrize(
    "numbers, words",
    [
        ((21.0,), "colours and textures like those of real images (SWD 21.0, real images 20.0); "
                  "90% of the diversity of real images; no more copies than by chance (1.0%, 1% by chance)"),
        ((300.0, 5.0), "nothing like real images yet (SWD 300.0, real images 20.0); "
                       "nearly all pictures are the same (diversity 5% of that of real images); "
                       "no more copies than by chance (1.0%, 1% by chance)"),
        ((60.0, 50.0, 0.25), "some way from real images (SWD 60.0, real images 20.0); "
                             "little variety, 50% of the diversity of real images; "
                             "25.0% look like copies of a training image (1% by chance): see copies.png"),
        ((60.0, 0.0, None), "some way from real images (SWD 60.0, real images 20.0); "
                            "nearly all pictures are the same (diversity 0% of that of real images); "
                            "the pictures are flat, of nearly one colour each: copies cannot be told"),
    ],
)  # fmt: skip
def test_the_sentence(numbers, words):
    swd, *rest = numbers
    assert report.summary(scored([swd], *rest), "7") == f"epoch 7: {words}{LOOK}"


def test_the_sentence_of_a_set_whose_images_are_all_alike():
    result = result_of(
        swd=({"mean": 0.0}, {"a\nb": {"mean": 3.0}}), diversity=({"distance": 0.0}, {"a\nb": {"distance": 0.0}})
    )
    assert report.summary(result, "a\nb") == ""
