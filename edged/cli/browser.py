"""`browser install|uninstall|list|doctor`: what lets an extension reach the daemon (docs/BROWSER.md)."""

import argparse
from typing import Any

from edged.cli.families import Family, later

CHOICES = ("chrome", "chromium", "edge", "brave", "vivaldi", "opera", "firefox", "all")
"""What --browser takes; `all`: every one that is on this machine."""


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    family = Family(commands, shared, "browser", "let browser extensions reach the daemon")
    module = "edged.cli.browsers"
    install = family.add(
        "install", later(module, "install"), "tell the browsers that are here where the host lies"
    )
    install.add_argument(
        "--extension-id",
        action="append",
        default=[],
        metavar="ID",
        help="an extension beside edged's own that may start the host; again for more",
    )
    uninstall = family.add("uninstall", later(module, "uninstall"), "remove what install wrote")
    listing = family.add("list", later(module, "show"), "which browsers are here, and registered")
    doctor = family.add(
        "doctor",
        later(module, "doctor"),
        "what each browser finds, which file wins, and whether the host starts",
    )
    doctor.add_argument(
        "--extension-id", metavar="ID", help="whether this extension may, in place of edged's own"
    )
    for one in (install, uninstall, listing, doctor):
        one.add_argument("--browser", choices=CHOICES, default="all")
        one.add_argument(
            "--user-data-dir",
            metavar="DIR",
            help="of a Chromium browser that is started with this flag: it looks in there only",
        )
