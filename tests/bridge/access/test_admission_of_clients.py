"""In whose name a request runs: every kind of caller, every request, and how it ends."""

from typing import Any, get_args

import msgspec
import pytest
from grant_samples import ASKS, LINK, LIST, ORIGIN, UID, Book, client
from hypothesis import given
from hypothesis import strategies as st

from edged.bridge.access import scopes
from edged.bridge.access.admission import Access
from edged.bridge.server import Caller
from edged.config import Access as Settings
from edged.errors import Denied, EdgedError, NotPaired, OriginDenied
from edged.messages import access, requests, sessions
from edged.messages.access import OWNER, SCOPES, STRANGER, ClientStatus
from edged.messages.requests import AnyRequest

TOLD, GUESSED, OWNERS = "told", "guessed", "the owner's"


def _example(kind: type[Any]) -> Any:
    """A request of that type with whatever values; nobody looks at them here."""
    fields = msgspec.structs.fields(kind)
    return kind(**{field.name: "x" for field in fields if field.required})


def _outcome(admitting: Access, caller: Caller, request: AnyRequest) -> str:
    try:
        return admitting.admit(caller, request).client_id or "owner"
    except EdgedError as error:
        return error.code


# --- who asks ---


def test_a_process_of_our_user_acts_for_the_user() -> None:
    book = Book()

    asker = Access(book, Settings()).admit(Caller(LINK, UID, 7), requests.Shutdown())

    assert asker is OWNER
    assert book.notes == []


@pytest.mark.parametrize(
    "caller",
    [
        Caller(LINK, UID + 1, 7),
        Caller(LINK),
        Caller(LINK, UID + 1, 7, origin=ORIGIN),
        Caller(LINK, -1, -1, origin=ORIGIN),
    ],
    ids=["another user", "nobody knows who", "another user's browser", "an unknown one's browser"],
)
def test_other_users_are_refused_whatever_they_ask(caller: Caller) -> None:
    book = Book(client(*SCOPES))

    for kind in get_args(AnyRequest):
        assert _outcome(Access(book, Settings()), caller, _example(kind)) == "not_paired"


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.org",
        "https://example.org/chrome-extension://abcdefghijklmnopabcdefghijklmnop/",
        "null",
        "file://",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "chrome-extension://ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP/",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop/panel.html",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop/\n",
        "moz-extension://00000000-0000-0000-0000-000000000000/",
        "\x1b[31mme@here",
    ],
)
def test_what_is_no_extension_is_refused_whatever_it_asks(origin: str) -> None:
    book = Book(client(*SCOPES, identity=origin))
    caller = Caller(LINK, UID, 7, origin=origin)

    for request in (requests.Hello(client="page"), requests.Health(), LIST):
        assert _outcome(Access(book, Settings()), caller, request) == "origin_denied"
    assert book.notes[-1] == ("refused", STRANGER, "jobs.list")


@pytest.mark.parametrize(
    "identity",
    [ORIGIN, "panel@edged.org", "{01234567-89ab-cdef-0123-456789abcdef}", "@temporary-x"],
)
def test_extensions_of_both_browsers_are_told_apart_by_what_their_browser_says(
    identity: str,
) -> None:
    admitting = Access(Book(client("results.read", identity=identity)), Settings())

    asker = admitting.admit(Caller(LINK, UID, 7, origin=identity), LIST)

    assert (asker.client_id, asker.kind, asker.identity) == ("c1", "browser", identity)


def test_another_extension_is_a_stranger_though_it_looks_alike() -> None:
    admitting = Access(Book(client(*SCOPES)), Settings())
    other = ORIGIN.replace("abcd", "abce", 1)

    with pytest.raises(NotPaired):
        admitting.admit(Caller(LINK, UID, 7, origin=other), LIST)


