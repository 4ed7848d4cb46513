"""A client finds what is its own, and nothing else: every request of the protocol is tried."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any, get_args

import msgspec
import pytest
from belongings import FOLDER, Belongings, ask, client, house_at, keep
from msgspec import Struct, inspect

from edged.bridge.access.scopes import ANY_OF, CLIENTS, OWNER_ONLY, STRANGERS
from edged.config import Paths
from edged.errors import Denied, EdgedError, NotFound
from edged.media import AudioFormat
from edged.messages import people, requests, seeing, sessions, uploads, voice
from edged.messages.access import OWNER, SCOPES
from edged.messages.replies import (
    HealthReport,
    Hits,
    Jobs,
    OneRecording,
    Recordings,
    Segments,
)
from edged.messages.requests import AnyRequest
from edged.pipeline.seeing.choosing import Plan
from edged.service import ownership
from edged.service.house import House
from edged.service.ownership import NAMED, NUMBERED, check_files, things
from edged.sessions import sight_streams
from edged.sessions.frame_counting import FrameCounting

EVERY: tuple[type[Struct], ...] = get_args(AnyRequest)

ANN = client("ann", *(scope for scope in SCOPES if scope != "results.read:all"))
BEN = client("ben", "results.read")
EVE = client("eve", *SCOPES)
"""Eve may read everybody's results."""

UNKNOWN = "0123456789abcdef"

LISTED: frozenset[type] = frozenset(
    (
        requests.Health,
        requests.RecordingsList,
        requests.TranscriptsSearch,
        requests.JobsList,
        requests.Subscribe,
        sessions.SessionsList,
        people.Stats,
        people.StatsWrapped,
        seeing.FramesSearch,
    )
)
"""Requests that find results without naming one."""

OF_ONE_LINK: frozenset[type] = frozenset(
    (sessions.StreamOpen, sessions.StreamAudio, sessions.StreamClose, seeing.StreamFrame)
)
"""Requests about what one client has open on one connection."""

BY_ITS_OWN_TABLE: frozenset[type] = frozenset(
    (
        uploads.UploadOpen,
        uploads.UploadPart,
        uploads.UploadClose,
        uploads.UploadDrop,
        requests.Transcribe,
        requests.JobsSubmit,
    )
)
"""Requests about uploads: the store is asked for those of the asker only."""

WITHOUT_RESULTS: frozenset[type] = frozenset(
    (
        requests.Describe,
        requests.Vad,
        requests.AudioClassify,
        requests.Infer,
        requests.ImagesClassify,
        requests.ImagesDetect,
        requests.ImagesEmbed,
        requests.ImagesSegment,
        requests.TextClassify,
        requests.ModelsList,
        requests.ModelsShow,
        requests.ModelsPs,
        requests.ModelsFile,
        requests.ModelsLoad,
        requests.ModelsUnload,
        requests.ModelsPin,
        requests.ModelsBench,
        seeing.See,
        voice.Speak,
        people.LexiconList,
        people.LexiconShow,
        people.LexiconApply,
        sessions.DevicesList,
        sessions.SessionsStart,
    )
)
"""Requests that look at what comes with them, or at what is nobody's."""

PEOPLE_OF_ALL: frozenset[type] = frozenset((people.PeopleList,))
"""Requests that only those may ask who see everybody's results: a scope says so."""


def _may_name_things(kind: type[Struct]) -> bool:
    fields = set(kind.__struct_fields__) & NAMED.keys()
    return bool(fields - ({"frame_id"} if kind in NUMBERED else set()))


def test_every_request_that_clients_may_ask_is_known_to_this_test() -> None:
    asked = set(ANY_OF) | CLIENTS
    named = {kind for kind in asked if _may_name_things(kind)}

    classes = (named, LISTED, OF_ONE_LINK, BY_ITS_OWN_TABLE, WITHOUT_RESULTS, PEOPLE_OF_ALL)

    assert set().union(*classes) == asked
    assert named & (OF_ONE_LINK | BY_ITS_OWN_TABLE | WITHOUT_RESULTS) == {sessions.StreamOpen}
    assert asked | OWNER_ONLY | STRANGERS == set(EVERY)


def test_every_id_in_a_request_is_looked_up_or_names_what_is_nobodys() -> None:
    nobodys = {
        "stream",  # of one connection
        "upload_id",  # the store is asked for those of the asker only
        "before",  # the page begins at the asker's own, or nowhere
        "request_id",  # of one connection
        "client_id",  # only the user may ask
        "segments",  # only segments of the named speaker are found
    }

    found = {
        name
        for kind in EVERY
        for name, field in _fields(kind)
        if isinstance(field, inspect.StrType) and field.max_length == 64
    }

    found -= {"events"}  # names of events
    assert found - nobodys == set(NAMED)


