"""A daemon takes manifests in while it runs, and says what is wrong with them."""

import pytest
from real_daemon import Daemon

from edged.messages import replies, requests
from edged.messages.replies import Reason

MINE = """id = "mine"
task = "infer"
engine = "onnx"
description = "{about}"
license = "MIT"
memory_bytes = 1000
"""


@pytest.fixture
def running(daemon: Daemon) -> Daemon:
    daemon.start()
    return daemon


def descriptions(daemon: Daemon) -> dict[str, str]:
    found = daemon.ask(requests.ModelsList(), replies.Models)
    return {one.id: one.description for one in found.models}


def complaints(daemon: Daemon) -> list[Reason]:
    health = daemon.ask(requests.Health(), replies.HealthReport)
    return [one for one in health.reasons if "mine.toml" in one.message]


def test_a_manifest_comes_breaks_is_mended_and_goes_while_the_daemon_runs(running: Daemon) -> None:
    folder = running.paths.manifests
    assert not folder.exists(), "the folder itself has to be noticed too"
    folder.mkdir(parents=True)
    mine = folder / "mine.toml"

    mine.write_text(MINE.format(about="first"))
    running.wait(lambda: descriptions(running).get("mine") == "first")
    mine.write_text(MINE.format(about="second") + "memroy = 1\n")
    (complaint,) = running.wait(lambda: complaints(running))
    kept = descriptions(running)["mine"]
    status = running.ask(requests.Health(), replies.HealthReport).status
    mine.write_text(MINE.format(about="third"))
    running.wait(lambda: descriptions(running)["mine"] == "third")
    well_again = complaints(running)
    mine.unlink()
    running.wait(lambda: "mine" not in descriptions(running))

    assert complaint.code == "config_error"
    assert "mine.toml, line 7: field `memroy` is unknown" in complaint.message
    assert "remove `memroy`" in complaint.message
    assert (status, kept, well_again) == ("degraded", "first", [])
