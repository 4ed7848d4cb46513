"""From blocks of a device to parts and chunks on a session's clock, without a device."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from test_encoder import decoded

from edged.capture.line import Line
from edged.capture.orders import CaptureOrder, Heard
from edged.capture.source import Gap
from edged.capture.tap import Block
from edged.messages.sessions import Codec

BLOCK_S = 0.1


class Device:
    """A device that plays a tone that swells and fades each second; tells its blocks' times."""

    def __init__(self, line: Line, *, rate: int = 16_000, true_rate: float = 0.0) -> None:
        self.line = line
        self.rate = rate
        self.true_rate = true_rate or rate
        self.frames = 0
        self.late_s = 0.0
        self.slept_s = 0.0
        self.heard: list[Heard] = []
        self.sound = sound

    def play(self, seconds: float, *, lost: int = 0) -> None:
        """Blocks for so long; the first one says that frames were lost before it."""
        self.frames += lost
        for _ in range(round(seconds / BLOCK_S)):
            size = int(self.rate * BLOCK_S)
            at = (self.frames + np.arange(size)) / self.true_rate
            self.frames += size
            arrived_s = self.frames / self.true_rate + self.late_s + self.slept_s
            self.line.feed(
                Block(self.sound(at).tobytes(), int(arrived_s * 1e9), int(self.slept_s * 1e9), lost)
            )
            lost = 0
            while heard := self.line.take():
                self.heard.append(heard)

    def end(self) -> "Device":
        self.heard += self.line.finish()
        return self

    @property
    def gaps(self) -> list[Gap]:
        return [gap for heard in self.heard for gap in heard.gaps]

    @property
    def chunks(self) -> list[tuple[int, int, int]]:
        """Number, start and length of each."""
        return [
            (one.number, one.start_ms, one.duration_ms)
            for heard in self.heard
            for one in heard.chunks
        ]

    def files(self) -> Iterator[tuple[int, NDArray[np.float64], int]]:
        """Start in ms, samples and rate of each chunk."""
        for heard in self.heard:
            for facts, data in zip(heard.chunks, heard.files, strict=True):
                samples, rate = decoded(data)
                yield facts.start_ms, samples, rate


def sound(at: NDArray[np.float64]) -> NDArray[np.int16]:
    """What is to be heard at these seconds."""
    swell = np.sin(np.pi * (at % 1.0)) ** 2
    return (12_000 * swell * np.sin(2 * np.pi * 440 * at)).astype("<i2")


def line(
    *, codec: Codec = "flac", sample_rate: int = 16_000, channels: int = 1, rate: int = 16_000
) -> Line:
    order = CaptureOrder(
        devices=("pulse",), origin_ns=0, codec=codec, sample_rate=sample_rate, channels=channels,
        chunk_ms=1_000, first_chunk=5,
    )  # fmt: skip
    return Line(order, rate, 1)


def clicks(at: NDArray[np.float64]) -> NDArray[np.int16]:
    """A click of 2 ms in the middle of every second."""
    return np.where(np.abs(at % 1.0 - 0.5) < 0.001, 20_000, 0).astype("<i2")


