"""evaluation.csv: a row for each number of each epoch, for spreadsheets and pandas."""

import csv

from dcgan_tf.common.files import whole_file
from dcgan_tf.evaluate.columns import class_of, column, images_of
from dcgan_tf.evaluate.results import Result

HEAD = (
    "epoch", "measure", "number", "name", "value", "standard_deviation", "real", "unit", "images", "seed", "seeds", "class"
)  # fmt: skip


def write_sheet(result: Result, path) -> None:
    """Writes all numbers of a result, whole or not at all; an empty cell stands for a number that there is not.

    measure and number are as in evaluation.json, name as in the table; real is the number of real images. class: the one
    that the number is of; empty where it is of all.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="", errors="backslashreplace") as file:
        sheet = csv.writer(file)
        sheet.writerow(HEAD)
        for name, measured in result.measures.items():
            for epoch, numbers in measured.epochs.items():
                deviations = measured.standard_deviations.get(epoch, {})
                for key, value in numbers.items():
                    about, (number, class_name) = column((name, key)), class_of(key)
                    rest = (
                        about.unit,
                        images_of((name, key), measured.protocol),
                        result.seed,
                        result.seeds,
                        class_name,
                    )
                    sheet.writerow(
                        [epoch, name, number, about.head, value, deviations.get(key), measured.real.get(key), *rest]
                    )
