"""Which device and how many threads a model gets here, and whether it really runs there.

What works is probed, and how many threads help is measured, once per machine, at the first load
that asks for it and never at idle. Both are remembered until an engine, a driver or the model
changes. A choice in config or manifest stands above what was measured.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edged.config import Config
from edged.errors import EdgedError, Unsupported
from edged.models import choices, machine, probing
from edged.models.accelerators import (
    CPU,
    KINDS,
    PARTIAL,
    Runtime,
    RuntimeName,
    check_asked,
    is_processor,
    runtime_of,
    share,
)
from edged.models.choices import Choice
from edged.models.files import ModelFiles
from edged.models.manifest import ENGINES, Engine, Manifest
from edged.models.remembered import Entry, Remembered
from edged.models.runtime import ModelSpec, Placement
from edged.models.specs import worker_spec
from edged.models.trials import Asked, Subject
from edged.workers.process import Worker, WorkerSpec

__all__ = ["Choice", "Devices"]

log = logging.getLogger(__name__)

LARGEST_MEASURED = 300_000_000
"""Bytes of files: beyond, several loads to measure cost more than they give."""

PLACEMENT_DEADLINE_S = 10.0
_STALE_S = 600.0
_HOST = "placement of models"
_PLACEMENT = "edged.models.engines.placement"


class Devices:
    """Chooses, verifies and remembers. Loop thread only.

    Args:
        config: the sections workers, devices and threads.
        cache: holds accelerators.json and tuning.json.
        files: finds and verifies; None: nothing is measured.
        engines: the adapters' modules.
        probe_module: what a child hosts to try a device; tests have their own.
        probe_deadline_s: how long it may take.
    """

    def __init__(
        self,
        config: Config,
        cache: Path,
        *,
        files: ModelFiles | None = None,
        engines: Mapping[str, Engine] = ENGINES,
        probe_module: str = probing.PROBE,
        probe_deadline_s: float = probing.PROBE_DEADLINE_S,
    ) -> None:
        self._config = config
        self._cache = cache
        self._files = files
        self._engines = engines
        self._probe_module = probe_module
        self._probe_deadline_s = probe_deadline_s
        self._accelerators = Remembered(cache / "accelerators.json")
        self._tuning = Remembered(cache / "tuning.json")
        self._probing: dict[RuntimeName, asyncio.Lock] = {}
        self._measuring = False
        self._cores = machine.processor_counts()
        self._chosen: dict[str, int] = {}

    # --- what is asked ---

    def threads(self, manifest: Manifest) -> int:
        """As configured, or as the manifest says, or as it was loaded last, or a guess until then."""
        known = self._fixed_threads(manifest) or self._chosen.get(manifest.id)
        return known or choices.unmeasured_threads(*self._cores)

    def _fixed_threads(self, manifest: Manifest) -> int:
        return self._config.threads.get(manifest.id, manifest.threads)

    def _asked(self, manifest: Manifest) -> str:
        own = self._config.devices.get(manifest.id) or manifest.device
        return own or self._config.workers.device or "auto"

    def _is_own(self, manifest: Manifest) -> bool:
        """Whether the device is asked for this very model, not for all."""
        return bool(self._config.devices.get(manifest.id) or manifest.device)

    def _is_strict(self, manifest: Manifest) -> bool:
        return self._config.workers.strict_device or manifest.strict_device

    # --- choosing ---

    async def choose(self, manifest: Manifest) -> Choice:
        """What to load a model with; the first time it is probed and measured.

        Raises:
            Unsupported: no device is as asked, or the word is unknown; it names those that work.
        """
        found = await self.candidates(manifest)
        chosen = found[0] if len(found) == 1 else await self._measured(manifest, found)
        self._chosen[manifest.id] = chosen.threads
        return msgspec.structs.replace(chosen, scratch=await self._scratch(manifest, chosen))

    async def candidates(self, manifest: Manifest) -> list[Choice]:
        """Every way to run a model that works here and is as asked; the first choice first.

        Raises:
            Unsupported: as `choose`.
        """
        asked = self._asked(manifest)
        devices = await self._usable(manifest, asked)
        fixed = self._fixed_threads(manifest)
        counts = (fixed,) if fixed else self._counts(manifest)
        return [
            Choice(asked=asked, device=device, threads=threads, strict=self._is_strict(manifest))
            for device, threads in choices.ways(devices, counts)
        ]

    def _counts(self, manifest: Manifest) -> tuple[int, ...]:
        if manifest.holds_gil or not runtime_of(manifest.engine).threaded:
            return (1,)  # an engine that takes no number of threads
        return choices.thread_counts(*self._cores)

    async def _usable(self, manifest: Manifest, asked: str) -> tuple[str, ...]:
        check_asked(asked)
        runtime = runtime_of(manifest.engine)
        if runtime.devices == (CPU,) or asked == CPU:
            findings: choices.Findings = {}
        else:
            findings = await self.findings(runtime, asked)
        try:
            return choices.usable(asked, runtime, findings)
        except Unsupported:
            if not self._is_own(manifest) and not self._is_strict(manifest):
                return (CPU,)  # a wish for all models that this one's engine cannot fulfil
        # once more, with all that works here, to name it
        return choices.usable(asked, runtime, {**await self.findings(runtime), **findings})

    # --- probing ---

    async def findings(
        self, runtime: Runtime, asked: str = "auto", *, anew: bool = False
    ) -> dict[str, str]:
        """Why each of a runtime's devices does not work; empty: it works.

        Args:
            runtime: whose devices.
            asked: only those that are so; the others may be missing.
            anew: try again what was tried before, and what `auto` leaves out.
        """
        async with self._probing.setdefault(runtime.name, asyncio.Lock()):
            look = await asyncio.to_thread(self._look, runtime, asked)
            found = dict(look.lacking)
            for device in [one for one in look.devices if one not in found]:
                named = anew or asked not in KINDS
                if device in look.known and not anew:
                    found[device] = look.known[device]
                elif named or not probing.by_name_only(device, runtime):
                    found[device] = await self._try(runtime, device, look.key)
                else:
                    found[device] = _UNTRIED
            return {device: found[device] for device in look.devices}

    def _look(self, runtime: Runtime, asked: str) -> "_Look":
        """What the files say, and what is remembered of the rest. Blocking."""
        devices = _wanted(runtime, asked)
        lacking = {one: why for one in devices if (why := probing.lacking(runtime, one))}
        if len(lacking) == len(devices):
            return _Look(devices, lacking)
        key = f"{machine.version_of(runtime)}, drivers {machine.drivers()}"
        known = {one: str(why) for one, why in (self._accelerators.get(key) or {}).items()}
        return _Look(devices, lacking, key, known)

    async def _try(self, runtime: Runtime, device: str, key: str) -> str:
        why = await probing.probe(
            runtime, device, module=self._probe_module, deadline_s=self._probe_deadline_s
        )
        entry: Entry = {device: why}
        await asyncio.to_thread(self._accelerators.add, key, entry)
        return why

    # --- measuring ---

    async def _measured(self, manifest: Manifest, found: Sequence[Choice]) -> Choice:
        """The best of several ways: remembered, or measured now, or a guess."""
        guess = _guess(found, choices.unmeasured_threads(*self._cores))
        if self._files is None or self._measuring:
            return guess  # two at once would measure each other
        self._measuring = True
        try:
            return await self._measure(manifest, found, guess)
        except EdgedError:
            return guess  # the load itself will tell what is wrong
        finally:
            self._measuring = False

    async def _measure(self, manifest: Manifest, found: Sequence[Choice], guess: Choice) -> Choice:
        specs = await self._specs(manifest, found)
        key = await asyncio.to_thread(_tuning_key, manifest, specs, found)
        if (known := await asyncio.to_thread(self._recall, key, found)) is not None:
            return known
        if await asyncio.to_thread(_bytes_of, next(iter(specs.values()))) > LARGEST_MEASURED:
            return guess
        taken = await self._time(manifest, found, specs)
        if not taken:
            return guess
        device, threads = choices.best(taken)
        entry: Entry = {
            "device": device,
            "threads": threads,
            "run_us": round(taken[device, threads] * 1e6),
        }
        await asyncio.to_thread(self._tuning.put, key, entry)
        ways = ", ".join(f"{way[0]} x{way[1]}: {taken[way] * 1e3:.2f} ms" for way in taken)
        log.info("measured %s: %s; it gets %s x%d", manifest.id, ways, device, threads)
        return next(one for one in found if (one.device, one.threads) == (device, threads))

    async def _time(
        self, manifest: Manifest, found: Sequence[Choice], specs: Mapping[str, WorkerSpec]
    ) -> dict[tuple[str, int], float]:
        taken: dict[tuple[str, int], float] = {}
        for device, spec in specs.items():
            counts = [one.threads for one in found if one.device == device]
            model = msgspec.msgpack.decode(spec.argument, type=ModelSpec)
            subject = Subject(module=self._engines[manifest.engine].module, spec=model)
            seconds = probing.MEASURE_S / len(specs)
            times = await probing.measure(subject, spec, counts, seconds=seconds)
            taken |= {(device, count): run_s for count, run_s in times.items()}
        return taken

    async def _specs(self, manifest: Manifest, found: Sequence[Choice]) -> dict[str, WorkerSpec]:
        """What a worker is started with, for each device."""
        if self._files is None:
            return {}
        specs: dict[str, WorkerSpec] = {}
        for choice in found:
            if choice.device not in specs:
                specs[choice.device] = await asyncio.to_thread(
                    worker_spec, self._files, self._engines, manifest, choice
                )
        return specs

    def _recall(self, key: str, found: Sequence[Choice]) -> Choice | None:
        entry = self._tuning.get(key) or {}
        way = entry.get("device"), entry.get("threads")
        return next((one for one in found if (one.device, one.threads) == way), None)

    async def remember(self, manifest: Manifest, choice: Choice) -> None:
        """Take a way of running a model from now on, as a benchmark found it best."""
        found = await self.candidates(manifest)
        specs = await self._specs(manifest, found)
        if specs:
            key = await asyncio.to_thread(_tuning_key, manifest, specs, found)
            entry: Entry = {"device": choice.device, "threads": choice.threads}
            await asyncio.to_thread(self._tuning.put, key, entry)

    # --- verifying ---

    async def verify(self, worker: Worker, manifest: Manifest, choice: Choice) -> str:
        """Where a model really runs, from the run of its canary: a device, or `cpu (partial)`.

        Raises:
            Unsupported: the choice is strict, and a part of it runs elsewhere.
            WorkerGone, Deadline: the worker failed in telling.
        """
        try:
            placement = await _placement(worker, manifest)
        finally:
            if choice.scratch:
                await asyncio.to_thread(shutil.rmtree, choice.scratch, ignore_errors=True)
        device = placement.device or (CPU if choice.device == CPU else "unknown")
        if device != choice.device:
            log.warning("%s", _difference(manifest, choice, placement, device))
            if choice.strict:
                raise Unsupported(
                    _difference(manifest, choice, placement, device),
                    fix="set strict_device = false, or ask for cpu",
                    model=manifest.id,
                )
        return device

    async def _scratch(self, manifest: Manifest, choice: Choice) -> str:
        """A folder for the profile of one load; only an accelerator's worker gets one."""
        if choice.device == CPU or runtime_of(manifest.engine).name != "onnxruntime":
            return ""
        return await asyncio.to_thread(_make_scratch, self._cache / "placing")


