"""What can be listened to now, and which of it is meant; pure, but for asking (see `microphone`).

A device is named by its id, which stays the same when it is plugged in again, or by its name.
"""

import os
import re
import sys
from collections.abc import Sequence

from edged.capture.orders import PortAudioDevice
from edged.errors import DeviceMissing
from edged.messages.records import Problem
from edged.messages.sessions import Device, Permission

THROUGH_SERVER = ("pulse", "pipewire")
"""PortAudio's devices (plugins of ALSA) that reach the sound server, the best one first."""

NO_WAY = Problem(
    code="device_missing",
    message="PortAudio does not reach the sound server",
    fix="install ALSA's way to it: `apt install libasound2-plugins`, or pipewire-alsa",
)

_CARD = re.compile(r"\s*\(hw:\d+,\d+\)$")
_LOOPBACK = re.compile(r"\s*\[Loopback\]$")
"""How PortAudio builds with WASAPI loopback mark what a Windows machine plays. Not run by us."""

NO_LOOPBACK = {
    "darwin": Problem(
        code="sound_server_missing",
        message="macOS gives no program what the computer plays",
        fix="install a virtual device (BlackHole, for example), play through it, and record it as"
        " a microphone",
    ),
    "win32": Problem(
        code="sound_server_missing",
        message="this PortAudio does not show what Windows plays (WASAPI loopback)",
        fix="install a PortAudio with WASAPI loopback, or turn on `Stereo Mix`, which is then a"
        " microphone",
    ),
}


def from_portaudio(listed: Sequence[PortAudioDevice]) -> list[Device]:
    """Devices, from PortAudio's own list; where several have one name, the later ones get a number.

    A card's number changes from plug to plug, so it is no part of the id.
    """
    found: list[Device] = []
    for one in listed:
        base = f"{one.system}:{_CARD.sub('', one.name)}"
        same = sum(device.id == base or device.id.startswith(f"{base}#") for device in found)
        found.append(_device(one, f"{base}#{same + 1}" if same else base))
    return found


def portaudio_name(listed: Sequence[PortAudioDevice], device: Device) -> str:
    """PortAudio's name of a device of `from_portaudio`.

    Raises:
        DeviceMissing: it is not among them.
    """
    for one, known in zip(listed, from_portaudio(listed), strict=True):
        if known.id == device.id:
            return one.name
    raise DeviceMissing("the device is not in PortAudio's list")


def _device(one: PortAudioDevice, its_id: str) -> Device:
    permission, reason = permission_of(one.system)
    return Device(
        id=its_id,
        name=_LOOPBACK.sub("", one.name),
        device_type="loopback" if _LOOPBACK.search(one.name) else "microphone",
        is_default=one.is_default,
        sample_rate=one.sample_rate,
        channels=one.channels,
        permission=permission,
        reason=reason,
    )


def permission_of(system: str) -> tuple[Permission, str]:
    """Whether a sound system's devices may be opened, as far as it can be known before."""
    if system != "ALSA" or sys.platform != "linux":
        return "unknown", ""
    try:
        names = [name for name in os.listdir("/dev/snd") if name.startswith("pcm")]
    except OSError:
        return "unknown", ""
    if all(os.access(f"/dev/snd/{name}", os.R_OK | os.W_OK) for name in names):
        return "granted", ""
    return "denied", "the daemon's user may not read /dev/snd: it is not in the group `audio`"


def choose(devices: Sequence[Device], kind: str, wish: str) -> Device:
    """The device of a kind that is meant.

    Args:
        devices: all that there are.
        kind: microphone or loopback.
        wish: an id, or a name in any case; empty: the default one, else the first.

    Raises:
        DeviceMissing: there is none.
    """
    of_kind = [device for device in devices if device.device_type == kind]
    if not wish:
        found = [device for device in of_kind if device.is_default] or of_kind
    else:
        found = [device for device in of_kind if device.id == wish] or [
            device for device in of_kind if device.name.casefold() == wish.casefold()
        ]
    if found:
        return found[0]
    if wish:
        raise DeviceMissing(f"no {kind} of that name or id is there")
    raise DeviceMissing(f"no {kind} is there")
