"""Structs cross the channel unchanged; their bytes travel as parts."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from edged.media import AudioChunk
from edged.models.runtime import (
    Probabilities,
    TranscribeOptions,
    Transcriber,
    Utterance,
    VadOptions,
    VoiceActivity,
)
from edged.workers import codec


class Two(Struct, frozen=True, kw_only=True):
    first: bytes
    number: int = 3
    second: bytes | memoryview


def views(parts: list[bytes | bytearray | memoryview]) -> Iterator[memoryview]:
    return iter([memoryview(part) for part in parts])


@given(first=st.binary(), number=st.integers(-(2**31), 2**31), second=st.binary())
def test_a_struct_with_bytes_comes_back_equal(first: bytes, number: int, second: bytes) -> None:
    raw, parts = codec.encode(Two(first=first, number=number, second=second))

    assert parts == [first, second]
    assert codec.decode(Two, raw, views(parts)) == Two(first=first, number=number, second=second)


class Many(Struct, frozen=True, kw_only=True):
    name: str
    first: tuple[bytes | memoryview, ...]
    between: bytes
    last: tuple[bytes | memoryview, ...] = ()


@given(first=st.lists(st.binary()), between=st.binary(), last=st.lists(st.binary()))
def test_a_tuple_of_bytes_travels_as_a_part_each(
    first: list[bytes], between: bytes, last: list[bytes]
) -> None:
    value = Many(name="n", first=tuple(first), between=between, last=tuple(last))

    raw, parts = codec.encode(value)

    assert parts == [*first, between, *last]
    assert codec.decode(Many, raw, views(parts)) == value
    with pytest.raises(StopIteration):
        codec.decode(Many, raw, views(parts[:-1] if last else []))


def test_bytes_are_not_copied_into_the_message() -> None:
    chunk = AudioChunk(data=bytes(1_000_000), start=5)

    raw, parts = codec.encode(chunk)

    assert len(bytes(raw)) < 20
    assert parts[0] is chunk.data


@pytest.mark.parametrize("value", ["text", 3, None, TranscribeOptions(language="en")])
def test_plain_values_come_back_equal(value: object) -> None:
    raw, parts = codec.encode(value)

    assert parts == []
    assert codec.decode(type(value), raw, views(parts)) == value


def test_too_few_parts_or_another_type_are_refused() -> None:
    raw, _ = codec.encode(AudioChunk(data=b"12"))

    with pytest.raises(StopIteration):
        codec.decode(AudioChunk, raw, iter(()))
    with pytest.raises(msgspec.ValidationError):
        codec.decode(str, codec.encode(1)[0], iter(()))


def test_methods_tell_what_they_take_and_give() -> None:
    assert codec.parameter_types(VoiceActivity.detect) == (AudioChunk, VadOptions)
    assert codec.result_type(VoiceActivity.detect) is Probabilities
    assert codec.result_type(Transcriber.transcribe) is Utterance
    assert codec.result_type(VoiceActivity.canary) is str
