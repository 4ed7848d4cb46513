"""A device's own clock: its true rate is found from when its blocks arrive."""

import random

import pytest

from edged.capture import clock
from edged.capture.clock import DeviceClock

RATE = 48_000
BLOCK = 4_800


def run(
    device: DeviceClock, seconds: float, *, rate: float, jitter_s: float = 0.0, first_s: float = 0.0
) -> list[float]:
    """Blocks for so long; how far the clock was off at each, in seconds."""
    chance = random.Random(4)
    off = []
    for number in range(1, int(seconds * RATE / BLOCK)):
        taken_s = first_s + number * BLOCK / rate
        assert device.arrive(taken_s + chance.random() * jitter_s, BLOCK) == 0
        off.append(device.block_s - (taken_s - BLOCK / rate))
    return off


@pytest.mark.parametrize("rate", [47_985, 48_000, 48_030])
def test_an_hour_of_a_crystal_that_is_off_stays_within_30_ms(rate: int) -> None:
    """The device says 48,000 Hz; its blocks come up to 40 ms late, as those of a busy machine."""
    device = DeviceClock(RATE)

    off = run(device, 3_600, rate=rate, jitter_s=0.04)

    assert max(map(abs, off)) < 0.045
    assert max(map(abs, off[600:])) < 0.015
    assert device.parts_per_million == pytest.approx(1e6 * (RATE / rate - 1), abs=60)


def test_two_sources_stay_together() -> None:
    one = run(DeviceClock(RATE), 3_600, rate=47_985)
    other = run(DeviceClock(RATE), 3_600, rate=48_000)

    assert max(abs(a - b) for a, b in zip(one, other, strict=True)) < 0.005


def test_lost_sound_is_seen_by_the_clock() -> None:
    """Half a second never came: the device says nothing, the next blocks are late for good."""
    device = DeviceClock(RATE)
    run(device, 20, rate=RATE)
    start_s = 20 - BLOCK / RATE + 0.5

    lost = [device.arrive(start_s + number * BLOCK / RATE, BLOCK) for number in range(1, 30)]

    assert sum(lost) == pytest.approx(RATE / 2, abs=RATE / 100)
    assert device.block_s == pytest.approx(start_s + 28 * BLOCK / RATE, abs=0.01)


def test_one_late_block_is_no_loss() -> None:
    """The machine was busy for half a second; then all blocks came at once."""
    device = DeviceClock(RATE)
    run(device, 20, rate=RATE)

    lost = [device.arrive(max(20.5, 20 + number * BLOCK / RATE), BLOCK) for number in range(1, 40)]

    assert lost == [0] * 39


def test_a_first_block_that_had_waited_does_not_shift_the_time() -> None:
    device = DeviceClock(RATE)
    device.arrive(0.4, BLOCK)

    for number in range(2, 40):
        device.arrive(max(0.4, number * BLOCK / RATE), BLOCK)

    assert device.block_s == pytest.approx(38 * BLOCK / RATE, abs=0.001)


def test_frames_that_are_known_to_be_lost_move_the_time() -> None:
    device = DeviceClock(RATE)
    device.arrive(0.1, BLOCK)

    device.lose(RATE)
    device.arrive(1.2, BLOCK)

    assert device.block_s == pytest.approx(1.1)


def test_the_wall_clock_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set back by an hour in the middle: neither the time nor the sleep knows of it."""
    before, slept = clock.now_ns(), clock.slept_ns()

    monkeypatch.setattr("time.time", lambda: 0.0)
    monkeypatch.setattr("time.time_ns", lambda: 0)
    after = clock.now_ns()

    assert 0 <= after - before < 10**9
    assert abs(clock.slept_ns() - slept) < 10**8