def test_only_requests_that_change_nothing_are_open_to_those_who_read_everything() -> None:
    reading = {kind for kind, scopes in ANY_OF.items() if "results.read:all" in scopes}
    naming = {kind for kind in reading if _may_name_things(kind)}
    heard = {kind for kind in ANY_OF if issubclass(kind, voice.Heard)}

    assert naming - {requests.TranscriptsSearch} <= ownership.READ
    assert ownership.READ - naming == heard | {sessions.StreamOpen}


def _fields(kind: type[Struct]) -> Iterator[tuple[str, inspect.Type]]:
    """Every field of a request and of what it holds, by name, unions and tuples taken apart."""
    for field in inspect.multi_type_info([kind])[0].fields:  # type: ignore[attr-defined] # a struct's
        yield from _leaves(field.name, field.type)


def _leaves(name: str, kind: inspect.Type) -> Iterator[tuple[str, inspect.Type]]:
    match kind:
        case inspect.UnionType(types=types):
            parts: tuple[inspect.Type, ...] = types
        case inspect.VarTupleType(item_type=item):
            parts = (item,)
        case inspect.TupleType(item_types=items):
            parts = items
        case inspect.StructType(cls=cls):
            yield from _fields(cls)
            return
        case inspect.Metadata(type=inner):
            parts = (inner,)
        case _:
            yield name, kind
            return
    for part in parts:
        yield from _leaves(name, part)


def _with(kind: type[Struct], values: dict[str, object]) -> AnyRequest:
    """A request of a kind with these fields, and what else it must have."""
    needed = {
        "audio": AudioFormat(sample_rate=16_000, channels=1, sample_format="s16le"),
        "chunk_number": 0,
        "claim_type": "user",
        "consent": True,
        "format": "json",
        "keywords": ("walnut",),
        "label": "Ann",
        "look": seeing.Look(task="face"),
        "model": "no-model",
        "query": "said",
        "segments": ((UNKNOWN, 0),),
        "stream": "s",
        "text": "walnut",
        "tracks": ("gestures",),
    }
    required = {
        field.name
        for field in msgspec.structs.fields(kind)
        if field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
    }
    given: dict[str, Any] = {name: needed[name] for name in required - values.keys()} | values
    if kind in {requests.RecordingsAudio, people.SpeakersSample}:
        given.pop("format", None)
    return kind(**given)  # type: ignore[return-value] # one of AnyRequest


def _naming(kind: type[Struct], own: Belongings, name: str, value: str) -> AnyRequest:
    """A request that names one thing by a field, and otherwise only things of the asker's own."""
    others = {
        field.name: own.by_kind[NAMED[field.name]]
        for field in msgspec.structs.fields(kind)
        if field.name in NAMED and field.default is msgspec.NODEFAULT
    }
    extra: dict[str, Any] = {"kind": "session"} if kind is sessions.StreamOpen else {}
    return _with(kind, {**others, **extra, name: value})


NAMING = [
    (kind, field)
    for kind in sorted(set(ANY_OF) | CLIENTS, key=lambda kind: kind.__name__)
    if _may_name_things(kind)
    for field in kind.__struct_fields__  # type: ignore[attr-defined] # a struct's
    if field in NAMED and not (field == "frame_id" and kind in NUMBERED)
]

Scenario = Callable[[House, Belongings, Belongings, Belongings], Awaitable[None]]


@pytest.fixture
def run(paths: Paths) -> Callable[[Scenario], None]:
    """Runs a scenario with what the user, Ann and Ben have."""

    async def main(scenario: Scenario) -> None:
        async with house_at(paths) as house:
            kept = [
                await house.store.write(lambda db, one=one: keep(db, *one))  # type: ignore[misc] # a default
                for one in (("", "zebra"), (ANN.client_id, "apricot"), (BEN.client_id, "banana"))
            ]
            await scenario(house, *kept)

    return lambda scenario: asyncio.run(main(scenario))


def _told(error: object, thing: str) -> tuple[object, ...]:
    """What an error says, without the id that was asked for."""
    assert isinstance(error, EdgedError), error
    details = {name: value for name, value in error.details.items() if value != thing}
    return type(error), error.message, error.fix, details


