"""A request of an extension as the frames that the daemon reads, in the extension's name."""

import binascii

import msgpack

from edged.bridge.native.parsing import Message
from edged.bridge.native.zmtp import Buffer
from edged.errors import BadRequest

LONGEST_ID = 64
"""Characters. Source: PROTOCOL.md, the envelope."""

NUMBERS = ("v", "deadline_ms")
FIELDS = frozenset((*NUMBERS, "id", "body"))
"""What an extension may say in the envelope. The daemon could not answer others by their id."""

SET_BY_THE_HOST = ("origin", "token")
"""Fields of the envelope that say in whose name is asked: an extension cannot choose."""

LARGEST_NUMBER = 2**53
"""Source: PROTOCOL.md, frames."""

_packer = msgpack.Packer()


def id_of(message: Message) -> str:
    """The request's id; empty when it has none that could be answered."""
    found = message.get("id")
    return found if isinstance(found, str) and 0 < len(found) <= LONGEST_ID else ""


def frames(message: Message, origin: str) -> list[Buffer]:
    """The frames of a request: its envelope with the origin, and its parts.

    Raises:
        BadRequest: no id, no body, an envelope that the daemon could not read, parts that are no
            base64, or what MessagePack cannot hold.
    """
    if not id_of(message):
        raise BadRequest(f"a request needs an id of 1 to {LONGEST_ID} characters")
    if not isinstance(message.get("body"), dict):
        raise BadRequest("a request needs a body")
    parts = message.pop("parts", [])
    if not isinstance(parts, list):
        raise BadRequest("the parts of a request are a list")
    for name in SET_BY_THE_HOST:
        message.pop(name, None)
    _check_envelope(message)
    envelope = _packed({**message, "origin": origin})
    return [envelope, *(_bytes(part, index) for index, part in enumerate(parts))]


def _check_envelope(message: Message) -> None:
    if message.keys() - FIELDS:
        raise BadRequest("the request has a field that its envelope has not")
    for name in NUMBERS:
        number = message.get(name, 0)
        if type(number) is not int or not 0 <= number <= LARGEST_NUMBER:
            raise BadRequest(f"{name} of the request is no number from 0 to 2^53")
    if "v" not in message:
        raise BadRequest("a request needs v, the version of the protocol")


def _packed(envelope: Message) -> bytes:
    try:
        packed: bytes = _packer.pack(envelope)
    except (ValueError, OverflowError) as error:  # too deep, half a character, beyond 64 bits
        raise BadRequest("the request holds what MessagePack cannot carry") from error
    return packed


def _bytes(part: object, index: int) -> Buffer:
    """A part that was decoded already, or that stood elsewhere than at the end of the message."""
    if isinstance(part, memoryview):
        return part
    try:
        if isinstance(part, str):
            return binascii.a2b_base64(part, strict_mode=True)
    except ValueError:
        pass
    raise BadRequest(f"part {index} of the request is no base64")
