"""What is wrong with a set of manifests although each can be read, and what is worth knowing.

A grave finding is an error: `edged models lint` fails with it, and the daemon's health tells it.
The others are notes. Nothing is read but the manifests; no network.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from edged.models.accelerators import KINDS, known_devices
from edged.models.manifest import (
    COMING,
    ENGINES,
    Archive,
    Engine,
    Https,
    Ingredient,
    Manifest,
    ManifestFile,
    Pypi,
    Source,
    spelt,
)
from edged.models.preset_parameters import PARAMETERS
from edged.models.toml_lines import Path

BATCHED_TASKS = frozenset(
    {
        "infer", "image_classify", "image_detect", "image_embed", "image_segment",
        "audio_classify", "text_classify", "text_embed", "speaker_embed",
    }
)  # fmt: skip
"""Tasks whose requests can run as one."""

GRAPH_ENGINES = {"onnx", "litert"}
GRAPH_TASKS = frozenset(
    {
        "infer", "image_classify", "image_detect", "image_embed", "image_segment",
        "audio_classify", "speech_emotion", "text_classify",
    }
)  # fmt: skip
"""What the engines of bare graphs can do: run them, and what edged.models.presets knows."""

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_DEVICES = tuple(dict.fromkeys((*KINDS, *known_devices())))
_VERSION = re.compile(r"\d+(\.\d+){0,3}((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_WHEEL = re.compile(
    r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.!+]+)(-\d[A-Za-z0-9_.]*)?"
    r"-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+\.whl"
)
"""Source: "Binary distribution format", packaging.python.org: name, version, build, three tags."""

_TRAPS = (
    ("non_commercial", re.compile(r"(?i)\bNC\b|non[- ]?commercial|\bresearch\b")),
    ("attribution", re.compile(r"(?i)\bCC[- ]BY\b|\bFunASR\b")),
    ("share_alike", re.compile(r"(?i)\bCC[- ]BY[- ](NC[- ])?SA\b|share[- ]?alike")),
)
"""What a licence's name gives away. Source: the names of Creative Commons' licences; section 2 of
FunASR's Model License asks for attribution."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing about one manifest.

    path: where in it; empty: the whole. text: what is wrong, and after a semicolon the fix.
    """

    model: str
    path: Path
    text: str
    grave: bool = True

    @property
    def line(self) -> str:
        """The finding in one line, with the model's id and the field."""
        return f"{self.model}: `{spelt(self.path)}`: {self.text}"


_Found = Iterator[tuple[Path, str]]


def lint(manifests: Iterable[Manifest], engines: Mapping[str, Engine] = ENGINES) -> list[str]:
    """Everything that is wrong with a set of manifests, one line each with the model's id."""
    return [one.line for one in examine(manifests, engines) if one.grave]


def examine(
    manifests: Iterable[Manifest], engines: Mapping[str, Engine] = ENGINES
) -> list[Finding]:
    """All findings about a set of manifests, those about one together."""
    manifests = list(manifests)
    return [finding for one in manifests for finding in _examine(one, manifests, engines)]


def _examine(
    manifest: Manifest, manifests: list[Manifest], engines: Mapping[str, Engine]
) -> Iterator[Finding]:
    errors = (
        _engine(manifest, engines),
        _license(manifest),
        _labels(manifest),
        _parameters(manifest),
        _figures(manifest),
        _running(manifest),
        _files(manifest),
        _company(manifest, manifests),
    )
    for path, text in (found for group in errors for found in group):
        yield Finding(model=manifest.id, path=path, text=text)
    for path, text in _notes(manifest):
        yield Finding(model=manifest.id, path=path, text=text, grave=False)


def _engine(manifest: Manifest, engines: Mapping[str, Engine]) -> _Found:
    if manifest.engine not in engines and manifest.engine not in COMING:
        yield ("engine",), f"{manifest.engine} is unknown; one of {', '.join(engines)}"
    if manifest.engine in GRAPH_ENGINES and manifest.task not in GRAPH_TASKS:
        yield ("task",), f"{manifest.engine} cannot do it; one of {', '.join(sorted(GRAPH_TASKS))}"
    if manifest.minimum_engine and not _VERSION.fullmatch(manifest.minimum_engine):
        yield ("minimum_engine",), "is no version; write it as 1.20 or 1.20.1"


def _license(manifest: Manifest) -> _Found:
    if manifest.gated and not manifest.license_url:
        yield ("license_url",), "is missing; name the page where the licence is accepted"
    for term, pattern in _TRAPS:
        if pattern.search(manifest.license) and term not in manifest.terms:
            yield ("terms",), f"{manifest.license} asks for it; add {term}"


def _labels(manifest: Manifest) -> _Found:
    if not manifest.labels_file:
        return
    if manifest.labels:
        yield ("labels_file",), "there is `labels` too; remove one"
    if manifest.labels_file not in {file.name for file in manifest.files}:
        yield ("labels_file",), f"{manifest.labels_file} is none of `files`; add it there"


def _parameters(manifest: Manifest) -> _Found:
    known = PARAMETERS.get(manifest.task)
    if known is None or manifest.engine not in GRAPH_ENGINES:
        return
    for name in manifest.parameters:
        if name not in known:
            yield (
                ("parameters", name),
                f"{manifest.task} reads no such; one of {', '.join(sorted(known))}",
            )


def _figures(manifest: Manifest) -> _Found:
    if not math.isfinite(manifest.rank):
        yield ("rank",), "cannot be compared; give a number from 0 to 1"
    quality = manifest.quality
    if quality is None:
        return
    if not math.isfinite(quality.value):
        yield ("quality", "value"), "cannot be compared; give a number"
    if not quality.source.strip():
        yield ("quality", "source"), "is empty; say who stated the figure for which data"


