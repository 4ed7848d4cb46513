"""What the sound server of the machine says, by its own program `pactl`; daemon side.

PulseAudio, and PipeWire by its PulseAudio socket. A server is used only by its socket in the file
system: the daemon opens no connection to another machine, whatever PULSE_SERVER says.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from edged.errors import SoundServerMissing
from edged.messages.sessions import Device

ANSWER_WITHIN_S = 5.0
_SHAPE = re.compile(r"(\d+)ch (\d+)Hz")
_SOURCE_CHANGED = re.compile(rb"'(?:new|remove)' on source #")


class _Source(Struct):
    """One entry of `pactl -f json list sources`."""

    name: str
    description: str = ""
    state: str = ""
    sample_specification: str = ""
    monitor_source: str = ""
    properties: dict[str, Any] = {}


class _Server(Struct):
    """Of `pactl -f json info`."""

    default_sink_name: str = ""
    default_source_name: str = ""


def socket_of(environ: Mapping[str, str]) -> str:
    """The path of the sound server's socket; empty when there is none.

    Source: PulseAudio, src/pulsecore/core-util.c (pa_get_runtime_dir) and the wiki's
    "Server strings": a path, or `unix:` and a path, perhaps behind `{machine-id}`.
    """
    words = environ.get("PULSE_SERVER", "").split()
    if words:
        path = re.sub(r"^\{[^}]*\}", "", words[0]).removeprefix("unix:")
    elif folder := environ.get("PULSE_RUNTIME_PATH"):
        path = f"{folder}/native"
    else:
        runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        path = f"{runtime}/pulse/native"
    return path if path.startswith("/") and os.path.exists(path) else ""


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """What a program needs to reach the server and nothing else; looks at the disk.

    Raises:
        SoundServerMissing: no socket is there.
    """
    path = socket_of(environ)
    if not path:
        raise SoundServerMissing("no sound server answers: neither PulseAudio nor PipeWire")
    found = {"PULSE_SERVER": f"unix:{path}"}
    for name in ("XDG_RUNTIME_DIR", "PULSE_COOKIE", "PIPEWIRE_RUNTIME_DIR"):
        if value := environ.get(name):
            found[name] = value
    default = os.path.join(environ.get("HOME", "/nonexistent"), ".config/pulse/cookie")
    if "PULSE_COOKIE" not in found and os.path.exists(default):
        found["PULSE_COOKIE"] = default
    return found


async def sources(environ: Mapping[str, str]) -> list[Device]:
    """Every source of the sound server.

    Raises:
        SoundServerMissing: no server answers, or `pactl` is not there to ask it.
    """
    listed, server = await asyncio.gather(_ask(environ, "list", "sources"), _ask(environ, "info"))
    return devices(listed, server)


def devices(listed: bytes, server: bytes) -> list[Device]:
    """Devices, from what `pactl -f json` printed for `list sources` and for `info`.

    Raises:
        SoundServerMissing: it is something else.
    """
    try:
        found = msgspec.json.decode(listed, type=list[_Source])
        defaults = msgspec.json.decode(server, type=_Server)
    except msgspec.MsgspecError as error:
        raise SoundServerMissing("pactl prints no list that is known: it is too old") from error
    return [_device(one, defaults) for one in found]


def _device(source: _Source, server: _Server) -> Device:
    loopback = bool(source.monitor_source)
    shape = _SHAPE.search(source.sample_specification)
    default = f"{server.default_sink_name}.monitor" if loopback else server.default_source_name
    return Device(
        id=source.name,
        name=source.description or source.name,
        device_type="loopback" if loopback else "microphone",
        is_default=source.name == default,
        sample_rate=int(shape[2]) if shape else 0,
        channels=int(shape[1]) if shape else 0,
        in_use=source.state == "RUNNING",
        permission="granted",
    )


async def changes(environ: Mapping[str, str]) -> AsyncGenerator[None, None]:
    """One item whenever a source came or went; ends when the server does.

    Raises:
        SoundServerMissing: no server answers.
    """
    process = await _start(environ, "subscribe")
    try:
        while process.stdout is not None and (line := await process.stdout.readline()):
            if _SOURCE_CHANGED.search(line):
                yield
    finally:
        await _end(process)


async def _ask(environ: Mapping[str, str], *words: str) -> bytes:
    """What pactl prints.

    Raises:
        SoundServerMissing: it fails, or takes too long.
    """
    process = await _start(environ, "-f", "json", *words)
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            printed, _ = await process.communicate()
    except TimeoutError as error:
        raise SoundServerMissing("the sound server does not answer") from error
    finally:
        await _end(process)
    if process.returncode:
        raise SoundServerMissing("the sound server refuses to answer")
    return printed


async def _start(environ: Mapping[str, str], *words: str) -> asyncio.subprocess.Process:
    program, needed = await asyncio.to_thread(_program, environ)
    return await asyncio.create_subprocess_exec(
        program,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=needed,
    )


def _program(environ: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Where pactl is, and its variables; looks at the disk."""
    needed = variables(environ)
    program = shutil.which("pactl", path=environ.get("PATH"))
    if program is None:
        raise SoundServerMissing(
            "the program pactl is not there to ask the sound server",
            fix="install it: `apt install pulseaudio-utils`, for PipeWire too",
        )
    # With another language, version 16 prints numbers that are no JSON.
    return program, {**needed, "HOME": environ.get("HOME", "/nonexistent"), "LC_ALL": "C"}


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
