"""The one place that imports sounddevice (PortAudio): lists inputs, opens one. Worker side only.

PortAudio's list is made when it starts and starting it anew would end open streams: so it is
listed in a worker that ends afterwards. macOS and Windows: not run by us.
"""

import ctypes
import ctypes.util
import sys
from collections.abc import Callable
from typing import Any, Protocol

from edged.capture.devices import NO_WAY
from edged.capture.orders import PortAudioDevice, PortAudioList
from edged.errors import (
    DeviceBusy,
    DeviceMissing,
    DeviceRefused,
    EdgedError,
    Internal,
    PermissionDenied,
    PortAudioMissing,
)
from edged.workers.context import WorkerContext

LATENCY_S = 0.1
BLOCK_S = 0.1
"""Measured: 2026-11, 2 vCPU, through PulseAudio: 100 ms cost 1.0 % of a core, 50 ms 1.2 %."""

_LIBRARY = "libportaudio.so.2"


def _find_library(name: str) -> str | None:
    """As ctypes.util.find_library, which starts programs: a worker may not."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    return _LIBRARY if name == "portaudio" else None


_usual = ctypes.util.find_library
if sys.platform == "linux":
    ctypes.util.find_library = _find_library
try:
    import sounddevice
except OSError as error:
    raise PortAudioMissing("the library PortAudio is not on this machine") from error
finally:
    ctypes.util.find_library = _usual

Sink = Callable[[memoryview], None]
"""Takes the bytes of a block, in a thread of PortAudio's; they are gone when it returns."""

_BY_CODE: dict[int, type[EdgedError]] = {
    -9985: DeviceBusy,
    -9996: DeviceMissing,
    -9997: DeviceRefused,
    -9998: DeviceRefused,
    -9994: DeviceRefused,
}
"""Source: portaudio.h, PaErrorCode: DeviceUnavailable, InvalidDevice, InvalidSampleRate,
InvalidChannelCount, SampleFormatNotSupported."""

_BY_SYSTEM: dict[int, type[EdgedError]] = {
    -16: DeviceBusy,
    -13: PermissionDenied,
    -1: PermissionDenied,
    -2: DeviceMissing,
    -19: DeviceMissing,
    -111: DeviceMissing,
}
"""ALSA's numbers are errno: EBUSY, EACCES, EPERM, ENOENT, ENODEV, ECONNREFUSED."""


class InputStream(Protocol):
    """What we use of sounddevice's RawInputStream."""

    @property
    def active(self) -> bool:
        """Whether the device still calls back."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def abort(self) -> None:
        """Stop now."""
        ...

    def close(self) -> None:
        """Free the device."""
        ...


def load(argument: bytes, context: WorkerContext) -> "Inputs":
    """The worker's entry; nothing is asked of it but the list."""
    del argument, context
    return Inputs()


class Inputs:
    """What the throw-away worker answers."""

    def inputs(self) -> PortAudioList:
        """Every input that there is now."""
        return PortAudioList(devices=tuple(_inputs()))


def _inputs() -> list[PortAudioDevice]:
    default = sounddevice.default.device[0]
    systems = sounddevice.query_hostapis()
    return [
        PortAudioDevice(
            name=str(one["name"]),
            system=str(systems[one["hostapi"]]["name"]),
            channels=int(one["max_input_channels"]),
            sample_rate=int(one["default_samplerate"]),
            is_default=index == default,
        )
        for index, one in enumerate(sounddevice.query_devices())
        if one["max_input_channels"] > 0
    ]


def find(names: tuple[str, ...]) -> tuple[int, int]:
    """The index of an input now, and its own sample rate in Hz: the first of the names that is there.

    Raises:
        DeviceMissing: none of them is.
    """
    inputs = {
        str(one["name"]): (index, int(one["default_samplerate"]))
        for index, one in reversed(list(enumerate(sounddevice.query_devices())))
        if one["max_input_channels"] > 0
    }
    for name in names:
        if name in inputs:
            return inputs[name]
    if "pulse" in names:
        raise DeviceMissing(NO_WAY.message, fix=NO_WAY.fix)
    raise DeviceMissing("the device is not in PortAudio's list")


def open_input(
    names: tuple[str, ...], rate: int, channels: int, sink: Sink
) -> tuple[InputStream, int]:
    """An opened input that was not started, of 16-bit samples, and the rate that it gives.

    Args:
        names: as PortAudio lists it; the first that is there.
        rate: in Hz; a device that refuses it is opened with its own.
        channels: 1 or 2.
        sink: called for each block once the input is started.

    Raises:
        DeviceMissing, DeviceBusy, PermissionDenied, DeviceRefused: why it cannot be opened.
    """
    index, own_rate = find(names)
    try:
        return _open(index, rate, channels, sink), rate
    except DeviceRefused:
        if own_rate == rate:
            raise
    return _open(index, own_rate, channels, sink), own_rate


def _open(index: int, rate: int, channels: int, sink: Sink) -> InputStream:
    def callback(pcm: memoryview, frames: int, times: object, flags: object) -> None:
        del frames, times, flags
        sink(memoryview(pcm).cast("B"))

    try:
        stream: InputStream = sounddevice.RawInputStream(
            device=index,
            samplerate=rate,
            channels=channels,
            dtype="int16",
            blocksize=round(rate * BLOCK_S),
            latency=LATENCY_S,
            callback=callback,
        )
    except sounddevice.PortAudioError as error:
        raise translated(error.args, rate=rate, channels=channels) from error
    return stream


def started(stream: InputStream) -> None:
    """Start an opened input.

    Raises:
        DeviceMissing, DeviceBusy, PermissionDenied, DeviceRefused: why it cannot.
    """
    try:
        stream.start()
    except sounddevice.PortAudioError as error:
        raise translated(error.args) from error


def translated(facts: tuple[Any, ...], *, rate: int = 0, channels: int = 0) -> EdgedError:
    """Our error for PortAudio's: its text, code, and what the system below it said."""
    code = facts[1] if len(facts) > 1 else 0
    system = facts[2][1] if len(facts) > 2 else 0  # noqa: PLR2004 - (host api, code, text)
    leaf = _BY_SYSTEM.get(system) or _BY_CODE.get(code, Internal)
    if leaf is DeviceRefused:
        asked = f"{rate} Hz with {channels} channels"
        return DeviceRefused(f"the device does not give {asked}", rate=rate, channels=channels)
    if leaf is Internal:
        # Not PortAudio's text: it could hold a device's name.
        return DeviceMissing(f"PortAudio cannot open the device (error {code}, {system})")
    reasons = {
        DeviceBusy: "another program has the device for itself",
        PermissionDenied: "the system does not let the daemon open the device",
        DeviceMissing: "the device is gone",
    }
    return leaf(reasons[leaf])
