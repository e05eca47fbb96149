"""Distances between two sets of images in a feature space: FID, KID, precision and recall. NumPy, float64."""

from typing import NamedTuple

import numpy as np

from dcgan_tf.common.errors import UserError

BLOCK_ROWS = 1024  # Only so many rows of a matrix of distances are in memory at a time.
MAX_KID_IMAGES = 10_000  # KID compares at most so many images of a set; its time grows with the square.
EXACT_PRODUCTS = 256  # A sum of so many products of two bytes is below 2^24, so float32 holds it exactly.

# Each measure needs so many real and so many generated images. With fewer, FID is nearly all bias, the standard error of
# KID is unreliable, and the nearest neighbours of precision and recall are too far away to mean anything.
MIN_IMAGES = {"fid": 100, "kid": 50, "precision-recall": 50}


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """The Frechet distance of two sets of features, float [n, d] and [m, d] (FID, Heusel et al. 2017, arXiv:1706.08500).

    |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^1/2), with the covariances C; 0 for equal sets. It falls as the sets
    grow, so compare only results of sets of one size.

    Raises:
        UserError: fewer images than `MIN_IMAGES`.
    """
    _check("fid", a, b)
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    factor_a, factor_b = _covariance_factor(a), _covariance_factor(b)
    # The eigenvalues of C_a C_b are the squares of the singular values of M = F_a F_b', where F'F = C; so no root of a
    # matrix is taken, and covariances may be singular. Eigenvalues of the symmetric M M' take a sixth of the time that
    # singular values of M take.
    product = factor_a @ factor_b.T
    product = product @ product.T if len(product) <= product.shape[1] else product.T @ product
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum()
    spread = np.sum(factor_a**2) + np.sum(factor_b**2) - 2 * cross
    return float(np.sum((a.mean(0) - b.mean(0)) ** 2) + max(spread, 0.0))


