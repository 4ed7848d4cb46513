"""`infer`: run a model on tensors; or on a picture, a sound or a text, as its task says."""

import argparse
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edged.bridge.framing import split
from edged.bridge.link import SyncClient
from edged.cli import arrays, render
from edged.cli.arrays import Tensor
from edged.cli.connect import Settings
from edged.errors import BadRequest
from edged.messages import replies, requests
from edged.messages.records import Class, DetectedObject, Signature, TensorFacts
from edged.messages.requests import AnyRequest

_SHOWN = 8
_MOST_VALUES = 1000
"""In JSON; a larger tensor is for --out."""

_NEEDS_ONE = "give one picture, sound or text"

_PRESETS: Mapping[str, Callable[[str, str], AnyRequest]] = {
    "image_classify": lambda model, path: requests.ImagesClassify(model=model, path=path),
    "image_detect": lambda model, path: requests.ImagesDetect(model=model, path=path),
    "image_embed": lambda model, path: requests.ImagesEmbed(model=model, path=path),
    "image_segment": lambda model, path: requests.ImagesSegment(model=model, path=path),
    "audio_classify": lambda model, path: requests.AudioClassify(model=model, path=path),
    "text_classify": lambda model, text: requests.TextClassify(model=model, text=text),
}
"""By task: what asks a model of it."""


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this command."""
    text = "run a model on tensors, or on a picture, a sound or a text"
    command = commands.add_parser(
        "infer",
        parents=[shared],
        help=text,
        description=text,
        epilog="Tensors: NAME=FILE.npy or NAME=1,2,3. `edged models show MODEL` names them. "
        "A model whose task has a preset takes a PATH or a TEXT instead.",
    )
    command.add_argument("model", metavar="MODEL")
    command.add_argument("inputs", metavar="NAME=FILE|NAME=VALUES|PATH|TEXT", nargs="*")
    command.add_argument("--out", metavar="DIR", help="write the outputs as .npy files there")
    command.add_argument(
        "--real", action="store_true", help="real numbers instead of a graph's quantized integers"
    )
    command.set_defaults(run=infer)


def infer(settings: Settings, arguments: argparse.Namespace) -> None:
    """Run one inference and print what came out."""
    with settings.connect() as daemon:
        shown = daemon.ask(requests.ModelsShow(model=arguments.model), replies.ModelDetails)
        preset = _PRESETS.get(shown.model.task)
        if preset is None:
            _tensors(settings, daemon, arguments, shown.signature)
        else:
            _preset(settings, daemon, arguments, preset, text=shown.model.task == "text_classify")


# --- tensors ---


def _tensors(
    settings: Settings,
    daemon: SyncClient,
    arguments: argparse.Namespace,
    signature: Signature | None,
) -> None:
    if signature is None:
        found, _ = _last(settings, daemon, requests.Describe(model=arguments.model), ())
        described = found if isinstance(found, replies.Description) else None
        signature = described.signatures[arguments.model] if described else Signature((), ())
    inputs = [_input(word, signature, real=arguments.real) for word in arguments.inputs]
    request = requests.Infer(
        model=arguments.model, tensors=tuple(one.facts for one in inputs), real=arguments.real
    )
    parts = [part for one in inputs for part in split(one.data, None)]
    reply, got = _last(settings, daemon, request, parts)
    if not isinstance(reply, replies.Tensors):
        raise BadRequest("the daemon answered with something else")
    outputs = arrays.apart(reply.tensors, b"".join(got))
    files = _write(Path(arguments.out), outputs) if arguments.out else {}
    if settings.json:
        render.as_json(_document(reply, outputs, files))
        return
    for one in outputs:
        print(_line(one), files.get(one.facts.name, ""))


def _input(word: str, signature: Signature, *, real: bool) -> Tensor:
    name, equals, value = word.partition("=")
    if not equals:
        raise BadRequest("an input without a name", fix="write NAME=FILE.npy or NAME=1,2,3")
    if value.endswith(".npy"):
        try:
            return arrays.read_npy(name, Path(value))
        except OSError as error:
            raise BadRequest(f"the file for {name} cannot be read: {error.strerror}") from error
    wanted = next((one for one in signature.inputs if one.name == name), None)
    if wanted is None:
        known = ", ".join(one.name for one in signature.inputs)
        raise BadRequest(f"the graph has no input {name}", fix=f"its inputs: {known}")
    return arrays.from_words(wanted, value.split(",") if value else [], real=real)


def _write(folder: Path, outputs: Sequence[Tensor]) -> dict[str, str]:
    """Write every output into a file of its own; their paths by tensor."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for number, one in enumerate(outputs):
        name = arrays.file_name(one.facts.name, number)
        words = one.facts.dtype == "string"
        path = folder / f"{name}{'.txt' if words else '.npy'}"
        path.write_bytes("\n".join(arrays.values_of(one)).encode() if words else arrays.npy(one))
        files[one.facts.name] = str(path)
    return files


