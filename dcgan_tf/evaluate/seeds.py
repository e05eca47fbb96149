"""Several sets of samples, of one seed each, as one number with its scatter."""

import numpy as np

from dcgan_tf.evaluate.results import Numbers


def mean_and_deviation(scores: list[Numbers]) -> tuple[Numbers, Numbers | None]:
    """The mean of each number over the seeds, and the standard deviation of a sample (divided by n - 1).

    A number that one seed does not have has neither. Of one seed, the numbers themselves, and None.
    """
    if len(scores) == 1:
        return scores[0], None
    columns = {key: [numbers[key] for numbers in scores] for key in scores[0]}
    whole = {key: values for key, values in columns.items() if None not in values}
    means = {key: float(np.mean(values)) for key, values in whole.items()}
    deviations = {key: float(np.std(values, ddof=1)) for key, values in whole.items()}
    return {key: means.get(key) for key in columns}, {key: deviations.get(key) for key in columns}
