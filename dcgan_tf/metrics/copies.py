"""Finds copies among samples: the nearest training image of each sample, and how near it would be without copying."""

from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.pixels import size_within
from dcgan_tf.common.progress import Work
from dcgan_tf.common.text import shape_text
from dcgan_tf.metrics.distances import squared_distances, squared_pixel_distances

MAX_SIDE_PIXELS = 64  # Images are compared at this size at most.
BATCH_IMAGES = 512  # Only so many training images are in memory at a time.
NEIGHBOURS = 50  # The mean distance to so many nearest training images says what is near for an image.
DUPLICATE_DISTANCE_LEVELS = 1.0  # Images nearer than this are one picture, saved twice.
MIN_UNSEEN_IMAGES = 20  # So many images that were not copied from are needed to compare with.
FLAT_CONTRAST = 0.1  # A picture with less than this share of the contrast of a middle real image is flat.
MAX_COPY_DISTANCE = 0.9  # A copy is nearer than so many times the distance of a picture of its mean colour.
MAX_FLAT_SHARE = 0.5  # Where more of the samples are flat, copies cannot be told.


@dataclass(frozen=True, eq=False)
class Copies:
    """The nearest training image of each sample, and of images that nobody copied, for comparison.

    samples             int64 [n]: the indices of the samples that were compared
    nearest             int64 [n]: the index of the training image that is nearest to each sample
    distances           float64 [n]: the distance between the two. In pixels, it is the root of the mean square
                        difference, in levels 0 to 255, of images of at most 64 pixels a side; in features, the
                        length of the difference
    relative            float64 [n], 0 to 1: the distance divided by the mean distance to the 50 nearest training
                        images. A dark or empty image is near to all other dark ones, while a copy is near to one
                        image alone (Carlini et al. 2023, arXiv:2301.13188)
    mirrored            bool [n]: whether the mirror image of the sample is the one that is nearest
    held_out_distances  float64 [h]: the distance from each held-out image to its nearest training image; without
                        held-out images, from training images to the nearest other one
    held_out_relative   float64 [h]: the relative distances of the same images
    duplicates          the number of held-out images that are left out, because a training image is the same picture
    flat                bool [n]: whether the sample is of nearly one colour. Such a picture is near to all images of
                        little contrast, so that a small distance does not tell a copy: it is left out of both shares
    matched             bool [n]: whether what the sample shows makes it nearer than a picture of its mean colour would be.
                        A grey smear is near to the palest training image, but is no copy of it
    in_features         the result of the same search in a feature space, where one was given
    """

    samples: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray
    relative: np.ndarray
    mirrored: np.ndarray
    held_out_distances: np.ndarray
    held_out_relative: np.ndarray
    duplicates: int
    flat: np.ndarray
    matched: np.ndarray
    in_features: "Copies | None" = None

    @property
    def share_nearer(self) -> float | None:
        """The share of samples that are nearer to a training image than the median held-out image is.

        It is 0.5 for a generator whose images are as new as held-out ones, more where it copies, and less where its
        images are unlike all training images. None where most samples are flat.
        """
        return self._share(self.distances < np.median(self.held_out_distances))

    @property
    def share_copied(self) -> float | None:
        """The share of samples whose relative distance is below that of all but 1% of the held-out images.

        It is at most 0.01 where nothing is copied, and rises even when only a few of many samples are copies. A sample that
        is not `matched` is no copy. None where most samples are flat.
        """
        return self._share(self.matched & (self.relative < np.percentile(self.held_out_relative, 1)))

    @property
    def are_flat(self) -> bool:
        """Whether so many samples are of nearly one colour each that copies cannot be told."""
        return bool(self.flat.mean() > MAX_FLAT_SHARE)

    def _share(self, found: np.ndarray) -> float | None:
        return None if self.are_flat else float(found[~self.flat].mean())