def _line(tensor: Tensor) -> str:
    values = arrays.values_of(tensor)
    shown = ", ".join(
        f"{one:.6g}" if isinstance(one, float) else str(one) for one in values[:_SHOWN]
    )
    more = ", ..." if len(values) > _SHOWN else ""
    return f"{tensor.facts.name}  {tensor.facts.dtype} {list(tensor.facts.shape)}  {shown}{more}"


def _document(
    reply: replies.Tensors, outputs: Sequence[Tensor], files: Mapping[str, str]
) -> dict[str, object]:
    tensors: list[dict[str, object]] = []
    for one in outputs:
        facts: dict[str, object] = {
            "name": one.facts.name,
            "dtype": one.facts.dtype,
            "shape": one.facts.shape,
        }
        if one.facts.name in files:
            facts["file"] = files[one.facts.name]
        elif math.prod(one.facts.shape) <= _MOST_VALUES:
            facts["values"] = arrays.values_of(one)
        tensors.append(facts)
    return {
        "model": reply.model,
        "device": reply.device,
        "waited_us": reply.waited_us,
        "computed_us": reply.computed_us,
        "tensors": tensors,
    }


# --- presets ---


def _preset(
    settings: Settings,
    daemon: SyncClient,
    arguments: argparse.Namespace,
    preset: Callable[[str, str], AnyRequest],
    *,
    text: bool,
) -> None:
    if not arguments.inputs or (len(arguments.inputs) > 1 and not text):
        raise BadRequest(_NEEDS_ONE)
    given = " ".join(arguments.inputs) if text else os.path.abspath(arguments.inputs[0])
    reply, parts = _last(settings, daemon, preset(arguments.model, given), ())
    if arguments.out and parts:
        folder = Path(arguments.out)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "output.npy").write_bytes(arrays.npy(_as_tensor(reply, b"".join(parts))))
    if settings.json:
        render.as_json(reply)
        return
    match reply:
        case replies.Classes() | replies.AudioClasses():
            render.table("", ["label", ">score"], [_scored(one) for one in reply.classes])
        case replies.Objects():
            columns = ["label", ">score", ">left", ">top", ">width", ">height"]
            render.table("", columns, [_boxed(one) for one in reply.objects])
        case replies.Embedding():
            print(f"{reply.dimensions} dimensions; --out DIR writes them")
        case replies.Mask():
            print(f"{reply.kind} mask of {reply.width} x {reply.height}; --out DIR writes it")
        case _:
            raise BadRequest("the daemon answered with something else")


def _as_tensor(reply: replies.AnyReply, data: bytes) -> Tensor:
    if isinstance(reply, replies.Mask):
        shape: tuple[int, ...] = (reply.height, reply.width)
        return Tensor(TensorFacts(name="mask", dtype="uint8", shape=shape), data)
    return Tensor(TensorFacts(name="vector", dtype="float32", shape=(len(data) // 4,)), data)


def _scored(one: Class) -> list[str]:
    return [one.label, f"{one.score:.3f}"]


def _boxed(one: DetectedObject) -> list[str]:
    return [
        one.label,
        f"{one.score:.3f}",
        *(f"{value:.0f}" for value in (one.left, one.top, one.width, one.height)),
    ]


def _last(
    settings: Settings, daemon: SyncClient, request: AnyRequest, parts: Sequence[bytes | memoryview]
) -> tuple[replies.AnyReply, list[bytes | memoryview]]:
    """The last reply, and the parts of all; a load is told meanwhile."""
    found: list[bytes | memoryview] = []
    last: replies.AnyReply = replies.Done()
    for reply, got in daemon.stream(request, parts):
        if isinstance(reply, replies.Loading) and not settings.json:
            print(f"loading {reply.model}, about {render.ago(reply.expected_ms)}", file=sys.stderr)
        found += got
        last = reply
    return last, found
