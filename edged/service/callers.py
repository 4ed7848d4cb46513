"""What those who ask call themselves, as far as they said it by `hello`."""

from collections import OrderedDict

MOST_KNOWN = 1_000
"""Connections come and go without a word; the oldest names go."""


class Callers:
    """Names of connections. Loop thread only."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, str] = OrderedDict()

    def greet(self, caller: str, name: str) -> None:
        """Note what a connection calls itself.

        Args:
            caller: names the connection, as `service.answer` is given it.
            name: as said; it proves nothing.
        """
        self._names[caller] = name
        self._names.move_to_end(caller)
        if len(self._names) > MOST_KNOWN:
            self._names.popitem(last=False)

    def name(self, caller: str) -> str:
        """What a connection calls itself; empty when it did not say."""
        return self._names.get(caller, "")
