"""`models ps load unload pin`: what is in memory, and what stays there."""

import argparse

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.cli.models.watching import shown
from edged.messages import replies, requests
from edged.messages.records import LoadedModel
from edged.messages.requests import AnyRequest


def add(models: Family) -> None:
    """Add these verbs."""
    models.add("ps", ps, "models in memory")
    load = models.add("load", load_model, "load a model now; also ends a quarantine")
    load.add_argument("id", metavar="ID")
    load.add_argument("--keep-alive", type=float, metavar="SECONDS", help="-1: for ever")
    models.add("unload", unload, "give a model's memory back").add_argument("id", metavar="ID")
    pinned = models.add("pin", pin, "keep a model in memory, now and after every start")
    pinned.add_argument("id", metavar="ID")
    pinned.add_argument("--off", action="store_true", help="let it go again")


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
    columns = ["id", "engine", ">pid", "device", ">memory", ">calls", ">wait + run", "state"]
    render.table("", columns, [_loaded_row(model) for model in models])
    print("wait + run: milliseconds of the middle one of the last calls; --json has more")


def _loaded_row(model: LoadedModel) -> list[str]:
    return [
        model.id,
        model.engine,
        str(model.pid),
        _device(model),
        render.size(model.pss_bytes + model.vram_bytes),
        f"{model.calls}" + (f" +{model.queued}" if model.queued else ""),
        f"{model.waited.p50_us / 1000:.2g} + {model.computed.p50_us / 1000:.3g}",
        _state(model),
    ]


def _device(model: LoadedModel) -> str:
    """What runs it; and what was asked for, when that was something else by name."""
    threads = f" x{model.threads}" if model.threads > 1 else ""
    asked = model.device_asked
    wanted = "" if asked in {"auto", model.device} else f", not {asked}"
    return model.device + threads + wanted


def _state(model: LoadedModel) -> str:
    if model.state != "ready":
        return model.state
    if model.pinned:
        return "pinned"
    return "kept" if model.expires_in_ms is None else f"{render.ago(model.expires_in_ms)} left"


def load_model(settings: Settings, arguments: argparse.Namespace) -> None:
    """Load a model now."""
    seconds = arguments.keep_alive
    request = requests.ModelsLoad(
        model=arguments.id,
        keep_alive_ms=None if seconds is None else -1 if seconds < 0 else int(seconds * 1000),
    )
    _watch_load(settings, request)
    if settings.json:
        render.as_json({"loaded": arguments.id})
    else:
        print(f"{arguments.id} is in memory")


def pin(settings: Settings, arguments: argparse.Namespace) -> None:
    """Keep a model in memory, or let it go again."""
    _watch_load(settings, requests.ModelsPin(model=arguments.id, pinned=not arguments.off))
    if settings.json:
        render.as_json({"model": arguments.id, "pinned": not arguments.off})
    else:
        print(f"{arguments.id} is {'no longer ' if arguments.off else ''}pinned")


def _watch_load(settings: Settings, request: AnyRequest) -> None:
    """Ask, and show how far the load is where somebody looks."""
    with settings.connect() as daemon, shown(settings) as bar:
        for reply, _ in daemon.stream(request):
            if isinstance(reply, replies.Loading) and reply.expected_ms and bar is not None:
                bar.progress(replies.Progress(stage="load", fraction=reply.progress))


def unload(settings: Settings, arguments: argparse.Namespace) -> None:
    """Give a model's memory back."""
    with settings.connect() as daemon:
        daemon.ask(requests.ModelsUnload(model=arguments.id), replies.Done)
    if settings.json:
        render.as_json({"unloaded": arguments.id})
    else:
        print(f"{arguments.id} is unloaded")
