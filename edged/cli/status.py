"""`status`, `health`, `metrics`, `describe`, `shutdown`: quick answers, printed plainly."""

import argparse
import time
from typing import Any

from edged.bridge import endpoint
from edged.cli import render
from edged.cli.connect import Settings
from edged.errors import DaemonDown
from edged.messages import replies, requests
from edged.messages.seeing import SightState

DEGRADED_STATUS = {"ok": 0, "degraded": 0, "failing": 1}
STOP_WITHIN_S = 30.0


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    for name, run, text in (
        ("status", status, "whether the daemon runs, and how it is"),
        ("health", health, "the daemon's own findings, with fixes; exit status 1 when failing"),
        ("metrics", metrics, "counters and gauges"),
        ("describe", describe, "what this daemon can do right now"),
        ("shutdown", shutdown, "stop the daemon in order; jobs resume at the next start"),
    ):
        command = commands.add_parser(name, parents=[shared], help=text, description=text)
        command.set_defaults(run=run)


def status(settings: Settings, _: argparse.Namespace) -> int:
    """Print pid, version, uptime, health and what is loaded."""
    with settings.connect() as daemon:
        report = daemon.ask(requests.Health(), replies.HealthReport)
    if settings.json:
        render.as_json(
            {
                "pid": report.pid,
                "version": report.version,
                "uptime_s": report.uptime_s,
                "health": report.status,
                "reasons": report.reasons,
                "models_loaded": report.models_loaded,
                "queue_depth": report.queue_depth,
                "recording": report.recording,
                "watching": report.watching,
                "socket": str(settings.paths.socket),
                "database": str(settings.paths.database),
            }
        )
        return 0
    print(f"edged {report.version}  pid {report.pid}  up {render.ago(int(report.uptime_s * 1000))}")
    print(f"health   {report.status}")
    _print_reasons(report)
    print(f"models   {', '.join(report.models_loaded) or 'none in memory'}")
    print(f"jobs     {report.queue_depth} waiting or running")
    _print_recording(report)
    return 0


def health(settings: Settings, _: argparse.Namespace) -> int:
    """Print the findings; a failing daemon is exit status 1."""
    with settings.connect() as daemon:
        report = daemon.ask(requests.Health(), replies.HealthReport)
    if settings.json:
        render.as_json(report)
        return DEGRADED_STATUS[report.status]
    print(f"{report.status}  ({report.timestamp})")
    _print_reasons(report)
    _print_recording(report)
    commit = report.last_commit_age_ms
    print(f"last commit   {'none yet' if commit is None else render.ago(commit) + ' ago'}")
    print(f"disk free     {render.size(report.disk_free_bytes)}")
    print(f"sqlite        {report.sqlite_version}")
    return DEGRADED_STATUS[report.status]


def _print_reasons(report: replies.HealthReport) -> None:
    for reason in report.reasons:
        print(f"  {reason.code}: {reason.message}\n    fix: {reason.fix}")


def _print_recording(report: replies.HealthReport) -> None:
    """Who listens to or watches what: nobody is recorded without it being seen."""
    for one in report.recording:
        devices, who = ", ".join(one.devices), one.started_by or "a client without a name"
        print(f"recording  {one.session_id}  {devices}  {render.ago(one.duration_ms)}, by {who}")
    for sight in report.watching:
        by = f", by {sight.started_by}" if sight.started_by else ""
        print(f"watching   {sight.kind} {sight.device}  {frame_rates(sight)}{by}")
    if not report.recording and not report.watching:
        print("recording  nothing")


def frame_rates(sight: SightState) -> str:
    """Frames a second of a source of pictures; or why it gives none."""
    if sight.lost:
        return f"gives nothing: {sight.lost}"
    counts = sight.counts
    return (
        f"{counts.captured_fps:g} captured, {counts.processed_fps:g} processed, "
        f"{counts.skipped_fps:g} skipped, {counts.detected_fps:g} detected a second"
    )


def metrics(settings: Settings, _: argparse.Namespace) -> None:
    """Print counters and gauges."""
    with settings.connect() as daemon:
        report = daemon.ask(requests.Metrics(), replies.MetricsReport)
    if settings.json:
        render.as_json(report)
        return
    for name, value in sorted({**report.counters, **report.gauges}.items()):
        print(f"{name:32} {value:g}")


def describe(settings: Settings, _: argparse.Namespace) -> None:
    """Print tasks with their models, engines and limits."""
    with settings.connect() as daemon:
        found = daemon.ask(requests.Describe(), replies.Description)
    if settings.json:
        render.as_json(found)
        return
    print(f"edged {found.version}, protocol {found.protocol}")
    for task, described in found.tasks.items():
        print(f"{task:18} {described.default or 'nothing installed'}  ({described.reason})")
    for engine, present in found.engines.items():
        print(f"engine {engine:18} {'installed' if present else 'not installed'}")
    print(f"media              {' '.join(found.media)}")


def shutdown(settings: Settings, _: argparse.Namespace) -> None:
    """Stop the daemon and wait until its lock is free."""
    if endpoint.holder(settings.paths) is None:
        raise DaemonDown("no daemon runs in this home", fix="nothing to do")
    quiet = Settings(json=settings.json, start=False)
    with quiet.connect() as daemon:
        daemon.ask(requests.Shutdown(), replies.Done)
    deadline = time.monotonic() + STOP_WITHIN_S
    while endpoint.holder(settings.paths) is not None:
        if time.monotonic() > deadline:
            raise DaemonDown(f"the daemon does not end within {STOP_WITHIN_S:.0f} s")
        time.sleep(0.02)
    if settings.json:
        render.as_json({"stopped": True})
    else:
        print("stopped")
