"""Settings: defaults < file < environment < flags; paths by EDGED_HOME, systemd or XDG."""

from pathlib import Path

import pytest

from edged.config import Config, Paths, find_paths, load, settings
from edged.errors import ConfigError


def test_one_folder_holds_everything_with_edged_home() -> None:
    paths = find_paths({"EDGED_HOME": "/h"})

    assert paths.database == Path("/h/state/edged.db")
    assert paths.endpoint == "ipc:///h/run/requests"
    assert paths.config_file == Path("/h/config/config.toml")


def test_xdg_folders_are_used_when_set() -> None:
    environ = {"HOME": "/home/u", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/run/user/1"}

    paths = find_paths(environ)

    assert paths.state == Path("/s/edged")
    assert paths.runtime == Path("/run/user/1/edged")
    assert paths.config == Path("/home/u/.config/edged")
    assert paths.cache == Path("/home/u/.cache/edged")


def test_a_relative_xdg_folder_is_ignored_as_the_specification_says() -> None:
    assert find_paths({"HOME": "/u", "XDG_STATE_HOME": "s"}).state == Path("/u/.local/state/edged")


def test_without_a_session_the_socket_lies_beside_the_state() -> None:
    assert find_paths({"HOME": "/u"}).runtime == Path("/u/.local/state/edged/run")


def test_systemd_folders_win() -> None:
    paths = find_paths(
        {"HOME": "/", "STATE_DIRECTORY": "/var/lib/edged", "RUNTIME_DIRECTORY": "/run/edged"}
    )

    assert (paths.state, paths.runtime) == (Path("/var/lib/edged"), Path("/run/edged"))


def test_later_sources_win(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.config_file.write_text("[jobs]\nconcurrency = 2\nattempts = 2\nbackoff_ms = 2\n")

    found = load(
        paths,
        {"EDGED_JOBS_ATTEMPTS": "3", "EDGED_JOBS_BACKOFF_MS": "3", "EDGED_HOME": "/x"},
        {"jobs.backoff_ms": 4},
    )

    assert (found.jobs.concurrency, found.jobs.attempts, found.jobs.backoff_ms) == (2, 3, 4)
    assert found.workers == Config().workers


def test_threads_are_set_by_model(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.config_file.write_text('[threads]\n"silero-v6" = 2\n')

    assert load(paths, {}).threads == {"silero-v6": 2}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[jobs]\nconcurrency = 0\n", "jobs.concurrency"),
        ("[jobs]\nconcurency = 1\n", "concurency"),
        ("[jbos]\n", "jbos"),
        ("jobs = 1\n", "jobs"),
        ("= 1\n", "TOML"),
        ('[store]\nreaders = "many"\n', "store.readers"),
    ],
)
def test_a_wrong_setting_is_named(paths: Paths, text: str, named: str) -> None:
    paths.config.mkdir(parents=True)
    paths.config_file.write_text(text)

    with pytest.raises(ConfigError, match=named):
        load(paths, {})


def test_a_config_that_is_a_folder_is_named(paths: Paths) -> None:
    paths.config_file.mkdir(parents=True)

    with pytest.raises(ConfigError, match="cannot be read|cannot read"):
        load(paths, {})


def test_every_setting_has_a_dotted_name() -> None:
    assert settings(Config())["workers.keep_alive_ms"] == 300_000
