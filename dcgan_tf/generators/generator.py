"""Loads a generator that `find` has found, whatever it is stored as: latents in, uint8 images out."""

from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.backend import quiet_stderr
from dcgan_tf.common.console import note, warn
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.commands import Epoch
from dcgan_tf.config.net_file import AS_SAVED, NetFile
from dcgan_tf.generators import checks, runtimes
from dcgan_tf.generators.classes import chosen_labels, said_names
from dcgan_tf.generators.find import KINDS, Found, find, latent_distribution
from dcgan_tf.generators.keras_net import (
    RANGE_FLAG,
    load_keras,
    measured_range,
    mixed_picture_function,
    picture_function,
)
from dcgan_tf.generators.running import drawn, first_inputs
from dcgan_tf.generators.shares import classes_at
from dcgan_tf.nets.conditional import inputs_of
from dcgan_tf.nets.limits import BLOCK_IMAGES
from dcgan_tf.nets.ranges import SIGNED, Range, scale_and_offset

# A seed always gives the same picture because the net makes all images in blocks of this size: the order of its sums
# depends on the size of the batch, and their rounding shows in a pixel now and then. A larger block makes a single
# picture slower, a smaller one makes a large batch slower: 64 pictures of paints200 take a sixth longer in blocks of 4.
BLOCK_SIZE = BLOCK_IMAGES
WARNING = "note: a SavedModel is a program that can read and write your files: run only those of people you trust"


