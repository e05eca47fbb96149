"""All that is found out about a set of images, as values: `report` and `page` say it."""

import functools
from dataclasses import dataclass

import numpy as np

from dcgan_tf.data.decode import FileFacts
from dcgan_tf.data.source import ImageSource
from dcgan_tf.inspection import plain
from dcgan_tf.inspection.duplicates import NearGroup, exact_groups, near_groups
from dcgan_tf.inspection.looks import look_through
from dcgan_tf.inspection.margins import CommonMargin, common_margins
from dcgan_tf.inspection.oddest import oddest
from dcgan_tf.inspection.sizes import Sizes, sizes_of


@dataclass(frozen=True, eq=False)
class Findings:
    """What a set holds. Indices are int64 [n], ascending where nothing else is said.

    source  the images, as training would read them
    looks   LOOK [N]
    files   what the headers of the files say that could be read; None where the images are no files
    exact   images with equal pixels, see `exact_groups`
    near    images of the same picture, see `near_groups`
    flat, black, white, blurry  indices; black and white ones without the flat
    other   indices of grey images among coloured ones, or of coloured among grey
    odd     indices of the oddest, the oddest first
    """

    source: ImageSource
    looks: np.ndarray
    files: list[FileFacts] | None
    sizes: Sizes
    exact: list[np.ndarray]
    near: list[NearGroup]
    flat: np.ndarray
    black: np.ndarray
    white: np.ndarray
    blurry: np.ndarray
    is_soft: bool
    other: np.ndarray
    margins: list[CommonMargin]
    odd: np.ndarray

    @property
    def exact_copies(self) -> int:
        """How many images are equal to an earlier one."""
        return sum(len(group) - 1 for group in self.exact)

    @property
    def near_copies(self) -> int:
        """How many show the same as an earlier one, not mirrored, with other pixels."""
        return sum(int((~group.mirrored[1:]).sum()) for group in self.near)

    @property
    def mirrored_copies(self) -> int:
        return sum(int(group.mirrored.sum()) for group in self.near)

    @functools.cached_property
    def clean(self) -> np.ndarray:
        """The images to use: the first of each group, mirrored ones too, and none that is flat."""
        is_used = np.ones(len(self.looks), bool)
        is_used[self.flat] = False
        for group in self.exact:
            is_used[group[1:]] = False
        for near in self.near:
            is_used[near.indices[1:][~near.mirrored[1:]]] = False
        return np.flatnonzero(is_used)

    def cut_share(self) -> np.ndarray:
        """The share of each image's area that a crop to the shape of training cuts off: float64 [N], 0..1."""
        height, width = self.source.image_shape[:2]
        ratio = self.looks["size"][:, 1] / self.looks["size"][:, 0] * (height / width)
        return 1 - np.minimum(ratio, 1 / ratio)


def find(source: ImageSource, features: np.ndarray | None = None) -> Findings:
    """Looks through a set once. features: float [N, D], see `oddest`.

    Raises:
        UserError: an image cannot be read any more.
    """
    looks = look_through(source)
    flat = plain.is_flat(looks)
    return Findings(
        source=source,
        looks=looks,
        files=None if source.headers is None else list(filter(None, source.headers(source.names))),
        sizes=sizes_of(looks),
        exact=exact_groups(looks),
        near=near_groups(looks),
        flat=np.flatnonzero(flat),
        black=np.flatnonzero(plain.is_nearly_black(looks) & ~flat),
        white=np.flatnonzero(plain.is_nearly_white(looks) & ~flat),
        blurry=np.flatnonzero(plain.is_blurry(looks)),
        is_soft=plain.is_soft_all_over(looks),
        other=plain.other_coloured(looks),
        margins=common_margins(looks),
        odd=oddest(looks, features=features)[0],
    )
