"""What follows when a client makes this machine listen or look: the audit notes it, the desktop tells it.

That it records is shown by `health`, `session.changed` and `edged status` in any case.
"""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Final, TypeVar

from edged.messages.access import SCOPES, Scope
from edged.messages.sessions import StreamOpened
from edged.service.house import House

T = TypeVar("T")

CAPTURED: Final[dict[str, Scope]] = {
    "microphone": "capture.microphone",
    "loopback": "capture.microphone",
    "camera": "capture.camera",
    "screen": "capture.screen",
}
"""Sources that are devices of this machine, and what a client needs for them."""


def note(house: House, kinds: Iterable[str]) -> None:
    """Note that whoever asks captures from now on; the user's own captures need no notice.

    Args:
        house: with the asker.
        kinds: of the sources; those that a client feeds itself are left out.
    """
    used = {CAPTURED[kind] for kind in kinds if kind in CAPTURED}
    if house.asker.is_owner or not used:
        return
    scopes = tuple(scope for scope in SCOPES if scope in used)
    house.note("captured", " ".join(scopes))
    house.notices.captures(house.asker, scopes)


async def noted(
    house: House, kind: str, replies: AsyncGenerator[T, None]
) -> AsyncGenerator[T, None]:
    """The replies of a stream that looks at a device; noted when it is open."""
    async with aclosing(replies):
        async for reply in replies:
            if isinstance(reply, StreamOpened):
                note(house, (kind,))
            yield reply