def test_a_key_is_a_client_and_brings_no_origin() -> None:
    admitting = Access(
        Book(client("results.read", kind="key", identity="K"), client(*SCOPES)), Settings()
    )

    assert admitting.admit(Caller(LINK, key="K"), LIST).client_id == "c1"
    with pytest.raises(NotPaired):
        admitting.admit(Caller(LINK, key="another"), LIST)
    with pytest.raises(OriginDenied):
        admitting.admit(Caller(LINK, key="K", origin=ORIGIN), LIST)


def test_a_key_of_our_own_user_is_a_client_all_the_same() -> None:
    admitting = Access(Book(client("results.read", kind="key", identity="K")), Settings())

    with pytest.raises(Denied):
        admitting.admit(Caller(LINK, UID, 7, key="K"), requests.Shutdown())


def test_where_local_programs_are_paired_only_a_token_opens() -> None:
    book = Book()
    book.tokens[TOLD] = client("results.read", kind="local", identity="me")
    admitting = Access(book, Settings(local_clients="pair"), owner_token=OWNERS)

    assert _outcome(admitting, Caller(LINK, UID, 7), LIST) == "not_paired"
    assert _outcome(admitting, Caller(LINK, UID, 7), requests.Hello(client="x")) == STRANGER
    assert _outcome(admitting, Caller(LINK, UID, 7, token=GUESSED), LIST) == "not_paired"
    assert _outcome(admitting, Caller(LINK, UID, 7, token=TOLD), LIST) == "c1"
    assert _outcome(admitting, Caller(LINK, UID, 7, token=OWNERS), LIST) == "owner"


def test_without_an_owner_token_an_empty_one_opens_nothing() -> None:
    admitting = Access(Book(), Settings(local_clients="pair"))

    assert _outcome(admitting, Caller(LINK, UID, 7, token=""), LIST) == "not_paired"


def test_an_origin_with_the_owner_s_token_is_still_that_extension() -> None:
    for mode in ("user", "pair"):
        settings = msgspec.convert({"local_clients": mode}, Settings)
        admitting = Access(Book(), settings, owner_token=OWNERS)
        caller = Caller(LINK, UID, 7, origin=ORIGIN, token=OWNERS)

        assert _outcome(admitting, caller, LIST) == "not_paired"


# --- what it may ---


@pytest.mark.parametrize("status", [None, "pending", "denied", "revoked", "expired"])
def test_who_is_not_approved_may_only_ask_to_be_paired(status: ClientStatus | None) -> None:
    book = Book() if status is None else Book(client(*SCOPES, status=status))
    kinds = get_args(AnyRequest)

    opened = {
        kind
        for kind in kinds
        if _outcome(Access(book, Settings()), ASKS, _example(kind)) != "not_paired"
    }

    assert opened == scopes.STRANGERS
    assert len(book.notes) == len(kinds) - len(opened)


def test_a_client_may_ask_what_one_of_its_scopes_opens_and_nothing_else() -> None:
    for scope in SCOPES:
        book = Book(client(scope))
        for kind in get_args(AnyRequest):
            opens = (
                kind in scopes.STRANGERS
                or kind in scopes.CLIENTS
                or scope in scopes.ANY_OF.get(kind, ())
            )

            got = _outcome(Access(book, Settings()), ASKS, _bare(kind))

            assert got == ("c1" if opens else "denied"), (scope, kind)


def _bare(kind: type[Any]) -> Any:
    """One that captures nothing by itself."""
    if kind is sessions.SessionsStart:
        return sessions.SessionsStart(sources=(sessions.SourceWish(kind="client"),))
    if kind is sessions.StreamOpen:
        return sessions.StreamOpen(stream="s", kind="audio")
    return _example(kind)


def test_all_scopes_together_do_not_make_an_owner() -> None:
    book = Book(client(*SCOPES))

    for kind in scopes.OWNER_ONLY:
        assert _outcome(Access(book, Settings()), ASKS, _example(kind)) == "denied"


def test_a_refusal_says_what_is_missing_and_is_noted() -> None:
    book = Book(client("speech"))

    with pytest.raises(Denied) as refused:
        Access(book, Settings()).admit(ASKS, LIST)

    assert refused.value.details["missing"] == "results.read"
    assert book.notes == [("refused", "c1", "jobs.list")]


