"""Writes the tables that the browser's half shares with the daemon; a test compares them.

`python packaging/make_extension_tables.py` writes `extension/identity.json`, in
`extension/client/src` `messages.ts` (every request, reply, event and record as a TypeScript type),
`codes.ts` (every error with its fix), `words.ts` (the words of fingerprints) and `names.ts`, and in
`extension/src/camera` `points.ts` (which landmarks are joined by lines).
"""

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import inspect as shapes

from edged import __version__, media
from edged.bridge.access.words import words
from edged.bridge.browsers.identity import CHROMIUM_ID, CHROMIUM_KEY, FIREFOX_ID, HOST_NAME
from edged.bridge.framing import GOES_ON
from edged.errors import leaves
from edged.messages import access, people, records, replies, seeing, sessions, voice, wire
from edged.messages.envelope import PROTOCOL
from edged.messages.events import AnyEvent
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest
from edged.vision.names import (
    FACE_CONTOURS,
    HAND_CONNECTIONS,
    IRIS_CONNECTIONS,
    MESH_POINTS,
    POSE,
    POSE_CONNECTIONS,
)

EXTENSION = Path(__file__).parent.parent / "extension"
CLIENT = EXTENSION / "client" / "src"
HEAD = "// Made by packaging/make_extension_tables.py from the daemon's own tables: do not edit.\n"
LINE_WIDTH: Final = 100

LAST_REPLIES: Final[dict[str, str]] = {
    "align": "Aligned",
    "audio.classify": "AudioClasses",
    "audio.tag": "SoundTags",
    "cancel": "Done",
    "clients.add": "OneClient",
    "clients.approve": "OneClient",
    "clients.audit": "Audit",
    "clients.deny": "OneClient",
    "clients.forget": "Done",
    "clients.list": "Clients",
    "clients.revoke": "OneClient",
    "clients.self": "OneClient",
    "clients.show": "OneClient",
    "denoise": "Done",
    "describe": "Description",
    "devices.list": "Devices",
    "emotion.speech": "SpokenEmotions",
    "frames.export": "Done",
    "frames.image": "FrameImage",
    "frames.list": "Frames",
    "frames.search": "Sightings",
    "health": "HealthReport",
    "hello": "Welcome",
    "images.classify": "Classes",
    "images.detect": "Objects",
    "images.embed": "Embedding",
    "images.segment": "Mask",
    "infer": "Tensors",
    "jobs.cancel": "OneJob",
    "jobs.get": "OneJob",
    "jobs.list": "Jobs",
    "jobs.purge": "Done",
    "jobs.retry": "OneJob",
    "jobs.submit": "OneJob",
    "keywords": "KeywordsHeard",
    "language.identify": "SpokenLanguages",
    "lexicon.apply": "Corrected",
    "lexicon.list": "LexiconsFound",
    "lexicon.show": "OneLexicon",
    "metrics": "MetricsReport",
    "models.bench": "Benchmark",
    "models.file": "Done",
    "models.list": "Models",
    "models.load": "Done",
    "models.pin": "Done",
    "models.ps": "LoadedModels",
    "models.show": "ModelDetails",
    "models.unload": "Done",
    "pair": "Paired",
    "people.add": "OnePerson",
    "people.enroll": "OnePerson",
    "people.forget": "Done",
    "people.list": "People",
    "people.rename": "OnePerson",
    "recordings.audio": "Done",
    "recordings.delete": "Done",
    "recordings.get": "OneRecording",
    "recordings.list": "Recordings",
    "recordings.reprocess": "OneJob",
    "see": "Looked",
    "segments.list": "Segments",
    "separate": "Separated",
    "sessions.append": "Appended",
    "sessions.delete": "Done",
    "sessions.export": "Exported",
    "sessions.frame": "SessionFrameTaken",
    "sessions.get": "OneSession",
    "sessions.ledger": "Ledger",
    "sessions.list": "Sessions",
    "sessions.pause": "OneSession",
    "sessions.reprocess": "OneSession",
    "sessions.resume": "OneSession",
    "sessions.retry": "OneSession",
    "sessions.start": "OneSession",
    "sessions.stop": "OneSession",
    "shutdown": "Done",
    "speak": "Done",
    "speakers.claim": "Speakers",
    "speakers.list": "Speakers",
    "speakers.matches": "Matches",
    "speakers.merge": "Speakers",
    "speakers.rename": "Speakers",
    "speakers.sample": "Done",
    "speakers.split": "Speakers",
    "speakers.unclaim": "Speakers",
    "speakers.undo": "Speakers",
    "stats": "Statistics",
    "stats.wrapped": "Wrapped",
    "store.backup": "BackedUp",
    "store.rotate_key": "Done",
    "stream.audio": "StreamTaken",
    "stream.close": "Done",
    "stream.frame": "FrameTaken",
    "stream.open": "StreamClosed",
    "subscribe": "Done",
    "text.classify": "Classes",
    "tracks.derive": "DerivedTracks",
    "transcribe": "Transcribed",
    "transcripts.search": "Hits",
    "upload.close": "Uploaded",
    "upload.drop": "Done",
    "upload.open": "UploadOpened",
    "upload.part": "UploadTaken",
    "vad": "VadResult",
    "watch.add": "Folders",
    "watch.list": "Folders",
    "watch.remove": "Folders",
}
"""The reply that ends each request, where no error does (`subscribe` ends by being cancelled)."""

