"""Makes manifests of models that the user already has: a fine-tuned Whisper, an exported ONNX file.

What an engine needs is found by name in the folder; what is incomplete is refused with what lacks.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

import msgspec
from msgspec import Struct

from edged.errors import BadRequest, ConfigError, CorruptModel, Denied, ModelMissing, Unsupported
from edged.models import graph_files, lint, manifest
from edged.models.blobs import hash_file
from edged.models.manifest import Manifest, ManifestFile
from edged.models.runtime import Parameter


class _Wanted(Struct, frozen=True):
    """A file of an engine: what the adapter calls it, what it may be called in a folder."""

    name: str
    patterns: tuple[str, ...]
    needed: bool = True


class _Kind(Struct, frozen=True, kw_only=True):
    """One set of files that an engine runs. parameters: those that tell it so."""

    files: tuple[_Wanted, ...]
    parameters: dict[str, Parameter] = {}


class _Rules(Struct, frozen=True, kw_only=True):
    """What an engine takes.

    tasks: the first is usual. kinds: the first that is complete counts.
    working_bytes: memory beside the files, for the library and to work in. facts: of the manifest.
    """

    tasks: tuple[str, ...]
    kinds: tuple[_Kind, ...]
    working_bytes: int
    facts: dict[str, Parameter] = {}


_TOKENS = _Wanted("tokens.txt", ("tokens.txt", "*tokens.txt"))
_ENCODER = _Wanted("encoder.onnx", ("encoder*.onnx", "*-encoder*.onnx"))
_DECODER = _Wanted("decoder.onnx", ("decoder*.onnx", "*-decoder*.onnx"))
_JOINER = _Wanted("joiner.onnx", ("joiner*.onnx", "*-joiner*.onnx"))
_TRANSDUCER = _Kind(files=(_ENCODER, _DECODER, _JOINER, _TOKENS))
_BESIDE = (
    _Wanted("labels.txt", ("labels.txt",), needed=False),
    _Wanted("tokenizer.json", ("tokenizer.json",), needed=False),
    _Wanted("vocab.txt", ("vocab.txt",), needed=False),
)
_SEEN = ("image_classify", "image_detect", "image_embed", "image_segment")

RULES: Mapping[str, _Rules] = {
    "faster_whisper": _Rules(
        tasks=("transcribe",),
        kinds=(
            _Kind(
                files=(
                    _Wanted("model.bin", ("model.bin",)),
                    _Wanted("config.json", ("config.json",)),
                    _Wanted("tokenizer.json", ("tokenizer.json",)),
                    _Wanted("vocabulary", ("vocabulary.json", "vocabulary.txt")),
                    _Wanted(
                        "preprocessor_config.json", ("preprocessor_config.json",), needed=False
                    ),
                )
            ),
        ),
        working_bytes=120_000_000,
        facts={"window_ms": 28_000, "packs": True},
    ),
    "sherpa_offline": _Rules(
        tasks=("transcribe",),
        kinds=(
            _TRANSDUCER,
            _Kind(
                files=(
                    _Wanted("preprocessor.onnx", ("preprocess*.onnx",)),
                    _Wanted("encoder.onnx", ("encode*.onnx",)),
                    _Wanted("uncached_decoder.onnx", ("uncached_decode*.onnx",)),
                    _Wanted("cached_decoder.onnx", ("cached_decode*.onnx",)),
                    _TOKENS,
                ),
                parameters={"kind": "moonshine"},
            ),
            _Kind(files=(_ENCODER, _DECODER, _TOKENS), parameters={"kind": "whisper"}),
            _Kind(
                files=(_Wanted("model.onnx", ("model*.onnx",)), _TOKENS),
                parameters={"kind": "sense_voice"},
            ),
        ),
        working_bytes=180_000_000,
        facts={"window_ms": 28_000},
    ),
    "sherpa_online": _Rules(
        tasks=("stream_transcribe",), kinds=(_TRANSDUCER,), working_bytes=90_000_000
    ),
    "onnx": _Rules(
        tasks=("infer", *_SEEN, "audio_classify", "text_classify"),
        kinds=(_Kind(files=(_Wanted("model.onnx", ("*.onnx",)), *_BESIDE)),),
        working_bytes=50_000_000,
    ),
    "litert": _Rules(
        tasks=("infer", *_SEEN, "audio_classify", "text_classify"),
        kinds=(_Kind(files=(_Wanted("model.tflite", ("*.tflite",)), *_BESIDE)),),
        working_bytes=40_000_000,
    ),
    "mediapipe": _Rules(
        tasks=(
            "face_detect",
            "face_landmarks",
            "hand_landmarks",
            "gestures",
            "pose_landmarks",
            "image_segment",
        ),
        kinds=(
            _Kind(files=(_Wanted("model.task", ("*.task",)),)),
            _Kind(files=(_Wanted("model.tflite", ("*.tflite",)),)),
        ),
        working_bytes=90_000_000,
    ),
}
"""By engine: those whose files can be told by their names."""

MEMORY_PER_BYTE = 1.3
"""Of a model's files: a guess, since engines keep some weights twice, packed for the processor.

