"""One session as a page: what it tells, its lanes of time, and the HTML with its SVG; pure Python."""

from edged.cli.families import Family, later


def add(family: Family) -> None:
    """Add `sessions report` to the family of sessions."""
    text = "write a session as one HTML page: a timeline of speech, speakers, gestures, activity"
    command = family.add("report", later("edged.cli.reporting", "report"), text)
    command.description = f"{text}. The page loads nothing from anywhere, and is not encrypted."
    command.add_argument("id", metavar="ID")
    command.add_argument("--html", metavar="OUT", required=True, help="`-` is stdout")
    command.add_argument("--force", action="store_true", help="replace a file that is there")
