"""The capture worker's object with a device that is played by the test."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from edged.capture.clock import now_ns
from edged.capture.orders import CaptureOrder, Ending, Heard
from edged.errors import PortAudioMissing
from edged.workers.context import WorkerContext

try:
    from edged.capture import listener, portaudio
except PortAudioMissing:
    pytest.skip("no PortAudio here: apt-get install libportaudio2", allow_module_level=True)

BLOCK = 1_600


class FakeInput:
    """Fulfils portaudio.InputStream."""

    def __init__(self, sink: Callable[[memoryview], None]) -> None:
        self.sink = sink
        self.active = False
        self.closed = False

    def start(self) -> None:
        self.active = True

    def abort(self) -> None:
        self.active = False

    def close(self) -> None:
        self.closed = True

    def play(self, blocks: int) -> None:
        """Call back so many times with loud noise."""
        noise = np.random.default_rng(1).integers(-9_000, 9_000, BLOCK).astype("<i2")
        for _ in range(blocks):
            self.sink(memoryview(noise.tobytes()))


class Capturing:
    """A listener with its device, and whether the daemon asks for something else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = False
        self.listener = listener.Listener(WorkerContext(call_waiting=lambda: self.asked))
        monkeypatch.setattr(portaudio, "open_input", self._open)

    def _open(
        self, names: tuple[str, ...], rate: int, channels: int, sink: Callable[[memoryview], None]
    ) -> tuple[FakeInput, int]:
        assert (names, channels) == (("pulse",), 1)
        self.device = FakeInput(sink)
        return self.device, rate

    def begin(self) -> Iterator[Heard]:
        """Parts, the device being open; the first one, which is empty, is taken."""
        order = CaptureOrder(devices=("pulse",), origin_ns=now_ns() - 10**9, ring_ms=500)
        parts = self.listener.capture(order)
        assert next(parts) == Heard()
        return parts


@pytest.fixture
def capturing(monkeypatch: pytest.MonkeyPatch) -> Capturing:
    """A listener whose device the test plays."""
    return Capturing(monkeypatch)


def test_what_the_device_gives_is_heard(capturing: Capturing) -> None:
    parts = capturing.begin()
    capturing.device.play(3)

    heard = next(parts)

    assert len(heard.pcm) >= 4 * 1_024
    assert heard.level > 0.1


def test_a_call_that_waits_ends_the_capture_and_frees_the_device_first(
    capturing: Capturing,
) -> None:
    parts = capturing.begin()
    capturing.device.play(3)
    capturing.asked = True

    assert list(parts) == []
    assert capturing.device.closed
    left = list(capturing.listener.finish(Ending()))

    assert sum(len(one.pcm) for one in left) >= 8 * 1_024
    assert [facts.number for one in left for facts in one.chunks] == [0]
    assert list(capturing.listener.finish(Ending())) == []


def test_discarding_overwrites_the_ring(capturing: Capturing) -> None:
    """After a pause no byte of sound is left, neither given out nor in memory that is ours."""
    parts = capturing.begin()
    capturing.device.play(3)
    capturing.asked = True
    list(parts)
    tap = capturing.listener._tap
    assert tap is not None
    assert any(tap._ring)

    left = list(capturing.listener.finish(Ending(discard=True)))

    assert left == []
    assert not any(tap._ring)


def test_the_ring_is_overwritten_also_when_its_sound_was_given_out(capturing: Capturing) -> None:
    parts = capturing.begin()
    capturing.device.play(3)
    capturing.asked = True
    list(parts)
    tap = capturing.listener._tap
    assert tap is not None

    assert list(capturing.listener.finish(Ending()))

    assert not any(tap._ring)


def test_more_than_the_ring_holds_is_a_gap(capturing: Capturing) -> None:
    """The worker was held up for longer than the ring lasts: the callback never waited."""
    parts = capturing.begin()
    capturing.device.play(9)
    first = next(parts)
    capturing.device.play(1)

    found = [next(parts), next(parts)]

    gaps = [gap for heard in [first, *found] for gap in heard.gaps]
    assert [gap.reason for gap in gaps] == ["overrun"]
    assert gaps[0].end_ms is not None
    assert gaps[0].end_ms - gaps[0].start_ms == pytest.approx(400, abs=5)


def test_a_device_that_ends_ends_the_capture(capturing: Capturing) -> None:
    parts = capturing.begin()
    capturing.device.play(1)
    capturing.device.active = False

    assert [heard.pcm for heard in parts] == []
    assert sum(len(one.files) for one in capturing.listener.finish(Ending())) == 1


def test_a_device_that_gives_nothing_is_given_up(
    capturing: Capturing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "STALL_NS", 1_000_000)
    monkeypatch.setattr(listener, "WAIT_S", 0.01)

    assert list(capturing.begin()) == []
    assert capturing.device.closed


def test_a_device_that_rests_is_a_sign_of_life(
    capturing: Capturing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon knows a worker that hangs from a room that is asleep."""
    monkeypatch.setattr(listener, "SIGN_OF_LIFE_NS", 1_000_000)
    monkeypatch.setattr(listener, "WAIT_S", 0.01)

    assert next(capturing.begin()) == Heard()
