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


@pytest.mark.timeout(60)
def test_without_an_engine_the_demo_names_the_extra(daemon: Daemon) -> None:
    """Engines are hidden from whatever starts with this path, the daemon included."""
    (daemon.home / "sitecustomize.py").write_text(
        "import sys\n"
        "for engine in ('pocketsphinx', 'faster_whisper', 'sherpa_onnx', 'onnxruntime'):\n"
        "    sys.modules[engine] = None\n"
    )
    daemon.environ["PYTHONPATH"] = str(daemon.home)

    done = daemon.run("demo", "--json")

    assert done.returncode == 11, done.stderr
    assert b"edged[speech]" in done.stdout
