"""Words of a command line made into a command's dataclass. Every mistake is one line that says what would be right.

Not argparse: built upon it, this and helptext.py were only a ninth shorter. What is long here is not in it: values of
several types and what is said of wrong ones, the flag that was meant, all that is missing in one line. And much of it
has to be got round. It tells of a missing RUN before a mistyped flag, gives RUN to --seeds in "--seeds 1 2 RUN", takes
"-inf" for a flag and the quoted word "--epochs 3" for DATA, refuses "--value-range=-1 1", and breaks words of its help
at hyphens. What it takes for a number and how it lays out help can be changed through private names only.
"""

import difflib
from collections.abc import Sequence
from dataclasses import MISSING
from typing import Literal, get_args, get_origin

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import nearest
from dcgan_tf.config.declared import ANY_COUNT, Flag, allows_none, choices_of, flags_of, kinds_of
from dcgan_tf.config.meant import ANSWERS, MEANT

MAX_DIGITS = 12  # So many epochs of so many steps can still be counted in 64 bits.
MAX_SHOWN_CHARACTERS = 80  # of a wrong value in a message


def parse(kind: type, arguments: Sequence[str]):
    """The dataclass of a command from the words after the command's name.

    Flags are "--batch-size 8", "--batch-size=8" or "--batch_size 8"; "--" ends them. Of a flag given twice, the last
    counts. Values are checked for their types, not for their ranges.

    Raises:
        UserError: naming the word, and what would be right.
    """
    flags = flags_of(kind)
    given = _split(flags, list(arguments))
    values = {declared.path: _value(declared, words) for declared, words in given.items()}
    missing = [declared for declared in flags if declared.default is MISSING and declared not in given]
    if missing:
        names = " and ".join(declared.called for declared in missing)
        verb = "is" if len(missing) == 1 else "are"
        raise UserError(f"{names} {verb} missing: give {' '.join(map(_needed, missing))} (--help says more)")
    return _built(kind, values, ())


def _built(kind: type, values: dict, within: tuple[str, ...]):
    """The dataclass with the values whose paths begin with `within`; the rest has its default."""
    own = {path[-1]: value for path, value in values.items() if path[:-1] == within}
    inner = {path[len(within)] for path in values if len(path) == len(within) + 2 and path[: len(within)] == within}
    for name in inner:
        own[name] = _built(type(getattr(kind, name)), values, (*within, name))
    return kind(**own)


# ---- which words belong to which flag


def _split(flags: Sequence[Flag], words: list[str]) -> dict[Flag, list[str]]:
    """The words that were given for each flag; of a yes or no, "yes" or "no"."""
    by_name = {declared.name: declared for declared in flags if declared.has_flag}
    given, bare, current, only_bare = {}, [], None, False
    for word in words:
        if only_bare:
            bare.append((word, None))
        elif word == "--":
            only_bare = True
        elif _is_flag(word):
            current, values = _opened(word, by_name)
            given[current] = values
        elif current is not None and _takes(current, given[current], word):
            given[current].append(word)
        else:
            bare.append((word, current))
    return given | _placed(bare, given, flags)


def _takes(current: Flag, words: list[str], word: str) -> bool:
    """Whether a flag that has been given these words takes one more."""
    if current.count == ANY_COUNT:
        return True
    if words and current.takes_one_for_both and not _is_number(word):
        return False
    return len(words) < current.count


def _opened(word: str, by_name: dict[str, Flag]) -> tuple[Flag, list[str]]:
    """(the flag that a word names, the values that it holds itself)."""
    typed, has_value, value = word.partition("=")
    name = typed.replace("_", "-")
    if name in by_name and by_name[name].hint is not bool:
        return by_name[name], [value] if has_value else []
    yes = by_name.get(name.replace("--no-", "--", 1))
    if yes is None or yes.hint is not bool:
        raise UserError(_unknown(typed, by_name))
    if has_value:
        raise UserError(f"{printable(word)}: takes no value: give {yes.name} or {negated(yes)}")
    return yes, ["yes" if name == yes.name else "no"]


def negated(declared: Flag) -> str:
    """The flag that says no: --dry-run -> --no-dry-run."""
    return declared.name.replace("--", "--no-", 1)


_YES_OR_NO = ("yes", "no", "true", "false", "on", "off", "0", "1")


def _placed(bare: list[tuple[str, Flag | None]], given: dict, flags: Sequence[Flag]) -> dict[Flag, list[str]]:
    """The words without a flag, each with the flag that it came after, for the positionals in order."""
    waiting = [declared for declared in flags if declared.positional]
    if not bare and any(declared.default is MISSING for declared in waiting):
        bare = _swallowed(given)
    for word, after in bare[len(waiting) :]:
        raise UserError(_one_too_many(printable(word), after, waiting))
    for word, after in bare:
        if after is not None and after.hint is bool and word.lower() in _YES_OR_NO:
            raise UserError(_one_too_many(printable(word), after, waiting))
    placed = {declared: [word] for declared, (word, _) in zip(waiting, bare)}
    for declared, (word,) in placed.items():
        if declared in given:
            also = printable(" ".join(given[declared]))
            raise UserError(f"{printable(word)}: {declared.name} {also} is given as well: give one of them")
    return placed


