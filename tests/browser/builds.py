"""The built extension: built when a source is newer than what is there; one build at a time."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
EXTENSION = Path(os.environ.get("EDGED_TEST_EXTENSION", ROOT / "extension"))
"""Another one may be named, such as that of another commit."""

DIST = EXTENSION / "dist"
LIBRARY = EXTENSION / "client" / "dist" / "index.js"
BUILD_WITHIN_S = 100
SOURCES = (
    "src",
    "client/src",
    "manifest.json",
    "identity.json",
    "build.mjs",
    "zip.mjs",
    "package-lock.json",
)


def lacking() -> str | None:
    """Why it cannot be built here; None when it can."""
    if not shutil.which("node"):
        return "no node here: apt-get install nodejs npm"
    if not (EXTENSION / "node_modules" / "esbuild").is_dir():
        return "the extension's packages are not here: make extension"
    return None


def built() -> Path:
    """The folder with `chromium` and `firefox` in it, up to date."""
    with (Path(tempfile.gettempdir()) / "edged-extension-build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _stale():
            _build()
    return DIST


def _build() -> None:
    done = subprocess.run(
        ["node", "build.mjs"],
        cwd=EXTENSION,
        timeout=BUILD_WITHIN_S,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"the extension does not build:\n{done.stderr[-3000:]}"


def _stale() -> bool:
    targets = [DIST / "chromium" / "manifest.json", DIST / "firefox" / "manifest.json", LIBRARY]
    if not all(target.exists() for target in targets):
        return True
    oldest = min(target.stat().st_mtime for target in targets)
    return any(path.stat().st_mtime > oldest for path in _sources())


def _sources() -> list[Path]:
    found = []
    for name in SOURCES:
        path = EXTENSION / name
        found += [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    return [path for path in found if path.exists()]
