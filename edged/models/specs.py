"""What a worker is started with to run a model."""

import contextlib
import shutil
from collections.abc import Iterable, Mapping

import msgspec

from edged.errors import EdgedError
from edged.models import accelerators
from edged.models.choices import Choice
from edged.models.files import ModelFiles
from edged.models.manifest import Engine, Manifest
from edged.models.runtime import ModelSpec
from edged.workers.process import WorkerSpec


def worker_spec(
    files: ModelFiles,
    engines: Mapping[str, Engine],
    manifest: Manifest,
    choice: Choice,
    *,
    mates: Iterable[Manifest] = (),
) -> WorkerSpec:
    """What the worker of a model needs, its files verified. Blocking: they may be hashed.

    Args:
        files: finds and verifies.
        engines: the adapters' modules.
        manifest: the model.
        choice: its device and threads.
        mates: the models that the same worker may host later.

    Raises:
        ModelMissing, CorruptModel: a file is not there, or is not what the manifest says.
    """
    paths = files.verified(manifest)
    model = ModelSpec(
        id=manifest.id,
        task=manifest.task,
        engine=manifest.engine,
        files=dict(paths),
        parameters=manifest.parameters,
        threads=choice.threads,
        languages=manifest.languages,
        canary=manifest.canary,
        device=choice.device,
        strict_device=choice.strict,
        labels=manifest.labels,
        labels_file=manifest.labels_file,
        scratch=choice.scratch,
    )
    opening = accelerators.opening_for(choice.device)
    return WorkerSpec(
        name=manifest.id,
        module=engines[manifest.engine].module,
        argument=msgspec.msgpack.encode(model),
        read_paths=(*_readable(files, paths, mates), *opening.read),
        threads=choice.threads,
        device_paths=opening.use,
        scratch=choice.scratch,
        programs=_programs(engines[manifest.engine]),
    )


def _programs(engine: Engine) -> tuple[str, ...]:
    """The programs that an engine's worker may start, as the daemon finds them."""
    return tuple(path for name in engine.programs if (path := shutil.which(name)))


def _readable(
    files: ModelFiles, paths: Mapping[str, str], mates: Iterable[Manifest]
) -> tuple[str, ...]:
    """The files of this model and of its mates: what is shut once cannot be opened again."""
    readable = set(paths.values())
    for manifest in mates:
        with contextlib.suppress(EdgedError):  # a mate that is not installed here
            readable.update(files.locate(manifest).values())
    return tuple(sorted(readable))
