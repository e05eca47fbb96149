"""evaluation.csv: a row for each number of each epoch, for spreadsheets and pandas."""

import csv

from dcgan_tf.common.files import whole_file
from dcgan_tf.evaluate.columns import column
from dcgan_tf.evaluate.results import Result

HEAD = ("epoch", "measure", "number", "name", "value", "standard_deviation", "real", "unit", "images", "seed", "seeds")


def write_sheet(result: Result, path) -> None:
    """Writes all numbers of a result, whole or not at all; an empty cell stands for a number that there is not.

    measure and number are as in evaluation.json, name as in the table; real is the number of real images.

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
                    about = column((name, key))
                    rest = (about.unit, measured.protocol.get("images"), result.seed, result.seeds)
                    sheet.writerow(
                        [epoch, name, key, about.head, value, deviations.get(key), measured.real.get(key), *rest]
                    )
