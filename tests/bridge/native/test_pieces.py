"""Texts are cut so that each message passes the browser, and come together again."""

import json

import pytest

from edged.bridge.native.pieces import MOST_BYTES, PIECE_BYTES, Cutter


def _cut(text: bytes, step: int = 100_000) -> list[bytes]:
    cutter = Cutter()
    cutter.begin("r1")
    ready: list[bytes] = []
    for at in range(0, len(text), step):
        ready += cutter.add(text[at : at + step])
    assert cutter.midway
    return ready + cutter.end()


def _joined(messages: list[bytes]) -> str:
    pieces = [json.loads(one) for one in messages]
    assert [one["piece"]["index"] for one in pieces] == list(range(len(pieces)))
    assert [one["piece"]["last"] for one in pieces] == [False] * (len(pieces) - 1) + [True]
    assert {one["piece"]["of"] for one in pieces} == {"r1"}
    return "".join(one["data"] for one in pieces)


def test_a_short_text_goes_as_it_is() -> None:
    assert _cut(b'{"a": 1}') == [b'{"a": 1}']
    assert _cut(b"x" * PIECE_BYTES) == [b"x" * PIECE_BYTES]


@pytest.mark.parametrize("more", [1, 2, PIECE_BYTES, 3 * PIECE_BYTES + 5])
def test_a_long_text_comes_together_again(more: int) -> None:
    text = b"x" * (PIECE_BYTES + more)

    messages = _cut(text)

    assert _joined(messages).encode() == text
    assert max(map(len, messages)) <= MOST_BYTES


@pytest.mark.parametrize("letter", ['"', "\\", "é", "語", "😀", '"é\\😀'])
def test_no_message_passes_1_mib_and_no_character_is_cut(letter: str) -> None:
    text = (letter * (2 * PIECE_BYTES)).encode()[: 3 * PIECE_BYTES]
    text = text.decode(errors="ignore").encode()

    messages = _cut(text, 65_537)

    assert _joined(messages).encode() == text
    assert max(map(len, messages)) <= MOST_BYTES


def test_a_text_that_is_given_up_leaves_nothing_behind() -> None:
    cutter = Cutter()
    cutter.begin("r1")
    cutter.add(b"x" * (2 * PIECE_BYTES))

    cutter.begin("")
    cutter.begin("r2")
    cutter.add(b"{}")

    assert cutter.end() == [b"{}"]
    assert not cutter.midway
