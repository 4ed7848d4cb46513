"""The peers' environments: one each in .cache/peers, from a lock file."""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = ROOT / ".cache" / "peers"
NAMES = ("fastapi", "grpc", "mlserver", "litserve", "mediapipe")

OURS = Path(sys.executable)
"""The environment of edged itself."""


def interpreter(name: str) -> Path:
    """The Python of a peer; it need not exist."""
    return CACHE / name / "bin" / "python"


def is_ready(name: str) -> bool:
    """Whether a peer's environment holds what its lock file says."""
    stamp = CACHE / name / "lock.txt"
    return stamp.is_file() and stamp.read_bytes() == _lock(name).read_bytes()


def make(name: str, python: str) -> None:
    """Make a peer's environment anew. Asks the package index."""
    folder = CACHE / name
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    pip = [str(interpreter(name)), "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
    subprocess.run([*pip, "--require-hashes", "-r", str(_lock(name))], check=True)
    shutil.copy(_lock(name), folder / "lock.txt")


def _lock(name: str) -> Path:
    return HERE / f"{name}.txt"
