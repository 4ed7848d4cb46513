"""The place of one worker process: loads models into it, judges it, restarts it, ends it.

Most slots hold one model; a few small models may share one. Everything here runs on the loop
thread. Nothing runs by itself: callers and the pool's watch come in through these functions.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from edged import config
from edged.errors import Conflict, CorruptModel, Deadline, EdgedError, WorkerGone
from edged.messages.records import LoadedModel, ModelState
from edged.messages.replies import Reason
from edged.models.admission import Admission, Claim, Meter
from edged.models.devices import Choice, Devices
from edged.models.files import ModelFiles
from edged.models.latency import Spans
from edged.models.manifest import Engine, Manifest
from edged.models.restarts import Restarts
from edged.models.specs import worker_spec
from edged.models.turns import EXCLUSIVE, Line, Turn
from edged.workers import system
from edged.workers.process import ENDED, CallYielded, Worker

log = logging.getLogger(__name__)

FOREVER = -1
FIRST_CANARY_S = 30.0
"""The first inference allocates, and may compile; it is part of the load."""

CANARY_SLACK = 10
LEAST_CANARY_S = 2.5
"""Later ones get ten times as long as the first took, at least this: a worker that is stopped
while it answers has to show within 5 s."""

DROP_DEADLINE_S = 10.0
_WRONG = "its canary was wrong"
_STOPPED = frozenset("Tt")

OnChange = Callable[[str, ModelState, str], None]
"""Called with a model's id, its new state, and why."""


Room = Callable[["Slot", Manifest], AbstractAsyncContextManager[None]]
"""Makes room for a model while it is loaded, or raises Busy."""


class Loaded(Struct):
    """A model in the slot's worker. Times are monotonic seconds.

    borrowers: leases that are open; none of them lets it expire.
    pinned: nothing but a change of its manifest ends it.
    choice, device: what was to run it, and what does.
    canary, canary_s: the first answer, and the deadline for the next ones.
    """

    manifest: Manifest
    choice: Choice
    device: str
    keep_alive_ms: int
    canary: str
    canary_s: float
    loaded_at: str
    last_used: float
    borrowers: int = 0
    pinned: bool = False
    calls: int = 0

    @property
    def expires_at(self) -> float | None:
        """When it is to be ended; None while it is borrowed, pinned, or kept for ever."""
        if self.borrowers or self.pinned or self.keep_alive_ms == FOREVER:
            return None
        return self.last_used + self.keep_alive_ms / 1000


class Facts(Struct):
    """What lasts longer than a loaded model: its borrowers, its wishes, its last load and calls.

    wanted: callers that wait for its load. waited, computed: how long its calls queued, and ran.
    """

    borrowers: int = 0
    wanted: int = 0
    pinned: bool = False
    keep_alive_ms: int | None = None
    load_ms: int = 0
    waited: Spans = msgspec.field(default_factory=Spans)
    computed: Spans = msgspec.field(default_factory=Spans)


