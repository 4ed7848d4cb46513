"""Files that a command writes for its user."""

import os
from typing import BinaryIO

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
