"""`models quantize`: a smaller copy of an ONNX model, and what it cost."""

import argparse
import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import render
from edged.cli.connect import Settings
from edged.errors import Conflict, Denied, DiskFull, EngineMissing, ModelMissing

if TYPE_CHECKING:
    from edged.models.build import comparison

DYNAMIC = (
    "dynamic quantization scales a whole batch at once: what a model says of one input depends on "
    "the others in its batch; vectors that are stored and compared want nbits8"
)


def quantize_model(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write OUT and print size, time and difference before and after."""
    try:
        # Here, not above: what it needs is an extra that may not be installed.
        from edged.models.build import comparison, quantize
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise EngineMissing(
            f"{package} is not installed, which quantizing needs",
            fix="pip install 'edged[language]'",
        ) from error
    source, target = Path(arguments.source), Path(arguments.target)
    _check(source, target, force=arguments.force)
    samples = quantize.samples_in(_folder(arguments.calibration)) if arguments.calibration else []
    method = next(one for one in quantize.METHODS if one == arguments.method)
    part = target.with_name(target.name + ".part")
    try:
        _tell(settings, f"quantizing {source.name}: {method}")
        quantize.quantize(source, part, method, samples)
        _tell(settings, "running both models")
        found = comparison.compare(source, part, samples)
        part.replace(target)
    except OSError as error:
        raise _cannot(error) from error
    finally:
        part.unlink(missing_ok=True)
    if settings.json:
        render.as_json({"method": method, "out": str(target), "comparison": found})
        return
    _print(found)
    if method == "dynamic":
        print(f"note: {DYNAMIC}")


def _folder(name: str) -> Path:
    if not Path(name).is_dir():
        raise ModelMissing("--calibration names no folder", fix="name the folder of the samples")
    return Path(name)


def _check(source: Path, target: Path, *, force: bool) -> None:
    if not source.is_file():
        raise ModelMissing("there is no such ONNX file", fix="name the file to quantize")
    if target.exists() and (target.samefile(source) or not force):
        raise Conflict("OUT is there already", fix="name another file, or --force")


def _tell(settings: Settings, text: str) -> None:
    if not settings.json:
        print(text, file=sys.stderr, flush=True)


def _cannot(error: OSError) -> Denied | DiskFull:
    kind = DiskFull if error.errno == errno.ENOSPC else Denied
    return kind(f"a file cannot be read or written: {error.strerror}", fix="check both folders")


def _print(found: "comparison.Comparison") -> None:
    before, after = found.before, found.after
    rows = [
        [
            "size",
            render.size(before.bytes),
            render.size(after.bytes),
            _times(before.bytes, after.bytes),
        ],
        [
            "one run, one thread",
            f"{before.p50_us / 1000:.3g} ms",
            f"{after.p50_us / 1000:.3g} ms",
            _times(before.p50_us, after.p50_us),
        ],
    ]
    render.table("", ["", ">before", ">after", ">factor"], rows)
    inputs = "inputs made up from the shapes" if found.made_up else f"{found.samples} samples"
    print(
        f"outputs on {inputs}: they differ by at most {found.largest_difference:.3g}, "
        f"cosine {found.cosine:.4f}"
    )


def _times(before: int, after: int) -> str:
    return f"{after / max(1, before):.2f}"
