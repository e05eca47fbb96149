"""What --help prints: the flags of a command in groups, with what they do, their defaults and examples."""

import textwrap
from collections.abc import Sequence
from dataclasses import MISSING
from typing import get_args, get_origin

from dcgan_tf.config.declared import ANY_COUNT, Flag, choices_of, flags_of, kinds_of
from dcgan_tf.config.flags import (
    MOST_USED,
    OF_DATA,
    OF_MEASURING,
    OF_NET,
    OF_PICTURES,
    OF_SAVING,
    OF_TRAINING,
    Group,
)
from dcgan_tf.config.parser import negated

MAX_COLUMNS = 100  # Longer lines are hard to read.
MAX_CHOICES_SHOWN = 36  # Choices of more characters stand in the text, not beside the flag.
GROUPS = (MOST_USED, OF_DATA, OF_NET, OF_TRAINING, OF_PICTURES, OF_SAVING, OF_MEASURING, Group(""))


def help_text(program: str, about: str, kind: type, examples: Sequence[tuple[str, str]], columns: int) -> str:
    """The help of one command.

    program: what is typed before the flags, such as "dcgan-tf train". about: what the command does.
    examples: (what it does, words after the program). columns: how wide the terminal is.
    """
    columns = min(columns, MAX_COLUMNS)
    flags = flags_of(kind)
    parts = [usage(program, flags, columns), wrapped(about, columns)]
    bare = [declared for declared in flags if not declared.has_flag]
    if bare:
        parts.append(_section("needed", bare, columns))
    needed = [declared for declared in flags if declared.has_flag and declared.default is MISSING]
    for group in GROUPS:
        own = [declared for declared in flags if declared.has_flag and declared.group == group.title]
        own = [declared for declared in own if declared in needed] + [
            declared for declared in own if declared not in needed
        ]
        if own:
            parts.append(_section(group.title or "flags", own, columns))
    if examples:
        parts.append("examples:\n" + "\n".join(_example(program, *example, columns) for example in examples))
    return "\n\n".join(parts)


def usage(program: str, flags: Sequence[Flag], columns: int) -> str:
    words = []
    for declared in flags:
        if declared.positional:
            name = declared.positional.name
            words.append(name if declared.default is MISSING else f"[{name}]")
        elif declared.default is MISSING:
            words.append(f"{declared.name} {_value_shown(declared)}")
    return wrapped(" ".join(["usage:", program, *words, "[flags]"]), columns, "", "    ")


def wrapped(text: str, columns: int, indent: str = "", further: str | None = None) -> str:
    """Lines of at most so many columns; no word is broken. further: the indent of all lines but the first."""
    return textwrap.fill(
        text,
        columns,
        initial_indent=indent,
        subsequent_indent=indent if further is None else further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _section(title: str, flags: Sequence[Flag], columns: int) -> str:
    lines = [f"{title}:"]
    for declared in flags:
        text = described(declared)
        lines += [
            wrapped(_title(declared), columns, "  ", "      "),
            *([wrapped(text, columns, "      ")] if text else []),
        ]
    return "\n".join(lines)


def _title(declared: Flag) -> str:
    if not declared.has_flag:
        return declared.positional.name
    if declared.hint is bool:
        return f"{declared.name}, {negated(declared)}"
    return f"{declared.name} {_value_shown(declared)}"


def _value_shown(declared: Flag) -> str:
    """What stands for the value: "N", "auto|never|must", "HEIGHT WIDTH"."""
    if declared.shown or declared.positional:
        return declared.shown or declared.positional.name
    kinds = kinds_of(declared.hint)
    if get_origin(kinds[0]) is tuple:
        kinds = kinds_of(get_args(kinds[0])[0])
    if _lists_choices(declared):
        names = ["NAME"]
    else:
        names = [word for kind in kinds for word in (choices_of(kind) or (_PLAIN[kind],))]
    return "|".join(names) + (" ..." if declared.count == ANY_COUNT else "")


_PLAIN = {int: "N", float: "NUMBER", str: "TEXT"}


def _lists_choices(declared: Flag) -> bool:
    return len("|".join(choices_of(declared.hint))) > MAX_CHOICES_SHOWN


def described(declared: Flag) -> str:
    """What a flag does, what it takes where that is not beside it, and its default."""
    text, says_default, default = declared.text.partition("Default: ")
    parts = [text.strip()]
    if _lists_choices(declared):
        parts.append(f"NAME is one of {', '.join(choices_of(declared.hint))}.")
    if says_default:
        parts.append(says_default + default)
    elif declared.default not in (MISSING, None):
        parts.append(f"Default: {_shown_default(declared.default)}.")
    return " ".join(filter(None, parts))


def _shown_default(value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _example(program: str, what: str, words: str, columns: int) -> str:
    return f"{wrapped(what, columns, '  ')}\n{wrapped(f'{program} {words}'.strip(), columns, '    ', '        ')}"