PLAIN: Final[dict[type[shapes.Type], str]] = {
    shapes.NoneType: "null",
    shapes.BoolType: "boolean",
    shapes.IntType: "number",
    shapes.FloatType: "number",
    shapes.StrType: "string",
    shapes.BytesType: "string",
}


def structs_of(union: Any) -> tuple[type[msgspec.Struct], ...]:  # noqa: ANN401 - a union is no type
    """The members of a union of structs."""
    return get_args(union)


def named_literals() -> dict[frozenset[str], str]:
    """Choices that have a name in the modules of messages: values -> name."""
    modules = (wire, media, records, sessions, seeing, people, voice, access, replies)
    return {
        frozenset(get_args(value)): name
        for module in reversed(modules)
        for name, value in vars(module).items()
        if get_origin(value) is Literal
    }


class Types:
    """TypeScript declarations of structs, and of all that they are made of."""

    def __init__(self) -> None:
        self._choices = named_literals()
        self._choices_used: dict[str, str] = {}
        self._declared: dict[str, str] = {}

    def add(self, struct: type[msgspec.Struct], *, asked: bool) -> str:
        """The name of a struct's type. asked: a request's, whose defaults may be left out."""
        name = name_of(struct)
        if name not in self._declared:
            self._declared[name] = ""
            self._declared[name] = self._declare(struct, asked=asked)
        return name

    def text(self) -> Iterator[str]:
        """All declarations, choices first."""
        yield from (self._choices_used[name] for name in sorted(self._choices_used))
        yield from self._declared.values()

    def _declare(self, struct: type[msgspec.Struct], *, asked: bool) -> str:
        facts = shapes.type_info(struct)
        assert isinstance(facts, shapes.StructType)  # noqa: S101 - of a struct it always is
        lines = [comment(inspect.getdoc(struct) or "")]
        lines.append(f"export interface {name_of(struct)} {{")
        if facts.tag_field is not None:
            lines.append(f"  {facts.tag_field}: {json.dumps(facts.tag)};")
        for field in facts.fields:
            mark = "?" if asked and not field.required else ""
            lines.append(f"  {field.encode_name}{mark}: {self._type(field.type, asked=asked)};")
        return "\n".join([*lines, "}"])

    def _type(self, shape: shapes.Type, *, asked: bool) -> str:  # noqa: PLR0911 - a line a shape
        shape = shape.type if isinstance(shape, shapes.Metadata) else shape
        match shape:
            case shapes.LiteralType():
                return self._choice(shape.values)
            case shapes.StructType():
                return self.add(shape.cls, asked=asked)
            case shapes.UnionType():
                return " | ".join(self._type(one, asked=asked) for one in shape.types)
            case shapes.VarTupleType() | shapes.ListType() | shapes.SetType():
                return f"readonly {bracketed(self._type(shape.item_type, asked=asked))}[]"
            case shapes.TupleType():
                inside = ", ".join(self._type(one, asked=asked) for one in shape.item_types)
                return f"readonly [{inside}]"
            case shapes.DictType():
                return f"Readonly<Record<string, {self._type(shape.value_type, asked=asked)}>>"
            case _:
                return PLAIN[type(shape)]

    def _choice(self, values: Iterable[bool | str | int | None]) -> str:
        texts = [json.dumps(value) for value in values]
        name = self._choices.get(frozenset(map(str, values)))
        if name is None:
            return " | ".join(texts)
        self._choices_used[name] = f"export type {name} ={wrapped(texts)};"
        return name


def bracketed(text: str) -> str:
    """A type to which `[]` may be appended."""
    return f"({text})" if " " in text and not text.startswith("Readonly<") else text


def wrapped(texts: Iterable[str]) -> str:
    """The members of a union, a line each."""
    return "".join(f"\n  | {text}" for text in texts)


def comment(text: str) -> str:
    """A docstring as a comment of TypeScript."""
    lines = text.replace("*/", "* /").splitlines()
    if len(lines) == 1:
        return f"/** {lines[0]} */"
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */"])


def name_of(struct: type[msgspec.Struct]) -> str:
    """The name of a struct's type; none that JavaScript has already."""
    return {"Error": "ErrorReply"}.get(struct.__name__, struct.__name__)


