"""Listening to real devices of a sound server: listed, captured, pulled out and back in."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from blockbuster import blockbuster_ctx
from pulse import Pulse
from real_daemon import Daemon

from edged import config
from edged.capture.clock import now_ns
from edged.capture.microphone import Listening, SoundDevices
from edged.capture.source import CapturedPart, CaptureOptions
from edged.errors import DeviceMissing, SoundServerMissing

SECOND = 16_000


class Ear:
    """Collects what a capture gives."""

    def __init__(self) -> None:
        self.parts: list[CapturedPart] = []
        self._changed = asyncio.Event()

    @property
    def samples(self) -> int:
        return sum(part.audio.samples for part in self.parts)

    @property
    def gaps(self) -> list[tuple[str, bool]]:
        """Reason of each, and whether it has ended."""
        return [(gap.reason, gap.end_ms is not None) for part in self.parts for gap in part.gaps]

    async def listen(self, capture: Listening) -> None:
        async for part in capture.parts():
            self.parts.append(part)
            self._changed.set()

    async def until(self, condition: Callable[[], object], within_s: float = 12.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def sound_of(pulse: Pulse) -> SoundDevices:
    return SoundDevices(config.Capture(reopen_ms=100), pulse.env)


def options(device: str = "", chunk_ms: int = 1_000) -> CaptureOptions:
    return CaptureOptions(device=device, origin_ns=now_ns(), codec="flac", chunk_ms=chunk_ms)


@asynccontextmanager
async def capturing(
    sound: SoundDevices, kind: str, asked: CaptureOptions
) -> AsyncIterator[tuple[Listening, Ear]]:
    ear = Ear()
    async with sound.open(kind, asked) as capture, asyncio.TaskGroup() as tasks:
        tasks.create_task(ear.listen(capture))
        yield capture, ear
        await capture.stop()


def readers(pulse: Pulse) -> int:
    """How many programs record through ALSA's way to the server, as PortAudio does."""
    return sum("ALSA" in str(one["properties"]) for one in pulse.readers())


def check(pulse: Pulse, body: Callable[[SoundDevices], Awaitable[None]]) -> None:
    """Run it, on a loop that must not be blocked."""
    with blockbuster_ctx(excluded_modules=["logging"]):
        asyncio.run(_within(body(sound_of(pulse))))


async def _within(body: Awaitable[None]) -> None:
    async with asyncio.timeout(18):
        await body


def test_devices_are_listed_with_their_types_and_the_default(pulse: Pulse, daemon: Daemon) -> None:
    daemon.start(**pulse.env)

    found = daemon.json("devices")

    by_id = {device["id"]: device for device in found["devices"]}
    assert "sound_server_missing" not in {problem["code"] for problem in found["problems"]}
    assert by_id["microphone"] | {"in_use": None, "formats": []} == {
        "id": "microphone", "name": "Microphone-of-the-test", "device_type": "microphone",
        "is_default": True, "sample_rate": 48_000, "channels": 1, "in_use": None,
        "permission": "granted", "reason": "", "formats": [],
    }  # fmt: skip
    assert by_id["speakers.monitor"]["device_type"] == "loopback"
    assert by_id["speakers.monitor"]["is_default"]


