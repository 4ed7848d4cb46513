"""Words for fingerprints: 256 plain ones that differ when they are read aloud; a byte each."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

PAIR: Final = b"edged pair"
WORDS_SHOWN: Final = 6
LIST: Final = Path(__file__).with_name("words.txt")


@cache
def words() -> tuple[str, ...]:
    """The 256 words, by byte."""
    return tuple(LIST.read_text(encoding="ascii").split())


def fingerprint(identity: str, nonce: str) -> str:
    """Six words that the client and the daemon both make of what only they know.

    Args:
        identity: the client's origin, key or name.
        nonce: what the client chose for this pairing.
    """
    digest = hashlib.sha256(b"\0".join((PAIR, identity.encode(), nonce.encode()))).digest()
    return " ".join(words()[byte] for byte in digest[:WORDS_SHOWN])
