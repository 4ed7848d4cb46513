import mmap
import os
import subprocess
from pathlib import Path

import pytest

from edged.workers import system


def test_the_state_of_processes() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert system.state_of(child.pid) in {"S", "R", "D"}
        child.kill()
    assert system.state_of(child.pid) == ""


def test_a_name_with_parentheses_does_not_confuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_read", lambda _: "12 (a) R (b)) T 1 12 12")

    assert system.state_of(12) == "T"


def test_memory_is_measured() -> None:
    assert system.pss_bytes(os.getpid()) > 2**20
    assert system.pss_bytes(2**22 + 1) == 0
    assert system.available_memory() > 2**20
    assert system.oom_kills() >= 0


def test_the_peak_of_a_process_can_be_measured_anew() -> None:
    pid = os.getpid()
    with mmap.mmap(-1, 64 * 2**20) as memory:
        memory.write(b"x" * len(memory))
        high = system.peak_bytes(pid)

    assert high >= 64 * 2**20
    assert system.peak_bytes(pid) == high
    if system.reset_peak(pid):
        assert system.peak_bytes(pid) < high
        assert system.peak_bytes(pid) >= system.resident_bytes(pid) - 2**20
    assert 0 < system.own_peak_bytes(pid) < high


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    gone = 2**22 + 1

    assert (
        system.resident_bytes(gone) == system.peak_bytes(gone) == system.own_peak_bytes(gone) == 0
    )
    assert system.vram_bytes(gone) == 0
    assert not system.reset_peak(gone)


# --- groups ---

GB = 2**30


def tree(root: Path, cgroup: str, **files: str) -> str:
    """A kernel's files: 8 GB are available on the machine; `a__b` stands for a/b."""
    texts = {
        "proc/meminfo": f"MemTotal: 1 kB\nMemAvailable:    {8 * GB // 1024} kB\n",
        "proc/self/cgroup": cgroup,
        **{f"sys/fs/cgroup/{name.replace('__', '/')}": text for name, text in files.items()},
    }
    for name, text in texts.items():
        path = root / name.replace("/memory_", "/memory.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    files = {"u__memory_max": "max\n", "u__memory_high": "max\n", "u__memory_current": "5\n"}
    assert system.available_memory(tree(tmp_path, "0::/u\n", **files)) == 8 * GB


def test_a_group_limits_what_is_available_and_its_file_cache_counts_as_free(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "0::/user.slice/edged.service\n",
        **{
            "user.slice__edged.service__memory_max": f"{2 * GB}\n",
            "user.slice__edged.service__memory_current": f"{GB}\n",
            "user.slice__edged.service__memory_stat": f"anon 5\ninactive_file {GB // 4}\n"
            f"active_file {GB // 4}\nfile 7\n",
        },
    )
    assert system.available_memory(root) == GB + GB // 2


def test_the_tightest_group_above_ours_counts(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "0::/pod/container\n",
        pod__memory_max=f"{GB}\n",
        pod__memory_current=f"{GB // 2}\n",
        pod__container__memory_max=f"{4 * GB}\n",
        pod__container__memory_current="0\n",
    )
    assert system.available_memory(root) == GB // 2


def test_a_group_that_is_slowed_down_above_memory_high_stays_below_it(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "0::/u\n",
        u__memory_max="max\n",
        u__memory_high=f"{3 * GB}\n",
        u__memory_current=f"{GB}\n",
    )
    assert system.available_memory(root) == 2 * GB


def test_a_container_that_sees_only_the_root_of_its_tree_knows_its_limit(tmp_path: Path) -> None:
    root = tree(
        tmp_path, "0::/../../kubepods/pod7\n", memory_max=f"{GB}\n", memory_current=f"{GB // 4}\n"
    )
    assert system.available_memory(root) == GB // 4 * 3


def test_groups_of_version_one_count_too(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "4:cpu,memory:/docker/7\n1:name=systemd:/\n0::/\n",
        memory__docker__7__memory_limit_in_bytes=f"{GB}\n",
        memory__docker__7__memory_usage_in_bytes=f"{GB // 2}\n",
        memory__docker__7__memory_stat=f"inactive_file 3\ntotal_inactive_file {GB // 8}\n"
        "total_active_file 0\n",
        memory__memory_limit_in_bytes="9223372036854771712\n",
        memory__memory_usage_in_bytes="7\n",
    )
    assert system.available_memory(root) == GB // 2 + GB // 8


def test_a_full_group_is_not_taken_for_an_unknown_one(tmp_path: Path) -> None:
    root = tree(tmp_path, "0::/u\n", u__memory_max=f"{GB}\n", u__memory_current=f"{2 * GB}\n")
    assert system.available_memory(root) == 1


@pytest.mark.parametrize("cgroup", ["", "rubbish\n", "0::\n", "x:y\n"])
def test_where_the_kernel_tells_nothing_of_groups_the_machine_counts(
    tmp_path: Path, cgroup: str
) -> None:
    root = tree(tmp_path, cgroup, memory_max="not a number\n", memory_current="7\n")
    assert system.available_memory(root) == 8 * GB


def test_where_nothing_is_told_nothing_is_known(tmp_path: Path) -> None:
    assert system.available_memory(str(tmp_path)) == 0


def test_memory_of_an_accelerator_is_summed_by_client(monkeypatch: pytest.MonkeyPatch) -> None:
    infos = {
        "3": "pos: 0\n",
        "4": "drm-driver: amdgpu\ndrm-client-id: 5\ndrm-memory-vram: 2048 KiB\n",
        "5": "drm-driver: amdgpu\ndrm-client-id: 5\ndrm-memory-vram: 2048 KiB\n",
        "6": "drm-driver: xe\ndrm-client-id: 6\ndrm-resident-vram0: 1024 KiB\n",
    }
    monkeypatch.setattr(os, "listdir", lambda _: list(infos))
    monkeypatch.setattr(system, "_read", lambda path: infos[path.rpartition("/")[2]])

    assert system.vram_bytes(1) == 3 * 2**20