def test_things_of_others_look_like_things_that_do_not_exist(
    run: Callable[[Scenario], None],
) -> None:
    async def scenario(house: House, users: Belongings, anns: Belongings, bens: Belongings) -> None:
        for kind, field in NAMING:
            for others in (users, bens):
                theirs = others.by_kind[NAMED[field]]
                foreign = await ask(house, ANN, _naming(kind, anns, field, theirs), b"ab")
                nothing = await ask(house, ANN, _naming(kind, anns, field, UNKNOWN), b"ab")

                if kind is requests.TranscriptsSearch:
                    assert foreign == nothing == [Hits(hits=())]
                    continue
                assert _told(foreign, theirs) == _told(nothing, UNKNOWN), (kind, field)
                assert isinstance(foreign, NotFound), (kind, field, foreign)

    run(scenario)


def test_nothing_was_changed_by_asking(run: Callable[[Scenario], None]) -> None:
    async def scenario(house: House, users: Belongings, anns: Belongings, bens: Belongings) -> None:
        before = await ask(house, OWNER, requests.RecordingsGet(recording_id=users.recording))

        for request in (
            requests.RecordingsDelete(recording_id=users.recording),
            sessions.SessionsDelete(session_id=bens.session),
            people.SpeakersRename(speaker_id=users.speaker, label="mine now"),
            requests.JobsRetry(job_id=bens.job),
        ):
            assert isinstance(await ask(house, ANN, request), NotFound)

        after = await ask(house, OWNER, requests.RecordingsGet(recording_id=users.recording))
        assert before == after
        assert len(await _recordings(house, None)) == 3
        speakers = await ask(house, OWNER, people.SpeakersList(session_id=users.session))
        assert "mine now" not in repr(speakers)
        del anns

    run(scenario)


async def _recordings(house: House, asker: Any) -> set[str]:
    found = await ask(house, asker or OWNER, requests.RecordingsList())
    assert isinstance(found, list)
    assert isinstance(found[0], Recordings)
    return {one.recording_id for one in found[0].recordings}


FINDING: tuple[AnyRequest, ...] = (
    requests.Health(),
    requests.RecordingsList(),
    requests.TranscriptsSearch(query="said"),
    requests.TranscriptsSearch(query="said", emotion="joy"),
    requests.TranscriptsSearch(query="said", speaker="Person zebra"),
    requests.TranscriptsSearch(query="zebra"),
    requests.JobsList(),
    sessions.SessionsList(),
    people.Stats(),
    people.StatsWrapped(person="Person apricot"),
    people.StatsWrapped(person="Person zebra"),
    people.StatsWrapped(),
    seeing.FramesSearch(label="cup"),
)


def test_lists_searches_and_figures_hold_the_clients_own_and_nothing_else(
    run: Callable[[Scenario], None],
) -> None:
    async def scenario(house: House, users: Belongings, anns: Belongings, bens: Belongings) -> None:
        assert {type(one) for one in FINDING} | {requests.Subscribe} == LISTED
        for request in FINDING:
            found = await ask(house, ANN, request)
            told = b"" if isinstance(found, EdgedError) else msgspec.json.encode(found)

            for trace in (*users.traces, *bens.traces):
                assert trace.encode() not in told, (request, trace)

        assert await _recordings(house, ANN) == {anns.recording}
        assert await _recordings(house, BEN) == {bens.recording}
        assert len(await _recordings(house, EVE)) == 3
        hits = await ask(house, ANN, requests.TranscriptsSearch(query="said"))
        assert anns.word in repr(hits)

    run(scenario)


def test_nobody_but_the_user_is_told_where_files_lie(run: Callable[[Scenario], None]) -> None:
    async def scenario(house: House, users: Belongings, *_: Belongings) -> None:
        get = requests.RecordingsGet(recording_id=users.recording)
        for request in (*FINDING, get):
            found = await ask(house, EVE, request)
            assert isinstance(found, EdgedError) or FOLDER.encode() not in msgspec.json.encode(
                found
            )

        assert FOLDER in repr(await ask(house, OWNER, get))

    run(scenario)


def test_counts_are_of_the_clients_own(run: Callable[[Scenario], None]) -> None:
    async def scenario(house: House, users: Belongings, anns: Belongings, bens: Belongings) -> None:
        mine = await ask(house, ANN, requests.JobsList())
        everybodys = await ask(house, OWNER, requests.JobsList())
        figures = await ask(house, ANN, people.Stats())

        assert isinstance(mine, list)
        assert isinstance(everybodys, list)
        assert isinstance(mine[0], Jobs)
        assert (mine[0].counts["cancelled"], everybodys[0].counts["cancelled"]) == (1, 3)
        assert [one.job_id for one in mine[0].jobs] == [anns.job]
        assert isinstance(figures, list)
        assert figures[0].totals.sessions == 1
        del users, bens

    run(scenario)


