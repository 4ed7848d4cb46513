"""`lexicon`: what is corrected in transcripts, and which words are counted."""

import argparse
import sys
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.messages import people


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    family = Family(commands, shared, "lexicon", "words that are corrected and counted")
    family.add("list", list_lexicons, "every lexicon, and what is wrong with it")
    family.add("show", show, "one lexicon in full").add_argument("name", metavar="NAME")
    apply_ = family.add(
        "apply", apply, "correct a text and count its words; `-` reads it from stdin"
    )
    apply_.add_argument("text", metavar="TEXT")
    apply_.add_argument(
        "--lexicon",
        metavar="NAME",
        action="append",
        required=True,
        help="several may be given; --lexicon=-NAME.CATEGORY does not count a category",
    )


def list_lexicons(settings: Settings, _: argparse.Namespace) -> None:
    """Print what lexicons there are."""
    with settings.connect() as daemon:
        found = daemon.ask(people.LexiconList(), people.LexiconsFound)
    if settings.json:
        render.as_json(found)
        return
    rows = [
        [
            one.name,
            "yes" if one.active else "",
            one.language,
            str(one.corrections),
            ", ".join(f"{name} {count}" for name, count in one.categories.items()),
            one.problem or one.description,
        ]
        for one in found.lexicons
    ]
    render.table("", ["id", "active", "language", ">corrections", "words", ""], rows)


def show(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print one lexicon."""
    with settings.connect() as daemon:
        found = daemon.ask(people.LexiconShow(name=arguments.name), people.OneLexicon)
    if settings.json:
        render.as_json(found)
        return
    print(f"{found.name}: {found.description}")
    rows = [[phrase, word] for phrase, word in found.corrections.items()]
    render.table("", ["heard", "said"], rows)
    for category, words in found.categories.items():
        print(f"{category}: {', '.join(words)}")


def apply(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print what lexicons make of a text."""
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    request = people.LexiconApply(text=text, lexicons=tuple(arguments.lexicon))
    with settings.connect() as daemon:
        found = daemon.ask(request, people.Corrected)
    if settings.json:
        render.as_json({"text": found.text, "corrected": found.corrected, "counts": found.counts})
        return
    print(found.corrected)
    for word, count in found.counts.items():
        print(f"{count:>6}  {word}")