class _Look(msgspec.Struct, frozen=True):
    """devices: that are asked for. lacking: why some cannot work. known: what was tried before."""

    devices: list[str]
    lacking: dict[str, str]
    key: str = ""
    known: dict[str, str] = {}


_UNTRIED = "not tried; ask for it by name, or run `edged doctor`"


def _wanted(runtime: Runtime, asked: str) -> list[str]:
    """The devices that are to be looked at; the plain processor always works."""
    return [
        one
        for one in runtime.devices
        if one != CPU and (asked in {"auto", one} or one.startswith(f"{asked}:"))
    ]


def _guess(found: Sequence[Choice], threads: int) -> Choice:
    """Without a measurement: a gpu or npu if one works, else the plain processor."""
    rest = [one for one in found if not is_processor(one.device)]
    first = rest or [one for one in found if one.device == CPU] or found
    same = [one for one in first if one.device == first[0].device]
    fitting = [one for one in same if one.threads <= threads]
    return fitting[-1] if fitting else same[0]


def _tuning_key(
    manifest: Manifest, specs: Mapping[str, WorkerSpec], found: Sequence[Choice]
) -> str:
    """What a measurement hangs on: the model's content, the engine, the machine, the ways."""
    processor = machine.processor()
    model = msgspec.msgpack.decode(next(iter(specs.values())).argument, type=ModelSpec)
    content = [*sorted(hash_ for file in manifest.files for hash_ in file.hashes)]
    if not all(file.hashes for file in manifest.files):
        content += [_state(path) for path in sorted(model.files.values())]
    facts = (
        content,
        msgspec.json.encode(manifest.parameters).decode(),
        processor.model,
        processor.physical,
        processor.logical,
        [(one.device, one.threads) for one in found],
        machine.version_of(runtime_of(manifest.engine)),
        machine.drivers(),
    )
    return f"{manifest.id} {machine.fingerprint(facts)}"


