"""Audio that a client sends: what is refused, and what never grows."""

import asyncio

import pytest

from edged.capture.parts import ConvertOptions
from edged.capture.source import CapturedPart
from edged.errors import BadRequest, Busy, Conflict, TooLarge, WorkerGone
from edged.media import SPEECH, AudioChunk, AudioFormat
from edged.sessions.feeding import Feed

SECOND = bytes(32_000)
STUDIO = AudioFormat(sample_rate=48_000, channels=2)


class FakeCaptions:
    """Fulfils Captions: recognises a tenth of real time, so most of what comes waits."""

    def __init__(self) -> None:
        self.backlog_ms = 0
        self.eta_ms: int | None = 4_000
        self.pushed: list[AudioChunk] = []

    def push(self, part: CapturedPart) -> None:
        self.pushed.append(part.audio)
        self.backlog_ms += part.audio.duration_ms * 9 // 10


class FakeConverter:
    """Fulfils Converter: every sixth pair of bytes; dies as often as it is told to."""

    def __init__(self, deaths: int = 0) -> None:
        self.deaths = deaths
        self.finals = 0

    async def convert(self, data: bytes | memoryview, options: ConvertOptions) -> AudioChunk:
        await asyncio.sleep(0)
        if self.deaths:
            self.deaths -= 1
            raise WorkerGone("killed")
        self.finals += options.final
        return AudioChunk(data=bytes(len(data) // 12 * 2))


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def feed(
    captions: FakeCaptions, clock: Clock, *, audio: AudioFormat = SPEECH, deaths: int = 0
) -> Feed:
    return Feed(captions, FakeConverter(deaths), audio, backlog_ms=30_000, clock=clock)


def test_a_client_in_real_time_is_never_held_up_however_slow_recognition_is() -> None:
    captions, clock = FakeCaptions(), Clock()
    fed = feed(captions, clock)

    for _ in range(3_600):
        clock.now += 1
        fed.take([SECOND])

    assert fed.position_ms == 3_600_000
    assert fed.backlog_ms > 30_000


def test_an_hour_sent_at_once_is_held_up_with_a_hint_and_what_waits_is_bounded() -> None:
    captions, clock = FakeCaptions(), Clock()
    fed = feed(captions, clock)
    taken = refused = longest = 0

    while taken < 3_600:
        try:
            fed.take([SECOND])
        except Busy as busy:
            wait_ms = int(str(busy.details["retry_after_ms"]))
            assert 50 <= wait_ms <= 5_000
            clock.now += wait_ms / 1000
            captions.backlog_ms = max(0, captions.backlog_ms - 10 * wait_ms)
            refused += 1
        else:
            taken += 1
        longest = max(longest, fed.backlog_ms)

    assert refused > 100
    assert longest <= 30_000
    assert sum(chunk.samples for chunk in captions.pushed) == 3_600 * 16_000


def test_positions_follow_each_other_whatever_the_parts() -> None:
    captions = FakeCaptions()
    fed = feed(captions, Clock())

    fed.take([b"\x01", b"\x00\x02\x00"])
    fed.take([SECOND])

    assert [(one.start, one.samples) for one in captions.pushed] == [(0, 2), (2, 16_000)]


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([], BadRequest),
        ([b"", b""], BadRequest),
        ([b"\x00"], BadRequest),
        ([SECOND * 11], TooLarge),
    ],
)
def test_audio_that_cannot_be_read_is_refused_and_nothing_of_it_taken(
    parts: list[bytes], kind: type[Exception]
) -> None:
    captions = FakeCaptions()
    fed = feed(captions, Clock())

    with pytest.raises(kind):
        fed.take(parts)

    assert (fed.position_ms, captions.pushed) == (0, [])


def test_a_stream_that_is_being_closed_takes_nothing() -> None:
    fed = feed(FakeCaptions(), Clock())
    fed.close()

    with pytest.raises(Conflict):
        fed.take([SECOND])


def test_other_formats_are_converted_in_order_and_what_waits_for_it_counts() -> None:
    captions = FakeCaptions()
    fed = feed(captions, Clock(), audio=STUDIO, deaths=1)

    async def work() -> None:
        for _ in range(3):
            fed.take([bytes(48_000 * 4)])
        assert fed.backlog_ms == 3_000
        converting = asyncio.get_running_loop().create_task(fed.convert())
        fed.close()
        await converting

    asyncio.run(work())

    assert [one.start for one in captions.pushed] == [0, 16_000, 32_000, 48_000]
    assert fed.position_ms == 3_000
