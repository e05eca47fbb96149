import numpy as np
import pytest
import scipy.linalg
from support.helpers import error_of

from dcgan_tf.metrics import distances
from dcgan_tf.metrics.distances import MIN_IMAGES, frechet, kernel_distance, precision_recall


def gaussian(n, d, seed=0, mean=0.0, scale=1.0):
    return np.random.default_rng(seed).normal(mean, scale, [n, d])


def with_moments(mean, covariance, n=200):
    """Rows [n, d] that have exactly this mean and covariance."""
    x = gaussian(n, len(mean))
    x -= x.mean(axis=0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return x @ np.linalg.cholesky(covariance).T + mean


# ---------------------------------------------------------------------------------------------- FID


def test_frechet_of_gaussians_by_hand():
    a = with_moments([0, 0], np.diag([4.0, 9.0]))
    b = with_moments([3, 4], np.diag([1.0, 25.0]))
    # |mean|^2 = 25; where the covariances commute, the rest is the sum of (sd_a - sd_b)^2 = 1 + 4.
    assert frechet(a, b) == pytest.approx(30, rel=1e-9)


def test_frechet_of_covariances_that_do_not_commute():
    c_a, c_b = np.array([[2.0, 0.8], [0.8, 1.0]]), np.array([[1.0, -0.5], [-0.5, 3.0]])
    # The trace of the root of a 2 x 2 matrix M is sqrt(tr M + 2 sqrt(det M)).
    product = c_a @ c_b
    cross = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    wanted = 1 + np.trace(c_a) + np.trace(c_b) - 2 * cross
    assert frechet(with_moments([0, 0], c_a), with_moments([0, 1], c_b)) == pytest.approx(wanted, rel=1e-9)


def by_sqrtm(a, b):
    """FID as most programs write it."""
    c_a, c_b = np.cov(a.T), np.cov(b.T)
    offset = 1e-10 * np.eye(len(c_a))
    root = scipy.linalg.sqrtm((c_a + offset) @ (c_b + offset)).real
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(c_a + c_b - 2 * root)


@pytest.mark.parametrize(("n", "m", "d"), [(300, 200, 20), (100, 300, 150), (100, 120, 160)])
def test_frechet_is_that_of_scipy_also_with_fewer_images_than_features(n, m, d):
    mix = gaussian(d, d, seed=5) / np.sqrt(d)
    a, b = gaussian(n, d, seed=1) @ mix, gaussian(m, d, seed=2, mean=0.3) * np.linspace(0.5, 2, d)
    assert frechet(a, b) == pytest.approx(by_sqrtm(a, b), rel=1e-4)
    assert frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-7)


@pytest.mark.parametrize("d", [8, 250])
def test_frechet_of_equal_sets_is_nothing_and_of_shifted_ones_the_square_of_the_shift(d):
    a = gaussian(200, d, mean=100, scale=5).astype(np.float32)
    assert 0 <= frechet(a, a[::-1]) < 1e-7 * 25 * d  # of the trace: the root of float64's rounding
    assert frechet(a, a + np.float32(2)) == pytest.approx(4 * d, rel=1e-6)


def test_frechet_with_constant_features():
    a, b = np.full([100, 6], 2.0), np.full([100, 6], 5.0)
    assert frechet(a, b) == pytest.approx(9 * 6)
    some = gaussian(200, 6), gaussian(200, 6, seed=1)
    padded = [np.concatenate([x, np.zeros([200, 5])], axis=1) for x in some]  # units that never fire
    assert frechet(*padded) == pytest.approx(frechet(*some), rel=1e-6)


# ---------------------------------------------------------------------------------------------- KID


def by_loops(a, b):
    """The unbiased squared MMD of the paper, image by image."""

    def mean_kernel(x, others):
        return np.mean([(x @ y / len(x) + 1) ** 3 for y in others])

    within_a = np.mean([mean_kernel(x, np.delete(a, i, 0)) for i, x in enumerate(a)])
    within_b = np.mean([mean_kernel(x, np.delete(b, i, 0)) for i, x in enumerate(b)])
    return within_a + within_b - 2 * np.mean([mean_kernel(x, b) for x in a])


def test_kernel_distance_is_that_of_loops(monkeypatch):
    a, b = gaussian(61, 7, seed=1), gaussian(50, 7, seed=2, mean=0.4)
    whole = kernel_distance(a, b)
    assert whole[0] == pytest.approx(by_loops(a, b), rel=1e-10)
    monkeypatch.setattr(distances, "BLOCK_ROWS", 16)
    assert kernel_distance(a, b) == pytest.approx(whole, rel=1e-10)


