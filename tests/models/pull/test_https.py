"""A file comes whole and right over HTTP from servers that misbehave, or it does not come."""

import hashlib
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from mirror import Answer, Asked, good, serving

from edged.config import Pull
from edged.errors import (
    Busy,
    CorruptModel,
    DiskFull,
    EdgedError,
    LicenceRequired,
    SourceDown,
    Unsupported,
)
from edged.models.pull.https import Web
from edged.models.pull.part import Part
from edged.models.pull.wanted import Fetched, Wanted

CONTENT = bytes(range(256)) * 12_000  # 3 MB
TOKEN = "hf_secret_of_the_user"  # noqa: S105 - nobody's


def wanted(content: bytes = CONTENT, *, stated: bool = True, gated: bool = False) -> Wanted:
    hashes = {hashlib.sha256(content).hexdigest()} if stated else set()
    return Wanted(
        model="tiny",
        names=("model.bin",),
        sizes=frozenset({len(content)} if stated else ()),
        hashes=frozenset(hashes),
        gated=gated,
        page="https://models.invalid/accept" if gated else "",
    )


class Client:
    """A Web whose waits are written down and not waited for."""

    def __init__(self, into: Path, *, tries: int = 5, rate_bytes: int = 0) -> None:
        self.into = into
        self.waits: list[float] = []
        self.told: list[tuple[int, int]] = []
        settings = Pull(tries=tries, timeout_s=1, rate_bytes=rate_bytes)
        self.web = Web(
            settings, tokens={"127.0.0.1": TOKEN}, wait=self.waits.append, clock=lambda: 0.0
        )

    def fetch(self, url: str, what: Wanted | None = None) -> Fetched:
        return self.web.fetch(
            url, what or wanted(), self.into, lambda *told: self.told.append(told)
        )


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "model.part"


@pytest.fixture
def client(into: Path) -> Client:
    return Client(into)


def test_a_file_comes_whole_and_is_told_while_it_comes(client: Client) -> None:
    with serving(good(CONTENT)) as mirror:
        fetched = client.fetch(mirror.url)

    assert client.into.read_bytes() == CONTENT
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert fetched.bytes == len(CONTENT)
    assert client.told[-1] == (len(CONTENT), len(CONTENT))
    assert not client.into.with_suffix(".json").exists()


def test_a_cut_is_resumed_where_it_was_and_only_for_the_same_content(client: Client) -> None:
    with serving(good(CONTENT, cut=1_000_000)) as mirror:
        client.fetch(mirror.url)

    assert mirror.ranges == ["", "bytes=1000000-", "bytes=2000000-", "bytes=3000000-"]
    assert mirror.asked[1].headers["If-Range"] == '"one"'
    assert client.into.read_bytes() == CONTENT


