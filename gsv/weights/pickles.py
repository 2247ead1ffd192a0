"""Reads the pickled index of a published weight file without running anything that it says.

This is a small stack machine of our own over the instructions that `pickletools` parses. It never imports
a module, never looks an attribute up and never calls a function that the file chose: a name in the file
either stands in the table below, and then means one fixed action of ours, or the file is refused. What comes
out is plain data with `TensorReference` where a tensor stands. It knows nothing of files or networks.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import torch

from gsv.errors import WeightsError
from gsv.weights.references import StorageKind, TensorReference, refused, storage_reference, tensor_reference

LARGEST_PICKLE = 64 * 2**20
MOST_INSTRUCTIONS = 2_000_000


@dataclass
class ParameterBag:
    """Stands for the published hyper-parameter object: a bag of named values."""

    values: dict[str, object] = field(default_factory=dict)


class _Action(Enum):
    """What a permitted name does when the file calls it."""

    TENSOR = "tensor"
    PARAMETER = "parameter"
    DICTIONARY = "dictionary"
    BAG = "bag"


_PERMITTED: dict[tuple[str, str], _Action | StorageKind] = {
    ("torch._utils", "_rebuild_tensor_v2"): _Action.TENSOR,
    ("torch._utils", "_rebuild_parameter"): _Action.PARAMETER,
    ("collections", "OrderedDict"): _Action.DICTIONARY,
    ("utils", "HParams"): _Action.BAG,
    ("torch", "FloatStorage"): StorageKind(torch.float32),
    ("torch", "HalfStorage"): StorageKind(torch.float16),
    ("torch", "BFloat16Storage"): StorageKind(torch.bfloat16),
    ("torch", "DoubleStorage"): StorageKind(torch.float64),
    ("torch", "LongStorage"): StorageKind(torch.int64),
    ("torch", "IntStorage"): StorageKind(torch.int32),
    ("torch", "ShortStorage"): StorageKind(torch.int16),
    ("torch", "CharStorage"): StorageKind(torch.int8),
    ("torch", "ByteStorage"): StorageKind(torch.uint8),
    ("torch", "BoolStorage"): StorageKind(torch.bool),
}


class _Mark:
    """The pickle format's bracket on the stack."""


_MARK = _Mark()


def read_pickle(data: bytes) -> object:
    """What `data` describes: dict, list, tuple, str, bytes, numbers, `ParameterBag`, `TensorReference`.

    Raises WeightsError for anything outside the allow-list, for damaged data, and for absurd sizes.
    """
    if len(data) > LARGEST_PICKLE:
        raise refused(f"its index of {len(data)} bytes is larger than any weight file needs")
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count >= MOST_INSTRUCTIONS:
                raise refused("its index has more instructions than any weight file needs")
            machine.step(opcode.name, argument)
    except (ValueError, OverflowError) as error:
        why = f"its index cannot be parsed ({error})"
        raise WeightsError("the weight file is damaged", why, "Download or copy it again.") from error
    return machine.result()


