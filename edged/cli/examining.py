"""Examines this machine for `edged doctor`. Starts throw-away processes; needs no daemon."""

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from edged import config as settings
from edged.bridge import endpoint
from edged.cli import render
from edged.config import Config, Paths
from edged.errors import CorruptModel, EdgedError, EngineMissing, ModelMissing, Unsupported
from edged.models import catalog, choices, machine
from edged.models.accelerators import CPU, RUNTIMES, Runtime, check_asked, known_devices, runtime_of
from edged.models.devices import Devices
from edged.models.files import ModelFiles
from edged.models.lint import lint
from edged.models.manifest import ENGINES, Manifest
from edged.models.probing import COMES_WITHOUT
from edged.store.engine import choose_cipher
from edged.workers import system
from edged.workers.bodies import Confinement
from edged.workers.process import Worker, WorkerSpec

State = Literal["ok", "note", "wrong"]

LITTLE_DISK = 500_000_000
"""Bytes; with less a model of speech can hardly be pulled."""

_START_DEADLINE_S = 20.0


class Finding(Struct, frozen=True, kw_only=True):
    """One line. note: works without, or less well. fix: what to do; empty when all is well."""

    section: str
    name: str
    state: State
    text: str
    fix: str = ""


class Examined(Struct, frozen=True, kw_only=True):
    """All that was found. devices: by runtime, why each device does not work; empty: it works."""

    findings: tuple[Finding, ...]
    devices: dict[str, dict[str, str]]


def examine(paths: Paths) -> Examined:
    """Look at everything; takes some seconds, for each device that might work is tried."""
    config, broken = _config(paths)
    devices, confinement = asyncio.run(_try_all(config, paths))
    findings = (
        *broken,
        *_processor(),
        *_memory(config),
        *_sandbox(confinement),
        *_engines(),
        *_devices(devices, config),
        *_store(paths, config),
        *_folders(paths),
        *_daemon(paths),
        *_models(paths),
    )
    return Examined(findings=findings, devices=devices)


def _config(paths: Paths) -> tuple[Config, list[Finding]]:
    """The settings, or the defaults and what is wrong with the file."""
    try:
        config = settings.load(paths)
        for asked in (config.workers.device, *config.devices.values()):
            check_asked(asked)
    except EdgedError as error:
        wrong = Finding(
            section="settings", name="config", state="wrong", text=error.message, fix=error.fix
        )
        return Config(), [wrong]
    there = "config.toml" if paths.config_file.exists() else "defaults"
    return config, [Finding(section="settings", name="config", state="ok", text=there)]


async def _try_all(
    config: Config, paths: Paths
) -> tuple[dict[str, dict[str, str]], Confinement | None]:
    devices = Devices(config, paths.cache)
    found: dict[str, dict[str, str]] = {
        runtime.name: await devices.findings(runtime, anew=True)
        for runtime in RUNTIMES
        if machine.version_of(runtime)
    }
    return found, await _confinement()


async def _confinement() -> Confinement | None:
    """What really holds a worker here; None when none can be started."""
    spec = WorkerSpec(name="doctor", module="edged.models.engines.placement")
    try:
        worker = await Worker.spawn(spec, load_deadline_s=_START_DEADLINE_S)
    except EdgedError:
        return None
    await worker.end()
    return worker.confinement


def _processor() -> Iterator[Finding]:
    found = machine.processor()
    text = f"{found.physical} cores, {found.logical} processors for edged"
    yield Finding(section="processor", name=found.model, state="ok", text=text)
    aes = "aes" in found.features
    yield Finding(
        section="processor",
        name="AES",
        state="ok" if aes else "note",
        text="the store uses AEGIS" if aes else "none: the store uses ChaCha20, which costs more",
    )
    vectors = [one for one in found.features if one != "aes"]
    yield Finding(
        section="processor",
        name="vectors",
        state="ok" if vectors else "note",
        text=" ".join(vectors) or "none that speed models up",
    )


