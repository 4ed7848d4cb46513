"""The models of this machine: finds them, lends them, keeps their workers well.

`borrow` is the only way to a model. It loads what is not loaded, orders the callers by urgency,
and gives the memory back when nobody has asked for a while.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from edged.config import Config, Paths
from edged.errors import Conflict, EdgedError, ModelMissing, from_code
from edged.messages.records import BenchmarkRow, LoadedModel, ModelState, ModelSummary, Problem
from edged.messages.replies import ModelDetails, ModelFile, Reason
from edged.messages.wire import Priority
from edged.models import catalog, facts
from edged.models.admission import Admission
from edged.models.bench import measure
from edged.models.budget import Budget
from edged.models.changes import group_by_process, run_the_same, runs_the_same
from edged.models.choices import Choice, best
from edged.models.delivery import OpenedFile, open_verified
from edged.models.devices import Devices
from edged.models.files import ModelFiles
from edged.models.keeping import Keeping
from edged.models.lease import Lease
from edged.models.lint import lint
from edged.models.manifest import ENGINES, Engine, Manifest
from edged.models.pins import Pins
from edged.models.slot import OnChange, Slot

M = TypeVar("M")

_GUESS_MS = 300
_GUESS_BYTES_PER_MS = 200_000
"""A load that was never measured: start of a worker, and reading and preparing 200 MB a second."""

_SOONEST_S = 0.01

_LOOK_S = 10.0
"""How often the models' files are looked for: what was installed meanwhile shows so late."""

_LINT = "`edged models lint` shows all that is wrong"

_UNSEEN = Problem(
    code=ModelMissing.code,
    message="its files were not looked for yet",
    fix="ask again in a moment",
)
"""Of a model that is new, for some milliseconds."""


