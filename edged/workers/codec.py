"""Structs as they cross the channel: small fields in MessagePack, bytes as raw parts.

Every field of a struct that is annotated with `bytes` travels as a part of its own, in the order
of the fields, so that audio is never copied into a message; a tuple of them as a part each, its
length among the small fields. Both ends run the same code.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Raw, Struct

from edged.workers.channel import Buffer

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

_decoders: dict[type[Any], msgspec.msgpack.Decoder[Any]] = {}
"""By type; as many as methods have arguments and results."""

_encode = msgspec.msgpack.Encoder().encode


class _Layout(Generic[S]):
    """How one struct type is taken apart and put together."""

    def __init__(self, kind: type[S]) -> None:
        fields = msgspec.structs.fields(kind)
        self._kind = kind
        self._many = frozenset(field.name for field in fields if _is_many(field.type))
        self.raw = tuple(
            field.name for field in fields if field.name in self._many or _is_bytes(field.type)
        )
        self._exact = frozenset(field.name for field in fields if field.type is bytes)
        plain = [field for field in fields if field.name not in self.raw]
        self._plain = tuple(field.name for field in plain)
        # Defaults are filled in by the sender, who has the whole struct.
        self._small: type[Struct] = msgspec.defstruct(
            kind.__name__,
            [*((field.name, field.type) for field in plain), ("counts", tuple[int, ...])],
            array_like=True,
        )
        self._decode_small = msgspec.msgpack.Decoder(self._small).decode

    def take_apart(self, value: S) -> tuple[Raw, list[Buffer]]:
        parts: list[Buffer] = []
        counts = []
        for name in self.raw:
            found = getattr(value, name)
            if name in self._many:
                parts += found
                counts.append(len(found))
            else:
                parts.append(found)
        small = self._small(*(getattr(value, name) for name in self._plain), tuple(counts))
        return Raw(_encode(small)), parts

    def put_together(self, raw: Raw, parts: Iterator[memoryview]) -> S:
        small = self._decode_small(raw)
        fields: dict[str, Any] = {name: getattr(small, name) for name in self._plain}
        counts = iter(small.counts)  # type: ignore[attr-defined] # of a struct made above
        for name in self.raw:
            if name in self._many:
                fields[name] = tuple([next(parts) for _ in range(next(counts))])
                continue
            part = next(parts)
            fields[name] = bytes(part) if name in self._exact else part
        return self._kind(**fields)


def _is_many(annotation: object) -> bool:
    return get_origin(annotation) is tuple and any(map(_is_bytes, get_args(annotation)))


def _is_bytes(annotation: object) -> bool:
    return annotation is bytes or bytes in get_args(annotation)


@cache
def _layout(kind: type[S]) -> _Layout[S]:
    return _Layout(kind)


def encode(value: object) -> tuple[Raw, list[Buffer]]:
    """A value as one encoded argument and its raw parts."""
    if isinstance(value, Struct) and _layout(type(value)).raw:
        return _layout(type(value)).take_apart(value)
    return Raw(_encode(value)), []


def decode(kind: type[T], raw: Raw, parts: Iterator[memoryview]) -> T:
    """The value that `encode` was given; takes its parts from the iterator.

    Raises:
        msgspec.MsgspecError: the bytes are no such value.
        StopIteration: there are too few parts.
    """
    value: T
    if issubclass(kind, Struct) and _layout(kind).raw:
        value = _layout(kind).put_together(raw, parts)
        return value
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    value = decoder.decode(raw)
    return value


def encode_all(values: Sequence[object]) -> tuple[tuple[Raw, ...], list[Buffer]]:
    """Several values, and all their parts in order."""
    encoded = [encode(value) for value in values]
    return tuple(raw for raw, _ in encoded), [part for _, parts in encoded for part in parts]


@cache
def parameter_types(method: Callable[..., object]) -> tuple[type[Any], ...]:
    """The types of a function's parameters, in order, without `self`; annotations must be real."""
    hints = get_type_hints(method)
    return tuple(kind for name, kind in hints.items() if name not in {"self", "return"})


@cache
def result_type(method: Callable[..., object]) -> type[Any]:
    """The type that a function returns, or that its iterator yields."""
    kind: Any = get_type_hints(method)["return"]
    if get_origin(kind) is not None and issubclass(get_origin(kind), Iterator):
        kind = get_args(kind)[0]
    found: type[Any] = kind
    return found