def _memory(config: Config) -> Iterator[Finding]:
    available = system.available_memory()
    budget = config.workers.memory_bytes or available // 2
    text = f"{render.size(available)} available; all models together may take {render.size(budget)}"
    too_much = budget > available > 0
    yield Finding(
        section="memory",
        name="budget",
        state="note" if too_much else "ok",
        text=text,
        fix="lower workers.memory_bytes, or end other programs" if too_much else "",
    )


def _sandbox(found: Confinement | None) -> Iterator[Finding]:
    if found is None:
        yield Finding(
            section="sandbox",
            name="worker",
            state="wrong",
            text="no worker process can be started",
            fix="run `edged serve` and look into its log",
        )
        return
    yield _held("Landlock", f"version {found.landlock}: workers read their own files only",
                "workers can read what you can", holds=found.landlock > 0,
                fix="take Linux >= 5.13 with landlock in its `lsm=` list")  # fmt: skip
    yield _held("seccomp", "workers have no network", "workers could open a socket",
                holds=found.seccomp, fix="take a kernel with CONFIG_SECCOMP_FILTER")  # fmt: skip
    yield _held("pidfd", "ends of processes are heard at once", "a thread waits for each process",
                holds=hasattr(os, "pidfd_open"), fix="take Linux >= 5.3")  # fmt: skip
    yield _held("memfd", "files without a name", "none",
                holds=hasattr(os, "memfd_create"), fix="take Linux >= 3.17")  # fmt: skip


def _held(name: str, text: str, otherwise: str, *, holds: bool, fix: str) -> Finding:
    if sys.platform != "linux":
        fix = "only Linux has it"
    return Finding(
        section="sandbox",
        name=name,
        state="ok" if holds else "note",
        text=text if holds else otherwise,
        fix="" if holds else fix,
    )


def _engines() -> Iterator[Finding]:
    files = ModelFiles(Path(), Path())
    for name, engine in ENGINES.items():
        try:
            files.check_engine(_any_model(name))
        except (EngineMissing, Unsupported) as error:
            yield Finding(
                section="engines", name=name, state="note", text="not installed", fix=error.fix
            )
            continue
        version = machine.version_of(runtime_of(name)) or machine.version_of_package(
            *engine.packages
        )
        yield Finding(section="engines", name=name, state="ok", text=version or "installed")


def _any_model(engine: str) -> Manifest:
    return Manifest(
        id="any", task="infer", engine=engine, description="any", license="-", memory_bytes=1
    )


def _devices(found: dict[str, dict[str, str]], config: Config) -> Iterator[Finding]:
    wanted = {config.workers.device, *config.devices.values()}
    for runtime in RUNTIMES:
        if runtime.name in found:
            yield _working(runtime, found[runtime.name])
            yield from _failing(runtime, found[runtime.name], wanted)
    kinds = wanted - {"auto", CPU, *known_devices()}
    for kind in sorted(kinds):
        if not any(_has_kind(runtime, found.get(runtime.name, {}), kind) for runtime in RUNTIMES):
            yield Finding(
                section="devices",
                name=kind,
                state="wrong",
                text=f"the settings ask for a {kind}, and none works",
                fix="see what each one lacks above, or set workers.device to auto",
            )


def _has_kind(runtime: Runtime, findings: choices.Findings, kind: str) -> bool:
    return any(one.startswith(f"{kind}:") and findings.get(one) == "" for one in runtime.devices)


def _working(runtime: Runtime, findings: choices.Findings) -> Finding:
    working = [one for one in runtime.devices if one == CPU or findings.get(one) == ""]
    return Finding(
        section="devices", name=runtime.name, state="ok", text=f"works: {', '.join(working)}"
    )


def _failing(runtime: Runtime, findings: choices.Findings, wanted: set[str]) -> Iterator[Finding]:
    for device, why in findings.items():
        if not why:
            continue
        asked = device in wanted
        fix = _PACKAGES.get(device, "") if why.endswith(COMES_WITHOUT) else ""
        yield Finding(
            section="devices",
            name=f"  {device}",
            state="wrong" if asked else "note",
            text=why,
            fix=fix or (f"ask for another device of {runtime.name}" if asked else ""),
        )


