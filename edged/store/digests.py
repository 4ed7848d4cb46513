"""Hashes of uploads, taken as their bytes are written, so that nothing has to be read again."""

import hashlib
from collections import OrderedDict

MOST_DIGESTS = 256


class Digests:
    """SHA-256 of the uploads whose bytes came in order since the daemon started.

    A hint: what was rolled back, came before a restart or is one too many is not known here, and
    must be hashed from the store. `add` is called on the writer thread only; the rest from any.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Digest] = OrderedDict()

    def add(self, upload_id: str, start: int, data: bytes | memoryview) -> None:
        """Bytes that were written from `start` on, by a transaction that may yet fail."""
        known = self._known.get(upload_id)
        if known is None:
            known = self._known[upload_id] = _Digest()
            if len(self._known) > MOST_DIGESTS:
                self._known.popitem(last=False)
        known.add(start, data)

    def find(self, upload_id: str, size_bytes: int) -> str | None:
        """The hash in hex, when all bytes up to `size_bytes` were seen once and in order."""
        known = self._known.get(upload_id)
        return known.value if known is not None and known.at == size_bytes else None

    def forget(self, upload_id: str) -> None:
        """The upload is over."""
        self._known.pop(upload_id, None)


class _Digest:
    """at: how far it got; -1: bytes came twice or were missing, it is of no use any more."""

    def __init__(self) -> None:
        self.at = 0
        self._hash = hashlib.sha256()

    @property
    def value(self) -> str:
        return self._hash.hexdigest()

    def add(self, start: int, data: bytes | memoryview) -> None:
        if start != self.at:
            self.at = -1
            return
        self._hash.update(data)
        self.at += len(data)