class Slot:
    """One worker and the models that may live in it.

    Args:
        name: of the process.
        manifests: every model that may be loaded here, by id.
        limits: deadlines, intervals and the restart budget.
        files: finds and verifies; called in a thread.
        engines: the adapters' modules.
        devices: chooses device and threads, and hears where a model really runs.
        on_change: hears of every change of state.
        room: makes room for a model while it is loaded.
        admission: lets large requests in.
    """

    def __init__(  # noqa: PLR0913 - built in one place, by the pool
        self,
        name: str,
        manifests: Mapping[str, Manifest],
        *,
        limits: config.Workers,
        files: ModelFiles,
        engines: Mapping[str, Engine],
        devices: Devices,
        on_change: OnChange,
        room: Room,
        admission: Admission,
    ) -> None:
        self.name = name
        self.line = Line()
        self.loaded: dict[str, Loaded] = {}
        self.worker: Worker | None = None
        self.spawned = 0
        self.calls = 0
        self.call_deadline_s = limits.call_deadline_ms / 1000
        self._manifests = manifests
        self._limits = limits
        self._files = files
        self._engines = engines
        self._devices = devices
        self._on_change = on_change
        self._room = room
        self._admission = admission
        self.meter = Meter()
        self._loading = ""
        self._lock = asyncio.Lock()
        self._facts = {model: Facts() for model in manifests}
        self._restarts = Restarts(name, limits)
        self._call_ended = 0.0
        self._stale: set[str] = set()
        self._stopped = False
        self._closed = False
        self._checked = time.monotonic()

    # --- what callers need ---

    def borrow(self, model: str, keep_alive_ms: int | None) -> None:
        """Note a lease: the model does not expire while it is open."""
        facts = self._facts[model]
        facts.borrowers += 1
        facts.keep_alive_ms = keep_alive_ms if keep_alive_ms is not None else facts.keep_alive_ms
        self._share(model)

    async def give_back(self, model: str) -> None:
        """Note a lease's end; a model with a keep-alive of 0 is ended at once."""
        self._facts[model].borrowers -= 1
        self._share(model)
        found = self.loaded.get(model)
        if found is not None:
            found.last_used = time.monotonic()
            if found.expires_at is not None and found.keep_alive_ms == 0:
                await self.expire()

    def keep(self, model: str, keep_alive_ms: int | None) -> None:
        """Set how long the model stays; counts from now."""
        if keep_alive_ms is not None:
            self._facts[model].keep_alive_ms = keep_alive_ms
        self._share(model)
        if found := self.loaded.get(model):
            found.last_used = time.monotonic()

    def pin(self, model: str, *, pinned: bool) -> None:
        """Keep a loaded model whatever its keep-alive says, or no longer; loads nothing."""
        self._facts[model].pinned = pinned
        self._share(model)

    def _forget_wishes(self, models: Iterable[str]) -> None:
        """What was wished for models that were ended on purpose does not hold for the next load."""
        for facts in map(self._facts.__getitem__, models):
            if not facts.borrowers and not facts.wanted:
                facts.keep_alive_ms = None

    def _share(self, model: str) -> None:
        if found := self.loaded.get(model):
            found.borrowers = self._facts[model].borrowers
            found.pinned = self._facts[model].pinned and model not in self._stale
            found.keep_alive_ms = self._keep_alive(model)

    def _keep_alive(self, model: str) -> int:
        if model in self._stale:
            return 0
        wish = self._facts[model].keep_alive_ms
        return self._limits.keep_alive_ms if wish is None else wish

    async def ready(self, model: str) -> Worker:
        """The worker with the model in it; loaded now if it is not. Callers share one load.

        Raises:
            Quarantined: it failed too often. Busy: no memory. Deadline: the load took too long.
            ModelMissing, CorruptModel, EngineMissing, WorkerGone: it cannot be loaded.
        """
        worker = self.at_hand(model)
        if worker is not None:
            return worker
        if self._closed:
            raise Conflict("the daemon is stopping")
        facts = self._facts[model]
        facts.wanted += 1
        try:
            async with self._lock:
                worker = self.at_hand(model)
                return worker if worker is not None else await self._load(model)
        finally:
            facts.wanted -= 1

    def at_hand(self, model: str) -> Worker | None:
        """The worker with the model in it; None when it would have to be loaded first."""
        worker = self.worker
        usable = worker is not None and worker.alive and not self._stopped
        return worker if usable and model in self.loaded else None

    def device(self, model: str) -> str:
        """What runs a loaded model; empty when it is not loaded."""
        found = self.loaded.get(model)
        return found.device if found else ""

    def served(self, model: str, asked: float, sent: float) -> None:
        """Note a call that was answered now.

        Args:
            model: whose.
            asked: when it came; monotonic seconds.
            sent: when the worker got it; it may have waited there for the call before it.
        """
        now = time.monotonic()
        began = max(sent, self._call_ended)
        self._call_ended = now
        facts = self._facts[model]
        facts.waited.add(began - asked)
        facts.computed.add(now - began)
        self.calls += 1
        self._restarts.recover()
        if found := self.loaded.get(model):
            found.calls += 1
            found.last_used = now

    def admit(self, manifest: Manifest, size: int) -> AbstractAsyncContextManager[None]:
        """Wait until the memory for an input of so many bytes is there; raises Busy."""
        peak = self.meter.peak(manifest.id, size, manifest.memory_per_byte)
        claim = Claim(worker=self, pid=self._pid, peak=peak)
        return self._admission.admit(claim, manifest.id, self.call_deadline_s)

    def _pid(self) -> int:
        return self.worker.pid if self.worker is not None else 0

    # --- other manifests ---

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """Every model that may be loaded here, by id."""
        return self._manifests

    def describe(self, manifests: Mapping[str, Manifest]) -> None:
        """Take over manifests by which its models run as they do."""
        self._manifests = manifests
        for model, found in self.loaded.items():
            found.manifest = manifests[model]

    def retire(self, models: AbstractSet[str]) -> None:
        """Note models that are no longer what they were: each is ended after its last lease."""
        self._stale |= models
        for model in models:
            self._share(model)

    def serves(self, model: str) -> bool:
        """Whether a model that is still as it was is in memory here, or is about to be."""
        return model in self._facts and model not in self._stale and self._needs(model)

    @property
    def needed(self) -> bool:
        """Whether anything is in memory here, or somebody waits for it."""
        return self.worker is not None or any(map(self._needs, self._facts))

    def _needs(self, model: str) -> bool:
        facts = self._facts[model]
        return bool(model in self.loaded or facts.borrowers or facts.wanted)

    # --- loading ---

    async def _load(self, model: str) -> Worker:
        await self._clear_away()
        await self._restarts.wait()
        manifest = self._manifests[model]
        self._loading = model
        self._on_change(model, "loading", "")
        began = time.monotonic()
        try:
            async with self._room(self, manifest):
                worker = await self._load_in_room(manifest)
        except BaseException as error:
            self._loading = ""
            if not self.loaded:
                await asyncio.shield(self._end())
            message = error.message if isinstance(error, EdgedError) else "cancelled"
            self._on_change(model, self.state(model), message)
            raise
        self._loading = ""
        self._facts[model].load_ms = int((time.monotonic() - began) * 1000)
        self._on_change(model, "ready", "")
        return worker

    async def _load_in_room(self, manifest: Manifest) -> Worker:
        choice = await self._devices.choose(manifest)
        worker = await self._host(manifest, choice)
        canary, canary_s = await self._first_canary(worker, manifest)
        device = await self._devices.verify(worker, manifest, choice)
        self._note_loaded(manifest, choice, device, canary, canary_s)
        self.meter.start(worker.pid, manifest.id)
        return worker

    async def _clear_away(self) -> None:
        """End what is left of a worker that can no longer be used."""
        stopped = self._stopped
        if self.worker is not None and (stopped or not self.worker.alive):
            await self._end()
        if stopped:
            self._restarts.fail("it was stopped by a signal")

    def _note_loaded(
        self, manifest: Manifest, choice: Choice, device: str, canary: str, canary_s: float
    ) -> None:
        self.loaded[manifest.id] = Loaded(
            manifest=manifest,
            choice=choice,
            device=device,
            keep_alive_ms=self._keep_alive(manifest.id),
            canary=canary,
            canary_s=canary_s,
            loaded_at=_stamp(),
            last_used=time.monotonic(),
        )
        self._share(manifest.id)
        self._checked = time.monotonic()

    async def _host(self, manifest: Manifest, choice: Choice) -> Worker:
        """Load the model into the running worker, or into a new one."""
        self._files.check_engine(manifest)
        mates = self._manifests.values()
        spec = await asyncio.to_thread(
            worker_spec, self._files, self._engines, manifest, choice, mates=mates
        )
        deadline_s = self._limits.load_deadline_ms / 1000
        if self.worker is not None and self.worker.alive:
            await self.worker.load(spec, deadline_s=deadline_s)
            return self.worker
        try:
            worker = await Worker.spawn(spec, load_deadline_s=deadline_s)
        except (WorkerGone, Deadline) as error:
            self._restarts.fail(str(error))
            raise
        self.spawned += 1
        worker.on_exit = self._on_exit
        self.worker = worker
        return worker

    async def _first_canary(self, worker: Worker, manifest: Manifest) -> tuple[str, float]:
        """The canary's answer, compared with the manifest's if it states one; and a deadline."""
        began = time.monotonic()
        answer = await _canary(worker, manifest.id, deadline_s=FIRST_CANARY_S)
        took_s = time.monotonic() - began
        if manifest.canary and answer != manifest.canary:
            worker.kill(_WRONG)
            await worker.end()
            raise CorruptModel(
                f"the canary of {manifest.id} differs from the manifest's", model=manifest.id
            )
        return answer, max(LEAST_CANARY_S, CANARY_SLACK * took_s)

    # --- failing ---

    def _on_exit(self, worker: Worker) -> None:
        """The worker is gone: of itself, or because it was killed or ended."""
        if worker is not self.worker:
            return
        self.worker = None
        models, self.loaded = list(self.loaded), {}
        self._stopped = False
        reason = worker.exit_reason
        if reason == ENDED:
            self._forget_wishes(models)
        else:
            self._restarts.fail(reason)
            log.warning("worker %s (pid %d) failed: %s", self.name, worker.pid, reason)
            log.info("worker %s printed last: %s", self.name, worker.tail[-1000:])
        for model in models:
            self._on_change(model, self.state(model), "" if reason == ENDED else reason)

    def pardon(self) -> None:
        """End a quarantine and forget the failures."""
        self._restarts.pardon()

    def reason(self) -> Reason | None:
        """What is not well, from what was found last."""
        if self._stopped:
            return Reason(
                code="worker_stopped",
                message=f"the worker of {self.name} is stopped by a signal",
                fix="it is replaced at the next call; `kill -CONT` lets it go on",
            )
        return self._restarts.reason()

    def state(self, model: str) -> ModelState:
        """A model's state, without asking the worker."""
        if self._loading == model:
            return "loading"
        if model in self.loaded:
            return "busy" if self.line.running(model) else "ready"
        return "quarantined" if self._restarts.quarantined else "unloaded"

    # --- watching ---

    async def watch(self) -> None:
        """Look at an idle worker: its process state, its keep-alive, and when due its canary."""
        worker = self.worker
        if worker is None or not self.line.idle:
            return
        self._stopped = system.state_of(worker.pid) in _STOPPED
        await self.expire()
        due = self._checked + self._limits.canary_ms / 1000
        if self.worker is not None and not self._stopped and time.monotonic() >= due:
            await self._check_canaries()

    async def _check_canaries(self) -> None:
        """Compare every model's canary with its first answer; extends nothing's life."""
        turn = Turn(EXCLUSIVE, self, "", paired=False)
        async with self.line.turn(turn):
            worker = self.worker
            self._checked = time.monotonic()
            if worker is None:
                return
            for model, found in list(self.loaded.items()):
                try:
                    answer = await _canary(worker, model, deadline_s=found.canary_s)
                except EdgedError as error:
                    worker.kill(f"its canary failed: {error.message}")
                    return
                if answer != found.canary:
                    worker.kill(_WRONG)
                    return

    def next_expiry(self) -> float | None:
        """When the next model's time is up, monotonic seconds."""
        times = [one.expires_at for one in self.loaded.values()]
        return min((one for one in times if one is not None), default=None)

    async def expire(self) -> None:
        """End the models whose time is up."""
        now = time.monotonic()
        if (due := self.next_expiry()) is None or due > now or not self.line.idle:
            return
        async with self.line.turn(Turn(EXCLUSIVE, self, "", paired=False)), self._lock:
            for model, found in list(self.loaded.items()):
                if found.expires_at is not None and found.expires_at <= now:
                    await self._unload(model)

    def unused_since(self) -> float | None:
        """When its models were used last; None when they may not be ended now to make room."""
        return self._unused_since() if self.line.idle else None

    def _unused_since(self) -> float | None:
        if (
            self.worker is None
            or not self.loaded
            or any(one.wanted for one in self._facts.values())
        ):
            return None
        if any(one.expires_at is None for one in self.loaded.values()):
            return None
        return max(one.last_used for one in self.loaded.values())

    async def evict(self) -> None:
        """End every model here, if they still are unused when it comes to that."""
        async with self.line.turn(Turn(EXCLUSIVE, self, "", paired=False)), self._lock:
            if self._unused_since() is not None:
                await self._end()

    async def unload(self, model: str) -> None:
        """End a model after the calls that run; the process with the last one."""
        async with self.line.turn(Turn(EXCLUSIVE, self, "", paired=False)), self._lock:
            if model in self.loaded:
                await self._unload(model)

    async def _unload(self, model: str) -> None:
        worker = self.worker
        if worker is None or len(self.loaded) == 1:
            await self._end()
            return
        del self.loaded[model]
        self._forget_wishes([model])
        with contextlib.suppress(EdgedError):  # it died: that is noted when it exits
            await worker.drop(model, deadline_s=DROP_DEADLINE_S)
        self._on_change(model, "unloaded", "")

    async def close(self) -> None:
        """End the worker, whatever it does; nothing is loaded afterwards."""
        self._closed = True
        await self._end()

    async def _end(self) -> None:
        worker = self.worker
        if worker is None:
            return
        if self._stopped:
            worker.kill(ENDED)
        await worker.end()

    # --- telling ---

    def load_ms(self, model: str) -> int:
        """How long the last load took; 0 if there was none."""
        return self._facts[model].load_ms

    def memory_bytes(self, reserved: int) -> int:
        """What is stated for the models in memory, and `reserved`; or the most that was seen."""
        stated = sum(one.manifest.memory_bytes for one in self.loaded.values()) + reserved
        worker = self.worker
        return stated if worker is None else max(stated, system.own_peak_bytes(worker.pid))

    def records(self, *, measure: bool) -> list[LoadedModel]:
        """The models in memory; `measure` reads the process's memory."""
        worker = self.worker
        if worker is None:
            return []
        pss = system.pss_bytes(worker.pid) if measure else 0
        vram = system.vram_bytes(worker.pid) if measure and self._uses_accelerator else 0
        return [self._record(one, worker.pid, pss, vram) for one in self.loaded.values()]

    @property
    def _uses_accelerator(self) -> bool:
        return any(not one.device.startswith("cpu") for one in self.loaded.values())

    def _record(self, found: Loaded, pid: int, pss: int, vram: int) -> LoadedModel:
        model = found.manifest.id
        facts = self._facts[model]
        until = found.expires_at
        left_s = None if until is None else max(0.0, until - time.monotonic())
        return LoadedModel(
            id=model,
            engine=found.manifest.engine,
            pid=pid,
            state=self.state(model),
            pss_bytes=pss,
            loaded_at=found.loaded_at,
            expires_in_ms=None if left_s is None else int(left_s * 1000),
            queued=self.line.waiting(model),
            calls=found.calls,
            device=found.device,
            device_asked=found.choice.asked,
            threads=found.choice.threads,
            vram_bytes=vram,
            expires_at=None if left_s is None else _stamp(left_s),
            pinned=found.pinned,
            waited=facts.waited.summary(),
            computed=facts.computed.summary(),
        )


def _stamp(in_s: float = 0.0) -> str:
    """A moment from now, as the wire writes it."""
    moment = datetime.now(UTC) + timedelta(seconds=in_s)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _canary(worker: Worker, model: str, *, deadline_s: float) -> str:
    try:
        answer = await worker.call("canary", target=model, deadline_s=deadline_s)
    except CallYielded as error:
        raise WorkerGone(f"the canary of {model} did not run") from error
    return answer.to(str)
