"""The images that are least like the rest of their set: often no pictures of what the set shows."""

import numpy as np

from dcgan_tf.common.pixels import spread

MAX_COMPONENTS = 20
MAX_FITTED_IMAGES = 20_000  # The components are found on this many, spread over the set.
IMAGES_AT_ONCE = 4096
DEVIATIONS_PER_MEDIAN_DISTANCE = 1.4826  # of a normal distribution
MIN_SHARE_OF_DEVIATION = 0.2  # Values most of which are equal would else be infinitely far from the rest.


def oddest(looks: np.ndarray, count: int = 20, features: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images farthest from the middle of the set, the farthest first: int64 [n], and float64 [n] distances.

    Two things count alike: the picture, in up to 20 principal components of thumbnails of 16x16 and their hues, and its
    brightness, contrast, colourfulness and blur. Each number is measured from its median in robust deviations, so that the
    odd ones do not hide each other. By the components alone a nearly black or pale image is close to the mean of all, and
    by the four numbers alone a dark set has only dark ones.

    Args:
        looks: LOOK [N].
        count: how many are wanted.
        features: float [N, D], of a net that knows pictures: taken instead of the thumbnails.
    """
    if len(looks) == 0:
        return np.zeros(0, np.int64), np.zeros(0)
    numbers = np.stack(
        [looks["brightness"], np.log1p(looks["contrast"]), looks["colourfulness"], looks["blur"]], axis=1
    ).astype(np.float64)
    of_picture = (lambda part: _pixels(looks[part])) if features is None else (lambda part: np.asarray(features[part]))
    distance = _distance(_components(of_picture, len(looks))) + _distance(numbers)
    order = np.argsort(-distance, kind="stable")[:count]
    return order, np.sqrt(distance[order])


def _pixels(looks) -> np.ndarray:
    """What is seen in an image of the size 16x16, and its hues in 8x8 fields: float32 [n, 448]."""
    count, side = len(looks), looks["thumbnail"].shape[1] // 2
    grey = looks["thumbnail"].reshape(count, side, 2, side, 2).mean(axis=(2, 4), dtype=np.float32)
    hues = looks["colours"] - looks["colours"].mean(axis=-1, keepdims=True, dtype=np.float32)
    return np.concatenate([grey.reshape(count, -1), hues.reshape(count, -1)], axis=1)


def _components(read, count) -> np.ndarray:
    """The principal components, float64 [count, C], of what `read(part)` returns for a slice or indices: [n, D]."""
    from sklearn.decomposition import PCA

    sample = read(spread(count, MAX_FITTED_IMAGES))
    if not np.ptp(sample, axis=0).any():  # They are equal, or there is one alone.
        return np.zeros((count, 1))
    pca = PCA(
        min(MAX_COMPONENTS, *sample.shape), svd_solver="full" if len(sample) < sample.shape[1] else "covariance_eigh"
    )
    pca.fit(sample)
    parts = [slice(start, start + IMAGES_AT_ONCE) for start in range(0, count, IMAGES_AT_ONCE)]
    return np.concatenate([pca.transform(read(part)) for part in parts]).astype(np.float64)


def _distance(values) -> np.ndarray:
    """Squared distances [N] from the medians of values [N, C], in units by which they scatter."""
    from_median = values - np.median(values, axis=0)
    scatter = DEVIATIONS_PER_MEDIAN_DISTANCE * np.median(np.abs(from_median), axis=0)
    scatter = np.maximum(scatter, MIN_SHARE_OF_DEVIATION * values.std(axis=0))
    squared = np.divide(from_median, scatter, out=np.zeros_like(values), where=scatter > 0)
    distance = (squared**2).sum(axis=1)
    return distance / (distance.std() or 1.0)
