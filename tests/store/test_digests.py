"""Hashes that are taken as bytes are written."""

import hashlib

from edged.store import digests
from edged.store.digests import Digests


def test_bytes_in_order_give_the_hash_of_all() -> None:
    known = Digests()

    known.add("a", 0, b"one")
    known.add("a", 3, memoryview(b"two"))

    assert known.find("a", 6) == hashlib.sha256(b"onetwo").hexdigest()
    assert known.find("a", 7) is None


def test_bytes_that_were_rolled_back_and_came_again_make_it_useless() -> None:
    known = Digests()

    known.add("a", 0, b"one")
    known.add("a", 0, b"two")
    known.add("a", 3, b"two")

    assert known.find("a", 6) is None
    assert known.find("a", 3) is None


def test_bytes_after_a_restart_are_not_taken_for_the_whole() -> None:
    known = Digests()

    known.add("a", 3, b"two")

    assert known.find("a", 6) is None


def test_what_is_over_is_forgotten_and_the_oldest_of_too_many() -> None:
    known = Digests()
    for number in range(digests.MOST_DIGESTS + 1):
        known.add(str(number), 0, b"x")

    known.forget("1")

    assert known.find("0", 1) is None
    assert known.find("1", 1) is None
    assert known.find("2", 1) is not None
