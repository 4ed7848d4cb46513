"""What is wrong with a set of manifests although each can be read."""

from collections.abc import Iterable, Mapping

from edged.models.manifest import ENGINES, Engine, Manifest, ManifestFile


def lint(manifests: Iterable[Manifest], engines: Mapping[str, Engine] = ENGINES) -> list[str]:
    """Everything that is wrong with a set of manifests, one line each with the model's id."""
    manifests = list(manifests)
    return [line for one in manifests for line in _lint_one(one, engines)] + _lint_shared(manifests)


def _lint_one(manifest: Manifest, engines: Mapping[str, Engine]) -> list[str]:
    lines = [
        f"`files`: {file.name} {complaint}"
        for file in manifest.files
        for complaint in _lint_file(file)
    ]
    names = [file.name for file in manifest.files]
    if len(set(names)) < len(names):
        lines.append("`files`: two files with the same name")
    if manifest.engine not in engines:
        lines.append(f"`engine`: {manifest.engine} is unknown; one of {', '.join(engines)}")
    if manifest.packs and manifest.task != "transcribe":
        lines.append("`packs`: only for the task transcribe")
    return [f"{manifest.id}: {line}" for line in lines]


def _lint_file(file: ManifestFile) -> list[str]:
    lines = [
        f"`{field}` must stay inside its folder"
        for field, value in (("name", file.name), ("member", file.member), ("path", file.path))
        if ".." in value.split("/") or (field != "path" and value.startswith("/"))
    ]
    if bool(file.wheel) != bool(file.member):
        lines.append("needs `wheel` and `member` together")
    if file.wheel and file.path:
        lines.append("has both `wheel` and `path`; remove one")
    return lines


def _lint_shared(manifests: list[Manifest]) -> list[str]:
    """A model that holds the GIL stops every other one in its process."""
    lines: list[str] = []
    for manifest in manifests:
        mates = [
            one.id for one in manifests if one.process == manifest.process and one.id != manifest.id
        ]
        if manifest.holds_gil and mates:
            lines.append(
                f"{manifest.id}: `worker`: it holds the GIL and cannot share a process with "
                f"{', '.join(mates)}; give it a worker of its own"
            )
    return lines
