"""The numbers of the measures as people see them: their heads, units and digits."""

from typing import NamedTuple

SHARE, LEVELS = "share, 0 to 1", "levels, 0 to 255"
Key = tuple[str, str]  # (measure, key) in evaluation.json


class Column(NamedTuple):
    """head: of the column in the table. form: of its cells. unit: for axes and files. is_short: whether the short table has
    it."""

    head: str
    form: str
    unit: str
    is_short: bool = False


COLUMNS = {
    ("swd", "mean"): Column("SWD", "{:.2f}", "SWD, x 1000", is_short=True),
    ("tones", "distance"): Column("tones", "{:.2f}", LEVELS),
    ("tones", "clipped"): Column("clipped", "{:.1%}", SHARE),
    ("msssim", "mean"): Column("MS-SSIM", "{:.4f}", "MS-SSIM, 0 to 1"),
    ("fid", "fid"): Column("FID", "{:.2f}", "FID", is_short=True),
    ("kid", "kid"): Column("KID", "{:.4f}", "KID", is_short=True),
    ("kid", "standard_error"): Column("+/-", "{:.4f}", "KID", is_short=True),
    ("precision-recall", "precision"): Column("precision", "{:.3f}", SHARE, is_short=True),
    ("precision-recall", "recall"): Column("recall", "{:.3f}", SHARE, is_short=True),
    ("copies", "share_nearer"): Column("nearer", "{:.1%}", SHARE),
    ("copies", "share_copied"): Column("copied", "{:.1%}", SHARE, is_short=True),
    ("copies", "share_nearer_in_features"): Column("f-nearer", "{:.1%}", SHARE),
    ("copies", "share_copied_in_features"): Column("f-copied", "{:.1%}", SHARE),
    ("diversity", "distance"): Column("diversity", "{:.2f}", LEVELS, is_short=True),
    ("modes", "covered"): Column("modes", "{:.1%}", SHARE),
    ("modes", "divergence"): Column("KL", "{:.3f}", "KL, nats"),
    ("per-class", "swd"): Column("SWD", "{:.2f}", "SWD, x 1000"),
    ("per-class", "kid"): Column("KID", "{:.4f}", "KID"),
    ("per-class", "standard_error"): Column("+/-", "{:.4f}", "KID"),
    ("class-accuracy", "accuracy"): Column("accuracy", "{:.1%}", SHARE),
    ("class-accuracy", "held_out"): Column("held-out", "{:.1%}", SHARE),
    ("class-accuracy", "cas"): Column("CAS", "{:.1%}", SHARE),
}
JUMBLED = "jumbled"  # The KID of real images whose parts are jumbled, beside that of real images: only words need it.
WITHIN = "within"  # in the protocol of diversity where it is that of the images of each class
_SHORT_ORDER = ("swd", "diversity", "copies", "fid", "kid", "precision-recall")


def of_class(number: str, class_name: str) -> str:
    """The key in evaluation.json of a number of one class. No other key holds a space."""
    return f"{number} {class_name}"


def class_of(key: str) -> tuple[str, str | None]:
    """(the number, the class that it is of): "swd old cat" -> ("swd", "old cat"). Of no class: ("swd", None)."""
    number, space, name = key.partition(" ")
    return number, name if space else None


def column(key: Key) -> Column:
    """Of the levels of SWD, of the numbers of a class, and of what another version of this program measured, too."""
    name, (number, class_name) = key[0], class_of(key[1])
    unit = COLUMNS["swd", "mean"].unit if name == "swd" else name
    of_all = COLUMNS.get((name, number), Column(f"{name.upper()} {number}", "{:.2f}", unit))
    return of_all if class_name is None else of_all._replace(head=of_class(of_all.head, class_name))


def images_of(key: Key, protocol: dict) -> int | None:
    """How many generated images a number is of; None where that is not known: how many of those drawn are of one class.

    protocol: of its measure.
    """
    number, class_name = class_of(key[1])
    if class_name is None:
        return protocol.get("trained_on" if number == "cas" else "images")
    images = protocol.get(of_class("images", class_name))
    is_kid = column(key).unit == COLUMNS["kid", "kid"].unit
    return min(images, protocol["kid_images"]) if is_kid and images is not None else images


def keys_of(name: str, numbers: dict) -> list[Key]:
    """The numbers of a measure that are shown, but for those of single classes. With one level alone, only the mean is, as
    the two are equal."""
    shown = ["mean"] if len(numbers) == 2 and "mean" in numbers else numbers
    return [(name, key) for key in shown if key != JUMBLED and class_of(key)[1] is None]


def short(keys: list[Key]) -> list[Key]:
    """Those of the short table, in its order."""
    chosen = [key for key in keys if column(key).is_short]
    return sorted(chosen, key=lambda key: _SHORT_ORDER.index(key[0]))
