"""What a manifest's parameters say to the presets, checked; docs/PRESETS.md lists them."""

from edged.errors import CorruptModel
from edged.models.engines.inputs import number_of, word_of
from edged.models.preset_parameters import PARAMETERS
from edged.models.runtime import ModelSpec

__all__ = ["check_known", "flag_of", "number_of", "numbers_of", "whole_of", "word_of"]


def flag_of(spec: ModelSpec, name: str, *, default: bool) -> bool:
    """A parameter that is true or false.

    Raises:
        CorruptModel: the manifest gives something else.
    """
    value = spec.parameters.get(name, default)
    if not isinstance(value, bool):
        raise wrong(spec, name, "true or false")
    return value


def whole_of(spec: ModelSpec, name: str, default: int, *, least: int, most: int) -> int:
    """A parameter that is a whole number within bounds; raises as `flag_of`."""
    value = spec.parameters.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise wrong(spec, name, f"a whole number from {least} to {most}")
    return value


def numbers_of(spec: ModelSpec, name: str, default: tuple[float, ...]) -> tuple[float, ...]:
    """A parameter that is one number or one per channel; raises as `flag_of`."""
    value = spec.parameters.get(name, default)
    if isinstance(value, bool | str):
        raise wrong(spec, name, "a number, or one for each channel")
    found = value if isinstance(value, tuple) else (float(value),)
    if len(found) not in {1, 3}:
        raise wrong(spec, name, "a number, or one for each channel")
    return found


def check_known(spec: ModelSpec) -> None:
    """Refuse a parameter that nothing reads: a misspelt one would silently do nothing.

    Raises:
        CorruptModel: it names the parameter.
    """
    known = sorted(PARAMETERS[spec.task])
    for name in spec.parameters:
        if name not in known:
            raise CorruptModel(
                f"parameter {name} of {spec.id} is unknown for {spec.task}",
                fix=f"one of: {' '.join(known)}; docs/PRESETS.md explains them",
                model=spec.id,
            )


def wrong(spec: ModelSpec, name: str, wanted: str) -> CorruptModel:
    """The error of a parameter that has another value than it may."""
    return CorruptModel(
        f"parameter {name} of {spec.id} has to be {wanted}",
        fix="correct the manifest; docs/PRESETS.md explains its parameters",
        model=spec.id,
    )
