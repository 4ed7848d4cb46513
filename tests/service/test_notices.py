"""Which notices there are to be shown, and when one more would be too many."""

import asyncio

import msgspec
from belongings import client

from edged.messages.access import KnownClient
from edged.service.notices import MOST_WAITING, PAUSE_S, Asks, Captures, Notices, key_of, wanted

ANN = client("ann", "capture.microphone")
STRANGER = KnownClient(
    client_id="c1",
    kind="browser",
    identity="chrome-extension://abc/",
    name="Panel",
    status="pending",
    fingerprint="one two three four five six",
    asked_at="2026-11-21T08:00:00.000Z",
    asked_scopes=("speech", "capture.microphone"),
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _next(notices: Notices) -> Asks | Captures:
    async def next_one() -> Asks | Captures:
        async with asyncio.timeout(1):
            return await notices.next()

    return asyncio.run(next_one())


def test_a_stranger_is_told_once_until_it_asks_for_something_else() -> None:
    notices = Notices()

    notices.hear(STRANGER, None)
    notices.hear(msgspec.structs.replace(STRANGER, pid=7), STRANGER)

    assert _next(notices) == Asks(STRANGER)
    assert not notices._waiting
    more = msgspec.structs.replace(STRANGER, asked_scopes=("speech", "models.manage"))
    notices.hear(more, STRANGER)
    assert _next(notices) == Asks(more)


def test_of_several_questions_that_wait_only_the_newest_is_asked() -> None:
    notices = Notices()
    before = None
    for number in range(50):
        asked = msgspec.structs.replace(STRANGER, fingerprint=str(number))
        notices.hear(asked, before)
        before = asked

    assert _next(notices) == Asks(msgspec.structs.replace(STRANGER, fingerprint="49"))
    assert not notices._waiting


def test_decided_clients_are_told_of_only_when_they_ask_for_more() -> None:
    granted = msgspec.structs.replace(
        STRANGER, status="approved", scopes=("speech",), decided_at="2026-11-21T08:01:00.000Z"
    )
    notices = Notices()

    notices.hear(granted, STRANGER)
    notices.hear(msgspec.structs.replace(STRANGER, status="denied"), STRANGER)
    assert not notices._waiting

    more = msgspec.structs.replace(granted, asked_scopes=("speech", "vision"))
    notices.hear(more, granted)
    assert wanted(more) == ("vision",)
    assert _next(notices) == Asks(more)


def test_a_client_that_starts_and_stops_is_told_of_once_in_a_while() -> None:
    clock = Clock()
    notices = Notices(clock)

    for _ in range(20):
        notices.captures(ANN, ("capture.microphone",))
        clock.now += PAUSE_S / 30

    assert _next(notices) == Captures("ann", ("capture.microphone",))
    assert not notices._waiting
    notices.captures(ANN, ("capture.camera",))
    assert _next(notices) == Captures("ann", ("capture.camera",))
    clock.now += PAUSE_S
    notices.captures(ANN, ("capture.microphone",))
    assert _next(notices) == Captures("ann", ("capture.microphone",))


def test_a_question_that_comes_again_waits() -> None:
    clock = Clock()
    notices = Notices(clock)
    key = key_of(STRANGER)

    assert notices.pause_s(key) == 0
    notices.told(key)
    clock.now += 4

    assert notices.pause_s(key) == PAUSE_S - 4


def test_local_programs_have_questions_of_their_own() -> None:
    one = msgspec.structs.replace(STRANGER, kind="local", identity="me")

    assert key_of(one) != key_of(msgspec.structs.replace(one, client_id="c2"))
    assert key_of(STRANGER) == key_of(msgspec.structs.replace(STRANGER, client_id="c2"))


def test_what_nobody_shows_is_lost_and_counted() -> None:
    notices = Notices()
    for number in range(MOST_WAITING + 3):
        notices.hear(msgspec.structs.replace(STRANGER, identity=str(number)), None)

    assert len(notices._waiting) == MOST_WAITING
    assert notices.lost == 3
