"""The measures of generators that draw classes: each class by itself, and whether it is the one that was asked for."""

import numpy as np

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.progress import Work
from dcgan_tf.common.text import first_of
from dcgan_tf.data.selection import with_classes
from dcgan_tf.evaluate.against import Measure, RealImages
from dcgan_tf.evaluate.cas import AccuracyScore, Labelled
from dcgan_tf.evaluate.classes import MAX_NAMED_CLASSES, places_among
from dcgan_tf.evaluate.columns import of_class
from dcgan_tf.generators.classes import classes_text
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import by_class, swd
from dcgan_tf.metrics.accuracy import shares_right


def measured_classes(against: RealImages) -> tuple[list[str], list[str]]:
    """(the classes of which there are enough real images to measure them, the others), of those that are drawn."""
    counts = against.reals.class_counts
    enough = {name: counts[name] >= by_class.MIN_REAL_IMAGES for name in against.matched.names}
    return [name for name in enough if enough[name]], [name for name in enough if not enough[name]]


class PerClass(Measure):
    """Each class by itself. `images` counts those of all classes together."""

    name, default_images, min_images, real_sets = "per-class", by_class.MAX_IMAGES, swd.MIN_IMAGES, 2

    def __init__(self, against: RealImages):
        super().__init__(against)
        names, few = measured_classes(against)
        if not names:
            raise UserError(
                f"--data {printable(against.data)}: per-class needs at least {by_class.MIN_REAL_IMAGES} real images of a "
                "class, and there is none with so many: give more, or leave per-class out of --metrics"
            )
        if few:
            left_out = classes_text(range(len(few)), few)
            note(f"per-class leaves out {left_out}: fewer than {by_class.MIN_REAL_IMAGES} real images each")
        images = min(against.limited(self.default_images), by_class.images_of_each(len(names)))
        self._classes = {
            name: by_class.OfClass(with_classes(against.reals, (name,)), images, against.seed, against.features)
            for name in names
        }
        self.of_samples, self.images = 0, sum(each.images for each in self._classes.values())
        self.protocol |= {"images": images, "patches": swd.PATCHES_PER_IMAGE, "directions": by_class.DIRECTIONS}
        self.protocol |= {"kid_images": by_class.MAX_KID_IMAGES}
        self.protocol |= {"features": against.features and against.features.fingerprint}
        self.protocol |= {of_class("images", name): each.images for name, each in self._classes.items()}

    def real(self):
        return self._of_each("real images", lambda name, each: each.real())

    def score(self, samples: Samples):
        labels = dict(zip(self.against.matched.names, self.against.matched.labels, strict=True))
        return self._of_each("samples", lambda name, each: each.score(samples.of_class(labels[name], each.images)))

    def _of_each(self, what: str, numbers) -> dict[str, float]:
        found = {}
        with Work(f"{what}, class by class", self.images, "image") as work:
            for name, each in self._classes.items():
                found |= {of_class(number, name): value for number, value in numbers(name, each).items()}
                work.update(each.images)
        return found


class ClassAccuracy(Measure):
    """How often a classifier takes a picture for the class that was asked for, and how well pictures train another one."""

    name, default_images, min_images = "class-accuracy", 10_000, 100

    def __init__(self, against: RealImages):
        super().__init__(against)
        self._drawn = against.matched
        _check_classifier(against)
        # What the classifier says, as a place among the classes drawn; -1 for its other classes.
        self._places = places_among(against.classifier_names, self._drawn.names)
        self._reals = Labelled(against.reals, self._drawn.places_in(against.reals))
        self._held_out = _labelled_held_out(against)
        self._cas = None
        if len(self._drawn.names) > 1:
            self._cas = AccuracyScore(self._reals, self._held_out, len(self._drawn.names), against.seed, against.images)
            self.of_samples = max(self.images, self._cas.images)
        else:
            note("class-accuracy of one class alone: CAS tells classes from each other, and is left out")
        self.protocol |= {
            "features": against.classifier.fingerprint,
            "held_out": against.held_out and against.held_out.fingerprint,
            "trained_on": self._cas and self._cas.images,
        }

    def real(self):
        numbers = self._accuracy(self._reals, self._some(self._reals))
        if self._held_out is not None:
            numbers["held_out"] = self._accuracy(self._held_out, self._some(self._held_out))["accuracy"]
        return _in_order(numbers | self._cas_of(lambda cas: cas.real()))

    def score(self, samples: Samples):
        drawn = Labelled(samples, self._drawn.places_of(samples.labels))
        numbers = self._accuracy(drawn, np.arange(self.images))
        return _in_order(numbers | self._cas_of(lambda cas: cas.score(drawn)))

    def _some(self, images: Labelled) -> np.ndarray:
        """The indices of at most as many images as are measured, chosen by the seed."""
        order = np.random.default_rng([self.against.seed, *b"class-accuracy"]).permutation(len(images.classes))
        return np.sort(order[: self.images])

    def _accuracy(self, images: Labelled, indices: np.ndarray) -> dict[str, float | None]:
        """How often images are told rightly, over all and of each class; None where there is no image of it."""
        told = self._places[self.against.classifier.extract(images.source, indices).argmax(axis=1)]
        classes = images.classes[indices]
        right, names = told == classes, self._drawn.names
        shares = shares_right(right, classes, len(names))
        each = {of_class("accuracy", name): float(share) for name, share in zip(names, shares, strict=True)}
        each = {key: None if np.isnan(share) else share for key, share in each.items()}
        return {"accuracy": float(right.mean())} | each

    def _cas_of(self, score) -> dict[str, float]:
        return {} if self._cas is None else {"cas": score(self._cas)}


def _in_order(numbers: dict) -> dict:
    """Those of all classes together first, as the table shows them."""
    first = {key: numbers[key] for key in ("accuracy", "held_out", "cas") if key in numbers}
    return first | numbers


def _check_classifier(against: RealImages) -> None:
    missing = [name for name in against.matched.names if name not in against.classifier_names]
    if missing:
        has = printable(first_of(against.classifier_names, MAX_NAMED_CLASSES))
        raise UserError(
            f"--features {printable(against.classifier.name)}: tells no {classes_text(range(len(missing)), missing)}, which "
            f"the generator draws, but {has}: give a classifier of all its classes"
        )


def _labelled_held_out(against: RealImages) -> Labelled | None:
    """The held-out images, all of classes that are drawn."""
    if against.held_out is None:
        return None
    classes = against.held_out.classes
    if classes is None or not set(classes.names) & set(against.matched.names):
        raise UserError(
            f"--held-out: the images of {printable(against.held_out.name)} have no {against.matched.text}, by which "
            "class-accuracy tests: give labelled ones, or leave --held-out out"
        )
    return Labelled(against.held_out, against.matched.places_in(against.held_out))
