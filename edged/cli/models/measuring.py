"""`models bench file`: how fast a model is here, and a copy of one of its files."""

import argparse
import errno
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.cli.models.watching import shown
from edged.errors import CorruptModel, Denied, DiskFull, VersionSkew
from edged.messages import replies, requests
from edged.messages.records import BenchmarkRow


def add(models: Family) -> None:
    """Add these verbs."""
    bench_verb = models.add("bench", bench, "measure a model here, in every way that works")
    bench_verb.add_argument("id", metavar="ID")
    bench_verb.add_argument("--seconds", type=float, default=1.0, help="for each way; default 1")
    file_verb = models.add("file", file, "copy a verified file of a model out of the daemon")
    file_verb.add_argument("id", metavar="ID")
    file_verb.add_argument("name", metavar="NAME", help="as `models show` names it")
    file_verb.add_argument(
        "--out", metavar="FILE", required=True, help="where to; resumes FILE.part"
    )


def bench(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print how fast a model is, by device and threads."""
    request = requests.ModelsBench(model=arguments.id, seconds=arguments.seconds)
    found: replies.Benchmark | None = None
    with settings.connect() as daemon, shown(settings) as bar:
        for reply, _ in daemon.stream(request):
            if isinstance(reply, replies.Progress) and bar is not None:
                bar.progress(reply)
            elif isinstance(reply, replies.Benchmark):
                found = reply
    if found is None:
        raise VersionSkew("the daemon sent no benchmark")
    if settings.json:
        render.as_json(found)
        return
    print_benchmark(found.rows)


def print_benchmark(rows: Sequence[BenchmarkRow]) -> None:
    """Print the table of ways, and what kept others from being measured."""
    columns = ["", "device", ">threads", ">load", ">p50", ">p95", ">per second", ">memory"]
    render.table("", columns, [_row(one) for one in rows if one.error is None])
    for one in rows:
        if one.error is not None:
            print(f"{one.device} x{one.threads}: {one.error.message}\n  fix: {one.error.fix}")


def _row(one: BenchmarkRow) -> list[str]:
    return [
        "*" if one.chosen else "",
        one.device,
        str(one.threads),
        f"{one.load_ms} ms",
        f"{one.p50_us / 1000:.3g} ms",
        f"{one.p95_us / 1000:.3g} ms",
        f"{one.per_second:.4g}",
        render.size(one.pss_bytes),
    ]


def file(settings: Settings, arguments: argparse.Namespace) -> None:
    """Copy a file: into OUT.part, which a later try continues; renamed when its hash is right."""
    target = Path(arguments.out)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("ab") as out:
            fact = _fetch(settings, arguments, out)
            out.flush()
            os.fsync(out.fileno())
        _check(part, fact)
        part.replace(target)
    except OSError as error:
        kind = DiskFull if error.errno == errno.ENOSPC else Denied
        raise kind(f"the copy cannot be written: {error.strerror}", fix="see --out") from error
    if settings.json:
        render.as_json({"file": str(target), "size_bytes": fact.total_bytes, "sha256": fact.sha256})
    else:
        print(f"{target}  {render.size(fact.total_bytes)}  sha256 {fact.sha256}")


def _fetch(settings: Settings, arguments: argparse.Namespace, out: BinaryIO) -> replies.FilePart:
    """Append what is missing; returns the facts that came with the last part."""
    request = requests.ModelsFile(model=arguments.id, name=arguments.name, offset=out.tell())
    fact: replies.FilePart | None = None
    with settings.connect() as daemon, shown(settings) as bar:
        for reply, data in daemon.stream(request):
            if not isinstance(reply, replies.FilePart):
                continue
            fact = reply
            out.writelines(data)
            if bar is not None:
                done = (reply.offset + reply.size_bytes) / max(1, reply.total_bytes)
                bar.progress(replies.Progress(stage="copy", fraction=min(1.0, done)))
    if fact is None:
        raise VersionSkew("the daemon sent no part of the file")
    return fact


def _check(part: Path, fact: replies.FilePart) -> None:
    """Remove what is not the file, so that the next try begins anew."""
    with part.open("rb") as copy:
        found = hashlib.file_digest(copy, "sha256").hexdigest()
    if found != fact.sha256:
        part.unlink()
        raise CorruptModel(
            f"the copy of {fact.name} differs from its sha256",
            fix="try again: an earlier part may have been of another file",
        )
