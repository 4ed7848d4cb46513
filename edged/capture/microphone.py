"""Sound devices, seen from the daemon: a worker for each open one, a throw-away one for the list.

A device that goes away is looked for again, by a fresh worker, until it is back: PortAudio's list
is frozen at its start. The sound server moves the readers of a lost source to another one, which
nobody asked for: so its changes are watched, and such a capture ends.
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress

import msgspec
from msgspec import Struct

from edged import config
from edged.capture import pulse
from edged.capture.clock import now_ns
from edged.capture.devices import (
    NO_LOOPBACK,
    NO_WAY,
    THROUGH_SERVER,
    choose,
    from_portaudio,
    portaudio_name,
)
from edged.capture.orders import CaptureOrder, Ending, Heard, PortAudioDevice, PortAudioList
from edged.capture.source import CapturedPart, CaptureOptions, Gap, SealedChunk
from edged.errors import EdgedError, SoundServerMissing
from edged.media import AudioChunk
from edged.messages.records import Problem
from edged.messages.sessions import Device, Devices
from edged.workers.process import Worker, WorkerSpec

log = logging.getLogger(__name__)

START_WITHIN_S = 20.0
PART_WITHIN_S = 10.0
FINISH_WITHIN_S = 5.0

SERVER_LATENCY_MS = 50
"""How much the sound server sends at once. Measured: 2026-11, 2 vCPU, busy: the capture's worker
takes 1.2 % of a core instead of 1.4 %, without resampling and encoding."""

_NOTHING = AudioChunk(data=b"")
_READABLE = (
    "/etc/alsa", "/etc/asound.conf", "/etc/pulse", "/etc/pipewire", "/etc/passwd",
    "/etc/nsswitch.conf", "/etc/machine-id", "/proc/asound",
)  # fmt: skip
"""What ALSA and the sound server's library read beside what every worker may."""


class Found(Struct, frozen=True):
    """A device, and how a worker reaches it. server: through the sound server."""

    device: Device
    names: tuple[str, ...]
    spec: WorkerSpec
    server: bool