def test_of_large_sets_the_seed_chooses(monkeypatch):
    monkeypatch.setattr(distances, "MAX_KID_IMAGES", 60)
    a, b = gaussian(80, 7, seed=1), gaussian(50, 7, seed=2)
    values = [kernel_distance(a, b, seed) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    chosen = np.sort(np.random.default_rng(1).permutation(80)[:60])
    assert values[2][0] == pytest.approx(by_loops(a[chosen], b), rel=1e-10)


def test_the_variance_is_the_jackknife_less_the_part_of_pairs(monkeypatch):
    monkeypatch.setitem(MIN_IMAGES, "kid", 4)
    a, b = gaussian(50, 3, seed=1), gaussian(60, 3, seed=2, mean=1.5)
    without_a = [kernel_distance(np.delete(a, i, 0), b)[0] for i in range(50)]
    without_b = [kernel_distance(a, np.delete(b, i, 0))[0] for i in range(60)]
    jackknife = 49 * np.var(without_a) + 59 * np.var(without_b)
    pairs = 2 / (50 * 49) * centred_square(a, a) + 2 / (60 * 59) * centred_square(b, b)
    pairs += 4 / (50 * 60) * centred_square(a, b)
    assert kernel_distance(a, b)[1] ** 2 == pytest.approx(jackknife - pairs, rel=0.01)


def centred_square(a, b):
    """The mean square of the kernel less the means of its rows and columns, over pairs of different images."""
    kernel = (a @ b.T / a.shape[1] + 1) ** 3
    if a is b:
        np.fill_diagonal(kernel, np.nan)
    centred = kernel - np.nanmean(kernel, 1)[:, None] - np.nanmean(kernel, 0) + np.nanmean(kernel)
    return np.nanmean(centred**2)


@pytest.mark.parametrize(("n", "m"), [(50, 50), (60, 150)])
@pytest.mark.parametrize("shift", [0, 0.15, 0.5])
def test_the_standard_error_is_the_spread_that_is_seen(n, m, shift):
    random = np.random.default_rng(0)
    drawn = [
        kernel_distance(random.normal(size=[n, 16]), random.normal(shift, size=[m, 16])) for _ in range(300)
    ]  # two standard errors of a spread over 300: 8%
    values, errors = np.array(drawn).T
    spread = np.sqrt(np.mean(errors**2)) / values.std()
    assert 0.9 < spread < (1.3 if shift == 0 else 1.15)  # of equal sets it is rather too large than too small
    middle = 0 if shift == 0 else values.mean()
    assert np.mean(np.abs(values - middle) < 2 * errors) > 0.91
    if shift == 0:  # unbiased
        assert abs(values.mean()) < 3 * values.std() / np.sqrt(300)


# ---------------------------------------------------------------------------------------------- precision and recall


def brute_force(real, fake, k):
    def reach(x):
        every = np.linalg.norm(x[:, None] - x[None], axis=-1)
        return np.sort(every, axis=1)[:, k]  # column 0 is itself

    between = np.linalg.norm(real[:, None] - fake[None], axis=-1)
    precision = np.mean((between <= reach(real)[:, None]).any(axis=0))
    return precision, np.mean((between <= reach(fake)[None]).any(axis=1))


@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall_are_those_of_brute_force(monkeypatch, k):
    monkeypatch.setattr(distances, "BLOCK_ROWS", 32)
    real, fake = gaussian(150, 5, seed=1, mean=50), gaussian(90, 5, seed=2, mean=50.4, scale=0.6)
    found = precision_recall(real, fake, k)
    assert found == brute_force(real, fake, k)
    assert 0 < found[1] < found[0] <= 1  # narrow: what it makes is real, but not all that is real is made


def test_precision_and_recall_at_the_ends():
    real = gaussian(100, 4)
    assert precision_recall(real, real.copy()) == (1, 1)
    assert precision_recall(real, real + 100) == (0, 0)
    collapsed = np.repeat(real[:1], 60, axis=0)  # one real image again and again
    assert precision_recall(real, collapsed) == (1, 1 / 100)
    half = np.concatenate([real[:50], real[:50] + 100])
    assert precision_recall(real, half)[0] == 0.5


# ---------------------------------------------------------------------------------------------- all of them


def test_of_two_halves_of_one_set_they_are_near_their_ideal():
    images = gaussian(2000, 8)
    a, b = images[:1000], images[1000:]
    assert frechet(a, b) < 0.1 < frechet(a, b * 1.5)
    value, error = kernel_distance(a, b)
    assert abs(value) < 3 * error
    assert kernel_distance(a, b * 1.5)[0] > 10 * error
    assert min(precision_recall(a, b)) > 0.8


@pytest.mark.parametrize(
    ("measure", "call"), [("fid", frechet), ("kid", kernel_distance), ("precision-recall", precision_recall)]
)
def test_too_few_images(measure, call):
    least = MIN_IMAGES[measure]
    enough, few = gaussian(least, 3), gaussian(least - 1, 3)
    call(enough, enough)
    for real, fake in ((enough, few), (few, enough)):
        assert error_of(call, real, fake) == (
            f"{measure}: needs at least {least} real and {least} generated images, and has {len(real)} and {len(fake)}"
        )


def test_pixel_distances_are_exact():
    random = np.random.default_rng(0)
    a, b = random.integers(0, 256, [5, 1000], np.uint8), random.integers(0, 256, [7, 1000], np.uint8)
    a[2], b[3], a[4], b[6] = b[1], 255, 0, 255
    wanted = ((a[:, None].astype(np.int64) - b[None]) ** 2).sum(axis=-1)
    np.testing.assert_array_equal(distances.squared_pixel_distances(a, b), wanted)
    assert wanted[2, 1] == 0 and wanted[4, 6] == 1000 * 255**2