def test_a_page_never_begins_at_somebody_elses(run: Callable[[Scenario], None]) -> None:
    async def scenario(house: House, users: Belongings, anns: Belongings, bens: Belongings) -> None:
        for before in (bens.recording, UNKNOWN):
            found = await ask(house, ANN, requests.RecordingsList(before=before))
            assert found == [Recordings(recordings=(), next=None)]
        for before in (bens.session, UNKNOWN):
            listed = await ask(house, ANN, sessions.SessionsList(before=before))
            assert listed == [sessions.Sessions(sessions=(), next=None)]
        del users, anns

    run(scenario)


def test_what_is_its_own_is_open_to_a_client(run: Callable[[Scenario], None]) -> None:
    async def scenario(house: House, users: Belongings, anns: Belongings, bens: Belongings) -> None:
        recording = await ask(house, ANN, requests.RecordingsGet(recording_id=anns.recording))
        segments = await ask(house, ANN, requests.SegmentsList(recording_id=anns.recording))
        picture = await ask(house, ANN, seeing.FramesImage(frame_id=anns.key_frame))
        renamed = await ask(
            house, ANN, people.SpeakersRename(speaker_id=anns.speaker, label="Aunt")
        )
        deleted = await ask(house, ANN, sessions.SessionsDelete(session_id=anns.session))

        assert isinstance(recording, list)
        assert isinstance(recording[0], OneRecording)
        assert isinstance(segments, list)
        assert isinstance(segments[0], Segments)
        assert segments[0].segments[0].text == "apricot said"
        assert isinstance(picture, list)
        assert picture[1] == b"apricot"
        assert "Aunt" in repr(renamed)
        assert not isinstance(deleted, EdgedError)
        assert await _recordings(house, OWNER) == {users.recording, bens.recording}

    run(scenario)


def test_who_may_read_everything_changes_only_its_own(run: Callable[[Scenario], None]) -> None:
    async def scenario(house: House, users: Belongings, anns: Belongings, bens: Belongings) -> None:
        for kind, field in NAMING:
            if kind in ownership.READ | ownership.NARROWED or NAMED[field] == "person":
                continue
            own = users  # Eve has nothing of her own
            answer = await ask(house, EVE, _naming(kind, own, field, users.by_kind[NAMED[field]]))
            assert isinstance(answer, Denied), (kind, field, answer)

        read = await ask(house, EVE, requests.RecordingsGet(recording_id=users.recording))
        assert isinstance(read, list)
        assert len(await _recordings(house, OWNER)) == 3
        del anns, bens

    run(scenario)


def test_a_person_is_known_to_those_in_whose_sessions_it_speaks(
    run: Callable[[Scenario], None],
) -> None:
    async def scenario(house: House, users: Belongings, anns: Belongings, bens: Belongings) -> None:
        own = await ask(house, ANN, people.Stats(person_id=anns.person))
        theirs = await ask(house, ANN, people.Stats(person_id=bens.person))
        year = await ask(house, ANN, people.StatsWrapped(person="Person zebra"))
        nobody = await ask(house, ANN, people.StatsWrapped(person="Nobody at all"))

        assert isinstance(own, list)
        assert isinstance(theirs, NotFound)
        assert _told(year, "") == _told(nobody, "")
        del users

    run(scenario)


NAMELESS_DEVICES = ("default", "usb-0000:00:14.0-1", "Monitor of speakers")


def _filled(kind: type[Struct], name: str, value: str) -> Struct:
    """A request with a field of it, or of what it holds, filled."""
    for field in msgspec.structs.fields(kind):
        if field.name == name:
            return _with(kind, {name: value})
    for field in msgspec.structs.fields(kind):
        inner = next((one for one in _structs(field.type) if name in one.__struct_fields__), None)
        if inner is None:
            continue
        held = inner(**{name: value})
        several = field.name == "sources"
        return _with(kind, {field.name: (held,) if several else held})
    raise AssertionError((kind, name))


