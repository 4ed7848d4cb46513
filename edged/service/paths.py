"""Paths that clients name: absolute ones only, since the daemon has no folder of theirs."""

import os

from edged.errors import BadRequest


def absolute(path: str) -> str:
    """The path without `.` and `..`, links left as they are.

    Raises:
        BadRequest: it is relative, or holds a NUL.
    """
    if not os.path.isabs(path):
        raise BadRequest("the path is not absolute", fix="send the whole path")
    if "\0" in path:
        raise BadRequest("the path holds a NUL character")
    return os.path.normpath(path)
