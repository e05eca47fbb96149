"""Distances between two sets of images in a feature space: FID, KID, precision and recall. NumPy, float64."""

import numpy as np

from dcgan_tf.common.errors import UserError

BLOCK = 1024  # rows of a matrix of distances in memory at a time

MOST = 10_000  # images of a set that KID compares

# Images that each measure needs, real and generated. Below, FID is nearly all bias, the standard error of KID has too
# little to go by, and the nearest neighbours of precision and recall lie anywhere.
LEAST = {"fid": 100, "kid": 50, "precision-recall": 50}


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """The Frechet distance of two sets of features, float [n, d] and [m, d] (FID, Heusel et al. 2017, arXiv:1706.08500).

    |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^1/2), with the covariances C; 0 for equal sets. It falls as the sets
    grow, so only sets of the same size compare.

    Raises:
        UserError: fewer images than `LEAST`.
    """
    _check("fid", a, b)
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    factor_a, factor_b = _covariance_factor(a), _covariance_factor(b)
    # The eigenvalues of C_a C_b are the squares of the singular values of M = F_a F_b', where F'F = C; so no root of a
    # matrix is taken, and covariances may be singular. Those of the symmetric M M' take a sixth of the time of M's.
    product = factor_a @ factor_b.T
    product = product @ product.T if len(product) <= product.shape[1] else product.T @ product
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum()
    spread = np.sum(factor_a**2) + np.sum(factor_b**2) - 2 * cross
    return float(np.sum((a.mean(0) - b.mean(0)) ** 2) + max(spread, 0.0))


