"""The composition root: builds the parts, starts them in order, stops them in reverse.

Start: lock, key, store, pool, pipeline, queue, folders, socket; then systemd hears READY.
Stop (SIGTERM, SIGINT, `shutdown`): the socket first, so that nothing new comes in; running jobs go
back into the queue; workers end; the store is closed last.
"""

import asyncio
import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, nullcontext, suppress
from typing import NamedTuple

from edged import __version__, keys
from edged.bridge import endpoint
from edged.bridge.access.admission import Access
from edged.bridge.access.words import fingerprint
from edged.bridge.browsers.renewing import renew
from edged.bridge.curve import Door
from edged.bridge.curve_keys import server_keys
from edged.bridge.framing import Buffer
from edged.bridge.server import Caller, Handler, Outgoing, Server, Stream, listen
from edged.capture.looking import SightDevices
from edged.capture.microphone import SoundDevices
from edged.capture.stills import Stills
from edged.config import Config, Paths
from edged.errors import DiskFull, EdgedError
from edged.events import Bus
from edged.jobs.intake import Intake
from edged.jobs.runner import Runner
from edged.jobs.work import Work, order_of, queue_session
from edged.keys.source import Passphrase
from edged.messages.events import ModelChanged, StoredEvent
from edged.messages.records import ModelState
from edged.messages.replies import Reason
from edged.messages.requests import AnyRequest
from edged.models import lookout
from edged.models.batching import Batching
from edged.models.files import ModelFiles
from edged.models.pool import Pool
from edged.models.signatures import Signatures
from edged.pipeline.activity import Activity
from edged.pipeline.afterwards.work import Afterwards
from edged.pipeline.decoders import Decoders
from edged.pipeline.hearing import Hearing
from edged.pipeline.lexicons import Lexicons
from edged.pipeline.seeing.reading import Reading
from edged.pipeline.sounding import Sounding
from edged.pipeline.transcription import Pipeline
from edged.service.access import look_after
from edged.service.answer import answer
from edged.service.house import House
from edged.service.known import Known
from edged.service.notifying import notify
from edged.service.ownership import Ownership
from edged.service.people import expire_voices
from edged.service.uploads import expire_uploads
from edged.service.vitals import Vitals
from edged.sessions.appending import Appending, close_fed
from edged.sessions.captioning import Captioning
from edged.sessions.ending import Queue
from edged.sessions.equipment import Equipment
from edged.sessions.fed_captions import FedCaptions
from edged.sessions.following import Following
from edged.sessions.running import Sessions
from edged.sessions.sight_streams import SightStreams
from edged.sessions.streams import Streams
from edged.sessions.watches import Watches
from edged.store import Store, events, opens, transcripts

log = logging.getLogger(__name__)

MOST_DESCRIPTORS = 65_536

TRIM_S = 20.0
"""How often freed memory goes back to the system, when something ran since the last time."""


def run(paths: Paths, config: Config, *, passphrase: Passphrase | None = None) -> int:
    """Run the daemon until it is told to stop; returns the exit status.

    Args:
        paths: where everything lies.
        config: the settings.
        passphrase: asks for it, when the key is wrapped and no file holds it.

    Raises:
        EdgedError: the leaf that kept it from starting.
    """
    _raise_descriptors()
    asyncio.run(_serve(paths, config, passphrase))
    return 0


async def _serve(paths: Paths, config: Config, unlock: Passphrase | None) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        house = await _build(paths, config, unlock, stack, stop=stopping.set)
        handle = await _handler(house)
        door = await _door(house, stack)
        async with (
            asyncio.TaskGroup() as tasks,
            listen(paths, handle, config.server, tasks, house.traffic) as server,
            door.serve(handle, config.server, tasks) if door else nullcontext() as remote,
        ):
            background = _start(house, server, tasks)
            _notify("READY=1")
            log.info("edged %s serves, pid %d", __version__, os.getpid())
            await stopping.wait()
            _notify("STOPPING=1")
            log.info("stopping")
            await asyncio.sleep(0)  # the reply to `shutdown` leaves first
            await server.stop()
            if remote is not None:
                await remote.stop()
            await house.sessions.close()
            await house.known.noted.write()
            for task in background:
                task.cancel()


