"""Files that a command writes for its user."""

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from edged.errors import BadRequest


def create(path: str) -> BinaryIO:
    """A new file for the owner only, open for writing; an existing one is not overwritten.

    Raises:
        BadRequest: it exists, or cannot be made.
    """
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError as error:
        raise BadRequest("the file exists", fix="choose another name") from error
    except OSError as error:
        raise BadRequest(f"the file cannot be created: {error.strerror}") from error


class Draft:
    """A file for the owner only that gets its name when it is complete; until then nothing is there.

    Leave it with `keep` called, or it is gone.

    Args:
        path: where it will lie.
        force: a file that is there is replaced.

    Raises:
        BadRequest: a file is there, or it cannot be written there.
    """

    def __init__(self, path: str, *, force: bool) -> None:
        self.path = Path(path)
        self.partial = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        self._force = force
        if not force and os.path.lexists(self.path):
            raise _exists()
        try:
            self.file = os.fdopen(os.open(self.partial, _FRESH, 0o600), "w+b")
        except OSError as error:
            raise BadRequest(f"the file cannot be created: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()
        self.partial.unlink(missing_ok=True)

    def keep(self) -> None:
        """Give it its name.

        Raises:
            BadRequest: somebody else made a file of that name meanwhile, or it is a folder's.
        """
        try:
            self.file.flush()
            self._name()
        except FileExistsError as error:
            raise _exists() from error
        except OSError as error:
            raise BadRequest(f"the file cannot be written: {error.strerror}") from error

    def _name(self) -> None:
        if self._force:
            self.partial.replace(self.path)
            return
        try:
            os.link(self.partial, self.path)
        except FileExistsError:
            raise
        except OSError:
            self.partial.rename(self.path)  # a file system without hard links


_FRESH = os.O_RDWR | os.O_CREAT | os.O_EXCL
"""Never somebody else's file, which they could read."""


def _exists() -> BadRequest:
    return BadRequest("the file exists", fix="choose another name, or add --force")
