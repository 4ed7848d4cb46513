"""`jobs` and `watch`: work that goes on without anyone waiting for it."""

import argparse
import os
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.messages import replies, requests
from edged.messages.records import Job


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    jobs = Family(commands, shared, "jobs", "the durable queue")
    listing = jobs.add("list", list_jobs, "jobs, newest first")
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("--state", choices=("queued", "running", "done", "failed", "cancelled"))
    submit = jobs.add("submit", submit_files, "queue files for transcription")
    submit.add_argument("files", metavar="FILE", nargs="+")
    submit.add_argument("--model", metavar="ID")
    submit.add_argument("--language", metavar="CODE")
    submit.add_argument("--keep-audio", action="store_true")
    submit.add_argument("--diarize", action="store_true", help="say who speaks")
    submit.add_argument("--speakers", type=int, metavar="N", help="how many there are, if known")
    submit.add_argument("--lexicon", metavar="NAME", action="append", help="correct and count")
    for verb, run, text in (
        ("show", show, "one job"),
        ("cancel", cancel, "cancel a job; what is committed stays"),
        ("retry", retry, "queue a failed or cancelled job again"),
    ):
        jobs.add(verb, run, text).add_argument("id", metavar="ID")
    purge = jobs.add("purge", purge_jobs, "remove ended jobs from the list; recordings stay")
    purge.add_argument("--older-than-days", type=float, default=0.0)
    watch = Family(commands, shared, "watch", "folders whose new files are transcribed")
    folder = watch.add("add", watch_add, "watch a folder")
    folder.add_argument("path", metavar="FOLDER")
    folder.add_argument("--flat", action="store_true", help="leave its subfolders alone")
    folder.add_argument("--model", metavar="ID")
    folder.add_argument("--language", metavar="CODE")
    folder.add_argument(
        "--lexicon", metavar="NAME", action="append", help="correct and count; several are added up"
    )
    removed = watch.add("remove", watch_remove, "stop watching; jobs and recordings stay")
    removed.add_argument("path", metavar="FOLDER")
    watch.add("list", watch_list, "watched folders")


def list_jobs(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print jobs and how many there are in each state."""
    request = requests.JobsList(state=arguments.state, limit=arguments.limit)
    with settings.connect() as daemon:
        found = daemon.ask(request, replies.Jobs)
    if settings.json:
        render.as_json(found)
        return
    columns = ["id", "name", "state", "stage", ">done", ">tries", "model"]
    render.table("", columns, [_row(job) for job in found.jobs])
    print("  ".join(f"{count} {state}" for state, count in found.counts.items()) or "no jobs")


def _row(job: Job) -> list[str]:
    return [
        job.job_id,
        job.name,
        job.state if job.error is None else f"{job.state} ({job.error.code})",
        job.stage,
        f"{job.progress:.0%}",
        f"{job.attempts}/{job.max_attempts}",
        job.model,
    ]


def submit_files(settings: Settings, arguments: argparse.Namespace) -> None:
    """Queue files; content that was done the same way before is one job."""
    found = []
    with settings.connect() as daemon:
        for file in arguments.files:
            request = requests.JobsSubmit(
                path=os.path.abspath(file),
                model=arguments.model,
                language=arguments.language,
                keep_audio=arguments.keep_audio,
                diarize=arguments.diarize or arguments.speakers is not None,
                speakers=arguments.speakers,
                lexicons=None if arguments.lexicon is None else tuple(arguments.lexicon),
            )
            found.append(daemon.ask(request, replies.OneJob))
    if settings.json:
        render.as_json({"jobs": found})
        return
    for one in found:
        known = " (known before)" if one.existing else ""
        print(f"{one.job.job_id}  {one.job.state}  {one.job.name}{known}")


def show(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print one job."""
    with settings.connect() as daemon:
        _print(settings, daemon.ask(requests.JobsGet(job_id=arguments.id), replies.OneJob))


def cancel(settings: Settings, arguments: argparse.Namespace) -> None:
    """Cancel a job."""
    with settings.connect() as daemon:
        _print(settings, daemon.ask(requests.JobsCancel(job_id=arguments.id), replies.OneJob))


def retry(settings: Settings, arguments: argparse.Namespace) -> None:
    """Queue a job again."""
    with settings.connect() as daemon:
        _print(settings, daemon.ask(requests.JobsRetry(job_id=arguments.id), replies.OneJob))


def _print(settings: Settings, found: replies.OneJob) -> None:
    job = found.job
    if settings.json:
        render.as_json(job)
        return
    print(f"{job.job_id}  {job.name}\n  {job.state}, {job.stage or 'no stage'} {job.progress:.0%}")
    print(f"  tries {job.attempts}/{job.max_attempts}, recording {job.recording_id or 'none yet'}")
    if job.error is not None:
        print(f"  {job.error.code}: {job.error.message}\n  fix: {job.error.fix}")


def purge_jobs(settings: Settings, arguments: argparse.Namespace) -> None:
    """Remove ended jobs from the list."""
    request = requests.JobsPurge(older_than_ms=int(arguments.older_than_days * 86_400_000))
    with settings.connect() as daemon:
        found = daemon.ask(request, replies.Done)
    if settings.json:
        render.as_json({"purged": found.count})
    else:
        print(f"{found.count} removed")


def watch_add(settings: Settings, arguments: argparse.Namespace) -> None:
    """Watch a folder."""
    request = requests.WatchAdd(
        path=os.path.abspath(arguments.path),
        recursive=not arguments.flat,
        model=arguments.model,
        language=arguments.language,
        lexicons=None if arguments.lexicon is None else tuple(arguments.lexicon),
    )
    _folders(settings, request)


def watch_remove(settings: Settings, arguments: argparse.Namespace) -> None:
    """Stop watching a folder."""
    _folders(settings, requests.WatchRemove(path=os.path.abspath(arguments.path)))


def watch_list(settings: Settings, _: argparse.Namespace) -> None:
    """Print watched folders."""
    _folders(settings, requests.WatchList())


def _folders(
    settings: Settings, request: requests.WatchAdd | requests.WatchRemove | requests.WatchList
) -> None:
    with settings.connect() as daemon:
        found = daemon.ask(request, replies.Folders)
    if settings.json:
        render.as_json(found)
        return
    rows = [
        [
            folder.path,
            "with subfolders" if folder.recursive else "alone",
            folder.model or "default",
            folder.problem.message if folder.problem else "ok",
        ]
        for folder in found.folders
    ]
    render.table("", ["folder", "depth", "model", "state"], rows)
