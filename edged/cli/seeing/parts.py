"""What lies in the parts of a `seen` reply, by name."""

from collections.abc import Sequence
from typing import NamedTuple

from edged.bridge.framing import Buffer
from edged.messages.seeing import PartFacts, Seen


class Part(NamedTuple):
    """One array or file."""

    facts: PartFacts
    data: bytes


def apart(seen: Seen, parts: Sequence[Buffer]) -> dict[str, Part]:
    """The arrays of a reply by name: `mask`, `picture`, `vector`, ...; of a name the first."""
    data, at = b"".join(parts), 0
    found: dict[str, Part] = {}
    for facts in seen.parts:
        found.setdefault(facts.of, Part(facts, data[at : at + facts.size_bytes]))
        at += facts.size_bytes
    return found
