"""The classification accuracy score: what a classifier that has only seen generated images tells of real ones.

Ravuri and Vinyals 2019 (arXiv:1905.10887). It is high where the pictures of each class show what real ones show, in all
their variety: pictures that are right and all alike train a bad classifier. Here the net is a small one, see `class_net`,
so that scores compare with those of this program alone.
"""

from typing import NamedTuple

import numpy as np

from dcgan_tf.evaluate.class_net import default_epochs, split, told, trained

MAX_TRAINING_IMAGES = 20_000
MAX_TESTED_IMAGES = 20_000


class Labelled(NamedTuple):
    """A source of images, and the class of each, int64 [N], 0 and up."""

    source: object
    classes: np.ndarray


class AccuracyScore:
    """Trains nets of one kind, one on real images and one for each set of generated ones, and tests them on real images.

    images: so many are trained on.
    """

    def __init__(self, reals: Labelled, held_out: Labelled | None, class_count: int, seed: int, most: int | None):
        """held_out: the images to test on. None: the net of real images is tested on a tenth of them that is left out of its
        training, that of generated images on all real ones. most: images to train on.
        """
        everything = np.arange(len(reals.classes))
        training, rest = split(reals.classes, seed) if held_out is None else (everything, None)
        self.images = min(MAX_TRAINING_IMAGES, len(training), most or MAX_TRAINING_IMAGES)
        self._reals, self._class_count, self._seed = reals, class_count, seed
        self._training = self._some(training, self.images)
        if held_out is None:
            self._tests = {"real": (reals, rest), "generated": (reals, everything)}
        else:
            self._tests = dict.fromkeys(("real", "generated"), (held_out, np.arange(len(held_out.classes))))

    def real(self) -> float:
        """The score of real images, 0 to 1."""
        return self._score("real", self._reals, self._training)

    def score(self, samples: Labelled) -> float:
        """The score of generated images, the first `images` of a source, 0 to 1."""
        return self._score("generated", samples, np.arange(self.images))

    def _score(self, kind: str, images: Labelled, training: np.ndarray) -> float:
        epochs = default_epochs(len(training), images.source.image_shape)
        what = f"training a classifier on {kind} images"
        net = trained(images.source, images.classes, training, self._class_count, self._seed, epochs, what)
        tested, places = self._tests[kind]
        places = self._some(places, MAX_TESTED_IMAGES)
        return float(np.mean(told(net, tested.source, places) == tested.classes[places]))

    def _some(self, places: np.ndarray, most: int) -> np.ndarray:
        """At most so many of them, chosen by the seed; ascending."""
        return np.sort(np.random.default_rng([self._seed, *b"CAS"]).permutation(places)[:most])
