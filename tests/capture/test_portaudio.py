"""PortAudio's answers as ours: what keeps a device from being opened."""

import os
import subprocess
import sys
from typing import Any

import pytest

from edged.errors import (
    DeviceBusy,
    DeviceMissing,
    DeviceRefused,
    EdgedError,
    PermissionDenied,
    PortAudioMissing,
)

try:
    from edged.capture import portaudio  # isort: skip - it finds the library
    import sounddevice
except PortAudioMissing:
    pytest.skip("no PortAudio here: apt-get install libportaudio2", allow_module_level=True)

INPUTS = [
    {"name": "HDMI", "max_input_channels": 0, "default_samplerate": 48_000.0, "hostapi": 0},
    {"name": "Mic (hw:0,0)", "max_input_channels": 2, "default_samplerate": 44_100.0, "hostapi": 0},
]


class FakeStream:
    """Fulfils portaudio.InputStream; refuses the rates that its device does not give."""

    rates: tuple[int, ...] = (44_100,)
    error: tuple[Any, ...] = ()
    active = True

    def __init__(self, *, samplerate: int, callback: Any, **facts: Any) -> None:
        del facts
        if samplerate not in self.rates:
            raise sounddevice.PortAudioError("no such rate", -9997)
        self.callback = callback

    def start(self) -> None:
        if self.error:
            raise sounddevice.PortAudioError(*self.error)

    def abort(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> type[FakeStream]:
    """A device that gives 44,100 Hz and nothing else."""

    class Fresh(FakeStream):
        """One class per test: it is changed."""

    monkeypatch.setattr(sounddevice, "query_devices", lambda: INPUTS)
    monkeypatch.setattr(sounddevice, "RawInputStream", Fresh)
    return Fresh


@pytest.mark.usefixtures("stream")
def test_a_refused_rate_gives_the_devices_own() -> None:
    heard: list[bytes] = []

    opened, rate = portaudio.open_input(
        ("Mic (hw:0,0)",), 16_000, 1, lambda pcm: heard.append(bytes(pcm))
    )

    assert rate == 44_100
    assert isinstance(opened, FakeStream)
    opened.callback(bytearray(b"abcd"), 2, None, None)
    assert heard == [b"abcd"]


def test_a_device_that_refuses_its_own_rate_too_is_said_so(stream: type[FakeStream]) -> None:
    stream.rates = ()

    with pytest.raises(DeviceRefused, match="44100 Hz with 1 channels"):
        portaudio.open_input(("Mic (hw:0,0)",), 16_000, 1, lambda _: None)


@pytest.mark.usefixtures("stream")
@pytest.mark.parametrize("name", ["HDMI", "nothing"])
def test_what_is_no_input_is_missing(name: str) -> None:
    with pytest.raises(DeviceMissing, match="not in PortAudio's list"):
        portaudio.open_input((name,), 16_000, 1, lambda _: None)


@pytest.mark.usefixtures("stream")
def test_without_a_way_to_the_sound_server_the_fix_names_the_package() -> None:
    with pytest.raises(DeviceMissing) as caught:
        portaudio.open_input(("pulse", "pipewire"), 16_000, 1, lambda _: None)

    assert "libasound2-plugins" in caught.value.fix


def test_a_device_that_another_program_holds_is_busy(stream: type[FakeStream]) -> None:
    stream.error = ("Unanticipated host error", -9999, (0, -16, "Device or resource busy"))

    opened, _ = portaudio.open_input(("Mic (hw:0,0)",), 44_100, 1, lambda _: None)
    with pytest.raises(DeviceBusy):
        portaudio.started(opened)


@pytest.mark.parametrize(
    ("facts", "leaf"),
    [
        (("Device unavailable", -9985), DeviceBusy),
        (("Invalid device", -9996), DeviceMissing),
        (("Invalid number of channels", -9998), DeviceRefused),
        (("Unanticipated host error", -9999, (0, -13, "Permission denied")), PermissionDenied),
        (("Unanticipated host error", -9999, (0, -19, "No such device")), DeviceMissing),
        (("Internal PortAudio error", -9986), DeviceMissing),
        (("something",), DeviceMissing),
    ],
)
def test_portaudios_errors_become_ours(facts: tuple[Any, ...], leaf: type[EdgedError]) -> None:
    assert type(portaudio.translated(facts)) is leaf


def test_without_the_library_it_is_missing_and_the_fix_names_the_package() -> None:
    """In a process of its own, whose loader does not find it."""
    code = (
        "import ctypes, sys\n"
        "usual = ctypes.CDLL\n"
        "def refuse(name, *rest, **more):\n"
        "    if name and 'portaudio' in str(name): raise OSError('not found')\n"
        "    return usual(name, *rest, **more)\n"
        "ctypes.CDLL = refuse\n"
        "try:\n"
        "    import edged.capture.portaudio\n"
        "except Exception as error:\n"
        "    print(error.code, error.fix)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("portaudio_missing install it: `apt install libportaudio2`")