def kernel_distance(a: np.ndarray, b: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """The kernel distance of two sets of features, and its standard error (KID, Binkowski et al. 2018, arXiv:1801.01401).

    The unbiased estimate of the squared maximum mean discrepancy with the kernel k(x, y) = (x.y / d + 1)^3, over all
    pairs: it is 0 on average for sets of the same source, and may be negative. The paper averages it
    over random subsets of 1,000, whose spread is no error of the mean, as they overlap. Here the standard error is that of
    the value itself, over sets of images drawn anew: see `_variance`.

    Args:
        a, b: float [n, d] and [m, d]; of each, 10,000 rows at most are compared, as the time grows with the square.
        seed: of the choice of these.

    Raises:
        UserError: fewer images than `LEAST`.
    """
    _check("kid", a, b)
    random = np.random.default_rng(seed)
    a, b = (x if len(x) <= MOST else x[np.sort(random.permutation(len(x))[:MOST])] for x in (a, b))
    within_a, within_b, between = _KernelSums(a), _KernelSums(b), _KernelSums(a, b)
    n, m = len(a), len(b)
    value = within_a.total / (n * (n - 1)) + within_b.total / (m * (m - 1)) - 2 * between.total / (n * m)
    return float(value), float(np.sqrt(_variance(within_a, within_b, between)))


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> tuple[float, float]:
    """(precision, recall) of generated images, 0 to 1 each (Kynkaanniemi et al. 2019, arXiv:1904.06991).

    Precision is the share of generated images that lie as near to some real image as its k-th nearest real neighbour, and
    recall the share of real images that lie so near to some generated one.

    Args:
        real, fake: float [n, d] and [m, d].

    Raises:
        UserError: fewer images than `LEAST`.
    """
    _check("precision-recall", real, fake)
    shift = np.mean(real, axis=0, dtype=np.float64)  # distances stay, and lose less in rounding
    real, fake = np.asarray(real, np.float64) - shift, np.asarray(fake, np.float64) - shift
    real_reach, fake_reach = _reach(real, k), _reach(fake, k)
    near_real, near_fake = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    for start in range(0, len(real), BLOCK):
        rows = slice(start, start + BLOCK)
        squares = squared_distances(real[rows], fake)
        near_real |= (squares <= real_reach[rows, None]).any(axis=0)
        near_fake[rows] = (squares <= fake_reach).any(axis=1)
    return float(near_real.mean()), float(near_fake.mean())


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float [n, d] and [m, d] -> [n, m], at least 0."""
    squares = -2 * (a @ b.T)
    squares += np.einsum("nd,nd->n", a, a)[:, None]
    squares += np.einsum("md,md->m", b, b)
    return np.maximum(squares, 0, out=squares)


def squared_pixel_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """uint8 [n, d] and [m, d] -> float64 [n, m], exact: pictures that are the same are at 0."""
    squares = np.zeros([len(a), len(b)])
    for start in range(0, a.shape[1], 256):  # 256 products of 8 bits by 8 bits sum to less than 2^24: exact in float32
        some_a, some_b = (x[:, start : start + 256].astype(np.float32) for x in (a, b))
        squares -= 2 * (some_a @ some_b.T)
        squares += np.einsum("nd,nd->n", some_a, some_a)[:, None]
        squares += np.einsum("md,md->m", some_b, some_b)
    return squares


def _reach(x: np.ndarray, k: int) -> np.ndarray:
    """The squared distance, float64 [n], from each row to its k-th nearest other row."""
    reach = np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        squares = squared_distances(x[start : start + BLOCK], x)
        rows = np.arange(len(squares))
        squares[rows, start + rows] = np.inf  # itself
        reach[start : start + BLOCK] = np.partition(squares, k - 1, axis=1)[:, k - 1]
    return reach


def _covariance_factor(x: np.ndarray) -> np.ndarray:
    """F [min(n, d), d] with F'F = the covariance of x [n, d] (divided by n - 1)."""
    centred = x - x.mean(axis=0)
    if len(x) <= x.shape[1]:
        return centred / np.sqrt(len(x) - 1)
    covariance = centred.T @ centred / (len(x) - 1)
    try:
        return np.linalg.cholesky(covariance).T  # tens of times as fast
    except np.linalg.LinAlgError:  # singular: a feature that is always the same, say
        values, vectors = np.linalg.eigh(covariance)
        return np.sqrt(np.maximum(values, 0))[:, None] * vectors.T


class _KernelSums:
    """Sums over the kernel's matrix, of a with itself less the diagonal, or of a with b; a block in memory at a time.

    rows     float64 [n]: of each row
    columns  float64 [m]
    total    of all
    squares  of all entries' squares
    """

    def __init__(self, a: np.ndarray, b: np.ndarray | None = None):
        a = np.asarray(a, np.float64)
        other = a if b is None else np.asarray(b, np.float64)
        self.rows, self.columns, self.squares = np.empty(len(a)), np.zeros(len(other)), 0.0
        for start in range(0, len(a), BLOCK):
            kernel = (a[start : start + BLOCK] @ other.T / a.shape[1] + 1) ** 3
            if b is None:
                rows = np.arange(len(kernel))
                kernel[rows, start + rows] = 0
            self.rows[start : start + BLOCK] = kernel.sum(axis=1)
            self.columns += kernel.sum(axis=0)
            self.squares += np.vdot(kernel, kernel)
        self.total = self.rows.sum()


def _variance(within_a: _KernelSums, within_b: _KernelSums, between: _KernelSums) -> float:
    """The variance of the estimate in `kernel_distance`.

    The jackknife over the images of either set gives it in closed form, from sums over rows. It counts the part that comes
    of single images once and the part that comes of pairs twice (Efron and Stein 1981), and of sets that are much alike
    only the second is left: so that part is estimated by itself and taken off once.
    """
    n, m = len(within_a.rows), len(within_b.rows)
    # What the estimate would be without image i, less what is the same for all i.
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
    """The mean square of the kernel less its means over either image, unbiased (Song et al. 2012, theorem 2)."""
    n = len(sums.rows)
    square = sums.squares - 2 / (n - 2) * np.sum(sums.rows**2) + sums.total**2 / ((n - 1) * (n - 2))
    return max(square / (n * (n - 3)), 0.0)


def _centred_square_between(sums: _KernelSums) -> float:
    """The same for images of two sets."""
    n, m = len(sums.rows), len(sums.columns)
    square = sums.squares - np.sum(sums.rows**2) / m - np.sum(sums.columns**2) / n + sums.total**2 / (n * m)
    return max(square / ((n - 1) * (m - 1)), 0.0)


def _check(measure: str, a: np.ndarray, b: np.ndarray) -> None:
    fewest = min(len(a), len(b))
    if fewest < LEAST[measure]:
        raise UserError(
            f"{measure}: needs at least {LEAST[measure]} real and {LEAST[measure]} generated images, and has "
            f"{len(a)} and {len(b)}"
        )
