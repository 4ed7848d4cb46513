"""`people`: those who have a name here, and their voices."""

import argparse
from typing import Any

from edged.bridge.link import SyncClient
from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.errors import NotFound
from edged.messages import people, replies
from edged.messages.people import Person

WHO = "a name, an id, or `me`"


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    family = Family(commands, shared, "people", "who has a name here")
    family.add("list", list_people, "everyone, you first")
    family.add("add", add_person, "a new person").add_argument("name", metavar="NAME")
    rename_ = family.add("rename", rename, "give a person another name")
    rename_.add_argument("who", metavar="WHO", help=WHO)
    rename_.add_argument("name", metavar="NAME")
    forget_ = family.add("forget", forget, "delete a person with voice and claims, for good")
    forget_.add_argument("who", metavar="WHO", help=WHO)
    forget_.add_argument("--voice-only", action="store_true", help="the person stays")
    enroll_ = family.add("enroll", enroll, "keep a person's voice, to recognise it")
    enroll_.add_argument("who", metavar="WHO", help=WHO)
    enroll_.add_argument("speaker", metavar="SPEAKER", help="claimed as that person")
    enroll_.add_argument(
        "--consent", action="store_true", help="the person agrees that the voice is kept"
    )


def list_people(settings: Settings, _: argparse.Namespace) -> None:
    """Print everyone."""
    with settings.connect() as daemon:
        found = daemon.ask(people.PeopleList(), people.People)
    if settings.json:
        render.as_json(found)
        return
    rows = [
        [
            one.id,
            one.name + (" (me)" if one.is_me else ""),
            str(one.sessions),
            f"since {(one.consent_at or '')[:10]}" if one.voice else "",
        ]
        for one in found.people
    ]
    render.table("", ["id", "name", ">sessions", "voice enrolled"], rows)


def add_person(settings: Settings, arguments: argparse.Namespace) -> None:
    """Add a person."""
    with settings.connect() as daemon:
        found = daemon.ask(people.PeopleAdd(name=arguments.name), people.OnePerson)
    _print(settings, found, f"{found.person.id} {found.person.name}")


def rename(settings: Settings, arguments: argparse.Namespace) -> None:
    """Give a person another name."""
    with settings.connect() as daemon:
        person = find(daemon, arguments.who)
        request = people.PeopleRename(person_id=person.id, name=arguments.name)
        found = daemon.ask(request, people.OnePerson)
    _print(settings, found, f"{person.name} is now {found.person.name}")


def forget(settings: Settings, arguments: argparse.Namespace) -> None:
    """Delete a person, or the voice alone."""
    with settings.connect() as daemon:
        person = find(daemon, arguments.who)
        request = people.PeopleForget(person_id=person.id, voice_only=arguments.voice_only)
        daemon.ask(request, replies.Done)
    if settings.json:
        render.as_json({"forgotten": person.id, "voice_only": arguments.voice_only})
    else:
        print("the voice is deleted" if arguments.voice_only else "deleted")


def enroll(settings: Settings, arguments: argparse.Namespace) -> None:
    """Keep a person's voice."""
    with settings.connect() as daemon:
        person = find(daemon, arguments.who)
        request = people.PeopleEnroll(
            person_id=person.id, speaker_id=arguments.speaker, consent=arguments.consent
        )
        found = daemon.ask(request, people.OnePerson)
    _print(settings, found, f"the voice of {found.person.name} is enrolled")


def find(daemon: SyncClient, who: str) -> Person:
    """Whoever has that id or name; `me` is the owner of the store.

    Raises:
        NotFound: nobody.
    """
    everyone = daemon.ask(people.PeopleList(), people.People).people
    folded = who.casefold()
    by_id = [one for one in everyone if one.id == who]
    by_name = [one for one in everyone if one.name.casefold() == folded]
    owner = [one for one in everyone if one.is_me and who == "me"]
    for one in (*by_id, *by_name, *owner):
        return one
    raise NotFound("nobody here has that name or id", fix="`edged people list` shows everyone")


def _print(settings: Settings, found: people.OnePerson, line: str) -> None:
    if settings.json:
        render.as_json(found.person)
    else:
        print(line)
