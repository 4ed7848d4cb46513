"""Models that see, in real workers that several tests share: asked without a loop of one's own."""

import asyncio
import threading
from collections.abc import Coroutine
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hosted import DEADLINE_S, REPOSITORY
from PIL import Image

from edged.media import ImageFormat, Picture
from edged.models import manifest
from edged.models.runtime import ModelSpec, Parameter, Segmented
from edged.models.seeing import Group, SeeOptions, SeeStream, Sight
from edged.workers import system
from edged.workers.process import Worker, WorkerSpec

T = TypeVar("T")

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

GREY = Picture(data=bytes([128]) * (48 * 32 * 3), raw=ImageFormat(width=48, height=32))


def spec_of(pulled: Path, model: str, **parameters: Parameter) -> ModelSpec:
    """One of our manifests with its pulled files; skips when they are not there."""
    found = manifest.read(REPOSITORY / "model_manifests" / f"{model}.toml")
    paths = {file.name: str(pulled / model / file.name) for file in found.files}
    if not all(Path(path).is_file() for path in paths.values()):
        pytest.skip(f"{model} was not pulled: `make models`")
    return ModelSpec(
        id=model,
        task=found.task,
        engine=found.engine,
        files=paths,
        parameters=found.parameters | parameters,
        labels=found.labels,
    )


def raw(pixels: Pixels) -> Picture:
    """RGB pixels, shape (height, width, 3), as a picture."""
    height, width = pixels.shape[:2]
    return Picture(data=pixels.tobytes(), raw=ImageFormat(width=width, height=height))


def photo(folder: Path, name: str) -> Picture:
    """A photo of the shared assets; skips when it is not there."""
    path = folder / name
    if not path.exists():
        pytest.skip(f"EDGED_TEST_ASSETS holds no {name}")
    return Picture(data=path.read_bytes())


def decoded(picture: Picture) -> Pixels:
    """The pixels of a picture that is a file."""
    return np.array(Image.open(BytesIO(picture.data)).convert("RGB"))


def points_of(sight: Sight, kind: str) -> Floats:
    """The points of the things of a kind, shape (things, points, values)."""
    at = 0
    for group in sight.groups:
        count = group.count * group.points * len(group.values)
        if group.kind == kind:
            found = np.frombuffer(sight.points, np.float32, count, at)
            return found.reshape(group.count, group.points, len(group.values))
        at += 4 * count
    raise AssertionError(kind)


def world_of(sight: Sight, kind: str) -> Floats:
    """Their world points, shape (things, points, 3)."""
    at = 0
    for group in sight.groups:
        count = group.count * group.world_points * 3
        if group.kind == kind:
            found = np.frombuffer(sight.world, np.float32, count, at)
            return found.reshape(group.count, group.world_points, 3)
        at += 4 * count
    raise AssertionError(kind)


def group_of(sight: Sight, kind: str) -> Group:
    """The facts about the things of a kind."""
    return next(group for group in sight.groups if group.kind == kind)


class Seers:
    """Workers by model, started when first asked, on a loop in a thread of its own."""

    def __init__(self, pulled: Path) -> None:
        self._pulled = pulled
        self._workers: dict[str, Worker] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine gives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    def see(self, model: str, picture: Picture, options: SeeOptions | None = None) -> Sight:
        """What a model sees."""
        return self._call(model, Sight, "see", picture, options or SeeOptions())

    def finish(self, model: str, stream: str) -> Sight:
        """What is left of a stream."""
        return self._call(model, Sight, "finish", SeeStream(stream=stream))

    def segment(self, model: str, picture: Picture) -> Segmented:
        """The mask of a picture."""
        return self._call(model, Segmented, "segment", picture)

    def canary(self, model: str) -> str:
        """Its canary."""
        return self._call(model, str, "canary")

    def memory(self, model: str) -> int:
        """Bytes of the model's worker (PSS)."""
        return system.pss_bytes(self._workers[model].pid)

    def load(self, spec: ModelSpec) -> None:
        """Put a model under its id; raises what its load raises."""
        if spec.id not in self._workers:
            self._workers[spec.id] = self.run(self._spawn(spec))

    def close(self) -> None:
        """End the workers and the loop."""
        for worker in self._workers.values():
            self.run(worker.end(grace_s=0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, model: str, kind: type[T], method: str, *arguments: msgspec.Struct) -> T:
        if model not in self._workers:
            self.load(spec_of(self._pulled, model))
        return self.run(self._ask(self._workers[model], kind, method, *arguments))

    async def _ask(
        self, worker: Worker, kind: type[T], method: str, *arguments: msgspec.Struct
    ) -> T:
        return (await worker.call(method, *arguments, deadline_s=DEADLINE_S)).to(kind)

    async def _spawn(self, spec: ModelSpec) -> Worker:
        return await Worker.spawn(
            WorkerSpec(
                name=spec.id,
                module=f"edged.models.engines.{spec.engine}",
                argument=msgspec.msgpack.encode(spec),
                read_paths=tuple({str(Path(path).parent) for path in spec.files.values()}),
            ),
            load_deadline_s=DEADLINE_S,
        )
