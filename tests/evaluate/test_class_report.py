from support.evaluations import result_of

from dcgan_tf.evaluate.class_report import class_table, class_words


def measured(scores, images=None):
    """scores: by class, (SWD, that of real images)."""
    result = result_of(**{
        "per-class": (
            {f"swd {name}": real for name, (_, real) in scores.items()},
            {"7": {f"swd {name}": value for name, (value, _) in scores.items()}},
        )
    })  # fmt: skip
    result.measures["per-class"].protocol.update(
        {f"images {name}": 64 for name in scores} if images is None else images
    )
    return result


def test_the_table_by_hand():
    result = measured({"cat": (30.0, 10.0), "old dog": (12.5, 9.25)}, {"images cat": 1512, "images old dog": 64})
    of_accuracy = result_of(**{
        "class-accuracy": (
            {"accuracy": 1.0, "cas": 0.9, "accuracy cat": 1.0, "accuracy old dog": 0.995, "accuracy owl": None},
            {"7": {"accuracy": 0.5, "cas": 0.5, "accuracy cat": 0.25, "accuracy old dog": 0.75, "accuracy owl": None}},
        )
    })  # fmt: skip
    result.measures.update(of_accuracy.measures)
    assert class_table(result, "7", ["swd", "per-class", "class-accuracy"]) == (
        "epoch 7, by class:\n"
        "class    images    SWD   real  accuracy    real\n"
        "cat       1,512  30.00  10.00     25.0%  100.0%\n"
        "old dog      64  12.50   9.25     75.0%   99.5%\n"
        "owl           -      -      -         -       -"
    )
    assert class_table(result, "7", ["class-accuracy"]).splitlines()[1:3] == [
        "class    accuracy    real", "cat         25.0%  100.0%"
    ]  # fmt: skip
    assert class_table(result, "7", ["swd"]) == ""


def test_of_many_classes_the_worst_are_shown():
    """The farthest from real images as a multiple of what these have."""
    scores = {f"c{number}": (10.0 * number, 10.0) for number in range(1, 26)} | {"small": (90.0, 90.0)}
    title, _, *rows = class_table(measured(scores), "7", ["per-class"]).splitlines()
    assert title == "epoch 7, by class, the 20 worst of 26:"
    assert [row.split()[0] for row in rows] == [f"c{number}" for number in range(25, 5, -1)]


def test_the_nearest_and_the_farthest_in_words():
    """A class of few images has a high SWD, and so have its real ones."""
    result = measured({"cat": (30.0, 10.0), "dog": (12.5, 5.0), "owl": (60.0, 50.0)})
    assert class_words(result, "7") == (
        "of the classes, owl (SWD 60.00, real images 50.00) is the nearest to real images, cat (SWD 30.00, real images 10.00) "
        "the farthest: --all shows each"
    )
    assert class_words(measured({"cat": (30.0, 10.0)}), "7") == class_words(result_of(), "7") == ""
    assert class_words(result, "8") == ""  # It was not measured.
