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
}
JUMBLED = "jumbled"  # The KID of real images whose parts are jumbled, beside that of real images: only words need it.
_SHORT_ORDER = ("swd", "diversity", "copies", "fid", "kid", "precision-recall")


def column(key: Key) -> Column:
    """Of the levels of SWD, and of what another version of this program measured, too."""
    name, number = key
    unit = COLUMNS["swd", "mean"].unit if name == "swd" else name
    return COLUMNS.get(key, Column(f"{name.upper()} {number}", "{:.2f}", unit))


def keys_of(name: str, numbers: dict) -> list[Key]:
    """The numbers of a measure that are shown. With one level alone, only the mean is, as the two are equal."""
    return [(name, key) for key in (["mean"] if len(numbers) == 2 and "mean" in numbers else numbers) if key != JUMBLED]


def short(keys: list[Key]) -> list[Key]:
    """Those of the short table, in its order."""
    chosen = [key for key in keys if column(key).is_short]
    return sorted(chosen, key=lambda key: _SHORT_ORDER.index(key[0]))
