"""Reads a pickle of PyTorch as plain values and stand-ins for tensors. Nothing that it names is looked up or called.

A pickle is a program for a small machine, and Python's own machine imports and calls whatever the program names, takes
the memory that it claims, and hangs or crashes on some values as keys. This one knows only the operations that tables
of tensors are made of. A name stays a text; the few names that such tables need stand in a list, and any other one is
refused.
"""

import pickletools
from dataclasses import dataclass
from typing import BinaryIO

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.text import size_text
from dcgan_tf.nets.pytorch.number_types import is_shape
from dcgan_tf.nets.words import shown

# A tensor takes about 200 bytes of a pickle. An operation takes one byte, and up to a hundred times that in memory.
MAX_PICKLE_BYTES = 2**22
MAX_ARGUMENTS = 8  # A call with more of them is none that PyTorch writes, and many such calls would take hours.

_TENSORS = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"}
_PARAMETERS = {
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.nn.parameter.Parameter",
}
_DICTS = {"collections.OrderedDict"}
# Checkpoints hold such values beside the tensors; nobody needs them here.
_LEFT_OUT = {
    "torch.Size",
    "torch.device",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "_codecs.encode",
}
# The number types by their codes in `number_types`.
_STORAGES = {
    "torch.DoubleStorage": "F64",
    "torch.FloatStorage": "F32",
    "torch.HalfStorage": "F16",
    "torch.BFloat16Storage": "BF16",
    "torch.LongStorage": "I64",
    "torch.IntStorage": "I32",
    "torch.ShortStorage": "I16",
    "torch.CharStorage": "I8",
    "torch.ByteStorage": "U8",
    "torch.BoolStorage": "BOOL",
}
_NAMES = _TENSORS | _PARAMETERS | _DICTS | _LEFT_OUT | set(_STORAGES)

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_VALUES = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
}  # fmt: skip
_SHORT_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class Storage:
    """Numbers that lie elsewhere in the file under a key. code: their type. size: how many the pickle claims."""

    key: str
    code: str
    size: int


@dataclass(frozen=True)
class Tensor:
    """Which numbers of a storage a tensor is made of. All counts are of numbers, and none is negative."""

    storage: Storage
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Name:
    text: str


