"""Which devices there are, by what the sound server or PortAudio says, and which one is meant."""

import json
from pathlib import Path

import pytest

from edged.capture import devices, pulse
from edged.capture.devices import choose, from_portaudio, permission_of, portaudio_name
from edged.capture.orders import PortAudioDevice
from edged.errors import DeviceMissing, SoundServerMissing
from edged.messages.sessions import Device

LISTED = json.dumps([
    {"name": "alsa_input.usb-Acme-00.mono", "description": "Acme USB", "state": "RUNNING",
     "sample_specification": "s24le 1ch 44100Hz", "monitor_source": "", "volume": {}},
    {"name": "alsa_input.pci", "description": "Built-in", "state": "SUSPENDED",
     "sample_specification": "s16le 2ch 48000Hz", "monitor_source": ""},
    {"name": "alsa_output.pci.monitor", "description": "Monitor of Built-in", "state": "IDLE",
     "sample_specification": "s16le 2ch 48000Hz", "monitor_source": "alsa_output.pci"},
]).encode()  # fmt: skip
SERVER = json.dumps(
    {"default_source_name": "alsa_input.pci", "default_sink_name": "alsa_output.pci"}
).encode()


def portaudio(name: str, system: str = "ALSA", *, is_default: bool = False) -> PortAudioDevice:
    return PortAudioDevice(
        name=name, system=system, channels=2, sample_rate=44_100, is_default=is_default
    )


def found() -> list[Device]:
    return pulse.devices(LISTED, SERVER)


def test_sources_of_the_server_are_devices() -> None:
    usb, built_in, monitor = found()

    assert (usb.name, usb.sample_rate, usb.channels, usb.in_use) == ("Acme USB", 44_100, 1, True)
    assert (built_in.device_type, built_in.is_default, built_in.in_use) == (
        "microphone", True, False,
    )  # fmt: skip
    assert (monitor.device_type, monitor.is_default) == ("loopback", True)


def test_an_unknown_answer_is_no_list() -> None:
    with pytest.raises(SoundServerMissing, match="too old"):
        pulse.devices(b"Source #0\n", SERVER)


@pytest.mark.parametrize("wish", ["alsa_input.usb-Acme-00.mono", "Acme USB", "acme usb"])
def test_a_device_is_found_by_id_or_name(wish: str) -> None:
    assert choose(found(), "microphone", wish).name == "Acme USB"


def test_without_a_wish_the_default_one_is_taken() -> None:
    assert choose(found(), "microphone", "").name == "Built-in"
    assert choose(found(), "loopback", "").id == "alsa_output.pci.monitor"


def test_without_a_default_the_first_one_is_taken() -> None:
    none = json.dumps({"default_source_name": "alsa_output.pci.monitor"}).encode()

    assert choose(pulse.devices(LISTED, none), "microphone", "").name == "Acme USB"


@pytest.mark.parametrize(
    ("kind", "wish"), [("microphone", "Monitor of Built-in"), ("loopback", "Acme USB")]
)
def test_a_device_of_the_other_kind_is_not_taken(kind: str, wish: str) -> None:
    with pytest.raises(DeviceMissing, match=f"no {kind} of that name or id"):
        choose(found(), kind, wish)


def test_no_device_at_all_is_missing() -> None:
    with pytest.raises(DeviceMissing, match="no microphone is there"):
        choose([], "microphone", "")


def test_an_id_does_not_change_with_the_cards_number() -> None:
    before = from_portaudio([portaudio("USB Audio: - (hw:1,0)"), portaudio("pulse")])
    after = from_portaudio([portaudio("pulse"), portaudio("USB Audio: - (hw:3,0)")])

    assert before[0].id == after[1].id == "ALSA:USB Audio: -"


def test_two_devices_of_one_name_have_two_ids_and_each_is_opened() -> None:
    listed = [portaudio("USB Audio: - (hw:1,0)"), portaudio("USB Audio: - (hw:2,0)")]

    ids = [device.id for device in from_portaudio(listed)]

    assert ids == ["ALSA:USB Audio: -", "ALSA:USB Audio: -#2"]
    names = [portaudio_name(listed, device) for device in from_portaudio(listed)]
    assert names == [one.name for one in listed]


def test_a_device_that_is_not_listed_any_more_is_missing() -> None:
    (device,) = from_portaudio([portaudio("pulse")])

    with pytest.raises(DeviceMissing):
        portaudio_name([portaudio("other")], device)


def test_what_windows_plays_is_a_loopback() -> None:
    """As builds of PortAudio with WASAPI loopback name it. Not run by us on Windows."""
    (device,) = from_portaudio([portaudio("Speakers (Acme) [Loopback]", "Windows WASAPI")])

    assert (device.device_type, device.name) == ("loopback", "Speakers (Acme)")


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_systems_without_loopback_say_what_to_do(system: str) -> None:
    problem = devices.NO_LOOPBACK[system]

    assert problem.code == "sound_server_missing"
    assert "install" in problem.fix


def test_devices_that_may_not_be_read_are_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.listdir", lambda _: ["pcmC0D0c", "controlC0"])
    monkeypatch.setattr("os.access", lambda *_: False)

    permission, reason = permission_of("ALSA")

    assert permission == "denied"
    assert "group `audio`" in reason


def test_devices_that_may_be_read_are_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.listdir", lambda _: ["pcmC0D0c"])
    monkeypatch.setattr("os.access", lambda *_: True)

    assert permission_of("ALSA") == ("granted", "")
    assert permission_of("Core Audio") == ("unknown", "")


def test_the_servers_socket_is_found_where_its_variables_say(tmp_path: Path) -> None:
    (tmp_path / "pulse").mkdir()
    for name in ("pulse/native", "native"):
        (tmp_path / name).touch()

    assert pulse.socket_of({"XDG_RUNTIME_DIR": str(tmp_path)}) == f"{tmp_path}/pulse/native"
    assert pulse.socket_of({"PULSE_RUNTIME_PATH": str(tmp_path)}) == f"{tmp_path}/native"
    assert (
        pulse.socket_of({"PULSE_SERVER": f"{{a1}}unix:{tmp_path}/native"}) == f"{tmp_path}/native"
    )


@pytest.mark.parametrize("server", ["tcp:192.0.2.7:4713", "192.0.2.7", "unix:/nonexistent/native"])
def test_a_server_on_another_machine_is_not_asked(server: str) -> None:
    with pytest.raises(SoundServerMissing, match="no sound server answers"):
        pulse.variables({"PULSE_SERVER": server})


def test_the_servers_cookie_is_found(tmp_path: Path) -> None:
    cookie = tmp_path / ".config/pulse/cookie"
    cookie.parent.mkdir(parents=True)
    cookie.touch()
    (tmp_path / "native").touch()

    found = pulse.variables({"PULSE_RUNTIME_PATH": str(tmp_path), "HOME": str(tmp_path)})

    assert found == {"PULSE_SERVER": f"unix:{tmp_path}/native", "PULSE_COOKIE": str(cookie)}