def find_copies(samples, training, held_out=None, features=None, seed: int = 0, images: int = 1000) -> Copies:
    """Looks up the nearest training image of each sample, in pixels and, where a FeatureSpace is given, in features.

    Each sample is compared as it is and mirrored. In pixels, images larger than 64 on their longer side are first
    reduced to that size, antialiased: copies show as well, copies shifted by a pixel show better, and images of 200
    pixels take a tenth of the time. All training images are searched, a batch in memory at a time.

    Args:
        samples, training, held_out: sources of images of one shape. held_out: images like the training images, but not
            trained on; None takes training images instead, each compared with all the others.
        seed: chooses the samples and the held-out images.
        images: at most so many samples, and so many held-out images, are compared.

    Raises:
        UserError: images of different shapes, or fewer than 20 held-out images that are not also among the training ones.
    """
    for source, what in ((samples, "samples"), (held_out, "held-out images")):
        if source is not None and tuple(source.image_shape) != tuple(training.image_shape):
            raise UserError(f"copies: {what} are {_size(source)} and training images {_size(training)}: give one size")
    if not len(samples):
        raise UserError("copies: needs at least 1 sample, and has none")
    unseen = training if held_out is None else held_out
    random = np.random.default_rng(seed)
    some, others = _some(len(samples), images, random), _some(len(unseen), images, random)
    # Samples and held-out images are looked up together, so that the training images are read only once.
    drawn, real = _pixels(samples, some), _pixels(unseen, others)
    flat = _contrasts(drawn) < FLAT_CONTRAST * np.median(_contrasts(real))
    queries = np.concatenate([drawn, real])
    itself = np.concatenate([np.full(len(some), -1), others if held_out is None else np.full(len(others), -1)])
    in_pixels = _search_pixels(queries, itself, training)
    new = in_pixels[1][len(some) :] >= DUPLICATE_DISTANCE_LEVELS
    if np.count_nonzero(new) < MIN_UNSEEN_IMAGES:
        kind, rest = ("training", "others") if held_out is None else ("held-out", "training images")
        raise UserError(
            f"copies: needs at least {MIN_UNSEEN_IMAGES} {kind} images that are unlike all {rest}, and has "
            f"{np.count_nonzero(new)} of {len(others):,}: give {'more' if held_out is None else 'others'}"
        )
    in_features = None
    if features is not None:
        found = _search_features(features, (samples, some), (unseen, others), itself, training)
        in_features = _result(some, found, new, flat, np.ones(len(some), bool))
    near = _pixels(training, in_pixels[0][: len(some)])
    matched = in_pixels[1][: len(some)] < MAX_COPY_DISTANCE * _distances_of_mean_colours(drawn, near)
    return _result(some, in_pixels, new, flat, matched, in_features)


def _result(some, found, new, flat, matched, in_features=None) -> Copies:
    nearest, distances, relative, mirrored = (part[: len(some)] for part in found)
    held_out_distances, held_out_relative = (part[len(some) :][new] for part in found[1:3])
    duplicates = int(np.count_nonzero(~new))
    return Copies(
        some,
        nearest,
        distances,
        relative,
        mirrored,
        held_out_distances,
        held_out_relative,
        duplicates,
        flat,
        matched,
        in_features,
    )


def _some(count: int, at_most: int, random) -> np.ndarray:
    return np.sort(random.permutation(count)[:at_most])


def _size(source) -> str:
    return shape_text(source.image_shape)


def _pixels(source, indices) -> np.ndarray:
    """uint8 [n, h, w, C], at most 64 pixels on the longer side."""
    size = size_within(source.image_shape, MAX_SIDE_PIXELS)
    images = np.empty([len(indices), *size, source.image_shape[-1]], np.uint8)
    for start in range(0, len(indices), BATCH_IMAGES):
        images[start : start + BATCH_IMAGES] = Fit(size).images(source.read(indices[start : start + BATCH_IMAGES]))
    return images


def _contrasts(images: np.ndarray) -> np.ndarray:
    """The standard deviation of the values of each image about the mean of its channel, in levels: uint8 [n, h, w, C] ->
    float64 [n]."""
    return np.array([np.sqrt(image.var(axis=(0, 1)).mean()) for image in images])