def _start(house: House, server: Server, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
    """Everything that goes on by itself."""
    return [
        tasks.create_task(house.vitals.run(), name="vitals"),
        tasks.create_task(house.runner.run(), name="runner"),
        tasks.create_task(house.intake.run(), name="intake"),
        tasks.create_task(house.sessions.run(), name="sessions"),
        tasks.create_task(house.fed_captions.run(), name="captions of clients"),
        tasks.create_task(house.pool.run(), name="pool"),
        tasks.create_task(house.batching.run(), name="batching"),
        tasks.create_task(lookout.watch(house.pool.catalog, house.pool.adopt), name="manifests"),
        tasks.create_task(expire_voices(house), name="voices"),
        tasks.create_task(house.known.run(), name="grants"),
        tasks.create_task(look_after(house), name="recordings of clients"),
        tasks.create_task(notify(house), name="notices"),
        tasks.create_task(expire_uploads(house), name="uploads"),
        tasks.create_task(renew(house.paths), name="browsers"),
        tasks.create_task(_housekeeping(server, house), name="housekeeping"),
    ]


class _Base(NamedTuple):
    """What has to be closed at the end, and all others stand on."""

    bus: Bus
    store: Store
    pool: Pool
    decoders: Decoders
    reading: Reading
    stills: Stills


async def _base(
    paths: Paths, config: Config, unlock: Passphrase | None, stack: AsyncExitStack
) -> _Base:
    """Claim the socket, open the store, and make ready what lends workers."""
    endpoint.check_length(paths)
    lock = endpoint.Lock(paths)
    stack.callback(lock.close)
    bus = Bus()
    store = _open_store(paths, config, unlock, bus)
    stack.callback(store.close)
    with suppress(DiskFull):  # said by health; it must start, so that recordings can be deleted
        await store.write(transcripts.interrupt)
    pool = Pool(config, paths, on_change=_tell_of_models(bus))
    decoders, reading, stills = Decoders(), Reading(store), Stills()
    for lender in (pool, decoders, reading, stills):
        stack.push_async_callback(lender.close)
    return _Base(bus, store, pool, decoders, reading, stills)


class _Labour(NamedTuple):
    """What becomes of recordings: at once, as jobs, after a session's end."""

    pipeline: Pipeline
    lexicons: Lexicons
    afterwards: Afterwards
    work: Work
    runner: Runner
    intake: Intake


def _labour(base: _Base, paths: Paths, config: Config) -> _Labour:
    store, pool, decoders = base.store, base.pool, base.decoders
    pipeline = Pipeline(store, pool, decoders, config)
    lexicons = Lexicons(paths.lexicons, config.sessions.lexicons)
    afterwards = Afterwards(
        store, pool, decoders, pipeline, lexicons, voice_days=config.sessions.voice_days
    )
    work = Work(store, pipeline, afterwards, attempts=config.jobs.attempts)
    runner = Runner(store, work, base.bus, config.jobs)
    intake = Intake(store, pipeline, work, runner, config.watch, lexicons=lexicons.configured)
    return _Labour(pipeline, lexicons, afterwards, work, runner, intake)


async def _build(
    paths: Paths,
    config: Config,
    unlock: Passphrase | None,
    stack: AsyncExitStack,
    *,
    stop: Callable[[], None],
) -> House:
    """Every part, each closed by the stack in reverse order."""
    base = await _base(paths, config, unlock, stack)
    bus, store, pool, decoders = base.bus, base.store, base.pool, base.decoders
    labour = _labour(base, paths, config)
    lexicons, runner = labour.lexicons, labour.runner
    captioning = Captioning(store, pool, bus, config, lexicons)
    fed_captions = FedCaptions(
        store, bus, decoders, captioning, backlog_ms=config.sessions.backlog_ms
    )
    sound = SoundDevices(config.capture)
    sights = SightDevices(config.seeing)
    equipment = _equipment(base, config, sound, sights, captioning)
    known = Known(store, bus, config.access, fingerprint=fingerprint)
    await known.load()
    return House(
        config=config,
        paths=paths,
        store=store,
        pool=pool,
        batching=Batching(pool, config.workers.batch_wait_us),
        signatures=Signatures(pool, ModelFiles(paths.models, paths.cache), paths.cache),
        bus=bus,
        decoders=decoders,
        pipeline=labour.pipeline,
        afterwards=labour.afterwards,
        activity=Activity(pool, decoders),
        hearing=Hearing(pool, decoders),
        sounding=Sounding(pool, decoders),
        lexicons=lexicons,
        reading=base.reading,
        streams=Streams(store, pool, bus, decoders, config, lexicons),
        following=Following(store, pool, bus, config),
        sight_streams=SightStreams(pool, sights, config),
        sessions=Sessions(equipment, config.sessions, cancel_job=runner.cancel, wake=runner.wake),
        captioning=captioning,
        fed_captions=fed_captions,
        appending=Appending(store, decoders, fed_captions),
        work=labour.work,
        runner=runner,
        intake=labour.intake,
        known=known,
        vitals=_vitals(store, paths, bus, pool, labour.intake),
        sound=sound,
        sights=sights,
        traffic=Counter(requests=0, requests_refused=0, requests_failed=0),
        rotate_key=lambda: keys.rotate(paths.key_file, store, settings=config.keys),
        stop=stop,
        ownership=Ownership(store),
    )


def _equipment(
    base: _Base,
    config: Config,
    sound: SoundDevices,
    sights: SightDevices,
    captioning: Captioning,
) -> Equipment:
    """What sessions are recorded with."""
    return Equipment(
        store=base.store,
        bus=base.bus,
        microphones=sound,
        captions=captioning.open,
        queue=_queue_with(config.jobs.attempts),
        close_fed=close_fed,
        sights=sights,
        onlookers=Watches(base.pool, config, base.stills),
        seeing=config.seeing,
        chunk_ms=config.capture.chunk_ms,
        reopen_s=config.capture.reopen_ms / 1000,
    )


def _queue_with(attempts: int) -> Queue:
    """Queues the work after a session's end, to be tried so often."""
    return lambda db, session_id: queue_session(db, order_of(db, session_id), attempts=attempts)


def _vitals(store: Store, paths: Paths, bus: Bus, pool: Pool, intake: Intake) -> Vitals:
    return Vitals(
        store,
        paths,
        bus,
        finders=(pool.reasons, intake.reasons),
        slow_finders=(lambda: _untaught(pool),),
    )


def _open_store(paths: Paths, config: Config, unlock: Passphrase | None, bus: Bus) -> Store:
    """The store with its key; its events reach the bus on the loop's thread.

    Raises:
        KeyMissing, WrongKey, StoreCorrupt, StoreTooNew: nothing was changed.
    """
    endpoint.make_private(paths.state)
    loop = asyncio.get_running_loop()

    def tell(events: Sequence[StoredEvent]) -> None:
        loop.call_soon_threadsafe(bus.committed, events)

    return Store.open(
        paths.database,
        keys.load(
            paths.key_file,
            database=paths.database,
            settings=config.keys,
            opens=opens,
            passphrase=unlock,
        ),
        cipher=config.store.cipher,
        readers=config.store.readers,
        ballast_bytes=config.store.ballast_bytes,
        on_commit=tell,
    )


def _untaught(pool: Pool) -> Iterator[Reason]:
    """Tasks that nothing on this machine can do: a daemon without an engine is of little use."""
    for task in ("vad", "transcribe"):
        if pool.default(task)[0] is None:
            yield Reason(
                code="model_missing",
                message=f"nothing that is installed can do {task}",
                fix="pip install 'edged[speech]'; `edged models list` shows what is missing",
            )


def _tell_of_models(bus: Bus) -> Callable[[str, ModelState, str], None]:
    def tell(model: str, state: ModelState, reason: str) -> None:
        bus.hint(ModelChanged(model=model, state=state, reason=reason))

    return tell


async def _door(house: House, stack: AsyncExitStack) -> Door | None:
    """Where clients on other machines come in; None: nowhere, as long as no endpoint is set.

    Raises:
        ConfigError: it cannot be bound. Denied: the key file cannot be used.
    """
    if not house.config.tcp.endpoint:
        return None
    keys = await asyncio.to_thread(server_keys, house.paths.tcp_key_file)

    def knows(key: str) -> bool:
        client = house.known.known("key", key)
        # One whose grant ran out is let in to hear so.
        return client is not None and client.status in ("approved", "expired")

    door = Door(
        house.config.tcp.endpoint,
        keys,
        knows,
        frame_bytes=house.config.server.frame_bytes,
        counts=house.traffic,
    )
    stack.callback(door.close)
    return door


async def _handler(house: House) -> Handler:
    """Admits each request, and answers it in the name of whoever asks."""
    token = ""
    if house.config.access.local_clients == "pair":
        token = await asyncio.to_thread(endpoint.make_owner_token, house.paths)
    access = Access(house.known, house.config.access, owner_token=token)
    house.known.watch(access.changed)

    def handle(request: AnyRequest, parts: tuple[Buffer, ...], caller: Caller) -> Outgoing | Stream:
        asker = access.admit(caller, request)
        if asker.is_owner:
            return answer(house, request, parts, caller.link)
        # What one client opened on a connection is no other's, should several share it.
        link = f"{caller.link} {asker.client_id}"
        outgoing = answer(house.seen_by(asker), request, parts, link)
        if isinstance(outgoing, AsyncGenerator):
            return access.guard(asker, request, outgoing)
        return outgoing

    return handle


async def _housekeeping(server: Server, house: House) -> None:
    """Give freed memory back to the system after work, and tell systemd that the loop turns."""
    seen = -1
    interval_s = _watchdog_s() or TRIM_S
    while True:
        await asyncio.sleep(min(interval_s, TRIM_S))
        _notify("WATCHDOG=1")
        work = server.counts["requests"] + house.pool.calls
        if work != seen and not server.running and not house.runner.depth:
            seen = work
            with suppress(EdgedError):  # the disk is full: another time
                await house.store.write(events.trim)
            gc.collect()
            _trim()


def _raise_descriptors() -> None:
    """As many open files as we may have: libzmq aborts the process when it finds none left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _trim() -> None:
    """Glibc keeps freed memory of a burst for ever otherwise. Measured: 2 MB at the start."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _watchdog_s() -> float:
    """Half of what systemd allows between two signs of life; 0 without a watchdog."""
    return int(os.environ.get("WATCHDOG_USEC", "0")) / 2e6


def _notify(message: str) -> None:
    """Tell systemd, when it asked for it. Source: sd_notify(3), the protocol is one datagram."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    path = "\0" + address[1:] if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(message.encode(), path)
