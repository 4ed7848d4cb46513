"""Six words that a client and the daemon make alike; @edged/client has the same ones in its tests."""

from edged.bridge.access.words import fingerprint, words

ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"


def test_each_byte_has_a_word_of_its_own() -> None:
    assert len(words()) == len(set(words())) == 256
    assert all(word.isalpha() and word.islower() for word in words())


def test_a_fingerprint_is_six_words_of_identity_and_nonce() -> None:
    found = fingerprint(ORIGIN, "00112233445566778899aabbccddeeff")

    assert found == "puzzle summer bread falcon rabbit igloo"
    assert len(found.split()) == 6


def test_another_identity_or_nonce_gives_other_words() -> None:
    nonce = "0" * 32

    assert (
        len({fingerprint(ORIGIN, nonce), fingerprint("x@y", nonce), fingerprint(ORIGIN, "1" * 32)})
        == 3
    )
