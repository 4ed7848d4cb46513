"""`models list show lint`: what is known, what can run here, and what suits this machine."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from itertools import groupby

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family, later
from edged.messages import replies, requests
from edged.messages.records import ModelSummary, Signature, SignatureTensor
from edged.messages.replies import ModelDetails, ModelFile

BROAD, WIDE = 90, 120
"""Columns of a terminal from which there is room for the quality, and for everything."""

_LICENCE_LETTERS = 12
_NUMBERS = {2, 3}
"""Columns that are aligned to the right."""

_SPOKEN = ("en", "zh", "hi", "es", "ar", "fr", "pt", "ru", "de", "ja")

_STATES = {
    "model_missing": "not here",
    "engine_missing": "no engine",
    "unsupported": "not yet",
    "corrupt_model": "damaged",
}
_TERMS = {
    "non_commercial": "non-commercial!",
    "gated": "gated!",
    "share_alike": "share alike!",
    "no_redistribution": "not to be passed on!",
}
"""Terms that people trip over; attribution goes without saying."""

_METRICS = {"word_error_rate": "WER", "equal_error_rate": "EER", "f1": "F1"}

_TRUST = {
    "recorded": "recorded at the first pull",
    "held": "held by the hash of what it comes in",
    "first_use": "trust on first use",
}

LEGEND = (
    "* answers when a request names no model   + recommended for this machine\n"
    "! its licence has terms that not everybody can accept\n"
    "quality is as stated, on different data: `edged models show ID` says by whom and on which\n"
    "`edged models pull ID` fetches a model"
)


def add(models: Family) -> None:
    """Add these verbs."""
    listed = models.add("list", list_models, "every known model")
    listed.add_argument("--task", metavar="TASK", help="only models of this task")
    text = "only models that can run here now"
    listed.add_argument("--installed", action="store_true", help=text)
    models.add("show", show, "one model's manifest").add_argument("id", metavar="ID")
    lint = models.add("lint", later("edged.cli.models.linting", "lint"), "check manifests offline")
    text = "manifests, or folders of them; by default ours and those of the config folder"
    lint.add_argument("paths", metavar="PATH", nargs="*", help=text)


def list_models(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the models by task, the best first."""
    with settings.connect() as daemon:
        found = daemon.ask(requests.ModelsList(task=arguments.task), replies.Models)
    if arguments.installed:
        found = replies.Models(models=tuple(one for one in found.models if one.installed))
    if settings.json:
        render.as_json(found)
        return
    _print_tables(sorted(found.models, key=_order), _width())
    print(f"\n{LEGEND}")


def _order(model: ModelSummary) -> tuple[str, str]:
    return model.task, model.id


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else render.PIPED_WIDTH


def _print_tables(models: list[ModelSummary], width: int) -> None:
    """A table for each task; no cell is ever broken: what there is no room for is left out."""
    wide, broad = width >= WIDE, width >= BROAD
    titles = ["", "", "size", "memory", "speaks", "licence"]
    titles += ["weights"] * wide + ["quality"] * broad + ["state"]
    rows = [_row(one, wide=wide, broad=broad) for one in models]
    sizes = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    sizes[1] = max([sizes[1], *(len(one.task) for one in models)])
    for task, group in groupby(zip(models, rows, strict=True), key=lambda pair: pair[0].task):
        print()
        for row in ([titles[0], task, *titles[2:]], *(row for _, row in group)):
            print(_line(row, sizes, gap=2 if broad else 1))


def _line(row: Sequence[str], sizes: Sequence[int], gap: int) -> str:
    cells = [
        cell.rjust(size) if position in _NUMBERS else cell.ljust(size)
        for position, (cell, size) in enumerate(zip(row, sizes, strict=True))
    ]
    return (" " * gap).join(cells).rstrip()


def _row(model: ModelSummary, *, wide: bool, broad: bool) -> list[str]:
    cells = [
        (("*" if model.default else "") + ("+" if model.recommended else "")).ljust(2),
        model.id,
        _short(model.size_bytes),
        _short(model.memory_bytes),
        _languages(model.languages, shown=4 if wide else 1),
        _licence(model) if wide else _cut(model),
    ]
    return [
        *cells,
        *[model.quantization] * wide,
        *[_quality(model)] * broad,
        _state(model),
    ]