class Pool:
    """All models and their workers. Loop thread only.

    Args:
        config: the sections workers, defaults and threads.
        paths: manifests, models and cache.
        on_change: hears of every change of a model's state.
        engines: adapters by name; tests add their own.
    """

    def __init__(
        self,
        config: Config,
        paths: Paths,
        *,
        on_change: OnChange | None = None,
        engines: Mapping[str, Engine] = ENGINES,
    ) -> None:
        self._config = config
        self._files = ModelFiles(paths.models, paths.cache, engines)
        self._engines = engines
        self._devices = Devices(config, paths.cache, files=self._files, engines=engines)
        self._budget = Budget(config.workers.memory_bytes, lambda: self._slots)
        self._admission = Admission(self._budget.free, self._budget.holders)
        self.catalog = catalog.Catalog([catalog.shipped_folder(), paths.manifests])
        found, self._problems = self.catalog.read()
        self._problems += lint(found, engines)
        self._manifests = {one.id: one for one in found}
        self._on_change = on_change
        self._changed = asyncio.Event()
        self._next_look = 0.0
        self._closed = False
        self._pins = Pins(paths.state / "pins.json")
        self._keeping = Keeping(
            self._pins, absent=self._why_absent, is_loaded=self._is_loaded, load=self._ready
        )
        self._past = Counter(calls=0, spawned=0)
        self._homes = self._make_slots()
        self._slots = list(self._homes.values())
        self._by_model = {model: slot for slot in self._slots for model in slot.manifests}
        self._successors: dict[str, Slot] = {}
        self._retired: list[Slot] = []
        self._watched: set[Slot] = set()
        self._absent = self._look()
        self._looked = time.monotonic()

    def _make_slots(self, known: Mapping[str, Slot] | None = None) -> dict[str, Slot]:
        """One slot per process, by its name; those that are known and serve as before stay."""
        slots: dict[str, Slot] = {}
        for name, group in group_by_process(self._manifests).items():
            slot = (known or {}).get(name)
            if slot is not None and run_the_same(slot.manifests, group):
                slot.describe(group)
                slots[name] = slot
            else:
                slots[name] = self._make_slot(name, group)
        return slots

    def _make_slot(self, name: str, group: Mapping[str, Manifest]) -> Slot:
        slot = Slot(
            name,
            group,
            limits=self._config.workers,
            files=self._files,
            engines=self._engines,
            devices=self._devices,
            on_change=self._change,
            room=self._budget.room,
            admission=self._admission,
        )
        for model in self._pins.models & group.keys():
            slot.pin(model, pinned=True)
        return slot

    def _change(self, model: str, state: ModelState, reason: str) -> None:
        self._changed.set()
        if state == "unloaded" and model in self._pins.models:
            self._keeping.look()
        if self._on_change is not None:
            self._on_change(model, state, reason)

    # --- other manifests ---

    def adopt(self, manifests: list[Manifest], problems: list[str]) -> None:
        """Replace all manifests.

        A model that is the same keeps its worker. One that changed runs as it did for those who
        have borrowed it, is ended after them, and the next one to ask gets the new one; one that
        is gone is ended after them too. A load that is under way comes to its end.

        Args:
            manifests: all there are now, one for each id.
            problems: what is wrong with others, one line each; `reasons` tells them.
        """
        self._problems = list(dict.fromkeys([*problems, *lint(manifests, self._engines)]))
        before, self._manifests = self._manifests, {one.id: one for one in manifests}
        self._homes = self._make_slots(self._homes)
        homes = list(self._homes.values())
        self._retired = [slot for slot in self._slots if slot not in homes]
        for slot in self._retired:
            slot.retire({model for model in slot.manifests if not self._is_the_same(slot, model)})
        self._slots = [*self._retired, *homes]
        self._settle(homes)
        self._absent = {
            model: self._absent.get(model, _UNSEEN)
            for model in self._manifests
            if model in self._absent or model not in before
        }
        self._looked = -_LOOK_S
        self._changed.set()
        self._keeping.look()

    def _is_the_same(self, slot: Slot, model: str) -> bool:
        now = self._manifests.get(model)
        return now is not None and runs_the_same(slot.manifests[model], now)

    def _settle(self, homes: list[Slot]) -> None:
        """Say which slot each model is in: while it is in memory in a retired one, in that."""
        before = self._by_model
        self._by_model = {}
        self._successors = {}
        for slot in homes:
            for model in slot.manifests:
                old = before.get(model)
                if old is None or old is slot or not old.serves(model):
                    self._by_model[model] = slot
                else:
                    self._by_model[model] = old
                    self._successors[model] = slot

    async def _sweep(self) -> None:
        """Drop the slots that were retired and are no longer needed."""
        for slot in [one for one in self._retired if not one.needed]:
            self._retired.remove(slot)
            self._slots.remove(slot)
            self._past.update(calls=slot.calls, spawned=slot.spawned)
            await slot.close()

    # --- using models ---

    @asynccontextmanager
    async def borrow(
        self,
        model: str,
        protocol: Callable[..., M],
        *,
        priority: Priority = "interactive",
        keep_alive_ms: int | None = None,
    ) -> AsyncGenerator[Lease[M], None]:
        """Lend a model, loaded now if it is not; it stays loaded at least as long as it is lent.

        Args:
            model: its id.
            protocol: the Protocol of edged.models.runtime that names its methods.
            priority: of all calls of this lease.
            keep_alive_ms: how long it stays afterwards; None: as set before, or configured.

        Raises:
            ModelMissing, CorruptModel, EngineMissing: it cannot be loaded here.
            Quarantined, Busy, Deadline, WorkerGone: it cannot be loaded now.
        """
        manifest = self.manifest(model)
        slot = self._slot(model)
        slot.borrow(model, keep_alive_ms)
        try:
            await slot.ready(model)
            yield Lease(slot, manifest, protocol, priority)
        finally:
            await slot.give_back(model)
            self._look_in_time(slot)

    async def load(self, model: str, keep_alive_ms: int | None = None) -> None:
        """Load a model now, and end its quarantine; raises as `borrow`."""
        slot: Slot | None = None
        while slot is not self._slot(model):  # its manifest may change while it is loaded
            slot = self._slot(model)
            slot.pardon()
            slot.keep(model, keep_alive_ms)
            await slot.ready(model)
        self._changed.set()

    async def unload(self, model: str) -> None:
        """End a model's worker after its running calls; nothing if it is not loaded.

        Raises:
            ModelMissing: there is no such model. Conflict: it is pinned.
        """
        slot = self._slot(model)
        if model in self._pins.models:
            raise Conflict(f"{model} is pinned", fix=f"first `edged models pin {model} --off`")
        await slot.unload(model)

    async def pin(self, model: str) -> None:
        """Load a model and keep it in memory, now and after every start.

        Raises:
            EdgedError: what `load` raises; it is not pinned then.
            DiskFull, Denied: it cannot be remembered; likewise.
        """
        await self.load(model)
        await self._pins.put(model, pinned=True)
        self._slot(model).pin(model, pinned=True)
        self._keeping.look()

    async def unpin(self, model: str) -> None:
        """Let a model go as all others do; one that is gone from this machine, too.

        Raises:
            ModelMissing: there is no such model. DiskFull, Denied: it cannot be remembered.
        """
        if model not in self._pins.models:
            self.manifest(model)
        await self._pins.put(model, pinned=False)
        for slot in self._slots:
            if model in slot.manifests:
                slot.pin(model, pinned=False)
        self._changed.set()

    async def bench(
        self, model: str, seconds: float
    ) -> AsyncGenerator[tuple[BenchmarkRow, float], None]:
        """Measure a model every way that may work here; each row, and how much is done, [0, 1].

        Args:
            model: its id.
            seconds: for each way.

        Raises:
            ModelMissing: there is no such model. Busy: no memory for a second one of it.
        """
        manifest = self.manifest(model)
        found = await self._devices.candidates(manifest)
        for number, choice in enumerate(found):
            row = await measure(
                manifest,
                choice,
                files=self._files,
                engines=self._engines,
                seconds=seconds,
                room=self._budget.room(object(), manifest),
            )
            yield row, (number + 1) / len(found)

    async def prefer(self, model: str, rows: Sequence[BenchmarkRow]) -> tuple[BenchmarkRow, ...]:
        """Load a model from now on as it was measured best; that row is marked in the answer."""
        manifest = self.manifest(model)
        measured = {(row.device, row.threads): row.p50_us / 1e6 for row in rows if not row.error}
        if not measured:
            return tuple(rows)
        chosen = best(measured)
        device, threads = chosen
        await self._devices.remember(manifest, Choice(device=device, threads=threads))
        return tuple(
            msgspec.structs.replace(row, chosen=(row.device, row.threads) == chosen) for row in rows
        )

    async def open_file(self, model: str, name: str) -> OpenedFile:
        """One file of a model, its hash compared; the caller closes it.

        Raises:
            ModelMissing: no such model, or its files are not here.
            NotFound: it has no such file. CorruptModel: it is not what the manifest says.
        """
        return await asyncio.to_thread(open_verified, self._files, self.manifest(model), name)

    async def _ready(self, model: str) -> None:
        await self._slot(model).ready(model)

    def _is_loaded(self, model: str) -> bool:
        slot = self._by_model.get(model)
        return slot is not None and slot.serves(model) and model in slot.loaded

    def _why_absent(self, model: str) -> EdgedError | None:
        """Why a model cannot be loaded here, as found last."""
        if model not in self._manifests:
            return ModelMissing(f"no model is called {model}")
        problem = self._absent.get(model)
        return (
            None if problem is None else from_code(problem.code, problem.message, fix=problem.fix)
        )

    def _slot(self, model: str) -> Slot:
        self.manifest(model)
        if self._closed:
            raise Conflict("the daemon is stopping")
        if model in self._successors and not self._by_model[model].serves(model):
            self._by_model[model] = self._successors.pop(model)
        return self._by_model[model]

    # --- keeping them well ---

    async def run(self) -> None:
        """End what has expired and look after the idle workers, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keeping.run(), name="keep what is pinned")
            while True:
                for slot in self._slots:
                    if slot.worker is not None and slot not in self._watched:
                        group.create_task(self._watch(slot), name=f"watch {slot.name}")
                await self._sweep()
                await self._look_again()
                self._changed.clear()
                pause_s = self._pause_s()
                self._next_look = time.monotonic() + pause_s
                try:
                    async with asyncio.timeout(pause_s):
                        await self._changed.wait()
                except TimeoutError:
                    continue

    async def _watch(self, slot: Slot) -> None:
        self._watched.add(slot)
        try:
            await slot.watch()
        finally:
            self._watched.discard(slot)

    def _look_in_time(self, slot: Slot) -> None:
        """Wake `run` if a model expires before it looks anyway. Waking it costs 100 us a call."""
        expiry = slot.next_expiry()
        if expiry is not None and expiry < self._next_look:
            self._changed.set()

    def _pause_s(self) -> float:
        """Seconds until something is due."""
        pause_s = self._config.workers.check_ms / 1000
        for slot in self._slots:
            expiry = slot.next_expiry()
            if expiry is not None and slot.line.idle:
                pause_s = min(pause_s, expiry - time.monotonic())
        return max(_SOONEST_S, pause_s)

    async def close(self) -> None:
        """End all workers, whatever they do; nothing can be borrowed afterwards."""
        self._closed = True
        async with asyncio.TaskGroup() as group:
            for slot in self._slots:
                group.create_task(slot.close(), name=f"end {slot.name}")

    # --- telling ---

    @property
    def calls(self) -> int:
        """Calls answered since the start."""
        return self._past["calls"] + sum(slot.calls for slot in self._slots)

    @property
    def spawned(self) -> int:
        """Workers started since the start."""
        return self._past["spawned"] + sum(slot.spawned for slot in self._slots)

    def manifest(self, model: str) -> Manifest:
        """A model's manifest.

        Raises:
            ModelMissing: there is no such model.
        """
        found = self._manifests.get(model)
        if found is None:
            raise ModelMissing(f"no model is called {model}", model=model)
        return found

    def tasks(self) -> tuple[str, ...]:
        """Every task that a manifest is for."""
        return tuple(sorted({one.task for one in self._manifests.values()}))

    def loaded(self, *, measure: bool = True) -> tuple[LoadedModel, ...]:
        """The models in memory; `measure` reads their processes' memory (a few ms each)."""
        return tuple(record for slot in self._slots for record in slot.records(measure=measure))

    def reasons(self) -> tuple[Reason, ...]:
        """What is not well, as found last; asks no worker."""
        found = [slot.reason() for slot in self._slots]
        broken = [
            Reason(code="config_error", message=f"a manifest: {line}", fix=_LINT)
            for line in self._problems
        ]
        return (*broken, *self._keeping.reasons(), *(one for one in found if one is not None))

    def expected_load_ms(self, model: str) -> int:
        """How long a borrower has to wait: 0 when it is loaded; else as last time, or a guess."""
        slot = self._by_model[self.manifest(model).id]
        if model in slot.loaded:
            return 0
        manifest = self._manifests[model]
        guess = _GUESS_MS + manifest.size_bytes // _GUESS_BYTES_PER_MS
        return slot.load_ms(model) or manifest.load_ms or guess

    def default(
        self,
        task: str,
        *,
        language: str | None = None,
        suits: Callable[[Manifest], bool] = lambda _: True,
    ) -> tuple[str | None, str]:
        """The model that answers when a request names none, and why; None when none can.

        Configured, else the one with the best stated quality that is installed, knows the
        language, suits, and fits into the memory budget; if none fits, the smallest.
        """
        able = {
            one.id: one for one in self._manifests.values() if _knows(one, language) and suits(one)
        }
        configured = getattr(self._config.defaults, task, "")
        if configured in able:
            return configured, "configured"
        usable = [one for one in able.values() if one.task == task and self._problem(one) is None]
        if not usable:
            return None, "no installed model can do it"
        room = self._budget.limit
        fitting = [one for one in usable if not room or one.memory_bytes <= room]
        if not fitting:
            return min(usable, key=lambda one: one.memory_bytes).id, "the smallest; none fits"
        best = max(fitting, key=lambda one: (one.rank, one.id))
        return best.id, f"the best of {len(fitting)} that fit"

    def summaries(self, task: str | None = None) -> tuple[ModelSummary, ...]:
        """Every manifest, or those of a task, and whether it can run here."""
        defaults = {name: self.default(name)[0] for name in self.tasks()}
        best = self._recommended()
        return tuple(
            self._summary(one, default=defaults[one.task], best=best)
            for one in self._manifests.values()
            if task is None or one.task == task
        )

    async def details(self, model: str) -> ModelDetails:
        """One manifest in full.

        Raises:
            ModelMissing: there is no such model.
        """
        manifest = self.manifest(model)
        return ModelDetails(
            model=self._summary(
                manifest, default=self.default(manifest.task)[0], best=self._recommended()
            ),
            files=await asyncio.to_thread(self._file_records, manifest),
            parameters=manifest.parameters,
            threads=self._devices.threads(manifest),
            worker=self._by_model[model].name,
            holds_gil=manifest.holds_gil,
            license_url=manifest.license_url,
            accelerators=manifest.accelerators,
            minimum_engine=manifest.minimum_engine,
            embedded=manifest.embedded,
        )

    def _file_records(self, manifest: Manifest) -> tuple[ModelFile, ...]:
        return tuple(
            facts.file_record(
                file,
                self._files.recorded(manifest, file),
                found=self._files.has(manifest, file),
            )
            for file in manifest.files
        )

    def _summary(
        self, manifest: Manifest, *, default: str | None, best: frozenset[str]
    ) -> ModelSummary:
        return facts.summary(
            manifest,
            self._by_model[manifest.id].state(manifest.id),
            self._problem(manifest),
            default=default == manifest.id,
            recommended=manifest.id in best,
            pinned=manifest.id in self._pins.models,
        )

    def _recommended(self) -> frozenset[str]:
        return facts.recommended(self._manifests.values(), self._absent, self._budget.limit)

    def _problem(self, manifest: Manifest) -> Problem | None:
        """Why a model cannot run here, as found last."""
        return self._absent.get(manifest.id)

    async def _look_again(self) -> None:
        manifests = self._manifests
        if time.monotonic() - self._looked >= _LOOK_S:
            absent = await asyncio.to_thread(self._look)
            if manifests is self._manifests:  # else it looks once more
                if self._absent.keys() - absent.keys():
                    self._keeping.look()  # a pinned one may be among them
                self._absent = absent
                self._looked = time.monotonic()

    def _look(self) -> dict[str, Problem]:
        """Which models cannot run here, and why; their files are looked for, not read. Blocking."""
        absent: dict[str, Problem] = {}
        for manifest in self._manifests.values():
            try:
                self._files.check_engine(manifest)
                self._files.locate(manifest)
            except EdgedError as error:
                absent[manifest.id] = Problem(code=error.code, message=error.message, fix=error.fix)
        return absent


def _knows(manifest: Manifest, language: str | None) -> bool:
    """Whether a model can do a language; one that names none can do any."""
    if not language or not manifest.languages:
        return True
    return language.partition("-")[0] in {one.partition("-")[0] for one in manifest.languages}
