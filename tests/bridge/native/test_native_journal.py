"""The host's log: two small files of the owner's, and never in the way."""

from pathlib import Path

from edged.bridge.native.journal import Journal


def test_lines_have_a_time_and_a_process_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "state" / "native-host.log"

    journal = Journal(str(path))
    journal.note("started")
    journal.close()
    journal.note("closed: nothing is written")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    stamp, pid, what = path.read_text().split()
    assert (len(stamp), pid.isdigit(), what) == (20, True, "started")


def test_two_files_are_kept_and_neither_grows_beyond_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "log"
    journal = Journal(str(path), most_bytes=1000)
    other = Journal(str(path), most_bytes=1000)

    for number in range(200):
        (journal, other)[number % 2].note(f"line {number}")
    journal.close()
    other.close()

    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "log.1"]
    assert all(one.stat().st_size < 1100 for one in tmp_path.iterdir())
    kept = (tmp_path / "log.1").read_text() + path.read_text()
    assert "line 199\n" in kept
    assert kept.count("\n") > 20


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("another's")
    (tmp_path / "link").symlink_to(elsewhere)

    for path in (tmp_path / "file" / "log", tmp_path / "link"):
        Journal(str(path)).note("started")

    assert elsewhere.read_text() == "another's"
