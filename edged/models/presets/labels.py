"""What a model's outputs stand for: from its manifest, a file beside it, or its own file."""

import os

from edged.errors import CorruptModel, ModelMissing
from edged.models.engines.inputs import file_of
from edged.models.presets.metadata import LARGEST_LIST, Notes, lines_in, member_lines, members_of
from edged.models.presets.parameters import word_of
from edged.models.runtime import ModelSpec


def labels_of(spec: ModelSpec, notes: Notes) -> tuple[str, ...]:
    """The labels, in order; none when nobody says.

    The manifest's `labels` come first, then its `labels_file`, then a list within the .tflite: the
    one that parameter `labels_member` names, the one that its metadata names, or the only one.

    Raises:
        CorruptModel, ModelMissing: a list that was named is not there or cannot be read.
    """
    if spec.labels:
        return spec.labels
    if spec.labels_file:
        return file_lines(spec, spec.labels_file)
    member = word_of(spec, "labels_member", "") or _member(spec, notes)
    return member_lines(spec, member) if member else ()


def file_lines(spec: ModelSpec, name: str) -> tuple[str, ...]:
    """The lines of one of the model's files, without the empty ones at its end; errors as above."""
    path = file_of(spec, name)
    if not os.path.isfile(path):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_LIST + 1)
    except OSError as error:
        raise CorruptModel(f"{name} of {spec.id} cannot be read", model=spec.id) from error
    return lines_in(content, spec, name)


def _member(spec: ModelSpec, notes: Notes) -> str:
    """The list that the metadata names, else the only one; empty when there is none."""
    for output in notes.outputs:
        if output.labels:
            return output.labels
    vocabularies = {one.vocabulary for one in notes.inputs}
    others = [name for name in members_of(spec) if name not in vocabularies]
    return others[0] if len(others) == 1 else ""
