"""The ring between a device's callback and the worker."""

import threading

from edged.capture.tap import Tap


def test_what_is_pushed_is_taken_in_order_as_one_block() -> None:
    tap = Tap(100, 2)

    tap.push(b"ab", 10, 0)
    tap.push(b"cdef", 20, 0)

    assert [(block.pcm, block.arrived_ns, block.lost) for block in tap.take()] == [
        (b"abcdef", 20, 0)
    ]
    assert tap.take() == []


def test_the_ring_goes_round() -> None:
    tap = Tap(10, 2)
    taken = b""

    for number in range(20):
        tap.push(bytes([number] * 6), number, 0)
        taken += b"".join(block.pcm for block in tap.take())

    assert taken == b"".join(bytes([number] * 6) for number in range(20))


def test_a_full_ring_drops_the_newest_and_counts_its_frames() -> None:
    """The callback must not wait; the gap is known to the frame."""
    tap = Tap(8, 4)
    tap.push(b"11112222", 10, 0)

    tap.push(b"33334444", 20, 0)
    tap.push(b"5555", 30, 0)
    first = tap.take()
    tap.push(b"6666", 40, 0)
    second = tap.take()

    assert [block.pcm for block in first] == [b"11112222"]
    assert [(block.pcm, block.lost) for block in second] == [(b"6666", 3)]


def test_a_loss_or_a_sleep_begins_a_block_of_its_own() -> None:
    tap = Tap(12, 2)
    tap.push(b"aa", 10, 0)
    tap.push(b"bb", 20, 10**9)
    tap.push(b"cc" * 9, 30, 10**9)
    tap.push(b"dd", 40, 10**9)

    blocks = tap.take()

    assert [(block.pcm, block.slept_ns, block.lost) for block in blocks] == [
        (b"aa", 0, 0),
        (b"bb", 10**9, 0),
        (b"dd", 10**9, 9),
    ]


def test_a_wiped_ring_holds_no_byte_of_sound() -> None:
    tap = Tap(64, 2)
    tap.push(b"secret word!", 10, 0)
    tap.take()
    tap.push(b"another one.", 20, 0)

    tap.wipe()

    assert tap.take() == []
    assert not any(tap._ring)


def test_a_callback_in_another_thread_loses_nothing() -> None:
    tap = Tap(1_000_000, 2)

    def push() -> None:
        for number in range(5_000):
            tap.push(number.to_bytes(4, "little"), number, 0)

    pushing = threading.Thread(target=push)

    pushing.start()
    taken = b""
    while pushing.is_alive() or len(taken) < 20_000:
        taken += b"".join(block.pcm for block in tap.take())
    pushing.join()

    assert taken == b"".join(number.to_bytes(4, "little") for number in range(5_000))
