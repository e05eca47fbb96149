import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import wasserstein_distance
from support.helpers import error_of
from support.image_sets import ImageSet, noise, ramps

from dcgan_tf.metrics import swd
from dcgan_tf.metrics.swd import SWD

CORNERS = ("top left", "bottom right", "middle")


def corner_of(name, height, width):
    return {
        "top left": (0, 0),
        "bottom right": (height - 7, width - 7),
        "middle": ((height - 7) // 2, (width - 7) // 2),
    }[name]


# ---------------------------------------------------------------------------------------------- written another way


def slow_pyramid(image, levels):
    """One channel [h, w] -> levels, with scipy's filter."""
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    made = []
    for _ in range(levels - 1):
        small = ndimage.convolve(image, kernel, mode="constant", cval=0)[::2, ::2]
        large = np.kron(small, np.ones([2, 2]))
        large = ndimage.convolve(large, kernel, mode="constant", cval=0)[: image.shape[0], : image.shape[1]]
        made.append(image - large)
        image = small
    return [*made, image]


def slow_descriptors(images, levels):
    """For each level [N * 3, 3, 7, 7], normalized; grey as three channels."""
    made = [[] for _ in range(levels)]
    for image in images:
        image = image.astype(np.float64) / 127.5 - 1
        channels = [slow_pyramid(image[..., c % image.shape[-1]], levels) for c in range(3)]
        for level in range(levels):
            for corner in CORNERS:
                top, left = corner_of(corner, *channels[0][level].shape)
                made[level].append([channel[level][top : top + 7, left : left + 7] for channel in channels])
    made = [np.array(level) for level in made]
    return [(x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True) for x in made]


def slow_swd(a, b, levels, directions):
    scores = []
    for one, other in zip(slow_descriptors(a, levels), slow_descriptors(b, levels)):
        distances = []
        for direction in directions:
            direction = direction / np.linalg.norm(direction)
            x, y = ([np.sum(patch * direction) for patch in patches] for patches in (one, other))
            distances.append(wasserstein_distance(x, y))
        scores.append(1000 * np.mean(distances))
    return scores


@pytest.fixture
def fixed_places(monkeypatch):
    """Patches from three known places instead of 128 random ones, and few directions."""

    def cut(layer, random):
        places = [corner_of(corner, *layer.shape[1:3]) for corner in CORNERS]
        patches = [image[top : top + 7, left : left + 7] for image in layer for top, left in places]
        return np.array(patches).transpose(0, 3, 1, 2)

    monkeypatch.setattr(swd, "cut_patches", cut)
    monkeypatch.setattr(swd, "PATCHES_PER_IMAGE", 3)
    monkeypatch.setattr(swd, "DIRECTIONS", 20)


@pytest.mark.parametrize(
    "shape, heights",
    [
        ((64, 64, 3), [64, 32, 16]),
        ((33, 40, 1), [33, 17]),
        ((39, 33, 3), [39, 20]),
        ((31, 31, 1), [31]),
        ((7, 7, 3), [7]),
        ((7, 90, 1), [7]),
    ],
)
def test_the_same_as_written_another_way(fixed_places, monkeypatch, shape, heights):
    reals, fakes = ramps(36, *shape), noise(20, *shape)
    monkeypatch.setattr(swd, "BATCH_BYTES", 5 * 4 * int(np.prod(shape)))  # 18 images: 5, 5, 5, 3
    measure = SWD(ImageSet(reals), seed=4)
    scores = measure.score(ImageSet(fakes))
    assert measure.images == 18 and list(scores) == heights
    order = swd._random(4, "halves").permutation(36)
    drawn = [swd._random(4, "directions")] * len(heights)
    # Each level draws its directions after those of the level before.
    drawn = drawn[0].normal(size=[len(heights), 20, 3, 49]).reshape(len(heights), 20, 3, 7, 7)
    for level, directions in enumerate(drawn):
        expected = slow_swd(reals[order[:18]], fakes[:18], len(heights), directions)[level]
        assert scores[heights[level]] == pytest.approx(expected, rel=2e-4)
        expected = slow_swd(reals[order[:18]], reals[order[18:]], len(heights), directions)[level]
        assert measure.floor()[heights[level]] == pytest.approx(expected, rel=2e-3)


def test_random_patches_speak_for_all_patches(monkeypatch):
    """Of 16x16 images there are 100 places for a patch, of which 128 are drawn."""
    monkeypatch.setattr(swd, "DIRECTIONS", 40)
    a, b = ramps(300, 16, 16, 1, seed=1), ramps(300, 16, 16, 1, seed=2, noisy=40)
    measure = SWD(ImageSet(np.concatenate([a, a])))
    kept = np.concatenate([a, a])[measure._a]
    windows = np.lib.stride_tricks.sliding_window_view
    sets = [windows(x[..., 0] / 127.5 - 1, (7, 7), axis=(1, 2)).reshape(-1, 49) for x in (kept, b)]
    sets = [(x - x.mean()) / x.std() for x in sets]
    directions = swd._random(0, "directions").normal(size=[40, 3, 49])
    directions = directions.sum(1) / np.sqrt(np.square(directions).sum((1, 2)))[:, None]
    expected = 1000 * np.mean([wasserstein_distance(sets[0] @ d, sets[1] @ d) for d in directions])
    [score] = measure.score(ImageSet(b)).values()
    assert expected > 50 and score == pytest.approx(expected, rel=0.03)


# ---------------------------------------------------------------------------------------------- known answers


def patches(values, channels):
    return swd.Patches(values.astype(np.float16), np.zeros(channels), np.ones(channels))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_shift_moves_each_projection_by_its_share(channels):
    """x against x + 1/4: every projection moves by the sum of its direction over 4. That sum is normal with variance 1,
    in grey too, where three equal channels share it: 1000 / 4 times the mean of its absolute value, sqrt(2 / pi)."""
    random = np.random.default_rng(0)
    values = random.integers(-8, 8, [500, 49 * channels]) / 8  # exact in float16
    shifted = swd.distance(patches(values, channels), patches(values + 0.25, channels), np.random.default_rng(1))
    assert shifted == pytest.approx(250 * np.sqrt(2 / np.pi), rel=0.1)
    directions = np.random.default_rng(1).normal(size=[512, 147])
    exact = 250 * np.abs(directions.sum(1) / np.linalg.norm(directions, axis=1)).mean()
    assert shifted == pytest.approx(exact, rel=1e-5)


def test_a_set_is_at_no_distance_from_itself():
    values = np.random.default_rng(0).normal(size=[700, 147])
    score = swd.distance(patches(values, 3), patches(values[::-1], 3), np.random.default_rng(1))
    assert score == pytest.approx(0, abs=1e-3)  # a row's place in a matrix product may decide its rounding


def test_an_overall_change_of_brightness_and_contrast_does_not_count():
    """The protocol normalizes each set by itself; 7x7 images have one patch each, so that nothing is left to chance."""
    a = 2 * np.random.default_rng(0).integers(0, 100, [40, 7, 7, 3]).astype(np.uint8)
    measure = SWD(ImageSet(np.concatenate([a, a])))
    [score] = measure.score(ImageSet(a[measure._a % 40])).values()
    [changed] = measure.score(ImageSet(a[measure._a % 40] // 2 + 77)).values()
    [other] = measure.score(ImageSet(np.sort(a[measure._a % 40], axis=1))).values()
    assert score == 0 and changed == pytest.approx(0, abs=0.5) and other > 50  # float16 rounds


def test_flat_images_get_a_finite_score():
    measure = SWD(ImageSet(ramps(60, 16, 16, 1)))
    flat = np.full([30, 16, 16, 1], 200, np.uint8)
    [score] = measure.score(ImageSet(flat)).values()
    assert score > 5 * measure.floor()[16]


def test_a_worse_set_scores_higher():
    measure = SWD(ImageSet(ramps(200, 32, 32, 3)))
    near, far = (measure.score(ImageSet(ramps(100, 32, 32, 3, seed=1, noisy=noisy))) for noisy in (12, 40))
    assert near[32] < far[32] and measure.floor()[32] < far[32]
    assert swd.mean(far) == pytest.approx((far[32] + far[16]) / 2)


# ---------------------------------------------------------------------------------------------- parts


def test_the_pyramid_adds_up_to_the_image():
    images = np.random.default_rng(0).normal(size=[2, 50, 37, 3]).astype(np.float32)
    fine, coarse = swd.laplacian_pyramid(images, 2)
    assert coarse.shape == (2, 25, 19, 3)
    doubled = swd.smooth(coarse.repeat(2, axis=1).repeat(2, axis=2))[:, :50, :37]
    np.testing.assert_allclose(fine + doubled, images, atol=1e-6)


def test_a_point_becomes_the_binomial_filter():
    image = np.zeros([1, 9, 9, 1], np.float32)
    image[0, 4, 4] = 256
    expected = np.zeros([9, 9])
    expected[2:7, 2:7] = [[1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, 36, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1]]
    np.testing.assert_array_equal(swd.smooth(image)[0, ..., 0], expected)


def test_patches_are_whole_and_come_from_everywhere():
    height, width = 9, 11
    layer = np.arange(2 * height * width * 3).reshape(2, height, width, 3)
    cut = swd.cut_patches(layer, np.random.default_rng(0))
    assert cut.shape == (256, 3, 7, 7)
    for image in (0, 1):
        first = cut[128 * image : 128 * image + 128, 0, 0, 0] // 3 - image * height * width
        top, left = np.divmod(first, width)
        assert set(zip(top, left)) == {(y, x) for y in range(3) for x in range(5)}  # 9 - 7 + 1, 11 - 7 + 1
    for patch, corner in zip(cut, cut[:, 0, 0, 0]):
        expected = corner + 3 * width * np.arange(7)[:, None] + 3 * np.arange(7)
        np.testing.assert_array_equal(patch, expected + np.arange(3)[:, None, None])


@pytest.mark.parametrize(
    "size, heights",
    [
        ((200, 200), [200, 100, 50, 25]),
        ((256, 256), [256, 128, 64, 32, 16]),
        ((96, 96), [96, 48, 24]),
        ((64, 40), [64, 32]),
        ((31, 31), [31]),
        ((32, 32), [32, 16]),
        ((8, 8), [8]),
    ],
)
def test_levels_go_down_to_16_pixels(size, heights):
    assert [height for height, _ in swd.level_sizes((*size, 1))] == heights


# ---------------------------------------------------------------------------------------------- sets


def test_the_halves_have_no_image_in_common_and_are_read_in_order():
    source = ImageSet(noise(101, 8, 8, 1))
    measure = SWD(source)
    assert source.reads == []  # all that can be refused is refused first
    measure.floor()
    read_of_a, read_of_b = np.split(np.concatenate(source.reads), 2)
    assert (measure.images, len(read_of_a), len(read_of_b)) == (50, 50, 50)
    assert len(set(read_of_a) | set(read_of_b)) == 100
    assert (np.diff(read_of_a) > 0).all() and (np.diff(read_of_b) > 0).all()
    reads = len(source.reads)
    measure.floor()
    measure.score(ImageSet(noise(50, 8, 8, 1)))
    assert len(source.reads) == reads  # A and the floor are kept


def test_as_many_images_as_asked_and_batches_of_bounded_size(monkeypatch):
    monkeypatch.setattr(swd, "BATCH_BYTES", 10 * 8 * 8 * 4)
    reals, fakes = ImageSet(noise(90, 8, 8, 1)), ImageSet(noise(70, 8, 8, 1, seed=1))
    measure = SWD(reals, images=25)
    measure.score(fakes)
    assert measure.images == 25
    assert [len(batch) for batch in reals.reads] == [len(batch) for batch in fakes.reads] == [10, 10, 5]
    np.testing.assert_array_equal(np.concatenate(fakes.reads), np.arange(25))


def test_the_same_seed_the_same_scores_another_seed_others():
    reals, fakes = ImageSet(noise(80, 16, 16, 3)), ImageSet(ramps(40, 16, 16, 3))
    scores = [(SWD(reals, seed=seed).score(fakes), SWD(reals, seed=seed).floor()) for seed in (1, 1, 2)]
    assert scores[0] == scores[1] != scores[2]


def test_too_few_or_too_small_images_are_one_line():
    few = ImageSet(noise(31, 16, 16, 1))
    assert error_of(SWD, few) == "swd needs at least 32 real images, half of them for its floor, not 31"
    assert error_of(SWD, few, images=5) == "swd of 5 images: needs at least 16"
    small = ImageSet(noise(40, 6, 30, 1))
    assert error_of(SWD, small) == "swd compares patches of 7x7 pixels: images of 6x30 are too small"
    measure = SWD(ImageSet(noise(40, 16, 16, 1)))
    assert error_of(measure.score, ImageSet(noise(19, 16, 16, 1))) == (
        "swd against 20 real images needs as many others, not 19"
    )
    assert error_of(measure.score, ImageSet(noise(20, 16, 16, 3))) == (
        "images of 16x16x3 cannot be compared with images of 16x16x1"
    )
