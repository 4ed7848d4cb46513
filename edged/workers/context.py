"""What a worker's host gives to the code it hosts."""

from collections.abc import Callable

from msgspec import Struct


class Yielded(BaseException):
    """Raised by a yieldable call when another call waits; the caller queues it again."""


class WorkerContext(Struct, frozen=True, kw_only=True):
    """call_waiting: whether another call (or a cancel) waits at the channel; costs a select()."""

    call_waiting: Callable[[], bool]

    def give_way(self, *, yieldable: bool) -> None:
        """Stop this call if it may be stopped and another one waits.

        Raises:
            Yielded: so that the host reports it.
        """
        if yieldable and self.call_waiting():
            raise Yielded
