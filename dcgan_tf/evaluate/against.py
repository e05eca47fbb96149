"""What every measure of `dcgan-tf evaluate` is: the real images it compares with, and how many it needs."""

from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.data.source import ImageSource
from dcgan_tf.evaluate.classes import DrawnClasses
from dcgan_tf.metrics.features import FeatureSpace
from dcgan_tf.metrics.halves import halves


@dataclass(frozen=True)
class RealImages:
    """The real images that generated ones are measured against, and how.

    reals       a source of the generator's shape
    data        the value of --data that opened it, for messages
    held_out    a source of images that the generator was not trained on, or None
    features    the feature space to compare in, or None
    classifier  the net whose outputs are a logit for each class, or None
    classifier_names  of the classes that it tells; () without it
    drawn       the classes that the generator draws; None where it draws none
    images      a measure takes at most so many images of each set; None: its own number
    seed        chooses the images that are compared
    are_copies_told_by_features  features of all real images are taken for that: only where they were asked for
    are_those_of_run  whether the real images, or what they were chosen from, are those that the run was trained on
    """

    reals: ImageSource
    data: str
    held_out: ImageSource | None
    features: FeatureSpace | None
    classifier: FeatureSpace | None
    images: int | None
    seed: int
    are_copies_told_by_features: bool = True
    are_those_of_run: bool = True
    classifier_names: tuple[str, ...] = ()
    drawn: DrawnClasses | None = None

    def limited(self, default_images: int) -> int:
        return default_images if self.images is None else min(default_images, self.images)

    @property
    def matched(self) -> DrawnClasses | None:
        """The classes that the generator draws, where the real images have them too; else None."""
        return self.drawn if self.drawn is not None and not self.drawn.lack else None


class Measure:
    """One measure against one set of real images; nothing is read before `real` or `score`.

    Attributes:
        images: the number of generated images that a score takes.
        of_samples: it takes so many of the samples that all measures share; the others it draws by itself.
        protocol: the facts that have to be equal for two numbers to compare, as plain values for JSON.
    """

    name: str
    default_images: int
    min_images: int  # of generated ones, and of each set of real ones
    real_sets = 1  # 2 where one set of real images is scored against another for the floor.

    def __init__(self, against: RealImages):
        """Raises UserError: too few images."""
        self.against = against
        wanted = against.limited(self.default_images)
        if wanted < self.min_images:
            raise UserError(f"--images {wanted}: {self.name} needs at least {self.min_images}")
        needed = self.min_images * self.real_sets
        if len(against.reals) < needed:
            half = ", half of them for its floor" if self.real_sets == 2 else ""
            raise UserError(
                f"--data {printable(against.data)}: {self.name} needs at least {needed} real images{half}, "
                f"not {len(against.reals)}{_of_classes(against)}: give more, or leave {self.name} out of --metrics"
            )
        self.images = wanted if self.real_sets == 1 else min(wanted, len(against.reals) // 2)
        self.of_samples = self.images
        self.protocol = {"images": self.images, "seed": against.seed, "data": against.reals.fingerprint}
        if against.drawn is not None:
            self.protocol |= {"classes": against.drawn.protocol}

    def real(self) -> dict[str, float | None]:
        """The numbers of real images, measured in the same way: a perfect generator would have them."""
        raise NotImplementedError

    def score(self, samples) -> dict[str, float | None]:
        """The numbers of generated images. samples: a source of at least `images`."""
        raise NotImplementedError


class Halved(Measure):
    """Compares with half A of the real images; half B is scored like generated images, which gives the floor."""

    real_sets = 2

    def __init__(self, against: RealImages):
        super().__init__(against)
        self._a, self._b = halves(len(against.reals), self.images, against.seed, self.name.encode())

    def real(self):
        return self.numbers(self.against.reals, self._b)

    def score(self, samples):
        return self.numbers(samples, np.arange(self.images))

    def numbers(self, source, indices: np.ndarray) -> dict[str, float | None]:
        """The numbers of the images chosen against half A."""
        raise NotImplementedError


def _of_classes(against: RealImages) -> str:
    """Of which classes the real images are, where only some were asked for."""
    return f" of {against.matched.text}" if against.matched and against.matched.are_some else ""
