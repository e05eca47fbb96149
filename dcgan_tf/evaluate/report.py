"""What an evaluation says to people: a table, and a sentence in plain words."""

from dcgan_tf.common import text
from dcgan_tf.common.errors import printable
from dcgan_tf.config.commands import IMAGENET
from dcgan_tf.evaluate.columns import JUMBLED, WITHIN, Key, column, keys_of, short
from dcgan_tf.evaluate.results import Result
from dcgan_tf.metrics.words import SWD_OF_REALS, how_far, how_far_in_features
from dcgan_tf.runs.best import is_better

COLLAPSED, NARROW = 0.1, 0.7  # Below these shares of the diversity of real images, the words change.
MANY_COPIES = 0.05  # By chance, 1% of the samples count as copies.


def table(result: Result, names: list[str], epochs: list[str], *, is_short: bool = False) -> str:
    """A row for each of `epochs` and a last one for real images, a column for each number of the measures `names`.

    A star marks the best of several epochs. Over several seeds, a cell is the mean +/- the standard deviation.
    """
    keys = [key for name in names for key in keys_of(name, result.measures[name].real)]
    keys = (short(keys) if is_short else []) or keys
    best = best_of(result, epochs)
    rows = [["epoch", *(printable(column(key).head) for key in keys)]]
    for epoch in epochs:
        rows.append([("* " if epoch == best else "") + printable(epoch), *(_cell(result, epoch, key) for key in keys)])
    rows.append(["real", *(_text(result.measures[name].real, (name, number)) for name, number in keys)])
    return text.table(rows, align=">" * len(rows[0]))


def best_of(result: Result, epochs: list[str]) -> str | None:
    """Of several epochs, the best, as training tells it (`dcgan_tf.runs.best`); None where none was measured so."""
    if len(epochs) < 2:
        return None
    best, scores = None, {}
    for epoch, found in zip(epochs, _scores(result, epochs)):
        if found and is_better(found, scores):
            best, scores = epoch, found
    return best


def _scores(result: Result, epochs: list[str]) -> list[dict[str, float]]:
    """What tells the best epoch, by the names in best.json: of each epoch, the scores that all have."""
    of_all = {name: [score(result, epoch) for epoch in epochs] for name, score in (("swd", swd_of), ("kid", kid_of))}
    known = {name: scores for name, scores in of_all.items() if None not in scores}
    constant = {}
    if "swd" in known and (floor := _number(result, "swd", "mean")):
        constant = {SWD_OF_REALS: floor, "images": result.measures["swd"].protocol["images"]}
    return [{name: scores[place] for name, scores in known.items()} | constant for place in range(len(epochs))]


def kid_of(result: Result, epoch: str) -> float | None:
    """In the features of ImageNet: another net may be blind to what a picture shows."""
    return _number(result, "kid", "kid", epoch) if result.features == IMAGENET else None


def swd_of(result: Result, epoch: str) -> float | None:
    return _number(result, "swd", "mean", epoch)


def summary(result: Result, epoch: str) -> str:
    """What the numbers of a generator mean, in words; "" where nothing was measured that has words.

    SWD does not see whether a picture shows anything, so its words do not claim that.
    """
    parts = (
        _nearness(result, epoch), _likeness(result, epoch), _variety(result, epoch), _novelty(result, epoch),
        _obedience(result, epoch),
    )  # fmt: skip
    said = [words for words in parts if words]
    if not said:
        return ""
    named = f"epoch {epoch}" if epoch.isdigit() else printable(epoch)
    limits = "" if kid_of(result, epoch) is not None else ": SWD sees colours and textures only"
    return f"{named}: {'; '.join(said)}. Look at the pictures{limits}."


def _nearness(result: Result, epoch: str) -> str:
    """As a net sees it that knows pictures; without it, as SWD does."""
    jumbled = _number(result, "kid", JUMBLED)
    if (kid := kid_of(result, epoch)) is not None and jumbled and jumbled > 0:
        return (
            f"{how_far_in_features(kid, jumbled)} (KID {kid:.3f}, real images {_number(result, 'kid', 'kid'):.3f}, real "
            f"images with their parts jumbled {jumbled:.3f})"
        )
    swd, floor = swd_of(result, epoch), _number(result, "swd", "mean")
    if swd is None or not floor or floor <= 0:
        return ""
    images = result.measures["swd"].protocol["images"]
    return f"{how_far(swd, floor, images)} (SWD {swd:.1f}, real images {floor:.1f})"


def _likeness(result: Result, epoch: str) -> str:
    """Recall in the features of ImageNet, in words. Precision has none: pictures of one flat colour have the highest."""
    if result.features != IMAGENET or (recall := _number(result, "precision-recall", "recall", epoch)) is None:
        return ""
    real = _number(result, "precision-recall", "recall")
    return f"{recall:.0%} of the real images have their like among the pictures ({real:.0%} have among other real ones)"


def _variety(result: Result, epoch: str) -> str:
    distance, real = _number(result, "diversity", "distance", epoch), _number(result, "diversity", "distance")
    if distance is None or not real or real <= 0:
        return ""
    share = distance / real
    if share < COLLAPSED:
        return f"nearly all pictures are the same (diversity {share:.0%} of that of real images)"
    within = " within classes" if WITHIN in result.measures["diversity"].protocol else ""
    return f"{'little variety, ' if share < NARROW else ''}{share:.0%} of the diversity of real images{within}"


def _novelty(result: Result, epoch: str) -> str:
    if epoch not in (result.measures["copies"].epochs if "copies" in result.measures else ()):
        return ""
    copied = _number(result, "copies", "share_copied", epoch)
    if copied is None:
        return "the pictures are flat, of nearly one colour each: copies cannot be told"
    if copied > MANY_COPIES:
        return f"{copied:.1%} look like copies of a training image (1% by chance): see copies.png"
    return f"no more copies than by chance ({copied:.1%}, 1% by chance)"


def _obedience(result: Result, epoch: str) -> str:
    """How often a picture is of the class that was asked for, as a classifier says."""
    right, real = _number(result, "class-accuracy", "accuracy", epoch), _number(result, "class-accuracy", "accuracy")
    if right is None or real is None:
        return ""
    return (
        f"{right:.1%} of the pictures are taken for the class that was asked for (of real images {real:.1%} for theirs)"
    )


def _number(result: Result, name: str, key: str, epoch: str | None = None) -> float | None:
    """Of a generator, or of real images; None where it was not measured."""
    if name not in result.measures:
        return None
    measured = result.measures[name]
    return (measured.real if epoch is None else measured.epochs.get(epoch, {})).get(key)


def _cell(result: Result, epoch: str, key: Key) -> str:
    name, number = key
    measured = result.measures[name]
    value, deviations = _text(measured.epochs[epoch], key), measured.standard_deviations.get(epoch, {})
    return value if deviations.get(number) is None else f"{value} +/- {_text(deviations, key)}"


def _text(numbers: dict, key: Key) -> str:
    value = numbers.get(key[1])
    return "-" if value is None else column(key).form.format(value)
