"""PROTOCOL.md is the document of the wire: each of its examples must be a message of ours."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from edged.bridge.framing import GOES_ON
from edged.messages.envelope import Envelope
from edged.messages.events import AnyEvent
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "PROTOCOL.md").read_text()
EXAMPLES = re.findall(r"```json (request|reply|envelope)\n(.*?)\n```", TEXT, re.DOTALL)
KINDS = {"request": AnyRequest, "reply": AnyReply}


def _names(union: object) -> set[str]:
    return {str(kind.__struct_config__.tag) for kind in get_args(union)}


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_every_example_decodes(kind: str, text: str) -> None:
    if kind == "envelope":
        msgspec.json.decode(text, type=Envelope)
        return

    message = msgspec.json.decode(text, type=KINDS[kind])

    again = msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=KINDS[kind])
    assert again == message


def test_every_request_has_a_section_with_an_example() -> None:
    sections = dict(re.findall(r"^### ([a-z_.]+)\n(.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE))

    for name in _names(AnyRequest):
        assert f'"type": "{name}"' in sections[name]


def test_every_reply_is_shown() -> None:
    shown = {msgspec.json.decode(text)["type"] for kind, text in EXAMPLES if kind == "reply"}

    assert shown == _names(AnyReply)


def test_every_event_is_listed() -> None:
    listed = set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", TEXT, re.MULTILINE))

    assert listed == _names(AnyEvent)


def test_the_replies_that_go_on_are_named() -> None:
    line = next(line for line in TEXT.splitlines() if line.startswith("These replies are followed"))

    named = set(line.split("`")[1].split())

    assert named == {str(kind.__struct_config__.tag) for kind in GOES_ON}