def _running(manifest: Manifest) -> _Found:
    if manifest.packs and manifest.task != "transcribe":
        yield ("packs",), "only for the task transcribe; remove it"
    if manifest.max_batch > 1 and manifest.task not in BATCHED_TASKS:
        yield ("max_batch",), f"requests of {manifest.task} cannot run as one; remove it"
    if manifest.pads and manifest.max_batch <= 1:
        yield ("pads",), "only for batches; give `max_batch` too, or remove it"
    devices = {("device",): manifest.device or "auto"} | {
        ("accelerators", position): device for position, device in enumerate(manifest.accelerators)
    }
    for path, device in devices.items():
        if device not in _DEVICES:
            yield path, f"{device} is no device; write one of {', '.join(_DEVICES)}"
    for position, language in enumerate(manifest.languages):
        if not _LANGUAGE.fullmatch(language):
            yield ("languages", position), f"{language} is no language; write en, yue or zh-Hant"


# --- files and where they come from ---


def _files(manifest: Manifest) -> _Found:
    yield from _unique("files", manifest.files)
    for position, file in enumerate(manifest.files):
        at: Path = ("files", position)
        yield from _places(at, file)
        yield from _sources((*at, "sources"), file.sources)
        if file.build is not None:
            yield from _ingredients((*at, "build", "ingredients"), file.build.ingredients)
        if manifest.embedded and not _from_pypi(file):
            yield (*at, "sources"), "an embedded model comes from PyPI alone; add a pypi source"


def _unique(field: str, files: Iterable[ManifestFile | Ingredient]) -> _Found:
    seen: set[str] = set()
    for position, file in enumerate(files):
        if file.name.lower() in seen:
            yield (field, position, "name"), f"two are called {file.name}; give each its own name"
        seen.add(file.name.lower())


def _places(at: Path, file: ManifestFile) -> _Found:
    for field, value in (("member", file.member), ("path", file.path)):
        absolute = value.startswith("/") and field != "path"
        if absolute or "\\" in value or ".." in value.split("/"):
            yield (*at, field), "must stay inside its folder; write it with / and without .."
    if bool(file.wheel) != bool(file.member):
        missing = "member" if file.wheel else "wheel"
        yield at, f"needs `wheel` and `member` together; add `{missing}`"
    if file.wheel and file.path:
        yield (*at, "path"), "has both `wheel` and `path`; remove one"


def _sources(at: Path, sources: Iterable[Source]) -> _Found:
    for position, source in enumerate(sources):
        here: Path = (*at, position)
        if isinstance(source, Pypi) and not _WHEEL.fullmatch(source.wheel):
            yield (*here, "wheel"), "is no wheel's name; write it as PyPI lists it"
        if isinstance(source, Https | Archive) and (fault := _fault_of_address(source.url)):
            yield (*here, "url"), fault


def _fault_of_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, credentials = parts.hostname, "@" in parts.netloc
    except ValueError:
        return "is no address; write it as https://host/path"
    if not host:
        return "names no host; write it as https://host/path"
    if credentials:
        return "holds a user or password; remove it, tokens come from HF_TOKEN or --token-file"
    if parts.scheme != "https" and host not in _LOOPBACK:
        return "http is for this machine only; write https"
    return ""


def _ingredients(at: Path, ingredients: tuple[Ingredient, ...]) -> _Found:
    for path, text in _unique("ingredients", ingredients):
        yield (*at, *path[1:]), text
    for position, ingredient in enumerate(ingredients):
        yield from _sources((*at, position, "sources"), ingredient.sources)
        if not ingredient.sources:
            yield (*at, position), "has no sources; say where it comes from"


def _from_pypi(file: ManifestFile) -> bool:
    """Whether PyPI has everything for a file: a wheel to install or to take it out of."""
    if file.build is not None:
        return all(_only_pypi(one.sources) for one in file.build.ingredients)
    return _only_pypi(file.sources) if file.sources else bool(file.wheel)


def _only_pypi(sources: tuple[Source, ...]) -> bool:
    return bool(sources) and all(isinstance(source, Pypi) for source in sources)


# --- others in the same process ---


def _company(manifest: Manifest, manifests: list[Manifest]) -> _Found:
    mates = [one for one in manifests if one.process == manifest.process and one.id != manifest.id]
    names = ", ".join(one.id for one in mates)
    if mates and manifest.holds_gil:
        yield (
            ("worker",),
            f"it holds the GIL and cannot share a process with {names}; give it one of its own",
        )
    if any(one.device != manifest.device for one in mates):
        yield (
            ("worker",),
            f"it shares a process with {names} on another device; give it one of its own",
        )


# --- notes ---


def _notes(manifest: Manifest) -> _Found:
    unknown = [file.name for file in manifest.files if not file.pinned and file.build is None]
    if unknown:
        yield (
            ("files",),
            f"nobody states the sha256 of {', '.join(unknown)}; the first pull has to be trusted",
        )
    lonely = [file.name for file in manifest.files if not _comes_from_somewhere(file)]
    if lonely:
        yield (
            ("files",),
            f"{', '.join(lonely)} cannot be pulled; add `sources`, or copy them into the models folder",
        )
    if not 0 <= manifest.rank <= 1:
        yield ("rank",), "ours are from 0 to 1, so it cannot be compared with them"
    if manifest.engine in COMING:
        yield (
            ("engine",),
            f"{manifest.engine} comes with a later version; its files can be pulled now",
        )


def _comes_from_somewhere(file: ManifestFile) -> bool:
    return bool(file.sources or file.wheel or file.build or file.path.startswith("/"))
