"""`devices`: what can be listened to and looked at."""

import argparse
import sys
from typing import Any, get_args

from edged.cli import render
from edged.cli.connect import Settings
from edged.messages.sessions import Device, Devices, DevicesList, DeviceType

_SHOWN = 3


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this command."""
    command = commands.add_parser(
        "devices",
        parents=[shared],
        help="microphones, what the computer plays (loopback), cameras, screens",
    )
    command.add_argument("--type", choices=get_args(DeviceType), help="only these")
    command.set_defaults(run=show)


def show(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print devices, and what keeps others from being seen."""
    with settings.connect() as daemon:
        found = daemon.ask(DevicesList(device_type=arguments.type), Devices)
    if settings.json:
        render.as_json(found)
        return
    columns = ["name", "id", "type", "default", ">Hz", ">channels", "in use", "formats"]
    render.table("", columns, [row(device) for device in found.devices])
    for problem in found.problems:
        print(f"{problem.message}\n  fix: {problem.fix}", file=sys.stderr)


def row(device: Device) -> list[str]:
    """A device's line in the table; its formats, or why it may not be opened."""
    in_use = {True: "yes", False: "", None: "?"}[device.in_use]
    formats = device.reason if device.permission == "denied" else _shortened(device.formats)
    default = "yes" if device.is_default else ""
    return [
        device.name, device.id, device.device_type, default, _number(device.sample_rate),
        _number(device.channels), in_use, formats,
    ]  # fmt: skip


def _number(number: int) -> str:
    """Nothing for what has none: a camera has no sample rate."""
    return str(number) if number else ""


def _shortened(formats: tuple[str, ...]) -> str:
    """The first few; `--json` has all."""
    more = f", and {len(formats) - _SHOWN} more" if len(formats) > _SHOWN else ""
    return ", ".join(formats[:_SHOWN]) + more