def test_a_part_of_an_earlier_run_is_hashed_again_and_completed(client: Client) -> None:
    client.into.write_bytes(CONTENT[:1_500_000])

    with serving(good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert mirror.ranges == ["bytes=1500000-"]
    assert client.into.read_bytes() == CONTENT


def test_a_part_that_was_damaged_meanwhile_is_fetched_anew(client: Client) -> None:
    client.into.write_bytes(b"x" + CONTENT[1:1_500_000])

    with serving(good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert mirror.ranges == ["bytes=1500000-", ""]
    assert client.into.read_bytes() == CONTENT


def test_a_part_that_is_whole_needs_no_server(client: Client) -> None:
    client.into.write_bytes(CONTENT)

    fetched = client.fetch("http://127.0.0.1:9/model.bin")

    assert fetched.bytes == len(CONTENT)


def test_a_part_that_is_too_long_is_thrown_away(client: Client) -> None:
    client.into.write_bytes(CONTENT + b"more")

    with serving(good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert mirror.ranges == [""]


def test_a_file_without_a_stated_hash_is_not_glued_together_from_two_runs(client: Client) -> None:
    client.into.write_bytes(b"x" * 1000)

    with serving(good(CONTENT)) as mirror:
        client.fetch(mirror.url, wanted(stated=False))

    assert mirror.ranges == [""]
    assert client.into.read_bytes() == CONTENT


def test_a_server_without_ranges_is_asked_from_the_start(client: Client) -> None:
    def plain(_asked: Asked) -> Answer:
        return Answer(body=CONTENT)

    with serving(Answer(body=CONTENT, cut=1_000_000), plain) as mirror:
        client.fetch(mirror.url)

    assert mirror.ranges == ["", "bytes=1000000-"]
    assert client.into.read_bytes() == CONTENT


@pytest.mark.parametrize("stated", [True, False])
def test_a_file_that_changes_between_two_tries_is_taken_from_its_start(
    client: Client, *, stated: bool
) -> None:
    old = CONTENT[::-1]

    with serving(good(old, etag='"old"', cut=1_000_000), good(CONTENT, etag='"new"')) as mirror:
        client.fetch(mirror.url, wanted(stated=stated))

    assert mirror.asked[1].headers["If-Range"] == '"old"'
    assert client.into.read_bytes() == CONTENT


def test_a_206_of_another_content_is_not_appended(client: Client) -> None:
    """A server that knows ranges but not If-Range."""

    def careless(asked: Asked) -> Answer:
        start = asked.start
        part = {
            "ETag": '"new"',
            "Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}",
        }
        if not start:
            return Answer(headers={"ETag": '"new"'}, body=CONTENT)
        return Answer(status=206, headers=part, body=CONTENT[start:])

    with serving(good(CONTENT[::-1], etag='"old"', cut=1_000_000), careless) as mirror:
        client.fetch(mirror.url, wanted(stated=False))

    assert mirror.ranges == ["", "bytes=1000000-", ""]
    assert client.into.read_bytes() == CONTENT


@pytest.mark.parametrize("said", ["bytes 5-9/10", "bytes 0-2999999/3072000", "nonsense"])
def test_a_206_that_gives_another_part_is_asked_anew(client: Client, said: str) -> None:
    wrong = Answer(status=206, headers={"Content-Range": said}, body=CONTENT[:5])

    with serving(good(CONTENT, cut=1_000_000), wrong, good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert mirror.ranges == ["", "bytes=1000000-", ""]
    assert client.into.read_bytes() == CONTENT


def test_a_416_after_the_last_byte_means_that_all_is_there(client: Client) -> None:
    """The size is not stated, and the server hid it: only the next request shows the end."""
    only_hash = Wanted(model="tiny", names=("model.bin",), hashes=wanted().hashes)
    client.into.write_bytes(CONTENT)

    with serving(good(CONTENT)) as mirror:
        client.fetch(mirror.url, only_hash)

    assert mirror.ranges == [f"bytes={len(CONTENT)}-"]


def test_a_416_for_a_part_that_is_not_of_the_file_starts_over(client: Client) -> None:
    client.into.write_bytes(b"x" * 2_000_000)
    refusal = Answer(status=416, headers={"Content-Range": "bytes */1000"})

    with serving(refusal, good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert mirror.ranges == ["bytes=2000000-", ""]
    assert client.into.read_bytes() == CONTENT


def test_a_silent_server_is_left_and_resumed(client: Client) -> None:
    silent = Answer(headers={"ETag": '"one"'}, body=CONTENT, cut=1_000_000, stall=True)

    with serving(silent, good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert mirror.ranges == ["", "bytes=1000000-"]
    assert client.into.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_when_it_wishes(client: Client, status: int) -> None:
    busy = Answer(status=status, headers={"Retry-After": "7"})

    with serving(busy, good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert client.waits == [7.0]


def test_the_pauses_grow_and_end(into: Path) -> None:
    client = Client(into, tries=4)

    with serving(Answer(status=503)) as mirror, pytest.raises(SourceDown, match="503.*4 tries"):
        client.fetch(mirror.url)

    assert len(mirror.asked) == 4
    assert [0.5, 1.0, 2.0] <= client.waits <= [1.0, 2.0, 4.0]


def test_a_server_that_asks_for_an_hour_is_not_waited_for(client: Client) -> None:
    busy = Answer(status=503, headers={"Retry-After": "3600"})

    with serving(busy) as mirror, pytest.raises(SourceDown, match="3600 s"):
        client.fetch(mirror.url)

    assert not client.waits


def test_a_line_that_cuts_often_but_gets_on_does_not_run_out_of_tries(into: Path) -> None:
    content = CONTENT * 3
    client = Client(into, tries=3)

    with serving(good(content, cut=1_100_000)) as mirror:
        client.fetch(mirror.url, wanted(content))

    assert len(mirror.asked) > 3
    assert into.read_bytes() == content


def test_a_server_that_always_cuts_at_the_same_place_ends_the_tries(into: Path) -> None:
    client = Client(into, tries=3)

    with serving(Answer(body=CONTENT, cut=2_000_000)) as mirror, pytest.raises(SourceDown):
        client.fetch(mirror.url)

    assert len(mirror.asked) <= 5


def test_nobody_at_the_port_is_source_down(client: Client) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(SourceDown, match="cannot be reached"):
        client.fetch(f"http://127.0.0.1:{port}/model.bin")


# --- lies ---


def test_a_wrong_byte_is_refused_and_not_kept(client: Client) -> None:
    wrong = CONTENT[:-1] + b"x"

    with serving(good(wrong)) as mirror, pytest.raises(CorruptModel, match="another sha256"):
        client.fetch(mirror.url)

    assert len(mirror.asked) == 1
    assert not client.into.exists()


@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_of_another_size_is_refused_before_it_comes(client: Client, change: int) -> None:
    other = CONTENT[:change] if change < 0 else CONTENT + b"x"

    with serving(good(other)) as mirror, pytest.raises(CorruptModel, match="upstream replaced"):
        client.fetch(mirror.url)

    assert not client.told


def test_an_announced_length_that_is_too_large_is_a_cut(into: Path) -> None:
    """As many bytes as announced never come: the rest is asked for."""
    short = Answer(headers={"ETag": '"one"'}, body=CONTENT[:-9], length=len(CONTENT))

    with serving(short, good(CONTENT)) as mirror:
        Client(into).fetch(mirror.url)

    assert mirror.ranges == ["", f"bytes={len(CONTENT) - 9}-"]
    assert into.read_bytes() == CONTENT


def test_more_bytes_than_announced_are_not_read(client: Client) -> None:
    long = Answer(body=CONTENT + b"more", length=len(CONTENT))

    with serving(long) as mirror:
        client.fetch(mirror.url)

    assert client.into.read_bytes() == CONTENT


def test_a_body_without_length_is_stopped_at_the_first_byte_too_many(client: Client) -> None:
    endless = Answer(body=CONTENT * 4, length=-1)

    with serving(endless) as mirror, pytest.raises(CorruptModel):
        client.fetch(mirror.url)

    assert max(done for done, _ in client.told) <= len(CONTENT)
    assert not client.into.exists()


def test_a_body_without_length_that_ends_early_is_resumed(client: Client) -> None:
    short = Answer(headers={"ETag": '"one"'}, body=CONTENT[:1000], length=-1)

    with serving(short, good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert mirror.ranges == ["", "bytes=1000-"]


def test_without_any_size_a_cut_could_not_be_told_from_the_end(client: Client) -> None:
    with (
        serving(Answer(body=CONTENT, length=-1)) as mirror,
        pytest.raises(SourceDown, match="does not say how large"),
    ):
        client.fetch(mirror.url, wanted(stated=False))


def test_an_unasked_compression_is_refused(client: Client) -> None:
    packed = Answer(headers={"Content-Encoding": "gzip"}, body=CONTENT)

    with serving(packed) as mirror, pytest.raises(SourceDown, match="compresses"):
        client.fetch(mirror.url)

    assert mirror.asked[0].headers["Accept-Encoding"] == "identity"


# --- redirects and tokens ---


def to(location: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(client: Client, status: int) -> None:
    with serving(to("/other/place", status), good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert mirror.asked[1].path == "/other/place"


@pytest.mark.parametrize(
    ("location", "message"),
    [("/model.bin", "circle"), ("", "without saying where"), ("/again?x", "circle")],
)
def test_a_redirect_that_leads_nowhere_is_refused(
    client: Client, location: str, message: str
) -> None:
    with serving(to(location)) as mirror, pytest.raises(SourceDown, match=message):
        client.fetch(mirror.url)

    assert len(mirror.asked) <= 2


def test_redirects_without_end_are_refused(client: Client) -> None:
    def further(asked: Asked) -> Answer:
        return to(f"{asked.path}x")

    with serving(further) as mirror, pytest.raises(SourceDown, match="more than 10"):
        client.fetch(mirror.url)

    assert len(mirror.asked) == 11


@pytest.mark.parametrize("location", ["http://models.invalid/x", "ftp://127.0.0.1/x", "file:///x"])
def test_a_redirect_away_from_https_is_refused(client: Client, location: str) -> None:
    with serving(to(location)) as mirror, pytest.raises(Unsupported, match="https"):
        client.fetch(mirror.url)


@pytest.mark.parametrize("url", ["http://models.invalid/x", "https://me:pw@models.invalid/x"])
def test_an_address_in_the_clear_or_with_a_password_is_not_asked(client: Client, url: str) -> None:
    with pytest.raises(Unsupported) as caught:
        client.fetch(url)

    assert "pw" not in str(caught.value)


def test_a_token_goes_to_its_host(client: Client) -> None:
    with serving(to("/elsewhere"), good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    sent = [one.headers.get("Authorization") for one in mirror.asked]
    assert sent == [f"Bearer {TOKEN}"] * 2


def test_a_token_never_follows_a_redirect_to_another_host(client: Client) -> None:
    """Nor to another port, nor back again from there."""
    with serving(good(CONTENT)) as thief, serving() as mirror:
        mirror._answers = [to(thief.url), good(CONTENT)]
        thief._answers = [to(f"{mirror.url}?back"), good(CONTENT)]
        client.fetch(mirror.url)

        assert "Authorization" in mirror.asked[0].headers
        assert "Authorization" not in thief.asked[0].headers
        assert "Authorization" not in mirror.asked[1].headers


def test_a_token_is_in_no_error_and_no_file(client: Client, tmp_path: Path) -> None:
    with serving(Answer(status=403)) as mirror, pytest.raises(EdgedError) as caught:
        client.fetch(mirror.url)

    said = f"{caught.value!r} {caught.value.fix} {caught.value.details} {client.web!r}"
    assert TOKEN not in said
    assert not [path for path in tmp_path.rglob("*") if TOKEN.encode() in path.read_bytes()]


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_file_names_the_page_to_accept(client: Client, status: int) -> None:
    with serving(Answer(status=status)) as mirror, pytest.raises(LicenceRequired) as caught:
        client.fetch(mirror.url, wanted(gated=True))

    assert "https://models.invalid/accept" in caught.value.fix
    assert "token" in caught.value.fix
    assert caught.value.details["page"] == "https://models.invalid/accept"


def test_a_file_that_is_gone_is_not_tried_again(client: Client) -> None:
    with serving(Answer(status=404)) as mirror, pytest.raises(SourceDown, match="answers 404"):
        client.fetch(mirror.url)

    assert len(mirror.asked) == 1


# --- disk, rate, others ---


def test_the_disk_is_looked_at_before_anything_is_written(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 2 * 10**6))

    with serving(good(CONTENT)) as mirror, pytest.raises(DiskFull) as caught:
        client.fetch(mirror.url)

    assert caught.value.details["free"] == 2 * 10**6
    assert not client.told


def test_the_rate_is_kept(into: Path) -> None:
    client = Client(into, rate_bytes=1_000_000)

    with serving(good(CONTENT)) as mirror:
        client.fetch(mirror.url)

    assert max(client.waits) == pytest.approx(len(CONTENT) / 1e6)


def test_two_pulls_of_one_file_do_not_mix(client: Client) -> None:
    with Part(client.into, wanted()), pytest.raises(Busy):
        client.fetch("http://127.0.0.1:9/model.bin")


def test_what_tell_raises_ends_the_fetch_and_what_came_is_kept(client: Client) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with serving(good(CONTENT)) as mirror:
        with pytest.raises(KeyboardInterrupt):
            client.web.fetch(mirror.url, wanted(), client.into, stop)
        kept = client.into.stat().st_size
        client.fetch(mirror.url)

    assert kept > 0
    assert mirror.ranges == ["", f"bytes={kept}-"]
    assert client.into.read_bytes() == CONTENT


def test_the_daemon_never_loads_what_opens_connections() -> None:
    code = "import edged.daemon, sys; print([m for m in ('urllib3', 'http.client') if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