class _Machine:
    """Stack, memo and the meaning of each permitted instruction."""

    def __init__(self) -> None:
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}
        self._stopped = False

    def step(self, name: str, argument: object) -> None:
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _HANDLERS:
            _HANDLERS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise refused(f"its index uses the instruction {name}, which no weight file needs")

    def result(self) -> object:
        if not self._stopped or len(self._stack) != 1:
            raise refused("its index does not end as one value")
        if isinstance(self._stack[0], _Mark | _Action | StorageKind):
            raise refused("its index holds no value")
        return self._stack[0]

    # the stack
    def _pop(self) -> object:
        if not self._stack:
            raise refused("its index takes a value from an empty stack")
        return self._stack.pop()

    def _top(self) -> object:
        if not self._stack:
            raise refused("its index looks at an empty stack")
        return self._stack[-1]

    def _pop_to_mark(self) -> list[object]:
        taken: list[object] = []
        while True:
            value = self._pop()
            if value is _MARK:
                taken.reverse()
                return taken
            taken.append(value)

    def mark(self, _: object) -> None:
        self._stack.append(_MARK)

    def pop(self, _: object) -> None:
        self._pop()

    def pop_mark(self, _: object) -> None:
        self._pop_to_mark()

    def stop(self, _: object) -> None:
        self._stopped = True

    # the memo
    def put(self, argument: object) -> None:
        if not isinstance(argument, int):
            raise refused("its index stores a value under something that is no number")
        self._memo[argument] = self._top()

    def memoize(self, _: object) -> None:
        self._memo[len(self._memo)] = self._top()

    def get(self, argument: object) -> None:
        if not isinstance(argument, int) or argument not in self._memo:
            raise refused("its index recalls a value that it never stored")
        self._stack.append(self._memo[argument])

    # containers
    def empty_list(self, _: object) -> None:
        self._stack.append([])

    def empty_dict(self, _: object) -> None:
        self._stack.append({})

    def make_list(self, _: object) -> None:
        self._stack.append(self._pop_to_mark())

    def make_tuple(self, _: object) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def make_dict(self, _: object) -> None:
        pairs = self._pop_to_mark()
        filled: dict[object, object] = {}
        _fill(filled, pairs)
        self._stack.append(filled)

    def tuple_one(self, _: object) -> None:
        self._stack.append((self._pop(),))

    def tuple_two(self, _: object) -> None:
        second, first = self._pop(), self._pop()
        self._stack.append((first, second))

    def tuple_three(self, _: object) -> None:
        third, second, first = self._pop(), self._pop(), self._pop()
        self._stack.append((first, second, third))

    def append(self, _: object) -> None:
        self._extend([self._pop()])

    def appends(self, _: object) -> None:
        self._extend(self._pop_to_mark())

    def _extend(self, values: list[object]) -> None:
        target = self._top()
        if not isinstance(target, list):
            raise refused("its index appends to something that is no list")
        target.extend(values)

    def setitem(self, _: object) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def setitems(self, _: object) -> None:
        self._set(self._pop_to_mark())

    def _set(self, pairs: list[object]) -> None:
        target = self._top()
        if not isinstance(target, dict):
            raise refused("its index sets items of something that is no dictionary")
        _fill(target, pairs)

    # names and calls
    def name(self, argument: object) -> None:
        module, _, name = str(argument).partition(" ")
        self._stack.append(_permitted(module, name))

    def name_from_stack(self, _: object) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise refused("its index names something without words")
        self._stack.append(_permitted(module, name))

    def call(self, _: object) -> None:
        arguments, action = self._pop(), self._pop()
        if not isinstance(action, _Action) or not isinstance(arguments, tuple):
            raise refused("its index calls something that cannot be called")
        self._stack.append(_perform(action, arguments))

    def new_object(self, _: object) -> None:
        arguments, action = self._pop(), self._pop()
        if action not in (_Action.BAG, _Action.DICTIONARY) or arguments != ():
            raise refused("its index makes an object of a kind that is not permitted")
        self._stack.append(_perform(_Action(action), ()))

    def build(self, _: object) -> None:
        state = self._pop()
        target = self._top()
        if not isinstance(state, dict):
            raise refused("its index sets the state of an object from something that is no dictionary")
        if isinstance(target, ParameterBag):
            target.values.update({str(key): value for key, value in state.items()})
        elif not isinstance(target, dict):
            # A dictionary's own attributes are notes of torch that nobody needs; any other target is foreign.
            raise refused("its index sets the state of something that has none")

    def persistent(self, _: object) -> None:
        self._stack.append(storage_reference(self._pop()))


def _permitted(module: str, name: str) -> _Action | StorageKind:
    found = _PERMITTED.get((module, name))
    if found is None:
        called = ascii(f"{module}.{name}"[:80]).strip("'")
        raise refused(f"it names {called}, which no weight file of this kind needs")
    return found


def _key(value: object) -> object:
    """Only flat keys: hashing a deep tuple of the file's making could exhaust the interpreter's own stack."""
    if value is None or isinstance(value, str | int | float | bytes):
        return value
    raise refused("its index uses a nested value as a key")


def _fill(target: dict[object, object], pairs: list[object]) -> None:
    if len(pairs) % 2:
        raise refused("its index has a key without a value")
    for position in range(0, len(pairs), 2):
        target[_key(pairs[position])] = pairs[position + 1]


def _perform(action: _Action, arguments: tuple[object, ...]) -> object:
    if action is _Action.TENSOR:
        return tensor_reference(arguments)
    if action is _Action.PARAMETER:
        if arguments and isinstance(arguments[0], TensorReference):
            return arguments[0]
        raise refused("its index makes a parameter from something that is no tensor")
    if action is _Action.BAG:
        if arguments:
            raise refused("its index makes a parameter bag with arguments")
        return ParameterBag()
    return _dictionary(arguments)


def _dictionary(arguments: tuple[object, ...]) -> dict[object, object]:
    """An ordered dictionary: empty, or (as torch once wrote it) from a list of pairs."""
    filled: dict[object, object] = {}
    if not arguments:
        return filled
    pairs = arguments[0]
    if len(arguments) != 1 or not isinstance(pairs, list):
        raise refused("its index makes a dictionary from something that is no list of pairs")
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise refused("its index makes a dictionary from something that is no list of pairs")
        filled[_key(pair[0])] = pair[1]
    return filled


_LITERALS = frozenset(
    (
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    )
)
_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_HANDLERS: dict[str, Callable[[_Machine, object], None]] = {
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "STOP": _Machine.stop,
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "EMPTY_LIST": _Machine.empty_list,
    "EMPTY_DICT": _Machine.empty_dict,
    "LIST": _Machine.make_list,
    "TUPLE": _Machine.make_tuple,
    "DICT": _Machine.make_dict,
    "TUPLE1": _Machine.tuple_one,
    "TUPLE2": _Machine.tuple_two,
    "TUPLE3": _Machine.tuple_three,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.setitem,
    "SETITEMS": _Machine.setitems,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.name_from_stack,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.new_object,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}