_PACKAGES = {
    "gpu:tensorrt": "pip install onnxruntime-gpu in place of onnxruntime, and tensorrt",
    "gpu:cuda": "pip install onnxruntime-gpu in place of onnxruntime",
    "gpu:rocm": "pip install onnxruntime-rocm in place of onnxruntime",
    "gpu:migraphx": "pip install onnxruntime-migraphx in place of onnxruntime",
    "gpu:openvino": "pip install onnxruntime-openvino in place of onnxruntime",
    "npu:openvino": "pip install onnxruntime-openvino in place of onnxruntime",
    "cpu:openvino": "pip install onnxruntime-openvino in place of onnxruntime",
    "npu:qnn": "pip install onnxruntime-qnn in place of onnxruntime",
}
"""What brings a provider that the installed runtime lacks."""


def _store(paths: Paths, config: Config) -> Iterator[Finding]:
    cipher = choose_cipher() if config.store.cipher == "auto" else config.store.cipher
    there = "" if paths.database.exists() else "; no store yet, the daemon makes one"
    yield Finding(section="store", name="cipher", state="ok", text=f"{cipher}{there}")
    if paths.database.exists() and not paths.key_file.exists():
        yield Finding(
            section="store",
            name="key",
            state="note",
            text="no key file: the key comes from a credential or a keyring",
            fix="see docs/KEYS.md",
        )


def _folders(paths: Paths) -> Iterator[Finding]:
    for name in ("config", "state", "runtime", "cache"):
        yield _folder(name, getattr(paths, name), private=name in {"state", "runtime"})
    if paths.key_file.exists():
        yield _folder("key", paths.key_file, private=True)
    home = next(one for one in (paths.state, *paths.state.parents) if one.exists())
    free = shutil.disk_usage(home).free
    yield Finding(
        section="folders",
        name="disk",
        state="ok" if free >= LITTLE_DISK else "wrong",
        text=f"{render.size(free)} free",
        fix="" if free >= LITTLE_DISK else "free space, or set EDGED_HOME to another disk",
    )


def _folder(name: str, path: Path, *, private: bool) -> Finding:
    """Whether a folder or file is ours, and closed to others where it has to be."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return Finding(section="folders", name=name, state="ok", text=f"{path} (not there yet)")
    except OSError as error:
        text = f"{path}: {error.strerror}"
        fix = "run the command as its owner: `sudo -u OWNER edged doctor`"
        return Finding(section="folders", name=name, state="wrong", text=text, fix=fix)
    mode = stat.S_IMODE(facts.st_mode)
    text, fix = f"{path} ({mode:o})", ""
    if facts.st_uid != os.geteuid():
        fix = f"it belongs to another user: sudo chown -R {os.geteuid()} {path}"
    elif private and mode & 0o077:
        fix = f"others can enter it: chmod go= {path}"
    return Finding(section="folders", name=name, state="wrong" if fix else "ok", text=text, fix=fix)


def _daemon(paths: Paths) -> Iterator[Finding]:
    pid = endpoint.holder(paths)
    text = f"running, pid {pid}" if pid is not None else "not running; commands start it"
    yield Finding(section="daemon", name="edged", state="ok", text=text)


def _models(paths: Paths) -> Iterator[Finding]:
    manifests, problems = catalog.read_folders([catalog.shipped_folder(), paths.manifests])
    for problem in [*problems, *lint(manifests)]:
        yield Finding(
            section="models",
            name="manifest",
            state="wrong",
            text=problem,
            fix="`edged models lint` explains it",
        )
    files = ModelFiles(paths.models, paths.cache)
    installed: list[str] = []
    for manifest in manifests:
        try:
            files.locate(manifest)
        except CorruptModel as error:
            yield Finding(
                section="models", name=manifest.id, state="wrong", text=error.message, fix=error.fix
            )
        except ModelMissing:
            continue
        else:
            installed.append(manifest.id)
    yield Finding(
        section="models",
        name="installed",
        state="ok" if installed else "note",
        text=f"{len(installed)} of {len(manifests)}: {', '.join(installed) or 'none'}",
        fix="" if installed else "edged models pull --defaults",
    )
