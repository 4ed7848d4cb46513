"""`devices`: what can be listened to."""

import argparse
import sys
from typing import Any, get_args

from edged.cli import render
from edged.cli.connect import Settings
from edged.messages.sessions import Device, Devices, DevicesList, DeviceType


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this command."""
    command = commands.add_parser(
        "devices", parents=[shared], help="microphones, and what the computer plays (loopback)"
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
    columns = ["name", "id", "type", "default", ">Hz", ">channels", "in use", ""]
    render.table("", columns, [_row(device) for device in found.devices])
    for problem in found.problems:
        print(f"{problem.message}\n  fix: {problem.fix}", file=sys.stderr)


def _row(device: Device) -> list[str]:
    in_use = {True: "yes", False: "", None: "?"}[device.in_use]
    denied = device.reason if device.permission == "denied" else ""
    default = "yes" if device.is_default else ""
    return [
        device.name, device.id, device.device_type, default, str(device.sample_rate),
        str(device.channels), in_use, denied,
    ]  # fmt: skip