class SoundDevices:
    """Lists devices and captures from them; fulfils edged.capture.source.Microphones.

    Args:
        settings: of capturing.
        environ: says where the sound server is.
    """

    def __init__(self, settings: config.Capture, environ: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._environ = environ

    async def devices(self) -> Devices:
        """Everything that can be listened to now, without touching what is open."""
        listed, problems = await self._portaudio()
        try:
            devices = await pulse.sources(self._environ)
        except SoundServerMissing as error:
            devices = await asyncio.to_thread(from_portaudio, listed)
            if not any(device.device_type == "loopback" for device in devices):
                problems.append(NO_LOOPBACK.get(sys.platform, _problem(error)))
        else:
            if not problems and not any(one.name in THROUGH_SERVER for one in listed):
                problems.append(NO_WAY)
        return Devices(devices=tuple(devices), problems=tuple(problems))

    @asynccontextmanager
    async def open(self, kind: str, options: CaptureOptions) -> AsyncIterator["Listening"]:
        """Capture a microphone or loopback; leaving the block frees the device."""
        listening = Listening(self, kind, options, self._settings)
        watch = asyncio.get_running_loop().create_task(
            self._watch(listening), name=f"changes of a {kind}"
        )
        try:
            yield listening
        finally:
            watch.cancel()
            await asyncio.wait({watch})
            await listening.close()

    async def find(self, kind: str, wish: str) -> Found:
        """The device that is meant, now.

        Raises:
            DeviceMissing, SoundServerMissing, PortAudioMissing, EngineMissing: it is not there.
        """
        try:
            devices = await pulse.sources(self._environ)
        except SoundServerMissing:
            return await self._find_without_server(kind, wish)
        device = choose(devices, kind, wish)
        spec = await asyncio.to_thread(self._through_server, device)
        return Found(device, THROUGH_SERVER, spec, server=True)

    async def there(self, device_id: str) -> bool:
        """Whether the sound server still has a source."""
        try:
            devices = await pulse.sources(self._environ)
        except SoundServerMissing:
            return False
        return any(device.id == device_id for device in devices)

    async def _find_without_server(self, kind: str, wish: str) -> Found:
        if kind == "loopback" and sys.platform == "linux":
            raise SoundServerMissing("no sound server answers, and it alone hears what is played")
        async with _worker(await asyncio.to_thread(self._listing)) as worker:
            listed = (await worker.call("inputs", deadline_s=PART_WITHIN_S)).to(PortAudioList)
        devices = await asyncio.to_thread(from_portaudio, listed.devices)
        known = NO_LOOPBACK.get(sys.platform)
        if kind == "loopback" and known and not any(one.device_type == kind for one in devices):
            raise SoundServerMissing(known.message, fix=known.fix)
        device = choose(devices, kind, wish)
        name = await asyncio.to_thread(portaudio_name, listed.devices, device)
        spec = msgspec.structs.replace(_CAPTURE, device_paths=("/dev/snd",))
        return Found(device, (name,), spec, server=False)

    async def _portaudio(self) -> tuple[tuple[PortAudioDevice, ...], list[Problem]]:
        """PortAudio's own list; or why there is none."""
        try:
            async with _worker(await asyncio.to_thread(self._listing)) as worker:
                answer = await worker.call("inputs", deadline_s=PART_WITHIN_S)
                return answer.to(PortAudioList).devices, []
        except EdgedError as error:
            return (), [_problem(error)]

    def _listing(self) -> WorkerSpec:
        """A worker that lists; the server's way into ALSA is listed only when it leads somewhere."""
        try:
            variables = pulse.variables(self._environ)
        except SoundServerMissing:
            return _LISTING
        return msgspec.structs.replace(_LISTING, environment=variables)

    def _through_server(self, device: Device) -> WorkerSpec:
        """A worker whose libraries take one source of the server for the default one."""
        variables = pulse.variables(self._environ)
        cookie = variables.get("PULSE_COOKIE")
        return msgspec.structs.replace(
            _CAPTURE,
            read_paths=(*_READABLE, cookie) if cookie else _READABLE,
            environment={
                **variables,
                "PULSE_SOURCE": device.id,
                "PULSE_LATENCY_MSEC": str(SERVER_LATENCY_MS),
                "PIPEWIRE_NODE": device.id,
            },
        )

    async def _watch(self, listening: "Listening") -> None:
        """Tell a capture when a source came or went, as long as it is open."""
        while True:
            with suppress(SoundServerMissing):
                async with aclosing(pulse.changes(self._environ)) as changes:
                    async for _ in changes:
                        await listening.sources_changed()
            await asyncio.sleep(self._settings.reopen_ms / 1000)


_CAPTURE = WorkerSpec(name="capture", module="edged.capture.listener", read_paths=_READABLE)
_LISTING = WorkerSpec(
    name="devices",
    module="edged.capture.portaudio",
    read_paths=_READABLE,
    device_paths=("/dev/snd",),
)


@asynccontextmanager
async def _worker(spec: WorkerSpec) -> AsyncIterator[Worker]:
    worker = await Worker.spawn(spec, load_deadline_s=START_WITHIN_S)
    try:
        yield worker
    finally:
        await worker.end(grace_s=1.0)


def _problem(error: EdgedError) -> Problem:
    return Problem(code=error.code, message=error.message, fix=error.fix)


class Listening:
    """One source that is being captured; fulfils edged.capture.source.Capture."""

    def __init__(
        self,
        sound: SoundDevices,
        kind: str,
        options: CaptureOptions,
        settings: config.Capture,
    ) -> None:
        self._sound = sound
        self._kind = kind
        self._options = options
        self._origin_ns = options.origin_ns
        self._settings = settings
        self._found: Found | None = None
        self._worker: Worker | None = None
        self._finishing: asyncio.Task[list[Heard]] | None = None
        self._stopping = False
        self._discarding = False
        self._wake = asyncio.Event()
        self._next_chunk = options.first_chunk
        self._kept_until_ms: int | None = None
        self._gap: Gap | None = None

    async def parts(self) -> AsyncGenerator[CapturedPart, None]:
        """See edged.capture.source.Capture."""
        first = True
        while not self._stopping:
            reason = "device_lost"
            try:
                async with aclosing(self._heard()) as heards:
                    async for part in heards:
                        first = False
                        yield part
            except EdgedError as error:
                if first:
                    raise
                if self._gap is None:
                    log.warning("a source gives nothing: %s", error.code)
                reason = "device_lost" if error.code.startswith("device") else "killed"
            if not self._stopping:
                if self._gap is None and self._kept_until_ms is not None:
                    self._gap = Gap(start_ms=self._kept_until_ms, end_ms=None, reason=reason)
                    yield CapturedPart(audio=_NOTHING, gaps=(self._gap,))
                await self._wait()
        if self._gap is not None and not self._discarding:
            yield CapturedPart(audio=_NOTHING, gaps=self._close_gap(self._now_ms()))

    async def stop(self, *, discard: bool = False) -> None:
        """See edged.capture.source.Capture."""
        self._stopping = True
        self._discarding = self._discarding or discard
        self._wake.set()
        worker = self._worker
        if worker is None:
            return
        try:
            await self._finish(worker)
        except EdgedError:
            # Nothing of it may be kept, and it does not obey.
            worker.kill("its capture did not end")
            raise

    async def sources_changed(self) -> None:
        """A source of the server came or went: end the capture of a lost one, look for it again."""
        self._wake.set()
        found, worker = self._found, self._worker
        if found is None or worker is None or not found.server:
            return
        if not await self._sound.there(found.device.id) and worker is self._worker:
            with suppress(EdgedError):
                await self._finish(worker)

    async def close(self) -> None:
        """Free the device, whatever goes on."""
        self._stopping = True
        self._wake.set()
        if self._worker is not None:
            await self._worker.end(grace_s=0)

    async def _heard(self) -> AsyncGenerator[CapturedPart, None]:
        """Parts of the device while it is there; the last ones hold what was left."""
        found = await self._sound.find(self._kind, self._options.device)
        async with _worker(found.spec) as worker:
            self._found, self._worker, self._finishing = found, worker, None
            try:
                async with aclosing(self._stream(worker, found)) as heards:
                    async for heard in heards:
                        if not self._discarding:
                            yield self._part(heard, found.device.name)
            finally:
                self._worker = None

    async def _stream(self, worker: Worker, found: Found) -> AsyncGenerator[Heard, None]:
        order = self._order(found)
        async with aclosing(
            worker.stream("capture", order, deadline_s=PART_WITHIN_S, priority=1)
        ) as answers:
            if self._stopping:
                return
            async for answer in answers:
                yield answer.to(Heard)
        for heard in await self._finish(worker):
            yield heard

    def _order(self, found: Found) -> CaptureOrder:
        options = self._options
        return CaptureOrder(
            devices=found.names,
            origin_ns=self._origin_ns,
            codec=options.codec,
            sample_rate=options.sample_rate,
            channels=options.channels,
            chunk_ms=options.chunk_ms,
            first_chunk=self._next_chunk,
            ring_ms=self._settings.ring_ms,
        )

    async def _finish(self, worker: Worker) -> list[Heard]:
        """End the capture, once: whoever asks again gets the same rest."""
        if self._finishing is None:
            self._finishing = asyncio.get_running_loop().create_task(
                self._rest(worker), name="end of a capture"
            )
        return await asyncio.shield(self._finishing)

    async def _rest(self, worker: Worker) -> list[Heard]:
        ending = Ending(discard=self._discarding)
        answers = worker.stream("finish", ending, deadline_s=FINISH_WITHIN_S, priority=0)
        async with aclosing(answers):
            return [answer.to(Heard) async for answer in answers]

    def _part(self, heard: Heard, device: str) -> CapturedPart:
        """A worker's answer with the chunks' numbers, and the end of a gap that went on."""
        if self._origin_ns is None:
            self._origin_ns = heard.origin_ns
        gaps = heard.gaps
        if heard.end_ms and self._gap is not None:
            gaps = (*self._close_gap(heard.start_ms), *gaps)
        if self._kept_until_ms is None and heard.end_ms:
            self._kept_until_ms = heard.start_ms
        sealed = tuple(
            SealedChunk(
                number=facts.number,
                start_ms=facts.start_ms,
                duration_ms=facts.duration_ms,
                codec=self._options.codec,
                data=data,
                silent=facts.silent,
            )
            for facts, data in zip(heard.chunks, heard.files, strict=True)
        )
        if sealed:
            self._next_chunk = sealed[-1].number + 1
            self._kept_until_ms = sealed[-1].start_ms + sealed[-1].duration_ms
        return CapturedPart(
            audio=AudioChunk(data=heard.pcm, start=heard.start),
            rms=heard.rms,
            level=heard.level,
            sealed=sealed,
            gaps=gaps,
            device=device,
            origin_ns=self._origin_ns,
        )

    def _close_gap(self, end_ms: int) -> tuple[Gap, ...]:
        """The open gap with its end, which from now on is over."""
        gap, self._gap = self._gap, None
        if gap is None:
            return ()
        end_ms = max(end_ms, gap.start_ms)
        self._kept_until_ms = end_ms
        return (msgspec.structs.replace(gap, end_ms=end_ms),)

    def _now_ms(self) -> int:
        return (now_ns() - (self._origin_ns or now_ns())) // 1_000_000

    async def _wait(self) -> None:
        """Until a device came, or the time to look for it anyway."""
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.reopen_ms / 1000):
                await self._wake.wait()
