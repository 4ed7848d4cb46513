"""Which change of a manifest makes a loaded model another one."""

from collections.abc import Mapping

import msgspec

from edged.models.manifest import Manifest


def runs_the_same(one: Manifest, other: Manifest) -> bool:
    """Whether a model loaded by one manifest is what the other describes.

    What only people read, and what only the choice among models looks at, may differ.
    """
    return _bare(one) == _bare(other)


def run_the_same(one: Mapping[str, Manifest], other: Mapping[str, Manifest]) -> bool:
    """Whether both hold the same models, and each runs the same."""
    return one.keys() == other.keys() and all(
        runs_the_same(manifest, other[model]) for model, manifest in one.items()
    )


def group_by_process(manifests: Mapping[str, Manifest]) -> dict[str, dict[str, Manifest]]:
    """The models that share a process, by its name.

    A model that holds the GIL never shares one, whatever it says.
    """
    groups: dict[str, dict[str, Manifest]] = {}
    for one in manifests.values():
        name = one.id if one.holds_gil else one.process
        groups.setdefault(name, {})[one.id] = one
    return groups


def _bare(manifest: Manifest) -> Manifest:
    return msgspec.structs.replace(
        manifest,
        description="",
        license="",
        license_url="",
        terms=(),
        embedded=False,
        quantization="",
        minimum_engine="",
        accelerators=(),
        quality=None,
        rank=0.0,
        load_ms=0,
    )
