"""A client on another machine, as a user would set it up: keygen, the file, revoking; and paired programs."""

import json
import re
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from probes import read_pcm, write_wav
from real_daemon import ROOT, Daemon

from edged import SyncClient
from edged.bridge.curve_keys import (
    ClientKeys,
    new_pair,
    read_client,
    server_keys,
    write_client,
)
from edged.bridge.framing import pack_request, read_reply
from edged.errors import DaemonDown, Denied, EdgedError, NotFound, NotPaired
from edged.messages import access, replies, requests
from edged.messages.access import OneClient, Paired, Pairing, Scope
from edged.messages.replies import HealthReport, LoadedModels, Subscribed
from edged.messages.uploads import UploadOpen, UploadOpened, UploadPart, UploadTaken

NO_TOKEN = "none"  # noqa: S105 none at all; empty: the owner's is looked for


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def listening() -> Iterator[Daemon]:
    """A daemon that listens on TCP."""
    with tempfile.TemporaryDirectory(prefix="edged-", dir="/tmp") as home:
        endpoint = f"tcp://127.0.0.1:{_free_port()}"
        daemon = Daemon(Path(home), EDGED_TCP_ENDPOINT=endpoint)
        try:
            daemon.start()
            yield daemon
            daemon.stop()
        finally:
            daemon.kill()


def _key(daemon: Daemon, name: str, *scopes: Scope) -> tuple[str, Path]:
    """A key as `edged clients keygen` makes it: the client's id and the file."""
    public, secret = new_pair()
    add = access.ClientsAdd(public_key=public, name=name, scopes=scopes)
    client_id: str = daemon.ask(add, OneClient).client.client_id
    keys = ClientKeys(
        endpoint=daemon.environ["EDGED_TCP_ENDPOINT"],
        server_key=server_keys(daemon.paths.tcp_key_file).public_key,
        public_key=public,
        secret_key=secret,
    )
    write_client(daemon.home / f"{name}.key", keys)
    return client_id, daemon.home / f"{name}.key"


def test_a_key_from_the_command_line_opens_what_it_was_made_for_and_nothing_else(
    listening: Daemon,
) -> None:
    out = listening.home / "laptop.key"
    scopes = ("--scopes", "results.read,models.read")

    made = listening.json("clients", "keygen", "--name", "laptop", *scopes, "--out", str(out))

    client_id = made["client"]["client_id"]
    assert made["keys"] is None
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with SyncClient(keys=out) as client:
        assert client.ask(requests.ModelsPs(), LoadedModels).models == ()
        me = client.ask(access.ClientsSelf(), OneClient).client
        assert (me.client_id, me.kind, me.name) == (client_id, "key", "laptop")
        assert me.identity == read_client(out).public_key
        with pytest.raises(Denied) as refused:
            client.ask(UploadOpen(size_bytes=3), UploadOpened)
        assert refused.value.details["missing"] == "speech"
        for request in (access.ClientsList(), requests.Shutdown()):
            with pytest.raises(Denied):
                client.ask(request, replies.Done)


def test_the_key_is_printed_when_no_file_is_named(listening: Daemon) -> None:
    printed = listening.run("clients", "keygen", "--name", "a", "--scopes", "speech")

    keys = json.loads(printed.stdout)
    assert keys["server_key"] == server_keys(listening.paths.tcp_key_file).public_key
    assert set(keys) == {"endpoint", "server_key", "public_key", "secret_key"}


def test_a_revoked_client_is_refused_on_its_live_connection_and_let_in_no_more(
    listening: Daemon,
) -> None:
    client_id, out = _key(listening, "revoked", "results.read", "speech")
    with SyncClient(keys=out) as client, SyncClient(keys=out) as other:
        events = client.stream(requests.Subscribe())
        assert isinstance(next(events)[0], Subscribed)
        upload = other.ask(UploadOpen(size_bytes=2), UploadOpened).upload_id

        listening.ask(access.ClientsRevoke(client_id=client_id), OneClient)

        with pytest.raises(NotPaired):
            list(events)
        with pytest.raises(NotPaired):
            other.ask(UploadPart(upload_id=upload, offset=0), UploadTaken, [b"12"])
    with SyncClient(keys=out) as late, pytest.raises(NotPaired, match="does not know this key"):
        late.ask(requests.ModelsPs(), LoadedModels)


def test_an_upload_of_one_key_is_as_absent_for_another(listening: Daemon) -> None:
    _, mine = _key(listening, "mine", "speech", "results.read")
    _, theirs = _key(listening, "theirs", "speech", "results.read:all")
    with SyncClient(keys=mine) as client:
        upload = client.ask(UploadOpen(size_bytes=2), UploadOpened).upload_id

    with SyncClient(keys=theirs) as client:
        for request in (
            UploadOpen(size_bytes=2, upload_id=upload),
            requests.Transcribe(upload_id=upload),
            requests.JobsSubmit(upload_id=upload),
        ):
            with pytest.raises(NotFound):
                client.ask(request, UploadOpened)
        with pytest.raises(NotFound):
            client.ask(UploadPart(upload_id=upload, offset=0), UploadTaken, [b"12"])
    with SyncClient(keys=mine) as client:
        part = UploadPart(upload_id=upload, offset=0)
        assert client.ask(part, UploadTaken, [b"12"]).received == 2