def _distances_of_mean_colours(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The distance of a picture of each image's mean colour from the other image: uint8 [n, h, w, C] twice -> float64
    [n]."""
    pairs = zip(images, others, strict=True)
    return np.array([np.sqrt(np.mean((other - image.mean(axis=(0, 1))) ** 2)) for image, other in pairs])


def _search_pixels(queries: np.ndarray, itself: np.ndarray, training):
    """(nearest int64, distances float64, relative float64, mirrored bool), each [q], of uint8 [q, h, w, C]; see `Copies`."""
    both = np.concatenate([queries, queries[:, :, ::-1]]).reshape(2 * len(queries), -1)
    nearest = _Nearest(itself)
    with Work("looking for copies", len(training), "image") as work:
        for start in range(0, len(training), BATCH_IMAGES):
            indices = np.arange(start, min(start + BATCH_IMAGES, len(training)))
            known = _pixels(training, indices).reshape(len(indices), -1)
            nearest.see(start, squared_pixel_distances(both, known))
            work.update(len(indices))
    return nearest.found(both.shape[1])


def _search_features(space, samples, held_out, itself, training):
    """The same as `_search_pixels` in a feature space; samples, held_out: a source and the indices of its images."""
    known = space.extract(training)
    shift = known.mean(axis=0, dtype=np.float64)  # A shift keeps the distances and reduces rounding errors.
    sides = [
        space.extract(view(source), indices) - shift
        for view in (lambda source: source, _Mirrored)
        for source, indices in (samples, held_out)
    ]
    both = np.concatenate(sides)
    nearest = _Nearest(itself)
    for start in range(0, len(known), BATCH_IMAGES):
        nearest.see(start, squared_distances(both, known[start : start + BATCH_IMAGES] - shift))
    return nearest.found(1)


class _Mirrored:
    """A source whose images are mirrored."""

    def __init__(self, source):
        self._source = source

    def __len__(self):
        return len(self._source)

    def read(self, indices) -> np.ndarray:
        return self._source.read(indices)[:, :, ::-1]


class _Nearest:
    """The nearest of the training images seen so far, for each of q queries.

    Among training images at equal distance the first wins, and the query as it is wins over its mirror image.
    """

    def __init__(self, itself: np.ndarray):
        """itself: int64 [q], the index of each query among the training images, which is not searched, or -1."""
        self._itself = itself
        self._index = np.full(len(itself), -1)
        self._mirrored = np.zeros(len(itself), bool)
        self._squares = np.full([len(itself), 1], np.inf)  # [q, 1 to 50]: column 0 is the nearest.

    def see(self, start: int, squares: np.ndarray) -> None:
        """squares: float64 [2 q, b], of queries, then of their mirror images, to the b training images from start."""
        straight, mirrored = np.split(squares, 2)
        both = np.minimum(straight, mirrored)
        queries = np.arange(len(both))
        own = queries[(self._itself >= start) & (self._itself < start + both.shape[1])]
        both[own, self._itself[own] - start] = np.inf
        first = both.argmin(axis=1)
        nearer = queries[both[queries, first] < self._squares[:, 0]]
        self._index[nearer] = start + first[nearer]
        self._mirrored[nearer] = (mirrored < straight)[nearer, first[nearer]]
        merged = np.concatenate([self._squares, both], axis=1)
        if merged.shape[1] > NEIGHBOURS:
            merged = np.partition(merged, (0, NEIGHBOURS - 1), axis=1)[:, :NEIGHBOURS]
        else:
            merged.sort(axis=1)
        self._squares = merged

    def found(self, dimensions: int):
        """(index, distance, relative, mirrored), each [q]; squares are divided by `dimensions` before the root."""
        distances = np.sqrt(self._squares / dimensions)
        finite = np.isfinite(distances)
        usual = np.where(finite, distances, 0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
        # Where all 50 neighbours equal the query, both distances are 0, and the relative one is set to 0.
        relative = np.divide(distances[:, 0], usual, out=np.zeros(len(usual)), where=usual > 0)
        return self._index, distances[:, 0], relative, self._mirrored
