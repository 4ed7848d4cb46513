"""What is told of models: records made of their manifests, and which one suits this machine."""

from collections.abc import Iterable, Mapping

from edged.errors import EngineMissing, Unsupported
from edged.messages.records import ModelState, ModelSummary, Problem
from edged.messages.replies import ModelFile, Trust
from edged.models.lockfile import Entry
from edged.models.manifest import Archive, Https, Manifest, ManifestFile, Pypi, Source

_NEVER_RECOMMENDED = {"gated", "non_commercial"}
_CANNOT_RUN = {EngineMissing.code, Unsupported.code}


def recommended(
    manifests: Iterable[Manifest], problems: Mapping[str, Problem], room: int
) -> frozenset[str]:
    """The best of each task that this machine can run and everybody may use, installed or not.

    Args:
        manifests: all there are.
        problems: why models cannot run here, by their ids.
        room: bytes that a model may need; 0: any number.
    """
    best: dict[str, Manifest] = {}
    for one in manifests:
        problem = problems.get(one.id)
        fits = not room or one.memory_bytes <= room
        runs = problem is None or problem.code not in _CANNOT_RUN
        if fits and runs and not _NEVER_RECOMMENDED.intersection(one.terms):
            best[one.task] = max(best.get(one.task, one), one, key=lambda it: (it.rank, it.id))
    return frozenset(one.id for one in best.values())


def summary(
    manifest: Manifest,
    state: ModelState,
    problem: Problem | None,
    *,
    default: bool,
    recommended: bool,
    pinned: bool,
) -> ModelSummary:
    """One model in short."""
    quality = manifest.quality
    return ModelSummary(
        id=manifest.id,
        task=manifest.task,
        engine=manifest.engine,
        license=manifest.license,
        languages=manifest.languages,
        size_bytes=manifest.size_bytes,
        memory_bytes=manifest.memory_bytes,
        installed=problem is None,
        default=default,
        state=state,
        quality=f"{quality.metric} {quality.value:g} ({quality.source})" if quality else "",
        description=manifest.description,
        problem=problem,
        quantization=manifest.quantization,
        terms=manifest.terms,
        recommended=recommended,
        pinned=pinned,
    )


def file_record(file: ManifestFile, entry: Entry | None, *, found: bool) -> ModelFile:
    """One file: what it has to be, and where it comes from.

    Args:
        file: as the manifest states it.
        entry: what models.lock recorded at its first pull.
        found: whether it is here.
    """
    return ModelFile(
        name=file.name,
        size_bytes=file.bytes or (entry.bytes if entry else 0),
        sha256=file.sha256 or (entry.sha256 if entry else ""),
        source=f"wheel {file.wheel}" if file.wheel else "models folder",
        found=found,
        sources=_places(file),
        trust=_trust(file, entry),
    )


def _trust(file: ManifestFile, entry: Entry | None) -> Trust:
    if file.hashes:
        return "stated"
    if entry is not None:
        return "recorded"
    return "held" if file.pinned else "first_use"


def _places(file: ManifestFile) -> tuple[str, ...]:
    """Where a file comes from, for people, in the order in which that is tried."""
    if file.build is not None:
        names = ", ".join(one.name for one in file.build.ingredients)
        return (f"made by {file.build.builder} of {names}",)
    return tuple(_place(source) for source in file.sources)


def _place(source: Source) -> str:
    match source:
        case Https():
            return source.url
        case Archive():
            return f"{source.url} # {source.member}"
        case Pypi():
            return f"pypi {source.wheel} # {source.member}"
        case _:  # where it lies is the user's own business
            return "a file on this machine"
