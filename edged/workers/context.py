"""What a worker's host gives to the code it hosts."""

from collections.abc import Callable

from msgspec import Struct


class Yielded(BaseException):
    """Raised by a yieldable call when another call waits; the caller queues it again."""


def _never() -> bool:
    return False


def _no_descriptors() -> tuple[int, ...]:
    return ()


class WorkerContext(Struct, frozen=True, kw_only=True):
    """The running call, seen from inside it. Each function is for the worker's main thread.

    call_waiting: whether a more urgent call (or a cancel) waits at the channel; costs a poll().
    cancelled: whether nobody waits for the running call any more; costs a poll().
    descriptors: what came with the running call, open for reading. The host closes them when the
        call has ended: os.dup() what is to live longer.
    """

    call_waiting: Callable[[], bool]
    cancelled: Callable[[], bool] = _never
    descriptors: Callable[[], tuple[int, ...]] = _no_descriptors

    def give_way(self, *, yieldable: bool) -> None:
        """Stop this call if it was cancelled, or if it may be stopped and a more urgent one waits.

        Raises:
            Yielded: so that the host reports it.
        """
        if self.cancelled() or (yieldable and self.call_waiting()):
            raise Yielded