`edged models bench` shows what a model really takes."""

_ABOUT = ("id", "task", "engine", "description", "license")


class Own(Struct, frozen=True, kw_only=True):
    """What the user says about a model. place: its file or folder, absolute."""

    place: Path
    engine: str
    task: str
    id: str = ""
    license: str = "unknown"
    languages: tuple[str, ...] = ()
    parameters: dict[str, Parameter] = {}


def describe(own: Own) -> Manifest:
    """The manifest of a model, its files where they lie. Blocking: they are read and hashed.

    Raises:
        Unsupported: the engine's files cannot be told by name. BadRequest: the engine does not
            do the task, the folder holds several models, or what is said makes no manifest.
        ModelMissing: the place, or a file that the engine needs, is not there.
        CorruptModel: a file is no model, is cut off, or names data outside itself.
        Denied: a file cannot be read.
    """
    rules = _rules_of(own)
    kind, found = _choose(own, rules)
    files = tuple(_file(name, path) for name, path in found.items())
    size = sum(one.bytes for one in files)
    labels = "labels.txt" if "labels.txt" in found else ""
    facts: dict[str, object] = {
        **rules.facts,
        "id": own.id or suggested_id(own.place),
        "task": own.task,
        "engine": own.engine,
        "description": "Added by the user",
        "license": own.license,
        "languages": own.languages,
        "memory_bytes": rules.working_bytes + int(size * MEMORY_PER_BYTE),
        "labels_file": labels,
        "parameters": {**kind.parameters, **own.parameters},
    }
    try:
        made = msgspec.convert(facts, Manifest)
    except msgspec.ValidationError as error:
        raise BadRequest(f"what is said of the model is wrong: {error}") from error
    made = msgspec.structs.replace(made, files=files)
    for finding in lint.examine([made]):
        if finding.grave:
            raise BadRequest(finding.line)
    return made


def suggested_id(place: Path) -> str:
    """An id from the name of a file or folder."""
    name = place.stem if place.is_file() else place.name
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._") or "model"


def _rules_of(own: Own) -> _Rules:
    rules = RULES.get(own.engine)
    if rules is None:
        raise Unsupported(
            f"files for the engine {own.engine} cannot be told by their names",
            fix=f"write a manifest (docs/MANIFESTS.md); --engine knows {', '.join(RULES)}",
        )
    if own.task not in rules.tasks:
        raise BadRequest(
            f"{own.engine} does not do {own.task} here", fix=f"--task {' or '.join(rules.tasks)}"
        )
    return rules


def _choose(own: Own, rules: _Rules) -> tuple[_Kind, dict[str, Path]]:
    """The first kind whose files are all there; else what the one that lacks least lacks."""
    present = _present(own.place)
    fewest: list[str] | None = None
    for kind in rules.kinds:
        found = {one.name: _pick(one, present) for one in kind.files}
        missing = [_spelt(one) for one in kind.files if one.needed and found[one.name] is None]
        if not missing:
            return kind, _named({name: path for name, path in found.items() if path is not None})
        if fewest is None or len(missing) < len(fewest):
            fewest = missing
    raise ModelMissing(
        f"the model lacks {', '.join(fewest or ())}, which {own.engine} needs",
        fix="put the files into one folder, and name that",
    )


def _present(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    try:
        return sorted(path for path in place.iterdir() if path.is_file())
    except OSError as error:
        raise ModelMissing(f"the model's folder cannot be read: {error.strerror}") from error


def _spelt(wanted: _Wanted) -> str:
    return " or ".join(wanted.patterns)


def _pick(wanted: _Wanted, present: Iterable[Path]) -> Path | None:
    """The file for a pattern: the earlier patterns first, of several the one in 8 bits."""
    for pattern in wanted.patterns:
        found = [path for path in present if fnmatch(path.name, pattern)]
        small = [path for path in found if ".int8." in path.name]
        chosen = small or found
        if len(chosen) > 1:
            names = ", ".join(path.name for path in chosen)
            raise BadRequest(f"the folder holds several files for {wanted.name}: {names}",
                             fix="name one file, or a folder with one model")  # fmt: skip
        if chosen:
            return chosen[0]
    return None


def _named(found: Mapping[str, Path]) -> dict[str, Path]:
    """A name without a suffix gets that of the file: `vocabulary` is vocabulary.json, or .txt."""
    return {name if "." in name else name + path.suffix: path for name, path in found.items()}


def _file(name: str, path: Path) -> ManifestFile:
    try:
        size, sha256 = path.stat().st_size, hash_file(path)
        _check(path)
    except OSError as error:
        raise Denied(
            f"{path.name} cannot be read: {error.strerror}", fix="check its rights"
        ) from error
    if not size:
        raise CorruptModel(f"{path.name} is empty")
    return ManifestFile(name=name, bytes=size, sha256=sha256, path=os.path.abspath(path))


def _check(path: Path) -> None:
    if path.suffix == ".onnx":
        graph_files.check_onnx(path, name=path.name)
    elif path.suffix == ".tflite":
        graph_files.check_tflite(path, name=path.name)


# --- as a file ---


def document(made: Manifest) -> bytes:
    """A manifest as TOML: what differs from the defaults, read back to be sure.

    Raises:
        ConfigError: a path in it is no text.
    """
    try:
        content = "\n".join([*_lines(made), ""]).encode()
    except UnicodeEncodeError as error:
        raise ConfigError("the path of a file is not UTF-8", fix="rename the folder") from error
    if manifest.parse(content, f"{made.id}.toml") != made:
        raise ConfigError("the manifest cannot be written", fix="give plainer names")
    return content


def _lines(made: Manifest) -> Iterator[str]:
    tree = msgspec.to_builtins(made)
    plain = msgspec.to_builtins(
        Manifest(**{name: tree[name] for name in (*_ABOUT, "memory_bytes")})
    )
    yield "# Written by `edged models add`; docs/MANIFESTS.md explains every field."
    for name, value in tree.items():
        if name in _ABOUT or (name not in {"files", "parameters"} and value != plain[name]):
            yield f"{name} = {_value(value)}"
        elif name == "memory_bytes":
            yield f"# Estimated from the files.\n{name} = {value}"
    if made.parameters:
        yield "\n[parameters]"
        yield from (f"{_key(name)} = {_value(value)}" for name, value in made.parameters.items())
    for file in made.files:
        yield "\n[[files]]"
        facts = {"name": file.name, "bytes": file.bytes, "sha256": file.sha256, "path": file.path}
        yield from (f"{name} = {_value(value)}" for name, value in facts.items() if value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: object) -> str:
    """A value as TOML; a string as JSON is one, but for DEL."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