def _structs(kind: object) -> list[type[Struct]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        return [kind]
    return [one for part in get_args(kind) for one in _structs(part)]


def _of_files(kind: type[Struct]) -> set[str]:
    """Fields that hold a path: as long as paths may be, or called so."""
    return {
        name
        for name, field in _fields(kind)
        if isinstance(field, inspect.StrType)
        and (field.max_length == 4096 or {"path", "file", "folder"} & set(name.split("_")))
    }


FILES = [(kind, name) for kind in EVERY for name in sorted(_of_files(kind))]


@pytest.mark.parametrize(("kind", "name"), FILES, ids=lambda one: getattr(one, "__name__", one))
def test_no_request_takes_a_path_from_a_client(kind: type[Struct], name: str) -> None:
    request = _filled(kind, name, "/etc/passwd")

    with pytest.raises(Denied, match="clients may not name files"):
        check_files(request)  # type: ignore[arg-type] # one of AnyRequest


def test_the_test_of_paths_finds_those_that_there_are() -> None:
    assert {name for _, name in FILES} == {"path", "device"}
    assert {requests.Transcribe, seeing.See, sessions.SessionsStart, sessions.StreamOpen} <= {
        kind for kind, _ in FILES
    }


def test_a_video_is_a_file_whatever_its_path() -> None:
    wish = sessions.SourceWish(kind="video", device="film.mp4")

    with pytest.raises(Denied):
        check_files(sessions.SessionsStart(sources=(wish,)))


@pytest.mark.parametrize("device", NAMELESS_DEVICES)
def test_devices_are_named_by_clients_as_they_are_listed(device: str) -> None:
    check_files(sessions.SessionsStart(sources=(sessions.SourceWish(device=device),)))


def test_the_users_own_paths_are_the_users(run: Callable[[Scenario], None]) -> None:
    async def scenario(house: House, *_: Belongings) -> None:
        request = requests.Transcribe(path=os.devnull)
        users = await ask(house, OWNER, request)
        clients = await ask(house, EVE, request)

        assert not isinstance(users, Denied)
        assert isinstance(clients, Denied)

    run(scenario)


def test_what_is_looked_at_is_shown_to_whom_it_belongs(run: Callable[[Scenario], None]) -> None:
    def stream(owner: str) -> sight_streams._Stream:
        look = seeing.Look(task="face")
        return sight_streams._Stream(
            request=sessions.StreamOpen(stream="s", kind="frames", look=look),
            owner=owner,
            plan=Plan(look=look, model=f"model of {owner}", task="face"),
            eyes=None,  # type: ignore[arg-type] # nobody looks
            source=None,
            onlooking=None,  # type: ignore[arg-type] # likewise
            counting=FrameCounting(lambda: 0),
        )

    async def scenario(house: House, *_: Belongings) -> None:
        owners = ("", ANN.client_id, BEN.client_id)
        for owner in owners:
            house.sight_streams._streams[owner, "s"] = stream(owner)

        watched = [await _watched(house, asker) for asker in (OWNER, EVE, ANN)]

        assert watched[0] == watched[1] == {f"model of {owner}" for owner in owners}
        assert watched[2] == {f"model of {ANN.client_id}"}

    run(scenario)


async def _watched(house: House, asker: Any) -> set[str]:
    found = await ask(house, asker, requests.Health())
    assert isinstance(found, list)
    assert isinstance(found[0], HealthReport)
    return {model for one in found[0].watching for model in one.models.values()}


def test_frames_are_numbered_and_key_frames_are_named() -> None:
    assert things(seeing.StreamFrame(stream="s", frame_id=3)) == ()
    assert things(seeing.SessionsFrame(session_id="a", frame_id=3)) == (("session", "a"),)
    assert things(seeing.FramesImage(frame_id="b")) == (("key frame", "b"),)


def test_what_was_just_made_for_a_client_is_not_looked_up(run: Callable[[Scenario], None]) -> None:
    async def scenario(house: House, _: Belongings, anns: Belongings, bens: Belongings) -> None:
        frame = seeing.SessionsFrame(session_id=anns.session)
        asked: list[str] = []

        def answered() -> HealthReport:
            asked.append("now")
            raise Denied("that is the answer")

        house.ownership.remember(ANN, "session", anns.session)
        with pytest.raises(Denied, match="that is the answer"):
            house.ownership.guarded(ANN, frame, answered)

        assert asked == ["now"]
        waits = house.ownership.guarded(BEN, frame, answered)
        assert isinstance(waits, AsyncGenerator)
        with pytest.raises(NotFound):
            await anext(waits)
        assert asked == ["now"]
        del bens

    run(scenario)


def test_only_so_much_is_remembered(
    run: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "MOST_REMEMBERED", 3)

    async def scenario(house: House, *_: Belongings) -> None:
        for number in range(9):
            house.ownership.remember(ANN, "session", str(number))
        house.ownership.remember(OWNER, "session", "users")

        assert [thing for _, (_, thing) in house.ownership._own] == ["6", "7", "8"]

    run(scenario)
