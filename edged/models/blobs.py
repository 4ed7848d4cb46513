"""Every pulled file once, under its hash; the models' folders hold hard links to them.

A blob's link count says who uses it: it is the only book that is kept, so it cannot be wrong.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from edged.errors import BadRequest, CorruptModel, DiskFull, ModelMissing

_BLOCK_BYTES = 2**20
_PREFIX = "sha256-"
_FRESH = ".linking"
_RESERVED = frozenset({"blobs", "partial", "wheels", "models.lock"})


class Blobs:
    """The content-addressed store below the models folder. Blocking; any thread and process.

    Every change is made under a lock between processes, so that a `prune` takes no file from a
    pull that is about to link it.
    """

    def __init__(self, models: Path) -> None:
        self._models = models
        self._folder = models / "blobs"

    def path(self, sha256: str) -> Path:
        """Where the content with that hash lies, or would.

        Raises:
            BadRequest: it is no sha256 in lower-case hexadecimal.
        """
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            raise BadRequest("a blob is named by a sha256: 64 lower-case hexadecimal digits")
        return self._folder / f"{_PREFIX}{sha256}"

    def has(self, sha256: str) -> bool:
        """Whether it is here; its content is not read."""
        return self.path(sha256).is_file()

    def hashes(self) -> list[str]:
        """The hashes of all that is here, in order."""
        if not self._folder.is_dir():
            return []
        names = sorted(os.listdir(self._folder))
        return [name.removeprefix(_PREFIX) for name in names if _is_blob(name)]

    def verify(self, sha256: str) -> bool:
        """Whether a blob's content still has its hash; reads all of it.

        Raises:
            ModelMissing: it is not here.
        """
        try:
            return hash_file(self.path(sha256)) == sha256
        except FileNotFoundError as error:
            raise ModelMissing("the blob is not on this machine") from error

    def adopt(self, path: Path, sha256: str) -> Path:
        """Move a whole file in and give its new place; a crash leaves the old or the new one.

        The caller has compared the content with the hash. The file lies on the same file system.
        A whole blob that is there stays, since others are links to it, and the file goes.

        Raises:
            DiskFull: it cannot be made durable.
        """
        target = self.path(sha256)
        with self._alone():
            if self.has(sha256) and self.verify(sha256):
                path.unlink()
                return target
            _seal(path)
            os.replace(path, target)
            sync_folder(self._folder)
        return target

    def link(self, model: str, name: str, sha256: str) -> Path:
        """Make a blob a file of a model, in the place of one that is there, and give its place.

        Raises:
            BadRequest: the name leads out of the model's folder. ModelMissing: no such blob.
        """
        target = self.place(model, name)
        with self._alone():
            fresh = target.with_name(f".{target.name[:200]}{_FRESH}")
            try:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _link_or_copy(self.path(sha256), fresh)
                os.replace(fresh, target)
            except FileNotFoundError as error:
                raise ModelMissing(f"the content of {name} of {model} is not here") from error
            finally:
                # Between two links to one file, replace does nothing: the fresh one stays.
                fresh.unlink(missing_ok=True)
            sync_folder(target.parent)
            sync_folder(self._models)
        return target

    def place(self, model: str, name: str) -> Path:
        """Where a model's file lies, or would.

        Raises:
            BadRequest: the name leads out of the model's folder, or the folder is not a model's.
        """
        _check_model(model)
        if not is_inside(name):
            raise BadRequest(f"a file of {model} has a name that leads out of its folder")
        return self._models / model / name

    def remove(self, model: str) -> int:
        """Take a model's folder away, and the blobs that no other model uses; bytes freed.

        Raises:
            BadRequest: that is not a model's folder.
        """
        _check_model(model)
        folder = self._models / model
        with self._alone():
            freed = _bytes_of(folder)
            if folder.is_dir():
                shutil.rmtree(folder)
                sync_folder(self._models)
            return freed + self._drop_unused()

    def users(self, sha256: str) -> list[str]:
        """The files, as <model>/<name>, that are links to a blob; empty where links are copies."""
        if not self.has(sha256):
            return []
        blob = self.path(sha256).stat()
        return [
            str(path.relative_to(self._models))
            for path in _files_below(self._models)
            if self._folder not in path.parents and os.path.samestat(path.lstat(), blob)
        ]

    def prune(self) -> int:
        """Remove the blobs that nothing uses, interrupted downloads and wheels; bytes freed.

        A download that another process is at just now stays.
        """
        with self._alone():
            for path in _files_below(self._models):
                if path.name.endswith(_FRESH):  # of a process that was killed
                    path.unlink()
            freed = self._drop_unused()
            for name in ("partial", "wheels"):
                folder = self._models / name
                if not is_held(folder):
                    freed += sum(_remove_idle(path) for path in _files_below(folder))
        return freed

    def _drop_unused(self) -> int:
        freed = 0
        for sha256 in self.hashes():
            path = self.path(sha256)
            facts = path.lstat()
            if facts.st_nlink == 1:
                path.unlink()
                freed += facts.st_size
        return freed

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of the blobs' folder, which the end of a process lets go of."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def hash_file(path: str | os.PathLike[str]) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def is_inside(name: str) -> bool:
    r"""Whether a relative path stays in its folder: no `..`, no root, no drive, no `\`."""
    return bool(name) and not set(name) & {"\\", "\0", ":"} and _steps_down(name)


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Make a folder, and keep `prune` and other pulls from removing what lies in it meanwhile."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether somebody is `holding` a folder; one that is not there is not held."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries are on the disk."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _steps_down(name: str) -> bool:
    return not name.startswith("/") and not {"", ".", ".."} & set(name.split("/"))


def _check_model(model: str) -> None:
    if model in _RESERVED or not re.fullmatch("[a-z0-9][a-z0-9._-]*", model):
        raise BadRequest(f"{model!r} cannot be a model's name here")


def _is_blob(name: str) -> bool:
    return re.fullmatch(f"{_PREFIX}[0-9a-f]{{64}}", name) is not None


def _seal(path: Path) -> None:
    """Make a file read-only and durable."""
    try:
        os.chmod(path, stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        _sync(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise ModelMissing("another command removed the file meanwhile") from error
    except OSError as error:
        raise DiskFull(f"a pulled file cannot be made durable: {error.strerror}") from error


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link_or_copy(blob: Path, fresh: Path) -> None:
    fresh.unlink(missing_ok=True)
    try:
        os.link(blob, fresh)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        _copy(blob, fresh)
        _seal(fresh)


def _copy(blob: Path, fresh: Path) -> None:
    try:
        shutil.copyfile(blob, fresh)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DiskFull(f"a pulled file cannot be copied: {error.strerror}") from error
    if hash_file(fresh) != blob.name.removeprefix(_PREFIX):
        raise CorruptModel("a blob differs from its hash", fix="pull the model again")


def _files_below(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root, name) for name in names)


def _bytes_of(folder: Path) -> int:
    """What goes with a folder: its files that are no links to a blob."""
    facts = [path.lstat() for path in _files_below(folder)]
    return sum(one.st_size for one in facts if one.st_nlink == 1)


def _remove_idle(path: Path) -> int:
    """Remove a file that no process holds a lock on; its bytes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
        return os.fstat(descriptor).st_size
    except BlockingIOError:
        return 0
    finally:
        os.close(descriptor)
