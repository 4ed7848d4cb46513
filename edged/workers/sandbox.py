"""Shuts a worker in before it imports an engine: no network, no files but those it needs.

Landlock for files and seccomp for sockets, by ctypes, unprivileged, nothing to install. Each is
left out where the kernel lacks it, and the worker says so in its first answer.
Measured: 2026-11, 2 vCPU: 0.5 ms for both, no cost per inference.
Source: landlock(7), seccomp(2), include/uapi/linux/{landlock,seccomp,audit}.h.
"""

import ctypes
import glob
import importlib.util
import os
import platform
import struct
import sys
from collections.abc import Iterator

from msgspec import Struct

from edged.workers.bodies import Confinement, Start

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

_SYS_LANDLOCK_CREATE_RULESET = 444
_SYS_LANDLOCK_ADD_RULE = 445
_SYS_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_REMOVE_FILE = 1 << 5
_MAKE_FILE = 1 << 8
_TRUNCATE = 1 << 14
_CONTROL_DEVICE = 1 << 15
_FILE_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many access rights on files each version knows; all of them are taken away."""

_TCP_BIND_AND_CONNECT = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3

SYSTEM_PATHS = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/proc/cpuinfo",
    "/sys/devices",
    "/sys/bus",
    "/dev/urandom",
    "/dev/zero",
)
"""Readable by every worker. Without /proc/cpuinfo and /sys onnxruntime may pick slower kernels."""


def confine(start: Start) -> Confinement:
    """Give up the network and all files but the interpreter's and those given, for good.

    Args:
        start: what stays open; what is missing is skipped.
    """
    if sys.platform != "linux":
        return Confinement(landlock=0, seccomp=False)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    landlock = _restrict_files(start)
    return Confinement(landlock=landlock, seccomp=_filter_calls())


def landlock_version() -> int:
    """The kernel's Landlock ABI; 0 when it has none or it is turned off."""
    if sys.platform != "linux":
        return 0
    version: int = _libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION_FLAG)
    return max(0, version)


def interpreter_paths() -> Iterator[str]:
    """Where Python and its packages lie, and this package; no other part of a source checkout."""
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    yield sys.executable
    if bundle := getattr(sys, "_MEIPASS", ""):
        yield bundle
    ours = _package_folder()
    yield ours
    yield from (path for path in sys.path if path and path != os.path.dirname(ours))


def _package_folder() -> str:
    spec = importlib.util.find_spec("edged")
    folders = spec.submodule_search_locations if spec else None
    return next(iter(folders or ()), "/usr")


def _restrict_files(start: Start) -> int:
    """Landlock's version when it holds now, else 0."""
    version = landlock_version()
    if not version:
        return 0
    handled = (1 << _FILE_RIGHTS_OF_ABI.get(version, 16)) - 1
    attributes = struct.pack("=Q", handled)
    if version >= 4:  # noqa: PLR2004 - the version that knows TCP
        attributes += struct.pack("=Q", _TCP_BIND_AND_CONNECT)
    if version >= 6:  # noqa: PLR2004 - the version that knows scopes
        attributes += struct.pack("=Q", _ABSTRACT_SOCKETS_AND_SIGNALS)
    ruleset = _libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return 0
    try:
        for path, rights in _rules(start):
            _allow(ruleset, path, rights & handled)
        held = _libc.syscall(_SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)
    return version if held else 0


def _rules(start: Start) -> Iterator[tuple[str, int]]:
    """What stays open, and how far; the right to control devices came with version 5."""
    for path in {*interpreter_paths(), *SYSTEM_PATHS, *start.read_paths} - {"", "/"}:
        yield path, _READ_FILE | _READ_DIR
    for path in ("/dev/null", *start.device_paths):
        yield path, _READ_FILE | _WRITE_FILE | (_CONTROL_DEVICE if path != "/dev/null" else 0)
    for path in _executables(start.programs):
        yield path, _READ_FILE | _EXECUTE
    if start.scratch:
        yield start.scratch, _READ_FILE | _WRITE_FILE | _MAKE_FILE | _REMOVE_FILE | _TRUNCATE
    yield os.path.dirname(_package_folder()), _READ_DIR


def _executables(programs: tuple[str, ...]) -> Iterator[str]:
    """Programs as the kernel starts them: the file behind links, and the loader that it names."""
    if programs:
        yield from glob.glob("/lib*/ld-*.so*")
    yield from map(os.path.realpath, programs)


def _allow(ruleset: int, path: str, rights: int) -> None:
    """Open one file or folder up; a missing one is skipped."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _EXECUTE | _READ_FILE | _WRITE_FILE | _CONTROL_DEVICE
        rule = struct.pack("=Qi", rights, descriptor)
        _libc.syscall(_SYS_LANDLOCK_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


class _Machine(Struct, frozen=True):
    """audit: AUDIT_ARCH_*. socket: number of the system call. first_foreign: x32's first, or 0."""

    audit: int
    socket: int
    first_foreign: int = 0


_MACHINES = {
    "x86_64": _Machine(audit=0xC000003E, socket=41, first_foreign=0x40000000),
    "aarch64": _Machine(audit=0xC00000B7, socket=198),
    "armv7l": _Machine(audit=0x40000028, socket=281),
}
_SYS_IO_URING_SETUP = 425
_AF_UNIX = 1

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_KILL = 0x80000000
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000  # SECCOMP_RET_ERRNO, plus the errno
_EACCES = 13
_ENOSYS = 38

_Instruction = tuple[int, int, int, int]
"""code, jump if true, jump if false (instructions to skip), operand."""


def program(machine: str) -> list[_Instruction]:
    """The filter for a processor, as platform.machine() names it; empty for an unknown one."""
    facts = _MACHINES.get(machine)
    if facts is None:
        return []
    foreign: list[_Instruction] = []
    if facts.first_foreign:
        foreign = [
            (_AT_LEAST, 0, 1, facts.first_foreign),
            (_RETURN, 0, 0, _REFUSE | _ENOSYS),
        ]
    return [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_EQUAL, 1, 0, facts.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        *foreign,
        (_EQUAL, 0, 1, _SYS_IO_URING_SETUP),  # io_uring opens sockets too
        (_RETURN, 0, 0, _REFUSE | _ENOSYS),
        (_EQUAL, 0, 3, facts.socket),
        (_LOAD, 0, 0, 16),  # seccomp_data.args[0], low half: the domain
        (_EQUAL, 1, 0, _AF_UNIX),
        (_RETURN, 0, 0, _REFUSE | _EACCES),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _filter_calls() -> bool:
    """Whether seccomp holds now."""
    instructions = program(platform.machine())
    if not instructions:
        return False
    code = b"".join(struct.pack("=HBBI", *one) for one in instructions)
    body = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: a short, padding to a pointer, a pointer.
    head = struct.pack("@HP", len(instructions), ctypes.addressof(body))
    installed: int = _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, head, 0, 0)
    return installed == 0
