"""The flags of a command, as its dataclass declares them: one `Flag` for each field, also of a dataclass within."""

import ast
import functools
import inspect
import itertools
import operator
import textwrap
import types
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from dcgan_tf.config.flags import Group, Help, OneForBoth, Positional, Shown, flag

ANY_COUNT = -1


@dataclass(frozen=True)
class Flag:
    """One flag.

    path      names of fields, from the command's dataclass inwards: ("epochs",), ("switches", "ema")
    hint      its type, without marks
    default   MISSING: it has to be given
    marks     all that stands beside the type: `Range`, `Group` and so on
    owner     the dataclass that declares it
    """

    path: tuple[str, ...]
    hint: object
    default: object
    marks: tuple
    owner: type

    @property
    def name(self) -> str:
        """As it is typed: "--batch-size"."""
        return flag(self.path[-1])

    @property
    def positional(self) -> Positional | None:
        return self._mark(Positional)

    @property
    def has_flag(self) -> bool:
        return self.positional is None or self.positional.is_flag_too

    @property
    def called(self) -> str:
        """What messages call it: "RUN" or "--batch-size"."""
        return self.name if self.has_flag else self.positional.name

    @property
    def group(self) -> str:
        """The heading in --help; "" for none."""
        mark = self._mark(Group)
        return mark.title if mark else ""

    @property
    def shown(self) -> str | None:
        """What stands for the value in --help, where that is declared."""
        mark = self._mark(Shown)
        return mark.text if mark else None

    @property
    def text(self) -> str:
        """What it does, as declared below the field or beside its type."""
        mark = self._mark(Help)
        return texts_of(self.owner)[1].get(self.path[-1]) or (mark.text if mark else "")

    @property
    def count(self) -> int:
        """How many values it takes; ANY_COUNT: none, one or more."""
        return count_of(self.hint)

    @property
    def takes_one_for_both(self) -> bool:
        return self._mark(OneForBoth) is not None

    def _mark(self, kind: type):
        return next((mark for mark in self.marks if isinstance(mark, kind)), None)


def count_of(hint) -> int:
    """How many words on the command line a value of that type takes."""
    if hint is bool:
        return 0
    for kind in kinds_of(hint):
        if get_origin(kind) is tuple:
            arguments = get_args(kind)
            return ANY_COUNT if arguments[-1] is Ellipsis else len(arguments)
    return 1


def kinds_of(hint) -> tuple:
    """The types that a value may have, None left out: those of a union, or the one."""
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(kind for part in get_args(hint) for kind in kinds_of(part) if kind is not type(None))
    return (hint,)


def allows_none(hint) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def choices_of(hint) -> tuple[str, ...]:
    """The words that a flag takes: of a Literal, also within a union or a tuple; () for none."""
    found = []
    for kind in kinds_of(hint):
        if get_origin(kind) is Literal:
            found += get_args(kind)
        elif get_origin(kind) is tuple:
            found += choices_of(get_args(kind)[0])
    return tuple(found)


@functools.cache
def flags_of(kind: type) -> tuple[Flag, ...]:
    """The flags of a command's dataclass, in order."""
    return tuple(_flags_of(kind, ()))


def _flags_of(kind: type, within: tuple[str, ...]):
    hints = get_type_hints(kind, include_extras=True)
    for declared in fields(kind):
        hint, marks = _unwrapped(hints[declared.name])
        path = (*within, declared.name)
        if is_dataclass(hint):
            yield from _flags_of(hint, path)
            continue
        default = declared.default if declared.default_factory is MISSING else declared.default_factory()
        yield Flag(path, hint, default, marks, kind)


def _unwrapped(hint) -> tuple[object, tuple]:
    """(the type, its marks, also those within a union)."""
    if get_origin(hint) is Annotated:
        kind, marks = _unwrapped(hint.__origin__)
        return kind, (*marks, *hint.__metadata__)
    if get_origin(hint) in (Union, types.UnionType):
        kinds, marks = zip(*map(_unwrapped, get_args(hint)))
        return functools.reduce(operator.or_, kinds), tuple(itertools.chain(*marks))
    return hint, ()


@functools.cache
def texts_of(kind: type) -> tuple[str, dict[str, str]]:
    """(what a dataclass is, the text below each field), read from its source: Python keeps no text of a field."""
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # The class was made by a call, and its fields say all beside their types.
        return "", {}
    body = ast.parse(textwrap.dedent(source)).body[0]
    below = {
        declared.target.id: _one_line(after.value.value)
        for declared, after in itertools.pairwise(body.body)
        if isinstance(declared, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }
    return _one_line(ast.get_docstring(body) or ""), below


def _one_line(text: str) -> str:
    return " ".join(text.split())
