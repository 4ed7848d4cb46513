"""`edged demo` shows the whole way and ends well."""

import pytest
from real_daemon import Daemon

pytestmark = pytest.mark.speech


@pytest.mark.timeout(90)
def test_the_demo_shows_every_step(daemon: Daemon) -> None:
    found = daemon.json("demo")

    assert found["segments"] >= 15
    assert found["hits"] >= 1
    assert found["plaintext_words_in_files"] == 0
    assert found["model_bytes_before"] > 100e6
    assert found["model_bytes_after"] == 0