def test_a_key_cannot_speak_for_an_extension(listening: Daemon) -> None:
    _, out = _key(listening, "liar", "results.read")
    with SyncClient(keys=out) as client:
        (frame,) = pack_request(requests.ModelsPs(), request_id="1")
        claimed = _with_origin(bytes(frame), "chrome-extension://abcdefghijklmnopabcdefghijklmnop/")

        client._socket.send_multipart([claimed])

        assert client._socket.poll(5_000)
        _, reply, _ = read_reply(client._socket.recv_multipart())
    assert isinstance(reply, replies.Error)
    assert reply.code == "origin_denied"


def _with_origin(frame: bytes, origin: str) -> bytes:
    """The same envelope, one field longer."""
    import msgspec

    from edged.messages.envelope import decode_envelope, encode

    return encode(msgspec.structs.replace(decode_envelope(frame), origin=origin))


@pytest.mark.speech
@pytest.mark.timeout(60)
def test_the_page_about_clients_sends_a_file_from_another_machine(
    listening: Daemon, greeting: Path, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "CLIENTS.md").read_text()
    code = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[-1]
    _, out = _key(listening, "afar", "speech", "results.read")
    phrase = write_wav(tmp_path / "phrase.wav", read_pcm(greeting)[: 2 * 16_000 * 3])

    done = subprocess.run(
        [sys.executable, "-c", code, str(phrase), str(out)], capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()
    assert b": 100%" in done.stderr


@pytest.mark.timeout(60)
def test_a_key_outlives_the_daemon(daemon: Daemon) -> None:
    daemon.environ["EDGED_TCP_ENDPOINT"] = f"tcp://127.0.0.1:{_free_port()}"
    daemon.start()
    _, out = _key(daemon, "a", "models.read")
    with SyncClient(keys=out, answer_within_s=1) as client:
        client.ask(requests.ModelsPs(), LoadedModels)
        daemon.stop()
        with pytest.raises(DaemonDown):
            client.ask(requests.ModelsPs(), LoadedModels)

        daemon.start()

        def back() -> bool:
            try:
                client.ask(requests.ModelsPs(), LoadedModels)
            except DaemonDown:
                return False
            return True

        daemon.wait(back)


def test_an_endpoint_in_use_ends_the_start_in_words(daemon: Daemon) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        daemon.environ["EDGED_TCP_ENDPOINT"] = f"tcp://127.0.0.1:{port}"

        ended = daemon.run("serve", "--json")

    assert json.loads(ended.stdout)["error"]["message"] == "tcp.endpoint is in use"
    assert ended.returncode == 22


def test_a_file_is_never_overwritten_and_no_key_is_known_that_nobody_has(
    listening: Daemon,
) -> None:
    def known() -> int:
        return len(listening.ask(access.ClientsList(), access.Clients).clients)

    _, out = _key(listening, "there", "speech")
    before, held = known(), out.read_bytes()

    failed = listening.run(
        "clients", "keygen", "--name", "a", "--scopes", "speech", "--out", str(out)
    )

    assert failed.returncode != 0
    assert b"already a file" in failed.stderr
    assert out.read_bytes() == held
    assert known() == before


# --- access.local_clients = "pair" ---


def _stranger(daemon: Daemon, token: str) -> list[str]:
    """What a program is told that does not look for the owner's token."""
    told = []
    with SyncClient(daemon.paths.endpoint, token=token or NO_TOKEN) as client:
        for request in (requests.ModelsPs(), requests.Shutdown()):
            try:
                told.append(type(client.ask(request, LoadedModels)).__name__)
            except EdgedError as error:
                told.append(error.code)
    return told


@pytest.mark.timeout(60)
def test_where_local_programs_must_be_paired_the_users_own_are_and_others_ask_first(
    daemon: Daemon,
) -> None:
    daemon.environ["EDGED_ACCESS_LOCAL_CLIENTS"] = "pair"
    daemon.start()

    assert stat.S_IMODE(daemon.paths.owner_token_file.stat().st_mode) == 0o600
    assert daemon.ask(requests.Health(), HealthReport).status == "ok"
    assert _stranger(daemon, "") == ["not_paired", "not_paired"]
    token = _paired(daemon)
    assert _stranger(daemon, token) == ["LoadedModels", "denied"]
    daemon.kill()
    daemon.start()
    assert _stranger(daemon, token) == ["LoadedModels", "denied"]
    assert daemon.ask(requests.Health(), HealthReport).status == "ok"


def _paired(daemon: Daemon) -> str:
    """Ask as a program without a token, and approve it on the command line."""
    wish = access.Pair(name="tool", scopes=("models.read",), nonce="ab" * 16)
    with SyncClient(daemon.paths.endpoint, token=NO_TOKEN) as client:
        told: Any = client.stream(wish)
        pairing = next(told)[0]
        assert isinstance(pairing, Pairing)
        approved = daemon.json("clients", "approve", pairing.client.client_id)
        assert approved["scopes"] == ["models.read"]
        paired = next(told)[0]
        assert isinstance(paired, Paired)
        return paired.token


def test_errors_of_the_file_come_before_any_connection(tmp_path: Path) -> None:
    with pytest.raises(EdgedError, match="missing"):
        SyncClient(keys=tmp_path / "absent")
