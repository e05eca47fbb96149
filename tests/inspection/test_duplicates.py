"""Which images are said to be there more than once: all copies of a picture, and no other picture."""

import collections

import numpy as np
import pytest
from support import pictures
from support.image_files import noise
from support.pictures import picture

from dcgan_tf.common.fit import Fit
from dcgan_tf.data.decode import decode, image_size
from dcgan_tf.inspection.duplicates import exact_groups, near_groups
from dcgan_tf.inspection.looks import LOOK, look_at

CHANGES = {
    "JPEG of quality 85": lambda image: pictures.recompressed(image, 85),
    "JPEG of quality 50": lambda image: pictures.recompressed(image, 50),
    "three quarters of the size": lambda image: pictures.resized(image, 0.75),
    "half of the size": lambda image: pictures.resized(image, 0.5),
    "cropped by 2%": lambda image: pictures.cropped(image, 0.02),
    "brighter": lambda image: pictures.brighter(image, 1.05),
    "darker": lambda image: pictures.brighter(image, 0.95),
    "all of that": lambda image: pictures.recompressed(
        pictures.brighter(pictures.resized(pictures.cropped(image, 0.02), 0.75), 1.05), 85
    ),
}


def looks_of(images):
    return np.stack([look_at(np.ascontiguousarray(image)) for image in images])


def near(images):
    """Groups as lists of indices; those of mirrored images are negative."""
    groups = near_groups(looks_of(images))
    return [np.where(group.mirrored, -group.indices, group.indices).tolist() for group in groups]


def test_images_with_equal_pixels():
    a, b, c = noise(8, 8, 0), noise(8, 8, 1), noise(8, 8, 2)
    groups = exact_groups(looks_of([a, b, c, b, a, a]))
    assert [group.tolist() for group in groups] == [[0, 4, 5], [1, 3]]
    assert exact_groups(looks_of([a, b])) == []
    assert exact_groups(np.zeros(0, LOOK)) == []


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_found_among_other_pictures(change, grey):
    others = [picture(seed, grey=grey) for seed in range(20)]
    images = [*others, *(CHANGES[change](image) for image in others[:10])]
    assert near(images) == [[index, index + 20] for index in range(10)]


@pytest.mark.parametrize("change", CHANGES)
def test_mirrored_copies_are_found_and_said_to_be_so(change):
    others = [picture(seed) for seed in range(20)]
    images = [*others, *(pictures.mirrored(CHANGES[change](image)) for image in others[:10])]
    assert near(images) == [[index, -(index + 20)] for index in range(10)]


def test_a_picture_that_is_its_own_mirror_image_is_not_called_mirrored():
    half = picture(0)
    image = np.concatenate([half, pictures.mirrored(half)], axis=1)
    assert near([picture(1), image, pictures.recompressed(image, 85)]) == [[1, 2]]


def test_equal_pixels_are_no_near_copies_and_only_their_first_is_in_a_group():
    image, copy = picture(0), pictures.recompressed(picture(0), 85)
    assert near([image, image]) == []
    assert near([copy, image, copy, image]) == [[0, 1]]


def test_unlike_pictures_are_not_near():
    assert near([picture(seed, grey=seed % 2 == 0) for seed in range(60)]) == []


def test_flat_images_are_not_near():
    flat = [np.full((40, 40, 3), level, np.uint8) + noise(40, 40, level) % 3 for level in (0, 1, 2, 100, 101, 250)]
    assert near(flat) == []


def test_one_thing_in_two_colours_is_two_pictures():
    image = picture(0)
    assert near([image, image[..., ::-1]]) == []
    heart = np.where(picture(1, grey=True) > 128, np.uint8([200, 30, 30]), np.uint8([255, 255, 255]))
    other = np.where(picture(1, grey=True) > 128, np.uint8([30, 105, 60]), np.uint8([255, 255, 255]))
    assert near([heart, other]) == []


def test_one_thing_with_another_detail_is_two_pictures():
    image = picture(0)
    other = image.copy()
    other[30:42, 50:62] = pictures.brighter(other[30:42, 50:62], 0.7)
    assert near([image, other]) == []


def test_pictures_that_resemble_each_other_are_not_near():
    """As the slices of one brain do: an outline in common, and within it other details in the same place."""
    inside = ((np.mgrid[-1:1:96j, -1:1:120j] ** 2).sum(axis=0) < 0.6)[..., None]
    slices = [np.where(inside, 60 + picture(seed, grey=True) // 4, 0).astype(np.uint8) for seed in range(30)]
    between = [((slices[k].astype(int) + 2 * slices[k + 1]) // 3).astype(np.uint8) for k in range(29)]
    assert near([*slices, *between]) == []


def test_a_chain_of_small_steps_is_not_one_group():
    """Each image is cropped a little more than the one before; each group is what is near to its first."""
    image = picture(0, (400, 400))
    groups = near([image[:, step : step + 300] for step in range(0, 60, 3)])
    assert len(groups) >= 3
    for group in groups:
        assert 3 * (group[-1] - group[0]) <= 0.055 * 300
    assert sorted(sum(groups, [])) == list(range(20))


def test_many_copies_of_one_picture_are_one_group():
    image = picture(0)
    random = np.random.default_rng(0)
    images = [np.clip(image + random.integers(-1, 2, image.shape), 0, 255).astype(np.uint8) for _ in range(300)]
    assert near([picture(1), *images]) == [list(range(1, 301))]


@pytest.mark.parametrize("count", [0, 1])
def test_few_images_have_no_copies(count):
    assert near_groups(np.zeros(count, LOOK)) == []


def test_real_scans(real_data):
    """Files with equal bytes are the exact groups; of the near ones, none is of two slices (looked at one by one)."""
    paths = sorted(path for path in (real_data / "mri").rglob("*") if path.is_file())
    looks = np.stack([look_at(decode(path, Fit(image_size(path)), None).pixels) for path in paths])
    files = collections.defaultdict(list)
    for index, path in enumerate(paths):
        files[path.read_bytes()].append(index)
    same_files = [group for group in files.values() if len(group) > 1]
    groups = [group.tolist() for group in exact_groups(looks)]
    assert groups == same_files and len(paths) - sum(len(group) - 1 for group in groups) == 2812
    assert sum(len({paths[index].relative_to(real_data).parts[1] for index in group}) == 2 for group in groups) == 74
    near_ones = near_groups(looks)
    assert not any(group.mirrored.any() for group in near_ones)
    assert (len(near_ones), sum(len(group.indices) - 1 for group in near_ones)) == (58, 74)
