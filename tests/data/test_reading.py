"""How images are read where it is asked for: cut, bordered, stretched; all frames; bits that are used."""

import json

import numpy as np
import pytest
from PIL import Image
from support.image_files import cached_files, noise, put

from dcgan_tf.common.fit import Fit, cover, cut
from dcgan_tf.common.program import program
from dcgan_tf.config.reading import Reading
from dcgan_tf.data.cuts import places
from dcgan_tf.data.prepare import prepare
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")

SIZES = [(12, 30), (30, 12), (12, 12), (9, 20)]
PICTURES = [noise(*size, i) for i, size in enumerate(SIZES)]


@pytest.fixture
def pictures(tmp_path):
    for i, picture in enumerate(PICTURES):
        put(tmp_path / f"set/{i}.png", picture)


def by_pillow(picture, size, crop, border="white") -> np.ndarray:
    return np.asarray(Fit(size, crop, border).image(Image.fromarray(picture)))


# ---- images of another shape


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading(crop="pad", border_colour="red"), "resized and bordered to"),
        (Reading(crop="pad"), "resized and bordered to"),
        (Reading(crop="stretch"), "stretched to"),
        (Reading(), "resized and cropped to"),
    ],
)
def test_a_folder_is_fitted_as_asked(pictures, reading, words, cache):
    source = open_source("set", size=(8, 8), reading=reading, cache=cache)
    border = reading.border_colour or "white"
    np.testing.assert_array_equal(source.read(range(4)), [by_pillow(p, (8, 8), reading.crop, border) for p in PICTURES])
    assert source.notes[1] == f"4 sizes, shorter side 9 to 12, {words} 8x8"
    assert source.headroom == (12 / 8 if reading.crop != "pad" else 20 / 8)


def test_an_array_is_fitted_as_asked():
    images = np.stack([noise(6, 12, i) for i in range(3)])
    np.save("x.npy", images)
    for crop in ("center", "pad", "stretch"):
        source = open_source("x.npy", size=(8, 8), reading=Reading(crop=crop))
        np.testing.assert_array_equal(source.read([2, 0]), [by_pillow(images[i], (8, 8), crop) for i in (2, 0)])


def test_each_way_has_its_own_place_in_the_cache(pictures):
    for reading in (Reading(), Reading(crop="pad"), Reading(crop="pad", border_colour="black"), Reading(crop="random")):
        open_source("set", size=(8, 8), reading=reading)
        before = len(cached_files())
        open_source("set", size=(8, 8), reading=reading)
        assert len(cached_files()) == before
    assert before == 8


# ---- another part in every epoch


def covering(picture, size) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize(cover(picture.shape[:2], size)[::-1], Image.Resampling.LANCZOS))


@pytest.mark.parametrize("size", [(8, 8), (6, 10)])
def test_every_epoch_takes_the_part_that_seed_and_index_say(pictures, size):
    sources = [
        open_source("set", size=size, reading=Reading(crop="random"), cache=cache) for cache in (True, True, False)
    ]
    wholes = [covering(picture, size) for picture in PICTURES]
    seen = set()
    for epoch in range(12):
        at = places(3, epoch, np.arange(4))
        expected = [cut(whole, size, place) for whole, place in zip(wholes, at)]
        for source in sources:
            assert source.is_cut and source.image_shape == (*size, 3)
            np.testing.assert_array_equal(source.read([0, 1, 2, 3], 3, epoch), expected)
            np.testing.assert_array_equal(source.read([3, 1], 3, epoch), [expected[3], expected[1]])
        seen.add(expected[0].tobytes())
    assert len(seen) > 3
    assert len({source.fingerprint for source in sources}) == 1


def test_parts_of_arrays_and_of_prepared_sets():
    images = np.stack([noise(8, 20, i) for i in range(5)])
    np.save("x.npy", images)
    source = open_source("x.npy", size=(8, 8), reading=Reading(crop="random"))
    at = places(1, 2, np.arange(5))
    np.testing.assert_array_equal(source.read(range(5), 1, 2), [cut(i, (8, 8), place) for i, place in zip(images, at)])
    from dcgan_tf.config.commands import PrepareConfig

    assert prepare(PrepareConfig("x.npy", "prepared", shards=2)) == 0
    again = open_source("prepared", size=(8, 8), reading=Reading(crop="random"))
    np.testing.assert_array_equal(again.read(range(5), 1, 2), source.read(range(5), 1, 2))


def test_parts_of_grey_images_are_grey_and_choices_hold(tmp_path):
    for i in range(4):
        grey = noise(10, 24, i % 3, channels=1)
        put(tmp_path / f"set/{'ab'[i % 2]}/{i}.png", np.stack([grey] * 3, axis=-1))
    reading = Reading(crop="random", drop_duplicates=True, classes=("b", "a"))
    for _ in range(2):
        source = open_source("set", size=(8, 8), reading=reading)
        assert source.image_shape == (8, 8, 1) and source.names == ["a/0.png", "a/2.png", "b/1.png"]
        assert source.read([2], 0, 1).shape == (1, 8, 8, 1)
        assert (source.read([2], 0, 1) != source.read([2], 0, 2)).any()


