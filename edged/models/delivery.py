"""A model's file, opened for somebody who wants a copy of it."""

import hashlib
import os

from edged.errors import CorruptModel, NotFound
from edged.models.files import ModelFiles
from edged.models.manifest import Manifest, ManifestFile

_BLOCK_BYTES = 2**20


class OpenedFile:
    """A verified file, open until `close`. Its reads block: call them in a thread."""

    def __init__(self, descriptor: int, sha256: str) -> None:
        self._descriptor = descriptor
        self.sha256 = sha256
        self.size_bytes = os.fstat(descriptor).st_size

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes from there; fewer only at the end."""
        return os.pread(self._descriptor, size, offset)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)


def open_verified(files: ModelFiles, manifest: Manifest, name: str) -> OpenedFile:
    """One file of a model, its hash compared before. Blocking: it may be hashed now.

    Raises:
        NotFound: the model has no such file. ModelMissing: it is not here.
        CorruptModel: it is not what the manifest, or models.lock, says.
    """
    file = next((one for one in manifest.files if one.name == name), None)
    if file is None:
        raise NotFound(
            f"{manifest.id} has no such file", fix=f"`edged models show {manifest.id}` names them"
        )
    path = files.verified(manifest)[name]
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise CorruptModel(f"{name} of {manifest.id} cannot be read: {error.strerror}") from error
    try:
        return OpenedFile(descriptor, _sha256(file, descriptor))
    except OSError as error:
        os.close(descriptor)
        raise CorruptModel(f"{name} of {manifest.id} cannot be read: {error.strerror}") from error


def _sha256(file: ManifestFile, descriptor: int) -> str:
    """The one that is stated; read from the file when there are several, or none."""
    if len(file.hashes) == 1:
        return next(iter(file.hashes))
    digest = hashlib.sha256()
    offset = 0
    while block := os.pread(descriptor, _BLOCK_BYTES, offset):
        digest.update(block)
        offset += len(block)
    return digest.hexdigest()
