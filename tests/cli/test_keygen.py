"""Where `edged clients keygen` says that clients reach the daemon."""

import pytest

from edged.cli.keygen import reached_at
from edged.errors import BadRequest


@pytest.mark.parametrize(
    ("given", "listens", "reached"),
    [
        (None, "tcp://127.0.0.1:7077", "tcp://127.0.0.1:7077"),
        (None, "tcp://[fd00::1]:7077", "tcp://[fd00::1]:7077"),
        ("tcp://box.lan:7077", "tcp://0.0.0.0:7077", "tcp://box.lan:7077"),
        ("tcp://box.lan:7077", "", "tcp://box.lan:7077"),
    ],
)
def test_clients_reach_the_daemon_where_it_listens_or_where_they_are_told(
    given: str | None, listens: str, reached: str
) -> None:
    assert reached_at(given, listens) == reached


@pytest.mark.parametrize(
    "listens", ["", "tcp://0.0.0.0:7077", "tcp://*:7077", "tcp://[::]:7077", "tcp://127.0.0.1:*"]
)
def test_every_address_of_a_machine_is_no_address_to_reach_it_at(listens: str) -> None:
    with pytest.raises(BadRequest, match="nobody knows"):
        reached_at(None, listens)


@pytest.mark.parametrize(
    "given", ["box:7077", "tcp://box", "tcp://*:1", "ipc:///a:1", "tcp://a b:1"]
)
def test_what_is_no_endpoint_is_refused(given: str) -> None:
    with pytest.raises(BadRequest, match="no endpoint"):
        reached_at(given, "tcp://127.0.0.1:7077")
