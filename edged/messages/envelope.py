"""The envelope around every body, and the two steps in which a frame becomes a message."""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest
from edged.messages.wire import MAX_INTEGER

PROTOCOL = 1
"""The version on the wire; raised when an old client could misread a new daemon."""


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Frame 0 of every message; frames 1.. are raw binary parts.

    v: protocol version.
    id: chosen by the sender, unique among its running requests.
    parent_id: on replies, the request's id; empty when the request could not be read.
    more: on replies, whether another reply to the same request follows.
    deadline_ms: on requests, from receipt, for the whole stream of replies; 0: the default.
    origin: on requests that the native-messaging host relays, whose extension asks, as the browser
        stated it; such a request has the rights of that client and never those of the user.
    token: on requests of local clients that had to be paired, what `paired` told.
    body: the encoded request or reply, decoded in a second step so that a bad one has an id.
    """

    v: Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
    id: Annotated[str, Meta(min_length=1, max_length=64)]
    body: Raw
    parent_id: Annotated[str, Meta(max_length=64)] = ""
    more: bool = False
    deadline_ms: Annotated[int, Meta(ge=0, le=MAX_INTEGER)] = 0
    origin: Annotated[str, Meta(max_length=200)] = ""
    token: Annotated[str, Meta(max_length=100)] = ""


encode = msgspec.msgpack.Encoder().encode
decode_envelope = msgspec.msgpack.Decoder(Envelope).decode
decode_request = msgspec.msgpack.Decoder(AnyRequest).decode
decode_reply = msgspec.msgpack.Decoder(AnyReply).decode
