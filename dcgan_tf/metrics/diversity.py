"""Diversity: how far images lie from each other, and how many of the classes they cover, so that collapse shows."""

import numpy as np

from dcgan_tf.common.errors import UserError
from dcgan_tf.metrics.distances import squared_pixel_distances

BATCH_ROWS = 1024  # So many images or rows are compared at a time.


def mean_pairwise_distance(source, images: int = 1000, seed: int = 0, classes: np.ndarray | None = None) -> float:
    """The mean distance of two images of a source, in levels: the root of the mean square difference, 0 to 255.

    It is 0 where all images are the same one. Compare it with the training images: half their value is a collapse.

    Args:
        source: of images of one shape.
        images: at most so many images are compared, each with all others.
        seed: chooses these images.
        classes: int [len(source)]: each image is compared with the others of its class alone. A net that draws classes may
            draw the same picture of a class each time, which does not show among those of all classes. Where no two of the
            images are of one class, all are compared.

    Raises:
        UserError: fewer than two images.
    """
    if len(source) < 2:
        raise UserError(f"diversity: needs at least 2 images, and has {len(source)}")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(source))[:images])
    read = [source.read(chosen[start : start + BATCH_ROWS]) for start in range(0, len(chosen), BATCH_ROWS)]
    pixels = np.concatenate(read).reshape(len(chosen), -1)
    own = np.zeros(len(chosen), np.int64) if classes is None else np.asarray(classes)[chosen]
    if len(np.unique(own)) == len(own):
        own = np.zeros(len(own), np.int64)
    total, pairs = 0.0, 0
    for start in range(0, len(pixels), BATCH_ROWS):
        some = slice(start, start + BATCH_ROWS)
        counts = own[some, None] == own[None]  # An image's distance from itself, 0, is no pair.
        total += (np.sqrt(squared_pixel_distances(pixels[some], pixels)) * counts).sum()
        pairs += counts.sum() - len(counts)
    return float(total / pairs / np.sqrt(pixels.shape[1]))


def modes(classes, class_count: int, real_shares=None) -> tuple[float, float]:
    """(the share of modes covered, the Kullback-Leibler divergence) of samples whose classes are known.

    The two numbers that are published for Stacked MNIST: the share of its 1,000 modes that any sample falls in, and the
    sum of p log(p / q), in nats, over the share p of samples and the share q of real images in each class
    (Srivastava et al. 2017, arXiv:1705.07761; Lin et al. 2018, arXiv:1712.04086).
    With few samples both look worse than they are: 26,000 for 1,000 modes is usual.

    Args:
        classes: int [n], 0 to class_count - 1: the class of each sample, as a classifier says.
        class_count: the number of classes.
        real_shares: float [class_count], the shares (or counts) of the classes among real images; None: equal shares. A
            class without any is no mode; samples in it make the divergence infinite.

    Raises:
        UserError: no samples at all.
        ValueError: classes or shares out of range.
    """
    classes = np.asarray(classes)
    if not len(classes):
        raise UserError("diversity: needs at least 1 sample whose class is known, and has none")
    if classes.min() < 0 or classes.max() >= class_count:
        raise ValueError(f"classes must be 0 to {class_count - 1}, not {classes.min()} to {classes.max()}")
    real = np.ones(class_count) if real_shares is None else np.asarray(real_shares, np.float64)
    if real.shape != (class_count,) or real.min() < 0 or not real.sum() > 0:
        raise ValueError(f"real_shares must be {class_count} numbers of at least 0, and not all 0")
    shares, real = np.bincount(classes, minlength=class_count) / len(classes), real / real.sum()
    covered = shares > 0
    with np.errstate(divide="ignore"):
        divergence = np.sum(shares[covered] * np.log(shares[covered] / real[covered]))
    return float(np.mean(covered[real > 0])), float(divergence)
