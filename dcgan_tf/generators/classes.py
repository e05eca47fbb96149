"""Classes by their names or numbers: which ones are asked for, how they are told, and what their files are called."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import first_of, nearest_name
from dcgan_tf.config.flags import ALL_CLASSES

MOST_TOLD = 10  # So many classes are named in a line; dots stand for the rest.
MOST_FILE_CHARACTERS = 40  # of a class's name in that of a file: a system takes 255 bytes in all, up to 4 for each.


def said_names(said, classes: int) -> tuple[str, ...]:
    """The names of the classes 0, 1, ..., printable; () where what is said is no list with a name for each.

    said: by a run or a model card, of any form. classes: how many the net draws.
    """
    is_list = isinstance(said, list | tuple) and len(said) == classes
    return tuple(map(printable, said)) if is_list and all(isinstance(name, str) and name for name in said) else ()


def chosen_labels(name: str, classes: int, names: Sequence[str], asked: tuple[str, ...]) -> tuple[int, ...]:
    """The numbers of the classes to draw, in turn.

    name: of the generator. classes: how many it draws, 0 where it takes no label. names: theirs, or (). asked: names or
    numbers, or "all"; () for all, which is said. What is a name is not taken for a number, nor for "all".

    Raises:
        UserError: the net takes no label, or has no such class.
    """
    if not classes:
        if asked:
            given = printable(" ".join(asked))
            raise UserError(f"--labels {given}: {printable(name)} draws no classes: leave --labels out")
        return ()
    if not asked:
        which = f"{classes} classes, " + (first_of(names, MOST_TOLD) if names else f"0 to {classes - 1}")
        last = class_text(classes - 1, names)
        note(f"{printable(name)} draws {which}, which take turns: --labels {_quoted(last)} draws one alone")
    if not asked or asks_for_all(asked, names):
        return tuple(range(classes))
    return tuple(_number(printable(name), classes, names, one, asked) for one in asked)


def asks_for_all(asked: tuple[str, ...], names: Sequence[str]) -> bool:
    """Whether all classes are asked for by that word; a class may be called so, and is then the one that is meant."""
    return asked == (ALL_CLASSES,) and ALL_CLASSES not in names


def _number(shown: str, classes: int, names: Sequence[str], one: str, asked: tuple[str, ...]) -> int:
    """The number of the class that a person calls `one`. shown: the generator's name."""
    if one in names:
        return names.index(one)
    if one == ALL_CLASSES:
        raise UserError(f"--labels {printable(' '.join(asked))}: give all by itself, or the classes that you want")
    if re.fullmatch("[+-]?[0-9]+", one):
        # Numbers beyond nine digits are no classes, and Python refuses to read very long ones.
        if len(one) < 10 and 0 <= int(one) < classes:
            return int(one)
        numbers = f"numbers from 0 to {classes - 1}"
        raise UserError(
            f"--labels {printable(one)}: {shown} draws {classes} classes: give {numbers}" + (", or names" * bool(names))
        )
    if not names:
        raise UserError(
            f"--labels {printable(one)}: {shown} draws {classes} classes without names: give numbers from 0 to "
            f"{classes - 1}, or all"
        )
    near = nearest_name(one, names)
    meant = f"did you mean {near}? It draws" if near else "give one of"
    raise UserError(
        f"--labels {printable(one)}: {shown} draws no class of that name: {meant} {first_of(names, MOST_TOLD)}"
    )


def class_text(label: int, names: Sequence[str]) -> str:
    """The name of a class, or its number where the classes have no names."""
    return names[label] if names else str(label)


def classes_text(labels: Iterable[int], names: Sequence[str]) -> str:
    """ "class cat"; "classes cat, dog"; of many the first alone."""
    shown = [class_text(label, names) for label in labels]
    return f"class {shown[0]}" if len(shown) == 1 else f"classes {first_of(shown, MOST_TOLD)}"


def in_turn(labels: Sequence[int], names: Sequence[str]) -> str:
    """ "class cat"; "classes cat, dog in turn"."""
    return classes_text(labels, names) + (" in turn" if len(labels) > 1 else "")


def file_words(classes: int, names: Sequence[str]) -> list[str]:
    """What stands for each class in the name of a file, different for all of them: "cat", or "class3" without names.

    All but letters, digits, "-" and "." becomes "_". Files whose names differ in capitals alone are one file on some
    systems, so that such classes get their number behind the name, as do names that end like those of sheets of many
    pictures, "0001-0100".
    """
    by_number = [f"class{label}" for label in range(classes)]
    if not names:
        return by_number
    words = list(map(_safe, names))
    alike = Counter(word.casefold() for word in words)
    are_clear = [alike[word.casefold()] == 1 and not re.search("(^|_)[0-9]+-[0-9]+$", word) for word in words]
    words = [
        word if is_clear else f"{word}_{number}"
        for word, is_clear, number in zip(words, are_clear, by_number, strict=True)
    ]
    # A class may be called what another becomes with its number.
    return words if len({word.casefold() for word in words}) == classes else by_number


def _safe(name: str) -> str:
    name = unicodedata.normalize("NFC", name)[:MOST_FILE_CHARACTERS]
    return "".join(letter if letter in "-." or unicodedata.category(letter)[0] in "LMN" else "_" for letter in name)


def _quoted(word: str) -> str:
    """A word as a shell takes it for one."""
    return word if re.fullmatch(r"[\w.+-]+", word) else f'"{word}"'
