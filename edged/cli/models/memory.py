"""`models ps load unload`: what is in memory."""

import argparse
import sys

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.messages import replies, requests
from edged.messages.records import LoadedModel


def add(models: Family) -> None:
    """Add these verbs."""
    models.add("ps", ps, "models in memory")
    load = models.add("load", load_model, "load a model now; also ends a quarantine")
    load.add_argument("id", metavar="ID")
    load.add_argument("--keep-alive", type=float, metavar="SECONDS", help="-1: for ever")
    models.add("unload", unload, "give a model's memory back").add_argument("id", metavar="ID")


def ps(settings: Settings, _: argparse.Namespace) -> None:
    """Print models in memory."""
    with settings.connect() as daemon:
        found = daemon.ask(requests.ModelsPs(), replies.LoadedModels)
    if settings.json:
        render.as_json(found)
        return
    print_loaded(found.models)


def print_loaded(models: tuple[LoadedModel, ...]) -> None:
    """Print the table of models in memory."""
    if not models:
        print("no model in memory")
        return
    columns = ["id", "engine", ">pid", "device", ">memory", "state", ">calls", "leaves in"]
    render.table("", columns, [_loaded_row(model) for model in models])


def _loaded_row(model: LoadedModel) -> list[str]:
    return [
        model.id,
        model.engine,
        str(model.pid),
        model.device,
        render.size(model.pss_bytes),
        model.state,
        str(model.calls),
        "never" if model.expires_in_ms is None else render.ago(model.expires_in_ms),
    ]


def load_model(settings: Settings, arguments: argparse.Namespace) -> None:
    """Load a model now."""
    seconds = arguments.keep_alive
    request = requests.ModelsLoad(
        model=arguments.id,
        keep_alive_ms=None if seconds is None else -1 if seconds < 0 else int(seconds * 1000),
    )
    with settings.connect() as daemon:
        for reply, _ in daemon.stream(request):
            if isinstance(reply, replies.Loading) and reply.expected_ms and not settings.json:
                expected = render.ago(reply.expected_ms)
                print(f"loading {reply.model}, about {expected}", file=sys.stderr)
    if settings.json:
        render.as_json({"loaded": arguments.id})
    else:
        print(f"{arguments.id} is in memory")


def unload(settings: Settings, arguments: argparse.Namespace) -> None:
    """Give a model's memory back."""
    with settings.connect() as daemon:
        daemon.ask(requests.ModelsUnload(model=arguments.id), replies.Done)
    if settings.json:
        render.as_json({"unloaded": arguments.id})
    else:
        print(f"{arguments.id} is unloaded")