class PickleReader:
    """Reads pickles, and remembers the storages that they refer to, by key."""

    def __init__(self):
        self.storages: dict[str, Storage] = {}

    def load(self, file: BinaryIO):
        """The value of the pickle that starts here: dicts with texts as keys, lists, tuples, `Tensor` and plain values.

        Raises:
            UserError: it is longer than MAX_PICKLE_BYTES, or names anything that a table of tensors does not need.
            Exception: of nearly any kind, if it is damaged.
        """
        self._stack, self._outer, self._memo = [], [], {}
        start = file.tell()
        for operation, argument, position in pickletools.genops(file):
            if position - start > MAX_PICKLE_BYTES:
                raise UserError(
                    f"has a table of tensors of over {size_text(MAX_PICKLE_BYTES)}: "
                    "save the state dict of one net, torch.save(model.state_dict(), path)"
                )
            if operation.name == "STOP":
                return self._stack.pop()
            self._do(operation.name, argument)

    def _do(self, operation: str, argument) -> None:
        """Carries out one operation of a pickle; see the module pickletools for what each does to the stack."""
        stack = self._stack
        if operation in _CONSTANTS:
            stack.append(_CONSTANTS[operation])
        elif operation in _VALUES:
            stack.append(argument)
        elif operation in _SHORT_TUPLES:
            stack[-_SHORT_TUPLES[operation] :] = [tuple(stack[-_SHORT_TUPLES[operation] :])]
        elif operation in _CONTAINERS:
            _CONTAINERS[operation](self)
        elif operation in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif operation == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif operation in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif operation == "GLOBAL":
            stack.append(_known(argument.replace(" ", ".", 1)))
        elif operation == "STACK_GLOBAL":
            name, module = stack.pop(), stack.pop()
            if not (type(module) is type(name) is str):
                raise ValueError("it has a name that is no text")
            stack.append(_known(f"{module}.{name}"))
        elif operation == "REDUCE":
            arguments, name = stack.pop(), stack.pop()
            stack.append(_made(name, arguments))
        elif operation == "BUILD":
            stack.pop()  # The attributes of an object: `_metadata` of a state dict, which holds versions of layers.
        elif operation == "BINPERSID":
            stack.append(self._storage(*stack.pop()))
        elif operation not in ("PROTO", "FRAME"):
            raise ValueError(f"it uses the operation {operation}, which no table of tensors needs")

    def _mark(self) -> None:
        self._outer.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list:
        """Takes all values since the last mark off the stack."""
        values, self._stack = self._stack, self._outer.pop()
        return values

    def _push(self, value) -> None:
        self._stack.append(value)

    def _append(self, values) -> None:
        if type(self._stack[-1]) is not list:
            raise ValueError("it appends to something that is no list")
        self._stack[-1].extend(values)

    def _set(self, values) -> None:
        if type(self._stack[-1]) is not dict:
            raise ValueError("it sets a value in something that is no dict")
        self._stack[-1].update(_pairs(zip(values[::2], values[1::2], strict=True)))

    def _set_one(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set([key, value])

    def _storage(self, kind, name, key, device, size, view=None) -> Storage:
        """What a persistent id refers to. device: where the tensor was, which does not matter here."""
        is_whole = kind == "storage" and view is None and isinstance(key, str) and _is_count(size)
        if not is_whole or not isinstance(name, _Name) or name.text not in _STORAGES:
            raise ValueError("it refers to something that is no whole storage of numbers")
        storage = Storage(key, _STORAGES[name.text], size)
        if self.storages.setdefault(key, storage) != storage:
            raise ValueError("it refers to one storage as two kinds of numbers")
        return storage


_CONTAINERS = {
    "MARK": PickleReader._mark,
    "EMPTY_LIST": lambda reader: reader._push([]),
    "EMPTY_DICT": lambda reader: reader._push({}),
    "TUPLE": lambda reader: reader._push(tuple(reader._since_mark())),
    "LIST": lambda reader: reader._push(reader._since_mark()),
    "APPEND": lambda reader: reader._append([reader._stack.pop()]),
    "APPENDS": lambda reader: reader._append(reader._since_mark()),
    "SETITEM": PickleReader._set_one,
    "SETITEMS": lambda reader: reader._set(reader._since_mark()),
}


def _known(name: str) -> _Name:
    """A name that tables of tensors need.

    Raises:
        UserError: it is none.
    """
    if name not in _NAMES:
        raise UserError(
            f"names {shown(name)}, which no table of tensors needs, and no code of a file is run; if a whole net was "
            "saved (torch.save(model)), load it in PyTorch and save torch.save(model.state_dict(), path)"
        )
    return _Name(name)


def _made(name, arguments):
    """What the call of a known name would give, or None where nobody needs that."""
    if not isinstance(name, _Name) or type(arguments) is not tuple or len(arguments) > MAX_ARGUMENTS:
        raise ValueError("it calls something that is no function")
    if name.text in _TENSORS:
        return _tensor(*arguments)
    if name.text in _PARAMETERS:
        if not isinstance(arguments[0], Tensor):
            raise ValueError("it has a parameter that is no tensor")
        return arguments[0]
    if name.text in _DICTS:
        return _ordered(*arguments)
    if name.text in _LEFT_OUT:
        return None
    raise ValueError(f"it calls {name.text}, which is no function")


def _tensor(storage, start, shape, strides, *_) -> Tensor:
    """The further arguments matter for gradients only."""
    if not isinstance(storage, Storage) or type(shape) is not tuple or type(strides) is not tuple:
        raise ValueError("it has a tensor without a storage, a shape and strides")
    if not is_shape(shape) or len(strides) != len(shape) or not all(map(_is_count, (start, *strides))):
        raise ValueError("it has a tensor of an impossible shape, start or strides")
    return Tensor(storage, start, shape, strides)


def _ordered(pairs=None) -> dict:
    """pairs: what Python 2 gave an OrderedDict as it was made: a list of lists of two."""
    if pairs is None:
        return {}
    if type(pairs) is not list:
        raise ValueError("it makes a dict of something that is no list")
    made = _pairs(pairs)
    pairs.clear()  # Else a short pickle could make many dicts of one long list.
    return made


def _pairs(pairs) -> dict:
    """A dict with texts as keys, which are quick to compare; optimizers have numbers as keys."""
    made = {}
    for key, value in pairs:
        if type(key) not in (str, int):
            raise ValueError("it has a key that is neither a text nor a number")
        made[str(key)] = value
    return made


def _is_count(value) -> bool:
    return type(value) is int and value >= 0
