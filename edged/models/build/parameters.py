"""A builder's parameters, as its manifest gives them."""

from collections.abc import Collection, Mapping
from pathlib import Path

from edged.errors import ConfigError, ModelMissing
from edged.models.runtime import Parameter


def check_known(parameters: Mapping[str, Parameter], known: Collection[str]) -> None:
    """Make sure that a builder knows what it is told.

    Raises:
        ConfigError: it does not.
    """
    for name in parameters:
        if name not in known:
            raise ConfigError(
                f"the builder has no parameter {name}", fix=f"one of {', '.join(sorted(known))}"
            )


def word_of(
    parameters: Mapping[str, Parameter], name: str, default: str, *, among: Collection[str] = ()
) -> str:
    """A parameter that is a word, one of a few when `among` names them.

    Raises:
        ConfigError: it is not.
    """
    value = parameters.get(name, default)
    if not isinstance(value, str):
        raise ConfigError(f"parameter {name} of the builder is no text")
    if among and value not in among:
        raise ConfigError(
            f"parameter {name} of the builder is unknown", fix=f"one of {', '.join(among)}"
        )
    return value


def numbers_of(
    parameters: Mapping[str, Parameter], name: str, default: tuple[float, ...]
) -> tuple[float, ...]:
    """A parameter that is a number or several.

    Raises:
        ConfigError: it is not.
    """
    value = parameters.get(name, default)
    if isinstance(value, str | bool) or value == ():
        raise ConfigError(f"parameter {name} of the builder is no number")
    return value if isinstance(value, tuple) else (float(value),)


def ingredient(ingredients: Mapping[str, Path], name: str) -> Path:
    """Where an ingredient lies.

    Raises:
        ModelMissing: the build names none of that name.
    """
    if name not in ingredients:
        raise ModelMissing(
            f"the builder needs an ingredient that is called {name}",
            fix="name it in the manifest, under `build.ingredients`",
        )
    return ingredients[name]
