"""Plain values from JSON made into dataclasses, each checked against the type and the range that its field declares."""

import contextlib
import functools
import sys
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from dcgan_tf.config.ranges import Range

MAX_WHOLE_NUMBER = 2**63 - 1  # TensorFlow counts in int64.


def typed(hint, value, place: str):
    """The value as `hint` wants it: JSON's lists become tuples, its objects dataclasses. Unknown names are passed over.

    place: where the value stands, for the message, such as "preset.latent_dim".

    Raises:
        ValueError: naming the place, the value and what would be right.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        return _dataclass(hint, value, place)
    if origin is Annotated:
        return _in_range(typed(arguments[0], value, place), arguments[1:], place)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _any_of([kind for kind in arguments if kind is not type(None)], value, place)
    if origin is tuple:
        return _tuple(arguments, value, place)
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(place, value, "an object of texts")
        return {name: typed(arguments[1], item, f"{place}.{name}") for name, item in value.items()}
    if origin is Literal:
        if type(value) is not str or value not in arguments:
            raise _wrong(place, value, f"one of {', '.join(arguments)}")
        return value
    words, holds = _PLAIN[hint]
    if not holds(value):
        raise _wrong(place, value, words)
    return value


_PLAIN = {
    bool: ("true or false", lambda value: type(value) is bool),
    int: ("a whole number of at least 0", lambda value: type(value) is int and 0 <= value <= MAX_WHOLE_NUMBER),
    float: (
        "a number",
        lambda value: type(value) in (int, float) and -sys.float_info.max <= value <= sys.float_info.max,
    ),
    str: ("a text", lambda value: type(value) is str and "\0" not in value),
}


@functools.cache
def _hints(kind: type) -> dict:
    return get_type_hints(kind, include_extras=True)


def _dataclass(kind: type, value, place: str):
    if not isinstance(value, dict):
        raise _wrong(place, value, f"an object with {fields(kind)[0].name} and more")
    missing = [declared.name for declared in fields(kind) if declared.name not in value and not _has_default(declared)]
    if missing:
        raise ValueError(f"{place} without {missing[0]}")
    hints = _hints(kind)
    given = {}
    for declared in fields(kind):
        if declared.name in value:
            name = f"{place}.{declared.name}"
            given[declared.name] = typed(hints[declared.name], value[declared.name], name)
            _in_range(given[declared.name], (declared.metadata.get("range"),), name)
    return kind(**given)


def _has_default(declared: Field) -> bool:
    return declared.default is not MISSING or declared.default_factory is not MISSING


def _any_of(kinds: list, value, place: str):
    *first, last = kinds
    for kind in first:
        with contextlib.suppress(ValueError):
            return typed(kind, value, place)
    return typed(last, value, place)


def _tuple(arguments: tuple, value, place: str) -> tuple:
    endless = arguments[-1] is Ellipsis
    if not isinstance(value, list) or not (endless or len(value) == len(arguments)):
        raise _wrong(place, value, "a list" if endless else f"a list of {len(arguments)}")
    kinds = arguments[:1] * len(value) if endless else arguments
    return tuple(typed(kind, item, f"{place}[{at}]") for at, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _in_range(value, ranges: tuple, place: str):
    for allowed in ranges:
        if isinstance(allowed, Range) and value is not None and not allowed.holds(value):
            raise _wrong(place, value, allowed.words)
    return value


def _wrong(place: str, value, words: str) -> ValueError:
    shown = repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:40]}..."
    return ValueError(f"{place} is {shown}, must be {words}")