def _state(path: str) -> str:
    facts = os.stat(path)
    return f"{facts.st_size} {facts.st_mtime_ns}"


def _bytes_of(spec: WorkerSpec) -> int:
    model = msgspec.msgpack.decode(spec.argument, type=ModelSpec)
    return sum(os.path.getsize(path) for path in model.files.values())


async def _placement(worker: Worker, manifest: Manifest) -> Placement:
    hosted = WorkerSpec(name=_HOST, module=_PLACEMENT)
    await worker.load(hosted, deadline_s=PLACEMENT_DEADLINE_S)
    answer = await worker.call(
        "placement", Asked(model=manifest.id), target=_HOST, deadline_s=PLACEMENT_DEADLINE_S
    )
    return answer.to(Placement)


def _difference(manifest: Manifest, choice: Choice, placement: Placement, device: str) -> str:
    """That a model does not run where it was meant to, and which share of it."""
    elsewhere, nodes = share(placement.nodes, runtime_of(manifest.engine), choice.device)
    if nodes:
        return f"{elsewhere} of {nodes} nodes of {manifest.id} do not run on {choice.device}"
    part = "a part of " if device == PARTIAL else ""
    return (
        f"{part}{manifest.id} runs on {CPU if device == PARTIAL else device}, not {choice.device}"
    )


def _make_scratch(folder: Path) -> str:
    """An empty folder of our own; what a load left behind that failed is removed."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.iterdir():
            with contextlib.suppress(OSError):
                if datetime.now(UTC).timestamp() - left.stat().st_mtime > _STALE_S:
                    shutil.rmtree(left, ignore_errors=True)
        return tempfile.mkdtemp(dir=folder)
    except OSError:
        return ""  # then the division of the graph tells where it runs