def test_a_microphone_is_heard_while_another_one_comes_and_goes(pulse: Pulse) -> None:
    """The list is made in a worker of its own: the open stream has no gap."""

    async def body(sound: SoundDevices) -> None:
        async with capturing(sound, "microphone", options()) as (_, ear):
            await ear.until(lambda: ear.samples > SECOND // 4)
            await asyncio.to_thread(pulse.add_source, "headset")
            with_it = await sound.devices()
            await asyncio.to_thread(pulse.remove_source, "headset")
            without = await sound.devices()
            await ear.until(lambda: ear.samples > 3 * SECOND // 2)
        assert "headset" in {device.id for device in with_it.devices}
        assert "headset" not in {device.id for device in without.devices}
        assert ear.gaps == []
        audio = [part.audio for part in ear.parts if part.audio.samples]
        assert all(one.start + one.samples == two.start for one, two in pairwise(audio))
        sealed = [chunk for part in ear.parts for chunk in part.sealed]
        assert [chunk.number for chunk in sealed] == list(range(len(sealed)))
        assert all(one.start_ms + one.duration_ms == two.start_ms for one, two in pairwise(sealed))

    check(pulse, body)


def test_a_device_pulled_out_and_back_in_is_a_gap_and_goes_on(pulse: Pulse) -> None:
    async def body(sound: SoundDevices) -> None:
        await asyncio.to_thread(pulse.add_source, "headset")
        async with capturing(sound, "microphone", options("Headset-of-the-test")) as (_, ear):
            await ear.until(lambda: ear.samples > SECOND // 4)
            await asyncio.to_thread(pulse.remove_source, "headset")
            await ear.until(lambda: ear.gaps == [("device_lost", False)])
            before = ear.samples
            await asyncio.to_thread(pulse.add_source, "headset")
            await ear.until(lambda: ear.samples > before + SECOND // 4)
        assert ear.gaps == [("device_lost", False), ("device_lost", True)]
        gap = next(gap for part in ear.parts for gap in part.gaps if gap.end_ms is not None)
        sealed = [chunk for part in ear.parts for chunk in part.sealed]
        ends = [chunk.start_ms + chunk.duration_ms for chunk in sealed]
        assert gap.start_ms in ends
        assert gap.end_ms in [chunk.start_ms for chunk in sealed]
        assert [chunk.number for chunk in sealed] == list(range(len(sealed)))

    check(pulse, body)


def test_a_sound_server_that_ends_is_a_gap_until_it_is_back(pulse: Pulse) -> None:
    async def body(sound: SoundDevices) -> None:
        async with capturing(sound, "loopback", options()) as (_, ear):
            await ear.until(lambda: ear.samples > SECOND // 4)
            await asyncio.to_thread(pulse.stop)
            await ear.until(lambda: ear.gaps == [("device_lost", False)])
            before = ear.samples
            await asyncio.to_thread(pulse.start)
            await ear.until(lambda: ear.samples > before + SECOND // 4)
        assert ear.gaps[-1] == ("device_lost", True)

    check(pulse, body)


def test_a_worker_that_is_killed_loses_the_open_chunk_and_says_so(pulse: Pulse) -> None:
    async def body(sound: SoundDevices) -> None:
        async with capturing(sound, "microphone", options(chunk_ms=500)) as (capture, ear):
            await ear.until(lambda: any(part.sealed for part in ear.parts))
            assert capture._worker is not None
            os.kill(capture._worker.pid, signal.SIGKILL)
            await ear.until(lambda: ear.gaps == [("killed", False), ("killed", True)])
            await ear.until(lambda: ear.parts[-1].sealed)
        gap = next(gap for part in ear.parts for gap in part.gaps if gap.end_ms is not None)
        sealed = [chunk for part in ear.parts for chunk in part.sealed]
        assert gap.start_ms in [chunk.start_ms + chunk.duration_ms for chunk in sealed]
        assert gap.end_ms in [chunk.start_ms for chunk in sealed]
        assert [chunk.number for chunk in sealed] == list(range(len(sealed)))

    check(pulse, body)


def test_what_is_played_is_what_is_captured(pulse: Pulse) -> None:
    """Loud where sound was played, silent elsewhere; the kept chunks know it too."""

    async def body(sound: SoundDevices) -> None:
        tone = b"".join(
            (8_000 if at // 20 % 2 else -8_000).to_bytes(2, "little", signed=True)
            for at in range(SECOND // 2)
        )
        async with capturing(sound, "microphone", options("microphone", 500)) as (_, ear):
            await ear.until(lambda: ear.samples > SECOND // 4)
            await asyncio.to_thread(pulse.play, tone)
            await ear.until(lambda: ear.samples > 2 * SECOND)
        assert ear.parts[1].level < 0.01
        assert 0.2 < max(part.level for part in ear.parts) < 0.3
        loud = sum(not chunk.silent for part in ear.parts for chunk in part.sealed)
        assert 1 <= loud <= 3

    check(pulse, body)


def test_discarding_gives_nothing_more_and_stop_seals_the_open_chunk(pulse: Pulse) -> None:
    async def body(sound: SoundDevices) -> None:
        counts = []
        for discard in (True, False):
            async with capturing(sound, "microphone", options(chunk_ms=600_000)) as (capture, ear):
                await ear.until(lambda: ear.samples > SECOND // 4)
                assert await asyncio.to_thread(readers, pulse)
                await capture.stop(discard=discard)
                assert not await asyncio.to_thread(readers, pulse)
            counts.append(sum(len(part.sealed) for part in ear.parts))
        assert counts == [0, 1]

    check(pulse, body)


def test_a_device_that_is_not_there_is_said_before_anything_is_captured(pulse: Pulse) -> None:
    async def body(sound: SoundDevices) -> None:
        async with sound.open("microphone", options("nothing of that name")) as capture:
            with pytest.raises(DeviceMissing, match="of that name"):
                await anext(capture.parts())

    check(pulse, body)


def test_without_a_sound_server_loopback_says_what_is_missing() -> None:
    sound = SoundDevices(config.Capture(), {"PULSE_SERVER": "unix:/nonexistent/native"})

    found = asyncio.run(sound.devices())

    assert "sound_server_missing" in {problem.code for problem in found.problems}


def test_without_a_sound_server_loopback_cannot_be_opened() -> None:
    sound = SoundDevices(config.Capture(), {"PULSE_SERVER": "unix:/nonexistent/native"})

    async def body() -> None:
        async with sound.open("loopback", options()) as capture:
            await anext(capture.parts())

    with pytest.raises(SoundServerMissing, match="hears what is played"):
        asyncio.run(_within(body()))
