"""Recovery codes: 160 random bits as groups of letters and digits, with a checksum."""

import hashlib
import secrets

from edged.errors import BadRequest

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U; what is read or typed as one of them is understood."""

_CODE_BYTES = 20
_SYMBOLS = 32
_CHECK_SYMBOLS = 3
_GROUP = 5
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})


def new_code() -> str:
    """A fresh code: seven groups of five, the last three symbols being the checksum."""
    body = _symbols(int.from_bytes(secrets.token_bytes(_CODE_BYTES)), _SYMBOLS)
    whole = body + _check(body)
    return "-".join(whole[at : at + _GROUP] for at in range(0, len(whole), _GROUP))


def parse(typed: str) -> str:
    """A typed code in its one form, without groups.

    Raises:
        BadRequest: it is mistyped.
    """
    letters = "".join(typed.upper().split()).replace("-", "").translate(_READ_AS)
    body, check = letters[:_SYMBOLS], letters[_SYMBOLS:]
    complete = len(letters) == _SYMBOLS + _CHECK_SYMBOLS and set(letters) <= set(ALPHABET)
    if not complete or _check(body) != check:
        raise BadRequest("the recovery code is mistyped", fix="compare it with what you wrote down")
    return body


def _check(body: str) -> str:
    digest = hashlib.blake2b(body.encode(), digest_size=2, person=b"edged-check").digest()
    return _symbols(int.from_bytes(digest), _CHECK_SYMBOLS)


def _symbols(number: int, count: int) -> str:
    found = ""
    for _ in range(count):
        number, rest = divmod(number, len(ALPHABET))
        found = ALPHABET[rest] + found
    return found
