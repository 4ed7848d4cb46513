"""Which shared libraries this process has mapped: how a runtime that tells nothing is found out."""

import ctypes
import sys


class _Library(ctypes.Structure):
    """The head of struct dl_phdr_info. Source: dl_iterate_phdr(3)."""

    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]


_Visit = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Library), ctypes.c_size_t, ctypes.c_void_p)


def mapped() -> tuple[str, ...]:
    """Paths of the libraries in this process; reads no file, so a worker may ask."""
    if sys.platform != "linux":
        return ()
    found: list[str] = []

    def visit(library: "ctypes._Pointer[_Library]", _size: int, _data: int | None) -> int:
        found.append((library.contents.name or b"").decode(errors="replace"))
        return 0

    ctypes.CDLL(None).dl_iterate_phdr(_Visit(visit), None)
    return tuple(name for name in found if name)


def is_mapped(name: str) -> bool:
    """Whether a library is in this process, by the start of its file's name."""
    return any(path.rpartition("/")[2].startswith(name) for path in mapped())
