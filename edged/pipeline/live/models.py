"""What live captions need of the pool, so that they can be tried without one."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar, TypeVarTuple

from edged.messages.wire import Priority

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)
R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class Borrowed(Protocol[M_co]):
    """A borrowed model; fulfilled by edged.models.lease.Lease."""

    @property
    def model(self) -> M_co:
        """Names what to call."""
        ...

    async def call(self, method: Callable[[*Ts], R], *arguments: *Ts) -> R:
        """What the model answers."""
        ...

    def stream(
        self, method: Callable[[*Ts], Iterator[R]], *arguments: *Ts
    ) -> AsyncGenerator[R, None]:
        """What the model yields."""
        ...


class Lends(Protocol):
    """Fulfilled by edged.models.pool.Pool."""

    def borrow(
        self, model: str, protocol: Callable[..., M], *, priority: Priority = "interactive"
    ) -> AbstractAsyncContextManager[Borrowed[M]]:
        """Lend a model, loaded now if it is not."""
        ...
