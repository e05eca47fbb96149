import numpy as np
import pytest
from support import small_nets
from support.class_nets import IMAGE_SHAPE, LATENTS, class_nets

from dcgan_tf.generators import latents, samples
from dcgan_tf.generators.generator import Generator, picture_function
from dcgan_tf.generators.samples import Samples


@pytest.fixture(scope="module")
def generator():
    return Generator("small", 6, (8, 8, 3), "normal", picture_function(small_nets.generator()))


def pictures(generator, seeds):
    """As `dcgan-tf generate` makes them."""
    return generator.images(np.asarray(latents.seed_latents(np.array(seeds, np.int32), 6, "normal")))


def assert_same_pictures(a, b):
    assert a.dtype == b.dtype == np.uint8 and a.shape == b.shape
    assert abs(a.astype(int) - b).max() <= 1


def test_a_source_of_the_pictures_of_seeds(generator):
    made = Samples(generator, 1000)
    assert (len(made), made.image_shape) == (1000, (8, 8, 3))
    assert_same_pictures(made.read([5, 900, 5, 0]), pictures(generator, [5, 900, 5, 0]))
    other = Samples(generator, 1000, seed=2)
    assert other.seed_of(3) == 2_000_009
    assert_same_pictures(other.read(np.array([3])), pictures(generator, [2_000_009]))


def test_the_highest_seed_stays_in_range(generator):
    made = Samples(generator, 10, seed=2**31 - 1)
    assert (made.seed_of(np.arange(10)) >= 0).all() and (made.seed_of(np.arange(10)) < 2**31).all()
    assert made.read([0, 9]).shape == (2, 8, 8, 3)


def test_images_do_not_depend_on_what_was_read_before(generator):
    one, other = Samples(generator, 300), Samples(generator, 300)
    one.read(np.arange(100))
    order = np.random.default_rng(0).permutation(300)
    assert_same_pictures(one.read(order), other.read(np.arange(300))[order])
    assert one.read([]).shape == (0, 8, 8, 3)


@pytest.mark.parametrize("kept", [0, 40, 300])
def test_what_is_kept_is_made_once(generator, monkeypatch, kept):
    monkeypatch.setattr(samples, "MAX_KEPT_BYTES", kept * 8 * 8 * 3 + 5)
    made, asked = Samples(generator, 300), []
    make = made._make
    monkeypatch.setattr(made, "_make", lambda indices: asked.append(len(indices)) or make(indices))
    first = made.read(np.arange(200))
    assert_same_pictures(first, pictures(generator, range(200)))
    assert sum(asked) == 200
    second = made.read(np.arange(250))
    assert sum(asked) == 200 + 250 - min(kept, 200)
    assert_same_pictures(second[:200], first)
    first[:] = 0  # The array belongs to the caller: what is kept must not change with it.
    assert_same_pictures(made.read(np.arange(200)), second[:200])


def test_samples_of_classes_say_their_class_and_those_of_one_alone_are_of_it():
    run = picture_function(class_nets("projection", 3)[0])
    given = {"classes": 3, "labels": (0, 1, 2), "class_names": ("cat", "dog", "owl")}
    made = Samples(Generator("pets", LATENTS, IMAGE_SHAPE, "normal", run, **given), 50, seed=1)
    assert made.seed_of(3) == 1_000_006 and made.name_of(3) == "seed 1000006, class cat"  # Seed 1 is a cat.
    dogs = made.of_class(1, 20)
    assert dogs.labels.tolist() == [1] * 20 and dogs.name_of(3) == "seed 1000006, class dog"
    places = np.flatnonzero(made.labels == 1)[:6]
    assert_same_pictures(dogs.read(places), made.read(places))
    assert len(dogs) == 20 and Samples(Generator("plain", 6, (8, 8, 3), "normal", None), 5).name_of(3) == "seed 3"
