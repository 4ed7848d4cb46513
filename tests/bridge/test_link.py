"""The synchronous client against a server that answers as the tests want."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import zmq

from edged.bridge import endpoint
from edged.bridge.framing import pack_reply, read_request
from edged.bridge.link import SyncClient
from edged.config import Paths
from edged.errors import Busy, DaemonDown, Deadline, VersionSkew
from edged.messages import replies, requests
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest

Script = Callable[[AnyRequest], list[AnyReply]]


@contextmanager
def answering(paths: Paths, script: Script) -> Iterator[list[AnyRequest]]:
    """A ROUTER in a thread that answers every request by a script; yields what it was asked."""
    endpoint.make_private(paths.runtime)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router = endpoint.bind(context, paths, frame_bytes=2**23)
    asked: list[AnyRequest] = []
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            if not router.poll(20):
                continue
            identity, *frames = router.recv_multipart()
            incoming = read_request(frames, most_frames=64, most_bytes=2**28)
            asked.append(incoming.request)
            for reply in script(incoming.request):
                answer = pack_reply(reply, request_id=incoming.envelope.id)
                with suppress(zmq.ZMQError):  # the client may have left
                    router.send_multipart([identity, *answer])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        over.set()
        thread.join()
        router.close(0)
        context.term()


def test_the_last_reply_is_the_answer(paths: Paths) -> None:
    progress = replies.Progress(stage="x", fraction=0.5)

    with answering(paths, lambda _: [progress, replies.Done(count=3)]):
        with SyncClient(paths.endpoint) as client:
            assert client.ask(requests.JobsPurge(), replies.Done).count == 3


def test_an_error_becomes_its_leaf(paths: Paths) -> None:
    error = replies.Error(code="busy", message="no room", fix="wait")

    with answering(paths, lambda _: [error]), SyncClient(paths.endpoint) as client:
        with pytest.raises(Busy, match="no room"):
            client.ask(requests.Health(), replies.HealthReport)


def test_silence_means_that_no_daemon_runs(paths: Paths) -> None:
    with SyncClient(paths.endpoint, answer_within_s=0.05) as client, pytest.raises(DaemonDown):
        client.ask(requests.Health(), replies.HealthReport)


def test_silence_beyond_the_deadline_is_a_deadline(paths: Paths) -> None:
    progress = replies.Progress(stage="x", fraction=0.5)

    with answering(paths, lambda _: [progress]), SyncClient(paths.endpoint) as client:
        with pytest.raises(Deadline):
            client.ask(requests.Health(), replies.HealthReport, deadline_ms=50)


def test_another_reply_than_expected_is_a_version_skew(paths: Paths) -> None:
    with answering(paths, lambda _: [replies.Done()]), SyncClient(paths.endpoint) as client:
        with pytest.raises(VersionSkew):
            client.ask(requests.Health(), replies.HealthReport)


def test_leaving_a_stream_cancels_it(paths: Paths) -> None:
    progress = replies.Progress(stage="x", fraction=0.5)

    def script(request: AnyRequest) -> list[AnyReply]:
        return [replies.Done()] if isinstance(request, requests.Cancel) else [progress]

    with answering(paths, script) as asked, SyncClient(paths.endpoint) as client:
        stream = client.stream(requests.Subscribe())
        next(stream)
        stream.close()
        assert client.ask(requests.Cancel(request_id="9"), replies.Done).count == 1

    assert asked[1] == requests.Cancel(request_id="1")


def test_a_client_that_is_closed_first_does_not_mind_its_open_stream(paths: Paths) -> None:
    progress = replies.Progress(stage="x", fraction=0.5)

    with answering(paths, lambda _: [progress]):
        with SyncClient(paths.endpoint) as client:
            stream = client.stream(requests.Subscribe())
            next(stream)
        stream.close()


def test_a_daemon_that_dies_in_mid_stream_is_noticed_at_once(paths: Paths) -> None:
    progress = replies.Progress(stage="x", fraction=0.5)

    with SyncClient(paths.endpoint) as client:
        with answering(paths, lambda _: [progress]):
            stream = client.stream(requests.Subscribe())
            next(stream)
        with pytest.raises(DaemonDown, match="closed the connection"):
            next(stream)

        with answering(paths, lambda _: [replies.Done()]):
            assert client.ask(requests.JobsPurge(), replies.Done).count == 1
