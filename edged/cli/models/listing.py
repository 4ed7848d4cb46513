"""`models list show`: what is known, and what can run here."""

import argparse

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.messages import replies, requests
from edged.messages.records import ModelSummary


def add(models: Family) -> None:
    """Add these verbs."""
    models.add("list", list_models, "every known model").add_argument("--task", metavar="TASK")
    models.add("show", show, "one model's manifest").add_argument("id", metavar="ID")


def list_models(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print every manifest and whether it can run here."""
    with settings.connect() as daemon:
        found = daemon.ask(requests.ModelsList(task=arguments.task), replies.Models)
    if settings.json:
        render.as_json(found)
        return
    columns = ["", "id", "task", "languages", ">size", ">memory", "licence", "state"]
    render.table("", columns, [_row(model) for model in found.models])
    print("* answers when a request names no model")


def _row(model: ModelSummary) -> list[str]:
    state = model.state if model.problem is None else model.problem.code
    return [
        "*" if model.default else "",
        model.id,
        model.task,
        " ".join(model.languages[:4]) + (" ..." if len(model.languages) > 4 else ""),  # noqa: PLR2004
        render.size(model.size_bytes),
        render.size(model.memory_bytes),
        model.license,
        state,
    ]


def show(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print one manifest in full."""
    with settings.connect() as daemon:
        found = daemon.ask(requests.ModelsShow(model=arguments.id), replies.ModelDetails)
    if settings.json:
        render.as_json(found)
        return
    model = found.model
    print(f"{model.id}  {model.description}")
    print(f"  task {model.task}, engine {model.engine}, licence {model.license}")
    print(f"  languages {' '.join(model.languages) or 'any'}")
    print(f"  quality {model.quality or 'not stated'}")
    print(f"  threads {found.threads}, worker {found.worker or model.id}")
    for name, value in found.parameters.items():
        print(f"  {name} = {value}")
    for file in found.files:
        state = "found" if file.found else "missing"
        print(f"  {file.name}  {render.size(file.size_bytes)}  {file.sha256[:12]}  {state}")
    if model.problem is not None:
        print(f"  {model.problem.code}: {model.problem.message}\n  fix: {model.problem.fix}")
