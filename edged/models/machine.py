"""What this machine is: its processor, its cores, and the drivers that accelerators need."""

import glob
import hashlib
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from edged.config import cores
from edged.models.accelerators import Runtime

_MOST_CHARACTERS = 2**16
"""A file for each of a hundred processors repeats itself: the first ones do."""

_DRIVERS = (
    "/proc/driver/nvidia/version",
    "/sys/module/nvidia/version",
    "/sys/module/amdgpu/version",
    "/opt/rocm/.info/version",
)
_DEVICES = ("/dev/nvidia[0-9]*", "/dev/dxg", "/dev/kfd", "/dev/dri/renderD*", "/dev/accel/accel*")

FEATURES = (
    "aes", "sse4_2", "avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8",
    "asimd", "neon", "asimddp", "i8mm", "sve",
)  # fmt: skip
"""What kernels for small models look for, as /proc/cpuinfo spells it."""


class Processor(Struct, frozen=True, kw_only=True):
    """model: its name. physical: cores; logical: processors that we may use. features: see FEATURES."""

    model: str
    physical: int
    logical: int
    features: tuple[str, ...]


def processor(root: str = "") -> Processor:
    """The processor of this machine.

    Args:
        root: of another tree of the kernel's files, for tests.
    """
    text = _read(f"{root}/proc/cpuinfo")
    found = re.search(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE)
    flags = set(found[1].split()) if found else set()
    logical = cores()
    return Processor(
        model=_model_of(text),
        physical=min(physical_cores(root) or logical, logical),
        logical=logical,
        features=tuple(one for one in FEATURES if one in flags),
    )


def processor_counts() -> tuple[int, int]:
    """Physical cores and processors that we may use, without reading what else there is."""
    logical = cores()
    return min(physical_cores() or logical, logical), logical


def fingerprint(facts: object) -> str:
    """A short hash over facts; the same for the same ones."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _model_of(cpuinfo: str) -> str:
    """x86 has a name; Arm boards have a model, or numbers of the part."""
    for field in ("model name", "Model", "Hardware"):
        if found := re.search(rf"^{field}\s*: (.+)$", cpuinfo, re.MULTILINE):
            return found[1].strip()
    parts = sorted(set(re.findall(r"^CPU part\s*: (.+)$", cpuinfo, re.MULTILINE)))
    return " ".join([platform.machine() or "unknown", *parts])


def physical_cores(root: str = "") -> int:
    """Cores of which each may have several processors; 0 when the kernel does not tell."""
    pattern = f"{root}/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list"
    return len({_read(path) for path in glob.glob(pattern)} - {""})


def drivers(root: str = "") -> str:
    """A short fingerprint of drivers and device files: what a finding about a device hangs on."""
    facts = [_read(root + path) for path in _DRIVERS]
    facts += [path for pattern in _DEVICES for path in sorted(glob.glob(root + pattern))]
    if any(facts):
        facts.append(platform.release())  # the kernel's own graphics drivers change with it
    return fingerprint(facts)


def version_of(runtime: Runtime) -> str:
    """The installed version of a runtime, with the package that brings it; empty: none is."""
    return version_of_package(*runtime.distributions)


def version_of_package(*names: str) -> str:
    """The first of these distributions that is installed, and its version; empty: none is.

    Read off the names of folders: importlib.metadata would cost the daemon 20 ms at its start.
    Source: "Recording installed projects", packaging.python.org: NAME-VERSION.dist-info.
    """
    found = dict(_distributions())
    return next((f"{name} {found[_normal(name)]}" for name in names if _normal(name) in found), "")


def _distributions() -> Iterator[tuple[str, str]]:
    """Every installed distribution's name and version, those that are imported first last."""
    for folder in reversed(sys.path):
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue  # a zip file, or a folder that is not there
        for entry in entries:
            name, _, version = entry.removesuffix(".dist-info").partition("-")
            if entry.endswith(".dist-info"):
                yield _normal(name), version


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def folder_of(runtime: Runtime) -> Path | None:
    """Where a runtime's libraries lie; None when it is not installed. Imports nothing."""
    spec = importlib.util.find_spec(runtime.package) if runtime.package else None
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0], runtime.folder) if folders else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_CHARACTERS).strip()
    except OSError:
        return ""