@dataclass(frozen=True)
class Generator:
    """A loaded generator.

    image_shape: (H, W, C). distribution: of its latents, "normal" or "uniform". origin: for people, see `Found.origin`.
    classes: how many it draws, 0 where it takes no label. labels: those that pictures are drawn of, in turn; or as often as
    `shares` say, a number for each, with a sum of 1. class_names: those of the classes 0, 1, ...; () where nothing says them.
    """

    name: str
    latent_dim: int
    image_shape: tuple[int, int, int]
    distribution: str
    _run: object  # latents [n, latent_dim] float32, and labels [n] int32 -> images [n, H, W, C], uint8 or float32 in -1..1
    origin: str = ""
    classes: int = 0
    labels: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    # The same with weights [n, classes] float32 in place of the labels; None where the net takes whole classes alone.
    _run_mixed: object = None

    @property
    def mixes_classes(self) -> bool:
        """Whether it draws what lies between classes, see `mixed_images`."""
        return self._run_mixed is not None

    def labels_of(self, seeds) -> np.ndarray | None:
        """The classes [n], int32, that the pictures of seeds [n] are of: in turn, from seed 1 on. None without classes."""
        if not self.classes:
            return None
        labels, places = np.asarray(self.labels, np.int32), np.asarray(seeds, np.int64) - 1
        if not self.shares:
            return labels[places % len(labels)]
        return labels[classes_at(places, self.shares)]

    def seeds_of(self, place: int, seeds: range) -> range:
        """Those of consecutive seeds whose pictures are of the class `labels[place]`, where the classes take turns."""
        first = (place - (seeds.start - 1)) % len(self.labels)
        return seeds[first :: len(self.labels)]

    def images(self, latents: np.ndarray, labels: np.ndarray | None = None, block_size: int = BLOCK_SIZE) -> np.ndarray:
        """Latents [n, latent_dim], float32 -> images [n, H, W, C], uint8; a picture does not depend on its batch.

        labels: int32 [n], the class of each; None where the net takes none.
        block_size: how many latents the net sees at once; with another size, a few pixels may differ by one level.

        Raises:
            UserError: the net makes NaN.
        """
        padded = first_inputs(_whole_blocks(len(latents), block_size), self.latent_dim, self.classes)
        for whole, given in zip(padded, (latents, labels)):
            whole[: len(latents)] = given
        return self._in_blocks(self._run, padded, block_size)[: len(latents)]

    def mixed_images(self, latents: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The same of what lies between classes, where `mixes_classes`; weights: float32 [n, classes], with a sum of 1 for
        each image. Those of one class alone give its picture."""
        padding = _whole_blocks(len(latents), BLOCK_SIZE) - len(latents)
        padded = [np.pad(given, [(0, padding), (0, 0)]) for given in (latents, weights)]
        return self._in_blocks(self._run_mixed, padded, BLOCK_SIZE)[: len(latents)]

    def _in_blocks(self, run, inputs: list[np.ndarray], block_size: int) -> np.ndarray:
        blocks = (slice(start, start + block_size) for start in range(0, len(inputs[0]), block_size))
        return np.concatenate([self._block(run, *(whole[block] for whole in inputs)) for block in blocks])

    def _block(self, run, *inputs: np.ndarray) -> np.ndarray:
        images = drawn(self.name, run, *inputs)
        if images.shape[1:] != self.image_shape:
            raise UserError(
                f"{printable(self.name)}: makes images of one size, then of another: give another generator"
            )
        return images


def _whole_blocks(count: int, block_size: int) -> int:
    """So many, rounded up to a multiple of the size of a block."""
    return -(-count // block_size) * block_size


def open_generator(
    source: str,
    epoch: Epoch = None,
    latents: str = "auto",
    *,
    labels: tuple[str, ...] = (),
    value_range: tuple[float, float] | None = None,
    range_flag: str = RANGE_FLAG,
    file: NetFile = AS_SAVED,
) -> Generator:
    """Loads the generator that `source` names.

    epoch: as for `find`. latents: their distribution, "normal" or "uniform"; "auto" takes what the run, the model card
    or a preset of these sizes says, and says so where none is known.
    labels: the classes to draw, see `classes.chosen_labels`. value_range: of the net's images; None: as its layers, or its
    images, tell. range_flag: the command's flag for it. file: see `NetFile`.

    Raises:
        UserError: `source` names no generator, or one that does not run, or a class that it does not draw.
    """
    found = find(source, epoch)
    shown = printable(source)
    card, origin, run_mixed = {}, found.origin, None
    if found.kind == "keras":
        net = load_keras(found, file, latents, value_range, range_flag).net
        takes = inputs_of(net)
        run, latent_dim, classes, shape = picture_function(net), takes.latent_dim, takes.classes, net.output_shape[1:]
        run_mixed, names = mixed_picture_function(net), found.settings and found.settings.data.class_names
    else:
        run, card = _open_exported(found, shown)
        origin, latent_dim, classes = _said_origin(card), run.latent_dim, _said_classes(card, run)
        names = card.get("label_names")
        if not card:
            run = _in_known_range(source, run, latents, value_range, range_flag)
        shape = drawn(source, run, *first_inputs(BLOCK_SIZE, latent_dim, classes)).shape[1:]
    said = found.settings.preset.latents if found.settings else _said_distribution(card)
    distribution = latent_distribution(latents, said, latent_dim, shape)
    if said is None and latents == "auto":
        tell_latents(found.name, distribution)
    names = said_names(names, classes)
    return Generator(
        found.name,
        latent_dim,
        shape,
        distribution,
        run,
        origin,
        classes,
        chosen_labels(found.name, classes, names, labels),
        class_names=names,
        _run_mixed=run_mixed,
    )


def tell_latents(name: str, distribution: str) -> None:
    """Says that the distribution of a generator's latents is a guess."""
    other = "uniform" if distribution == "normal" else "normal"
    note(
        f"{printable(name)} does not say which latents it was trained on: {distribution} ones are taken; if the pictures "
        f"look wrong, try --latents {other}"
    )


def _open_exported(found: Found, shown: str):
    """(what runs an exported generator, its model card or {}).

    Raises:
        UserError: it does not run; the message begins with `shown`.
    """
    with checks.told_in_a_line(found.kind, shown, "is not a generator that runs ({}): " + KINDS):
        checks.check(found.kind, found.path)
        if found.kind == "savedmodel":
            warn(WARNING)
        with quiet_stderr():  # LiteRT prints which delegates it uses.
            run = runtimes.RUNTIMES[found.kind](str(found.path))
        return run, checks.read_card(found.kind, found.path)


def _said_distribution(card) -> str | None:
    """The distribution of latents that a model card, of any form, names; None where it names none."""
    latents = card.get("latents") if isinstance(card, dict) else None
    said = latents.get("distribution") if isinstance(latents, dict) else None
    return said if said in ("normal", "uniform") else None


def _said_origin(card) -> str:
    """The epoch that a model card, of any form, names: "epoch 12"; "" where it names none."""
    epoch = card.get("epoch") if isinstance(card, dict) else None
    return f"epoch {epoch}" if type(epoch) is int else ""


def _in_known_range(source: str, run, latents: str, value_range, range_flag: str):
    """An exported generator without a model card, so that it gives images in -1..1."""
    distribution = latent_distribution(latents, None, run.latent_dim, ())
    known = (
        Range(*value_range) if value_range else measured_range(source, run, run.latent_dim, 0, distribution, range_flag)
    )
    scale, offset = scale_and_offset(known, SIGNED)

    def adapted(latents):
        images = np.asarray(run(latents))
        return images if images.dtype == np.uint8 else images * np.float32(scale) + np.float32(offset)

    adapted.latent_dim = run.latent_dim
    return adapted


def _said_classes(card, run) -> int:
    """How many classes an exported generator draws, by its model card of any form; 0 where it takes no label."""
    labels = card.get("labels") if isinstance(card, dict) else None
    classes = labels.get("classes") if isinstance(labels, dict) else None
    return classes if type(classes) is int and classes > 0 and run.takes_labels else 0
