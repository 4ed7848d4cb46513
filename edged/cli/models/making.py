"""The verbs that make something: `models quantize add`.

Only their arguments are here: what they do is imported when they run.
"""

from edged.cli.families import Family, later

PACKAGE = "edged.cli.models"


def add(models: Family) -> None:
    """Add these verbs."""
    run = later(f"{PACKAGE}.quantizing", "quantize_model")
    quantize = models.add("quantize", run, "make an ONNX model smaller, and say what that costs")
    quantize.add_argument("source", metavar="IN.onnx")
    quantize.add_argument("target", metavar="OUT.onnx")
    text = "nbits8 (default) and nbits4: weights in blocks; dynamic; static: with --calibration"
    methods = ("nbits8", "nbits4", "dynamic", "static")
    quantize.add_argument("--method", choices=methods, default="nbits8", help=text)
    text = "holds samples of the inputs, .npz by their names (.npy for one input)"
    quantize.add_argument("--calibration", metavar="DIR", help=text)
    quantize.add_argument("--force", action="store_true", help="replace OUT.onnx")
    _add_own(models)


def _add_own(models: Family) -> None:
    run = later(f"{PACKAGE}.adding", "add_model")
    own = models.add("add", run, "make a model that you have known, by a manifest of its own")
    own.add_argument("place", metavar="DIR|FILE")
    own.add_argument("--engine", metavar="E", required=True, help="faster_whisper, onnx, ...")
    own.add_argument("--task", metavar="T", required=True, help="transcribe, image_classify, ...")
    own.add_argument("--id", metavar="ID", help="by default from the file's or folder's name")
    own.add_argument("--license", metavar="L", default="unknown")
    own.add_argument("--languages", metavar="en,de", help="what it knows, with commas")
    text = "a parameter of its adapter; several times for several"
    own.add_argument("--set", metavar="NAME=VALUE", dest="parameters", action="append", help=text)
    where = own.add_mutually_exclusive_group()
    where.add_argument("--link", action="store_true", help="use the files where they lie (default)")
    where.add_argument("--copy", action="store_true", help="copy them into the models folder")
    own.add_argument("--force", action="store_true", help="replace a manifest with that id")