def _short(size_bytes: int) -> str:
    """Three digits are enough to choose by."""
    if not size_bytes:
        return "?"
    number, unit = render.size(size_bytes).split()
    return f"{float(number):.3g} {unit}"


def _languages(languages: tuple[str, ...], shown: int) -> str:
    """The first few, those that most people speak before the others, and how many more."""
    rank = {language: place for place, language in enumerate(_SPOKEN)}
    known = sorted(languages, key=lambda one: rank.get(one, len(rank)))
    more = len(known) - shown
    return " ".join(known[:shown]) + (f" +{more}" if more > 0 else "")


def _licence(model: ModelSummary) -> str:
    return " ".join([model.license, *(_TERMS[term] for term in model.terms if term in _TERMS)])


def _cut(model: ModelSummary) -> str:
    """The licence in little room; a trap is marked all the same."""
    name = model.license
    short = name if len(name) <= _LICENCE_LETTERS else f"{name[: _LICENCE_LETTERS - 1]}…"
    return f"{short} !" if _TERMS.keys() & set(model.terms) else short


def _quality(model: ModelSummary) -> str:
    """The figure without its source."""
    figure = model.quality.partition(" (")[0]
    metric, _, value = figure.rpartition(" ")
    return f"{_METRICS.get(metric, metric)} {value}".strip()


def _state(model: ModelSummary) -> str:
    if model.problem is not None:
        return _STATES.get(model.problem.code, model.problem.code)
    return "installed" if model.state == "unloaded" else model.state


def show(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print one manifest in full."""
    with settings.connect() as daemon:
        found = daemon.ask(requests.ModelsShow(model=arguments.id), replies.ModelDetails)
    if settings.json:
        render.as_json(found)
        return
    print("\n".join([*_head(found), *_running(found)]))
    for file in found.files:
        print("\n".join(_file(file)))
    if found.signature is not None:
        print("\n".join(_signature(found.signature)))
    problem = found.model.problem
    if problem is not None:
        print(f"  {problem.code}: {problem.message}\n  fix: {problem.fix}")


def _head(found: ModelDetails) -> list[str]:
    model = found.model
    terms = f" ({', '.join(model.terms)})" if model.terms else ""
    page = f"  {found.license_url}" if found.license_url else ""
    marks = [
        text
        for text, holds in (
            ("the default of its task", model.default),
            ("recommended for this machine", model.recommended),
            ("comes from PyPI alone", found.embedded),
        )
        if holds
    ]
    lines = [
        f"{model.id}  {model.description}",
        f"  task {model.task}, engine {model.engine}{_at_least(found)}",
        f"  licence {model.license}{terms}{page}",
        f"  languages {' '.join(model.languages) or 'any'}",
        f"  quality {model.quality or 'not stated'}",
    ]
    return lines + ([f"  {', '.join(marks)}"] if marks else [])


def _at_least(found: ModelDetails) -> str:
    return f" {found.minimum_engine} or newer" if found.minimum_engine else ""


def _running(found: ModelDetails) -> list[str]:
    model = found.model
    weights = f", weights {model.quantization}" if model.quantization else ""
    tried = f", tried on {' '.join(found.accelerators)}" if found.accelerators else ""
    size = render.size(model.size_bytes) if model.size_bytes else "not stated"
    return [
        f"  size {size}, memory {render.size(model.memory_bytes)}{weights}",
        f"  threads {found.threads}, worker {found.worker or model.id}{tried}",
        *(f"  {name} = {value}" for name, value in found.parameters.items()),
    ]


def _file(file: ModelFile) -> list[str]:
    size = render.size(file.size_bytes) if file.size_bytes else "size not stated"
    here = "found" if file.found else "not here"
    known = file.sha256[:16]
    trust = " ".join(filter(None, (known, _TRUST.get(file.trust, ""))))
    installed = [f"installed {file.source}"] if file.source != "models folder" else []
    return [
        f"  {file.name}  {size}  {trust}  {here}",
        *(f"    {place}" for place in (*installed, *file.sources)),
    ]


def _signature(signature: Signature) -> list[str]:
    return [
        *(f"  in   {_tensor(one)}" for one in signature.inputs),
        *(f"  out  {_tensor(one)}" for one in signature.outputs),
    ]


def _tensor(tensor: SignatureTensor) -> str:
    shape = ", ".join("any" if size < 0 else str(size) for size in tensor.shape)
    return f"{tensor.name}  {tensor.dtype} [{shape}]"
