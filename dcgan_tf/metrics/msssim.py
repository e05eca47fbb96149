"""Multi-scale structural similarity of pairs of images: how alike the images of a set are. NumPy alone.

Wang et al. 2003, "Multi-scale structural similarity for image quality assessment". Odena et al. 2017 (arXiv:1610.09585)
tell by it how varied generated images are: the mean over random pairs is 1 where all images are the same, and low where
they differ. Karras et al. 2018 (arXiv:1710.10196) report it over 10,000 pairs, and mmgeneration does the same: what is
computed here is what their programs compute. They take only sides that can be halved four times; here a side that is odd
loses its last row, and images that are smaller than 16 pixels have fewer scales.

It shows collapse, and no more: noise scores near 0. Read it beside that of real images.
"""

import functools

import numpy as np

from dcgan_tf.common.errors import UserError

PUBLISHED_PAIRS = 10_000  # Karras et al. 2018
MIN_IMAGES = 32  # Two images make a pair.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # The finest scale comes first.
FILTER_SIDE_PIXELS, FILTER_SIGMA_PIXELS = 11, 1.5  # Both shrink where an image is smaller.
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # They keep flat parts of an image from dividing by zero.
BLOCK_PIXELS = 64  # The filter is applied to so many pixels of a row or column per product of matrices.
BATCH_BYTES = 2**23  # A batch of images, as floats, takes about so much memory.


def ms_ssim_diversity(images, pairs: int = PUBLISHED_PAIRS, seed: int = 0) -> float:
    """The mean similarity of pairs of different images of a source, 0 to 1: lower is more diverse.

    Args:
        images: a source, that is anything with `len`, `image_shape` and `read(indices)` -> uint8 [n, H, W, C].
        pairs: at most so many pairs are compared; each image is in one pair alone.
        seed: chooses the pairs at random, so that a set that is stored class by class is not paired within classes.

    Raises:
        UserError: too few images.
    """
    if len(images) < MIN_IMAGES:
        raise UserError(f"msssim needs at least {MIN_IMAGES} images, not {len(images)}")
    pairs = min(pairs, len(images) // 2)
    chosen = np.random.default_rng([seed, *b"pairs"]).permutation(len(images))[: 2 * pairs]
    size = max(2, BATCH_BYTES // (4 * int(np.prod(images.image_shape))) // 2 * 2)
    total = 0.0
    for start in range(0, len(chosen), size):
        some = images.read(chosen[start : start + size])
        total += ms_ssim(some[::2], some[1::2]).sum()
    return float(total / pairs)


def ms_ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] and [N, H, W, C] -> the similarity of each pair [N], float64, 0 to 1 for the same image."""
    a, b = (np.moveaxis(images, -1, 1).astype(np.float32) for images in (a, b))  # [N, C, H, W]
    scales = min(len(SCALE_WEIGHTS), min(a.shape[2:]).bit_length())  # The last scale has at least one pixel.
    weights = np.array(SCALE_WEIGHTS[:scales]) * (sum(SCALE_WEIGHTS) / sum(SCALE_WEIGHTS[:scales]))
    product = np.ones(len(a))
    for scale, weight in enumerate(weights, start=1):
        similarity, contrast = _ssim(a, b)
        # The similarity of opposites is negative, and a negative number has no real power.
        product *= np.maximum(similarity if scale == scales else contrast, 0) ** weight
        if scale < scales:
            a, b = _halved(a), _halved(b)
    return product


def _ssim(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays [N, C, H, W] -> (similarity, its factor for contrast and structure), mean over each image [N].

    Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity".
    """
    mean_a, mean_b = _blurred(a), _blurred(b)
    means, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    contrast = 2 * (_blurred(a * b) - means) + C2
    contrast /= _blurred(a**2 + b**2) - squares + C2
    similarity = contrast * ((2 * means + C1) / (squares + C1))
    return similarity.mean((1, 2, 3), np.float64), contrast.mean((1, 2, 3), np.float64)


def _blurred(images: np.ndarray) -> np.ndarray:
    """The Gaussian filter where it lies within the image: [N, C, H, W] -> [N, C, H - size + 1, W - size + 1]."""
    size = min(FILTER_SIDE_PIXELS, *images.shape[2:])
    images = np.concatenate([images[..., part] @ band for part, band in _bands(images.shape[3], size)], axis=3)
    return np.concatenate([band.T @ images[:, :, part] for part, band in _bands(images.shape[2], size)], axis=2)


@functools.lru_cache
def _bands(length: int, size: int) -> list[tuple[slice, np.ndarray]]:
    """The filter along an axis as products with matrices, which in NumPy are far faster than a sum of shifted images.

    Returns:
        For each BLOCK_PIXELS places of the result, the part of the axis that goes into them, and the matrix float32
        [places + size - 1, places]: column i is the filter, from row i on. One matrix for all would be nearly all zeros.
    """
    places = np.arange(size) - (size - 1) / 2
    filter = np.exp(-(places**2) / (2 * (FILTER_SIGMA_PIXELS * size / FILTER_SIDE_PIXELS) ** 2))
    bands = []
    for start in range(0, length - size + 1, BLOCK_PIXELS):
        count = min(BLOCK_PIXELS, length - size + 1 - start)
        band = np.zeros([count + size - 1, count], np.float32)
        for column in range(count):
            band[column : column + size, column] = filter / filter.sum()
        bands.append((slice(start, start + len(band)), band))
    return bands


def _halved(images: np.ndarray) -> np.ndarray:
    """The mean of each 2x2 pixels; of odd sides, the last row or column is left out."""
    height, width = (side // 2 * 2 for side in images.shape[2:])
    even = images[:, :, :height, :width]
    return (even[:, :, ::2, ::2] + even[:, :, 1::2, ::2] + even[:, :, ::2, 1::2] + even[:, :, 1::2, 1::2]) / 4