def off_ms(device: Device) -> list[float]:
    """How far each click of the models' copy is from the middle of its second."""
    parts = [heard for heard in device.heard if heard.pcm]
    samples = np.frombuffer(b"".join(heard.pcm for heard in parts), "<i2").astype(float)
    first = parts[0].start
    found = []
    for second in range(first // 16_000 + 1, (first + len(samples)) // 16_000):
        around = samples[second * 16_000 - first :][:16_000] ** 2
        found.append(float(around @ np.arange(16_000) / around.sum()) / 16 - 500)
    return found


@pytest.mark.parametrize(("rate", "true_rate"), [(48_000, 47_985), (16_000, 16_040)])
def test_a_device_with_a_wrong_crystal_stays_on_the_clock(rate: int, true_rate: int) -> None:
    """After two minutes, 15 Hz too slow would be 37 ms off, 40 Hz too fast 300 ms."""
    device = Device(line(rate=rate), rate=rate, true_rate=true_rate)
    device.sound = clicks

    device.play(120)

    off = off_ms(device.end())
    assert len(off) >= 118
    assert max(map(abs, off)) <= 15
    assert max(map(abs, off[60:])) <= 5
    assert device.gaps == []


def test_where_nobody_knows_when_the_clock_begins_it_begins_with_the_first_sound() -> None:
    order = CaptureOrder(devices=("pulse",), chunk_ms=1_000)
    way = Line(order, 16_000, 1)
    pcm = bytes(2 * 1_600)

    for number in range(12):
        arrived_ns = 7_000_000_000 + (number + 1) * 100_000_000
        way.feed(Block(pcm=pcm, arrived_ns=arrived_ns, slept_ns=0, lost=0))
    heard = [way.take(), *way.finish()][-1]

    assert heard is not None
    assert heard.origin_ns == 7_000_000_000
    assert heard.start_ms == 0
    assert heard.end_ms == 1_200


def test_parts_are_whole_windows_without_a_hole() -> None:
    device = Device(line())

    device.play(3.1)

    parts = [heard for heard in device.end().heard if heard.pcm]
    assert all(len(one.pcm) % 1_024 == 0 and one.start % 512 == 0 for one in parts)
    assert all(len(one.rms) == len(one.pcm) // 256 for one in parts)
    ends = [one.start + len(one.pcm) // 2 for one in parts]
    assert ends[:-1] == [one.start for one in parts[1:]]
    assert ends[-1] >= 3.1 * 16_000 - 1_024
    assert max(one.level for one in parts) == pytest.approx(12_000 / 2**15 / 2**0.5, rel=0.05)


def test_chunks_begin_at_the_same_borders_for_every_source() -> None:
    """A source that came later has a short first one."""
    device = Device(line())
    device.late_s = 0.3

    device.play(2.5)

    assert device.end().chunks == [(5, 300, 700), (6, 1_000, 1_000), (7, 2_000, 800)]
    assert [len(samples) for _, samples, _ in device.files()] == [11_200, 16_000, 12_800]


@pytest.mark.parametrize(
    ("codec", "sample_rate", "channels"),
    [("opus", 24_000, 1), ("flac", 44_100, 2), ("aac", 8_000, 1)],
)
def test_kept_audio_has_the_rate_and_channels_asked_for(
    codec: Codec, sample_rate: int, channels: int
) -> None:
    device = Device(line(codec=codec, sample_rate=sample_rate, channels=channels))

    device.play(2)

    files = list(device.end().files())
    assert [start for start, _, _ in files] == [0, 1_000]
    for _, samples, rate in files:
        assert rate == (48_000 if codec == "opus" else sample_rate)
        assert samples.shape[1] == channels
        assert 0 <= len(samples) - rate < 1_024
        assert np.abs(samples).max() > 0.2
    assert all(heard.start % 512 == 0 for heard in device.heard)


def test_lost_blocks_are_a_gap_as_long_as_what_was_lost() -> None:
    """The callback overran the ring: the tap says how many frames it dropped."""
    device = Device(line())
    device.play(1.5)

    device.play(1.5, lost=8_000)

    assert device.end().gaps == [Gap(start_ms=1_500, end_ms=2_000, reason="overrun")]
    assert device.chunks == [(5, 0, 1_000), (6, 1_000, 500), (7, 2_000, 1_000), (8, 3_000, 500)]


def test_sound_that_a_device_lost_without_a_word_is_a_gap_too() -> None:
    device = Device(line())
    device.play(10)

    device.late_s = 0.5
    device.play(5)

    (gap,) = device.end().gaps
    assert gap.reason == "overrun"
    assert gap.end_ms is not None
    assert gap.end_ms - gap.start_ms == pytest.approx(500, abs=5)
    assert 10_000 <= gap.start_ms <= 11_300


def test_a_sleep_of_the_machine_is_a_gap() -> None:
    device = Device(line())
    device.play(1.5)

    device.slept_s = 3_600
    device.play(1)

    assert device.end().gaps == [Gap(start_ms=1_500, end_ms=3_601_500, reason="suspended")]
    assert [start for _, start, _ in device.chunks] == [0, 1_000, 3_601_500, 3_602_000]
    before = max(heard.start for heard in device.heard if heard.start < 60 * 16_000)
    after = min(heard.start for heard in device.heard if heard.start > 60 * 16_000)
    assert before < 1_500 * 16
    assert 3_601_500 * 16 <= after < 3_601_532 * 16


def test_silence_is_marked_and_sound_is_not() -> None:
    device = Device(line())
    device.play(1)
    quiet = np.random.default_rng(3).integers(-20, 20, 16_000).astype("<i2")

    device.line.feed(Block(quiet.tobytes(), int(2e9)))

    silent = [one.silent for heard in device.end().heard for one in heard.chunks]
    assert silent == [False, True]


def test_a_wiped_line_gives_nothing() -> None:
    device = Device(line())
    device.play(1.55)
    device.heard.clear()

    device.line.wipe()

    assert all(heard.pcm == b"" and not heard.files for heard in device.end().heard)
