"""What graphs take and give, remembered by the content of their files."""

import asyncio
import hashlib
import os
from pathlib import Path

import msgspec

from edged.errors import EdgedError, Unsupported
from edged.messages.records import Signature
from edged.models.files import ModelFiles
from edged.models.manifest import Manifest
from edged.models.pool import Pool
from edged.models.runtime import Inference

GRAPH_ENGINES = frozenset({"onnx", "litert"})
"""Engines whose models can be run as they are."""

_decode = msgspec.json.Decoder(Signature).decode


def check_is_graph(manifest: Manifest) -> None:
    """Make sure that a model can be run as it is.

    Raises:
        Unsupported: its engine knows no graph.
    """
    if manifest.engine not in GRAPH_ENGINES:
        raise Unsupported(
            f"{manifest.id} runs on {manifest.engine}, which takes no tensors",
            fix="`edged models list` names the models of the engines onnx and litert",
            model=manifest.id,
        )


class Signatures:
    """Asks and remembers. Loop thread only.

    Args:
        pool: lends the models.
        files: finds their files and hashes them.
        cache: the folder of what may be forgotten.
    """

    def __init__(self, pool: Pool, files: ModelFiles, cache: Path) -> None:
        self._pool = pool
        self._files = files
        self._folder = cache / "signatures"

    async def known(self, model: str) -> Signature | None:
        """What was found before for files of this content; None: nothing, or no graph.

        Raises:
            ModelMissing: there is no such model.
        """
        manifest = self._pool.manifest(model)
        if manifest.engine not in GRAPH_ENGINES:
            return None
        return await asyncio.to_thread(self._recall, manifest)

    async def ask(self, model: str) -> Signature:
        """What the graph itself says, loaded for that if it must be.

        Raises:
            Unsupported: the model is no graph.
            EdgedError: as Pool.borrow.
        """
        manifest = self._pool.manifest(model)
        check_is_graph(manifest)
        async with self._pool.borrow(model, Inference) as lease:
            found = await lease.call(lease.model.signature)
        await asyncio.to_thread(self._remember, manifest, found)
        return found

    # In a thread: they read and hash files.

    def _path(self, manifest: Manifest) -> Path | None:
        """Where the signature of these files is kept; None while they cannot be found."""
        try:
            paths = self._files.verified(manifest)
        except EdgedError:
            return None
        facts = [
            manifest.engine,
            *(f"{name} {self._files.sha256(paths[name])}" for name in sorted(paths)),
        ]
        digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()
        return self._folder / f"{digest}.json"

    def _recall(self, manifest: Manifest) -> Signature | None:
        path = self._path(manifest)
        try:
            return _decode(path.read_bytes()) if path else None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None  # a cache: it is asked again

    def _remember(self, manifest: Manifest, signature: Signature) -> None:
        path = self._path(manifest)
        if path is None:
            return
        part = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_bytes(msgspec.json.encode(signature))
            part.replace(path)
        except OSError:
            return  # a cache: without it the next one is asked again