def test_whoever_captures_needs_a_scope_for_each_device() -> None:
    wished = sessions.SessionsStart(
        sources=(sessions.SourceWish(kind="microphone"), sessions.SourceWish(kind="screen"))
    )
    half = Access(Book(client("speech", "vision", "capture.microphone")), Settings())
    both = Access(Book(client("capture.microphone", "capture.screen")), Settings())

    with pytest.raises(Denied) as refused:
        half.admit(ASKS, wished)

    assert refused.value.details["missing"] == "capture.screen"
    assert both.admit(ASKS, wished).client_id == "c1"


def test_it_is_noted_as_which_process_a_client_asked() -> None:
    book = Book(client("results.read"))

    Access(book, Settings()).admit(ASKS, LIST)

    assert book.pids == [7]


# --- how much ---


def _standing() -> float:
    """A clock that stands still: nothing is granted anew while a slow machine asks."""
    return 0.0


def test_a_client_that_floods_is_busy_and_the_user_is_not() -> None:
    admitting = Access(
        Book(client("results.read")), Settings(requests_per_minute=100), clock=_standing
    )
    got = [_outcome(admitting, ASKS, LIST) for _ in range(50)]

    assert got.count("c1") == 10
    assert got.count("busy") == 40
    assert all(_outcome(admitting, Caller(LINK, UID, 7), LIST) == "owner" for _ in range(1000))


def test_bytes_are_counted_as_requests_are() -> None:
    admitting = Access(
        Book(client("results.read")), Settings(bytes_per_minute=10_000), clock=_standing
    )
    caller = Caller(LINK, UID, 7, origin=ORIGIN, size_bytes=2_000)

    assert [_outcome(admitting, caller, LIST) for _ in range(2)] == ["c1", "busy"]


def test_strangers_have_a_tenth_and_share_what_one_client_has() -> None:
    admitting = Access(Book(), Settings(requests_per_minute=1000), clock=_standing)
    hello = requests.Hello(client="x")

    one = [_outcome(admitting, ASKS, hello) for _ in range(100)]
    many = [
        _outcome(admitting, Caller(LINK, UID, 7, origin=f"a{number}@b"), hello)
        for number in range(10_000)
    ]

    assert one.count(STRANGER) == 10
    assert many.count(STRANGER) == pytest.approx(90, abs=5)
    assert set(many) == {STRANGER, "busy"}


def test_nobody_asks_to_be_paired_over_and_over() -> None:
    admitting = Access(Book(client("speech")), Settings(), clock=_standing)
    wish = access.Pair(name="x", scopes=("speech",), nonce="0" * 32)

    assert [_outcome(admitting, ASKS, wish) for _ in range(40)].count("busy") == 10
    assert _outcome(admitting, ASKS, requests.Hello(client="x")) == "c1"


@given(
    uid=st.sampled_from([UID, UID + 1, -1, 0]),
    key=st.sampled_from(["", "K"]),
    origin=st.one_of(st.sampled_from(["", ORIGIN, "x@y", "null"]), st.text(max_size=200)),
    token=st.one_of(st.sampled_from(["", TOLD, OWNERS]), st.text(max_size=100)),
    mode=st.sampled_from(["user", "pair"]),
    kind=st.sampled_from(sorted(get_args(AnyRequest), key=lambda one: str(one.__name__))),
)
def test_only_the_user_s_own_process_is_ever_the_owner(
    uid: int, key: str, origin: str, token: str, mode: str, kind: type[Any]
) -> None:
    settings = msgspec.convert({"local_clients": mode}, Settings)
    admitting = Access(Book(client(*SCOPES)), settings, owner_token=OWNERS)

    got = _outcome(admitting, Caller(LINK, uid, 7, key, origin, token), _example(kind))

    may_be = uid == UID and not key and not origin and (mode == "user" or token == OWNERS)
    assert (got == "owner") == may_be