def test_a_damaged_cache_of_strips_is_made_anew(pictures):
    open_source("set", size=(8, 8), reading=Reading(crop="random"))
    (entry,) = [path for path in cached_files() if path.suffix == ".json"]
    held = json.loads(entry.read_text())
    for lengths in ([1, 2, 3, 4], held["facts"]["lengths"][:3], "x", [-1, 2, 3, 4]):
        content = {"stamp": held["stamp"], "facts": held["facts"] | {"lengths": lengths}}
        entry.write_text(json.dumps(content))
        assert open_source("set", size=(8, 8), reading=Reading(crop="random")).read([0]).shape == (1, 8, 8, 3)
        assert json.loads(entry.read_text())["facts"] == held["facts"]


# ---- files of several images


@pytest.fixture
def stack(tmp_path):
    pages = [Image.fromarray(noise(8, 8, i)) for i in range(5)]
    (tmp_path / "set").mkdir()
    pages[0].save(tmp_path / "set/stack.tif", save_all=True, append_images=pages[1:])
    put(tmp_path / "set/one.png", noise(8, 8, 9))


@pytest.mark.parametrize("cache", [True, False])
def test_all_pages_are_images_where_asked(stack, cache):
    source = open_source("set", cache=cache)
    assert source.names == ["one.png", "stack.tif"]
    assert source.notes == ["2 images read", "4 further frames left out: stack.tif (4): --frames all takes them"]
    source = open_source("set", reading=Reading(frames="all"), cache=cache)
    assert source.names == ["one.png", *(f"stack.tif#{page}" for page in range(1, 6))]
    assert source.notes == ["6 images read"]
    np.testing.assert_array_equal(source.read([0, 5, 1]), [noise(8, 8, 9), noise(8, 8, 4), noise(8, 8, 0)])


# ---- bits that are used


def test_a_folder_of_12_bits_is_told_by_its_greatest_value(tmp_path):
    values = np.random.default_rng(0).integers(0, 4000, (3, 8, 8)).astype(np.uint16)
    values[2, 3, 4] = 4095
    (tmp_path / "set").mkdir()
    for i, image in enumerate(values):
        Image.fromarray(image).save(tmp_path / f"set/{i}.png")
    source = open_source("set")
    assert source.notes == [
        "3 images read",
        "3 images of 16 bits use 12: 0..4,095 become black and white; --value-range says otherwise",
        "grey in content: one channel",
    ]
    np.testing.assert_array_equal(source.read(range(3))[..., 0], np.rint(values / 4095 * 255))
    source = open_source("set", value_range=(0, 65535))
    np.testing.assert_array_equal(source.read(range(3))[..., 0], np.rint(values / 257))
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(tmp_path / "set/3.png")  # Now they are 16 bits.
    source = open_source("set")
    assert len(source.notes) == 2
    np.testing.assert_array_equal(source.read([0, 1, 2])[..., 0], np.rint(values / 257))


def test_a_range_that_is_hardly_used_is_noted(tmp_path):
    (tmp_path / "set").mkdir()
    Image.fromarray(np.array([[100, 5000]] * 8, np.uint16)).save(tmp_path / "set/a.png")
    for source in (open_source("set"), open_source("set")):  # decoded, and from the cache
        assert source.notes[-1] == (
            "the values use only 100 to 5000 of 0..65535: --value-range 100 5000 gives them all contrast, "
            f"{program()} inspect shows them as they are"
        )
        assert source.hardly_used == (100, 5000, 0, 65535)
    assert open_source("set", value_range=(100, 5000)).hardly_used is None


@pytest.mark.parametrize("most, used", [(163, (100, 163, 0, 255)), (164, None)])
def test_of_8_bits_too(tmp_path, most, used):
    put(tmp_path / "set/a.png", np.array([[100, most]] * 8, np.uint8))
    put(tmp_path / "set/b.png", np.full((8, 2), 120, np.uint8))
    assert open_source("set").hardly_used == used


def test_an_image_of_8_bits_among_those_of_16_does_not_hide_them(tmp_path):
    (tmp_path / "set").mkdir()
    Image.fromarray(np.array([[100, 5000]] * 8, np.uint16)).save(tmp_path / "set/a.png")
    put(tmp_path / "set/b.png", noise(8, 2))
    assert open_source("set").hardly_used == (100, 5000, 0, 65535)


# ---- margins


@pytest.mark.parametrize("cache", [True, False])
def test_flat_margins_are_cut_off_where_asked(tmp_path, cache):
    inner = [noise(12, 16, i) for i in range(3)]
    for i, image in enumerate(inner):
        framed = np.full((30, 30 + i, 3), 255, np.uint8)
        framed[5:17, 8:24] = image
        put(tmp_path / f"set/{i}.png", framed)
    source = open_source("set", size=(12, 12), reading=Reading(trim="on"), cache=cache)
    np.testing.assert_array_equal(source.read(range(3)), [image[:, 2:14] for image in inner])
    assert source.notes[1] == ("1 size after flat margins were cut off, shorter side 12, resized and cropped to 12x12")
    source = open_source("set", size=(12, 12), reading=Reading(trim="on", crop="random"), cache=cache)
    at = places(0, 1, np.arange(3))
    np.testing.assert_array_equal(
        source.read(range(3), 0, 1), [cut(image, (12, 12), place) for image, place in zip(inner, at)]
    )