def tag_of(struct: type[msgspec.Struct]) -> str:
    """The name of a request, reply or event on the wire."""
    return str(struct.__struct_config__.tag)


def union(name: str, doc: str, members: Iterable[str]) -> str:
    """A union of declared types."""
    return f"/** {doc} */\nexport type {name} ={wrapped(members)};"


def messages() -> str:
    """messages.ts."""
    types = Types()
    requests = [types.add(one, asked=True) for one in structs_of(AnyRequest)]
    answers = [types.add(one, asked=False) for one in structs_of(AnyReply)]
    happened = [types.add(one, asked=False) for one in structs_of(AnyEvent)]
    last = "".join(f'  "{tag}": {name};\n' for tag, name in LAST_REPLIES.items())
    going_on = ", ".join(json.dumps(tag_of(one)) for one in GOES_ON)
    return "\n\n".join(
        [
            HEAD.rstrip(),
            *types.text(),
            union("AnyRequest", "Everything that can be asked.", requests),
            union("AnyReply", "Everything that can be answered.", answers),
            union("AnyEvent", "Everything that can be told by `subscribe`.", happened),
            f"/** The reply that ends each request, where no error does. */\nexport interface LastReplies {{\n{last}}}",
            f"/** Replies that another one follows. */\nexport const GOES_ON: ReadonlySet<string> = new Set([{going_on}]);",
            f"/** What can be granted. */\nexport const SCOPES: readonly Scope[] = {json.dumps(access.SCOPES)};",
            f"/** The version on the wire. */\nexport const PROTOCOL = {PROTOCOL};\n",
        ]
    )


def codes() -> str:
    """codes.ts."""
    rows = {
        leaf.code: {
            "what": re.sub(r"\s+", " ", inspect.getdoc(leaf) or ""),
            "fix": leaf.advice,
            "retryable": leaf.retryable,
        }
        for leaf in leaves().values()
    }
    table = json.dumps(rows, indent=2, sort_keys=True)
    return (
        f"{HEAD}\n/** Every error: what it says, what to do, and whether the same may succeed later. */\n"
        f"export const CODES = {table} as const;\n\nexport type Code = keyof typeof CODES;\n"
    )


def word_list() -> str:
    """words.ts."""
    return (
        f"{HEAD}\n/** The words of fingerprints, by byte. */\n"
        f'export const WORDS: readonly string[] = "{" ".join(words())}".split(" ");\n'
    )


def points() -> str:
    """points.ts: which landmarks are joined by lines, by their numbers."""
    lines = {
        "HAND_LINES": HAND_CONNECTIONS,
        "POSE_LINES": POSE_CONNECTIONS,
        "FACE_LINES": FACE_CONTOURS,
        "IRIS_LINES": IRIS_CONNECTIONS,
    }
    tables = "".join(
        f"export const {name}: readonly (readonly [number, number])[] = {json.dumps(pairs)};\n"
        for name, pairs in lines.items()
    )
    sides = json.dumps([side_of(name) for name in POSE])
    return (
        f"{HEAD}\n/** Points that lines join, as docs/SEEING.md has them. */\n{tables}\n"
        f"/** The side of the body that each point of a pose belongs to; empty: the middle. */\n"
        f'export const POSE_SIDES: readonly ("left" | "right" | "")[] = {sides};\n\n'
        f"/** Points of a face mesh without irises. */\nexport const MESH_POINTS = {MESH_POINTS};\n"
    )


def side_of(name: str) -> str:
    """The side that a landmark's name tells."""
    return next((side for side in ("left", "right") if side in name.split("_")), "")


def identity() -> str:
    """identity.json."""
    facts = {
        "version": __version__,
        "host": HOST_NAME,
        "chromium_key": CHROMIUM_KEY,
        "chromium_id": CHROMIUM_ID,
        "firefox_id": FIREFOX_ID,
    }
    return json.dumps(facts, indent=2) + "\n"


def tables() -> dict[Path, str]:
    """Every file that is made here, with what it has to hold."""
    names = identity_module()
    return {
        EXTENSION / "identity.json": identity(),
        CLIENT / "messages.ts": messages(),
        CLIENT / "codes.ts": codes(),
        CLIENT / "words.ts": word_list(),
        CLIENT / "names.ts": names,
        EXTENSION / "src" / "camera" / "points.ts": points(),
    }


def identity_module() -> str:
    """names.ts."""
    return (
        f"{HEAD}\n/** The native-messaging host. */\nexport const HOST_NAME = {json.dumps(HOST_NAME)};\n\n"
        f"/** The version of edged that this was made for. */\nexport const VERSION = {json.dumps(__version__)};\n"
    )


if __name__ == "__main__":
    for path, text in tables().items():
        path.write_text(text, encoding="utf-8")
