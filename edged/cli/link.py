"""What a command needs of its connection: `SyncClient` gives it, and a test a daemon of its own."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from edged.bridge.framing import Buffer
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest

R = TypeVar("R", bound=AnyReply)


class Answers(Protocol):
    """A daemon that answers in streams."""

    def stream(
        self, request: AnyRequest, parts: Sequence[Buffer] = ()
    ) -> Iterator[tuple[AnyReply, tuple[Buffer, ...]]]:
        """Every reply to a request with its parts, the last one included.

        Raises:
            EdgedError: the leaf that the daemon answered with, DaemonDown or Deadline.
        """
        ...


class Link(Answers, Protocol):
    """A daemon that answers."""

    def ask(self, request: AnyRequest, reply: type[R]) -> R:
        """The last reply to a request, of the expected type.

        Raises:
            EdgedError: as `stream`.
        """
        ...