def kernel_distance(a: np.ndarray, b: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """The kernel distance of two sets of features, and its standard error (KID, Binkowski et al. 2018, arXiv:1801.01401).

    The unbiased estimate of the squared maximum mean discrepancy with the kernel k(x, y) = (x.y / d + 1)^3, over all
    pairs: it is 0 on average for sets of the same source, and may be negative. The standard error is the standard
    deviation of this estimate over sets of images drawn anew: see `_kid_variance`. The published mean over random subsets
    of 1,000 images would be shorter code, but gives other numbers, needs 1,000 images, and the spread of subsets that
    overlap is not the error of their mean.

    Args:
        a, b: float [n, d] and [m, d]; at most 10,000 rows of each are compared, as the time grows with the square.
        seed: chooses those rows.

    Raises:
        UserError: fewer images than `MIN_IMAGES`.
    """
    _check("kid", a, b)
    random = np.random.default_rng(seed)
    a, b = (x if len(x) <= MAX_KID_IMAGES else x[np.sort(random.permutation(len(x))[:MAX_KID_IMAGES])] for x in (a, b))
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    within_a, within_b, between = _kernel_sums(a), _kernel_sums(b), _kernel_sums(a, b)
    n, m = len(a), len(b)
    value = within_a.rows.sum() / (n * (n - 1)) + within_b.rows.sum() / (m * (m - 1)) - 2 * between.rows.sum() / (n * m)
    return float(value), float(np.sqrt(_kid_variance(within_a, within_b, between)))


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> tuple[float, float]:
    """(precision, recall) of generated images, 0 to 1 each (Kynkaanniemi et al. 2019, arXiv:1904.06991).

    Precision is the share of generated images that lie as near to some real image as its k-th nearest real neighbour, and
    recall the share of real images that lie so near to some generated one.

    Args:
        real, fake: float [n, d] and [m, d].

    Raises:
        UserError: fewer images than `MIN_IMAGES`.
    """
    _check("precision-recall", real, fake)
    shift = np.mean(real, axis=0, dtype=np.float64)  # A shift keeps the distances and reduces rounding errors.
    real, fake = np.asarray(real, np.float64) - shift, np.asarray(fake, np.float64) - shift
    real_reach, fake_reach = _squared_reach(real, k), _squared_reach(fake, k)
    near_real, near_fake = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    for start in range(0, len(real), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        squares = squared_distances(real[rows], fake)
        near_real |= (squares <= real_reach[rows, None]).any(axis=0)
        near_fake[rows] = (squares <= fake_reach).any(axis=1)
    return float(near_real.mean()), float(near_fake.mean())


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The squared distance of each row of a from each row of b: float [n, d] and [m, d] -> [n, m], at least 0."""
    squares = -2 * (a @ b.T)
    squares += np.einsum("nd,nd->n", a, a)[:, None]
    squares += np.einsum("md,md->m", b, b)
    return np.maximum(squares, 0, out=squares)


def squared_pixel_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same for pixels, exact, so that equal pictures have distance 0: uint8 [n, d] and [m, d] -> float64 [n, m]."""
    squares = np.zeros([len(a), len(b)])
    for start in range(0, a.shape[1], EXACT_PRODUCTS):
        some_a, some_b = (x[:, start : start + EXACT_PRODUCTS].astype(np.float32) for x in (a, b))
        squares -= 2 * (some_a @ some_b.T)
        squares += np.einsum("nd,nd->n", some_a, some_a)[:, None]
        squares += np.einsum("md,md->m", some_b, some_b)
    return squares


def _squared_reach(x: np.ndarray, k: int) -> np.ndarray:
    """The squared distance, float64 [n], from each row to its k-th nearest other row."""
    reach = np.empty(len(x))
    for start in range(0, len(x), BLOCK_ROWS):
        squares = squared_distances(x[start : start + BLOCK_ROWS], x)
        rows = np.arange(len(squares))
        squares[rows, start + rows] = np.inf  # No image is its own neighbour.
        reach[start : start + BLOCK_ROWS] = np.partition(squares, k - 1, axis=1)[:, k - 1]
    return reach


def _covariance_factor(x: np.ndarray) -> np.ndarray:
    """F [min(n, d), d] with F'F = the covariance of x [n, d] (divided by n - 1)."""
    centred = x - x.mean(axis=0)
    if len(x) <= x.shape[1]:
        return centred / np.sqrt(len(x) - 1)
    covariance = centred.T @ centred / (len(x) - 1)
    try:
        return np.linalg.cholesky(covariance).T  # This is tens of times as fast as eigh.
    except np.linalg.LinAlgError:  # The covariance is singular, for example where a feature is constant.
        values, vectors = np.linalg.eigh(covariance)
        return np.sqrt(np.maximum(values, 0))[:, None] * vectors.T


class _KernelSums(NamedTuple):
    """Sums over the matrix of the kernel between two sets of images."""

    rows: np.ndarray  # float64 [n]
    columns: np.ndarray  # float64 [m]
    squares: float  # of all entries' squares


def _kernel_sums(a: np.ndarray, b: np.ndarray | None = None) -> _KernelSums:
    """The sums for float64 [n, d] and [m, d], a block of rows in memory at a time. Without b, a is compared with itself,
    and the diagonal counts as 0, because no image is compared with itself."""
    other = a if b is None else b
    rows, columns, squares = np.empty(len(a)), np.zeros(len(other)), 0.0
    for start in range(0, len(a), BLOCK_ROWS):
        kernel = (a[start : start + BLOCK_ROWS] @ other.T / a.shape[1] + 1) ** 3
        if b is None:
            np.fill_diagonal(kernel[:, start:], 0)
        rows[start : start + BLOCK_ROWS] = kernel.sum(axis=1)
        columns += kernel.sum(axis=0)
        squares += np.vdot(kernel, kernel)
    return _KernelSums(rows, columns, squares)


def _kid_variance(within_a: _KernelSums, within_b: _KernelSums, between: _KernelSums) -> float:
    """The variance of the estimate in `kernel_distance`, over sets of images drawn anew.

    The estimate varies with single images and with pairs of images. The jackknife over the images of both sets, in
    closed form here, counts the part of single images once and the part of pairs twice (Efron and Stein 1981), so the
    part of pairs is estimated on its own and subtracted once. For sets that are much alike it is the only part left.
    """
    n, m = len(within_a.rows), len(within_b.rows)
    # The estimate without image i, up to a constant that is the same for every i.
    without_a = -2 * within_a.rows / ((n - 1) * (n - 2)) + 2 * between.rows / ((n - 1) * m)
    without_b = -2 * within_b.rows / ((m - 1) * (m - 2)) + 2 * between.columns / (n * (m - 1))
    jackknife = (n - 1) * np.var(without_a) + (m - 1) * np.var(without_b)
    of_pairs = (
        2 / (n * (n - 1)) * _centred_square_within(within_a)
        + 2 / (m * (m - 1)) * _centred_square_within(within_b)
        + 4 / (n * m) * _centred_square_between(between)
    )
    return max(jackknife - of_pairs, of_pairs)


def _centred_square_within(sums: _KernelSums) -> float:
    """The mean square of the kernel less its row and column means, unbiased, for pairs of images of one set (Song et al.
    2012, theorem 2)."""
    n = len(sums.rows)
    square = sums.squares - 2 / (n - 2) * np.sum(sums.rows**2) + sums.rows.sum() ** 2 / ((n - 1) * (n - 2))
    return max(square / (n * (n - 3)), 0.0)


def _centred_square_between(sums: _KernelSums) -> float:
    """The same mean square for pairs of images of two sets."""
    n, m = len(sums.rows), len(sums.columns)
    square = sums.squares - np.sum(sums.rows**2) / m - np.sum(sums.columns**2) / n + sums.rows.sum() ** 2 / (n * m)
    return max(square / ((n - 1) * (m - 1)), 0.0)


def _check(measure: str, a: np.ndarray, b: np.ndarray) -> None:
    fewest = min(len(a), len(b))
    if fewest < MIN_IMAGES[measure]:
        raise UserError(
            f"{measure}: needs at least {MIN_IMAGES[measure]} real and {MIN_IMAGES[measure]} generated images, and has "
            f"{len(a)} and {len(b)}"
        )