def _swallowed(given: dict[Flag, list[str]]) -> list[tuple[str, Flag]]:
    """The last word of a flag of any number of values, taken from it, where it can be none: RUN in "--seeds 1 2 RUN"."""
    for declared, words in given.items():
        if declared.count == ANY_COUNT and len(words) > 1 and not _fits(declared, words[-1]):
            return [(words.pop(), declared)]
    return []


def _fits(declared: Flag, word: str) -> bool:
    try:
        _value(declared, [word])
    except UserError:
        return False
    return True


def _is_flag(word: str) -> bool:
    """Whether a word is a flag: "--out" and "-o" are, "-1e3", "-inf" and "-" are not."""
    return word.startswith("-") and word != "-" and not _is_number(word)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _unknown(typed: str, by_name: dict[str, Flag]) -> str:
    """The answer to a flag that the command has not."""
    name = typed.lstrip("-").lower().replace("_", "-")
    shown = printable(typed)
    if name in ANSWERS:
        return f"{shown}: is no flag of this command: {ANSWERS[name]}"
    meant = [f"--{other}" for other in MEANT.get(name, ()) if f"--{other}" in by_name]
    near = meant[0] if meant else nearest(f"--{name}", by_name)
    if near:
        return f"{shown}: is no flag of this command: did you mean {near}?"
    return f"{shown}: is no flag of this command: --help lists them"


def _one_too_many(word: str, after: Flag | None, waiting: list[Flag]) -> str:
    if after is not None and after.hint is bool:
        return f"{after.name} {word}: takes no value: leave {word} out, or give {negated(after)}"
    if after is not None:
        return f"{word}: {after.name} takes {after.count if after.count > 1 else 'one'} before it: leave {word} out"
    names = " and ".join(declared.positional.name for declared in waiting)
    more = f"is one word more than {names}" if names else "belongs to no flag"
    return f"{word}: {more}: leave it out, or put a name with spaces in quotes"


def _needed(declared: Flag) -> str:
    return f"{declared.name} {declared.shown or 'VALUE'}" if declared.has_flag else declared.called


# ---- words made into values


def _value(declared: Flag, words: list[str]):
    if declared.hint is bool:
        return words == ["yes"]
    if words == ["None"] and allows_none(declared.hint):
        return None
    kind = next((kind for kind in kinds_of(declared.hint) if get_origin(kind) is tuple), None)
    if kind is None:
        if not words:
            raise UserError(f"{declared.called}: needs a value: {words_of(declared.hint)}")
        return _single(declared, declared.hint, words[0], words)
    inner = get_args(kind)[0]
    values = words * declared.count if declared.takes_one_for_both and len(words) == 1 else words
    if declared.count != ANY_COUNT and len(values) != declared.count:
        given = f"{declared.called} {printable(' '.join(words))}".strip()
        count = f"one value or {declared.count}" if declared.takes_one_for_both else f"{declared.count} values"
        shown = f", {declared.shown}" if declared.shown else ""
        raise UserError(f"{given}: needs {count}{shown}, each {words_of(inner)}")
    return tuple(_single(declared, inner, word, words) for word in values)


def _single(declared: Flag, hint, word: str, words: list[str]):
    """One word as the first of the types that takes it."""
    for kind in kinds_of(hint):
        if get_origin(kind) is Literal:
            if word in get_args(kind):
                return word
        else:
            try:
                value = kind(word)
            except ValueError:
                continue
            if kind is int and abs(value) >= 10**MAX_DIGITS:
                raise UserError(f"{declared.called} {_shown(words)}: must be a number of at most {MAX_DIGITS} digits")
            return value
    near = difflib.get_close_matches(word.lower(), choices_of(hint), n=1)
    suggestion = f"; did you mean {near[0]}?" if near else ""
    which = f"{printable(word)} " if len(words) > 1 else ""
    raise UserError(f"{declared.called} {_shown(words)}: {which}must be {words_of(hint)}{suggestion}")


def _shown(words: list[str]) -> str:
    text = printable(" ".join(words)) or '""'
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}..."


def words_of(hint) -> str:
    """What a value of a type is: "a whole number, best or newest"."""
    parts = []
    for kind in kinds_of(hint):
        parts += get_args(kind) if get_origin(kind) is Literal else [_PLAIN[kind]]
    if len(parts) > 2 and all(get_origin(kind) is Literal for kind in kinds_of(hint)):
        return f"one of {', '.join(parts)}"
    return " or ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


_PLAIN = {int: "a whole number", float: "a number", str: "a text"}
