"""Messages that could not be handled: listed, and put back, by whoever runs the service."""

import argparse
import re
from collections.abc import Sequence

from dishka import AsyncContainer

from composition.commands.command import (
    DONE,
    REFUSED,
    Commands,
    add_json,
    carry_out,
    complain,
    positive,
    progress,
    second,
    tell,
    tell_columns,
)
from composition.settings import Settings, SettingsError
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import DependencyUnavailable, OrderServiceError
from order_service.ports import DeadLetterBox
from order_service.use_cases.list_dead_letters import ListDeadLetters, ListedLetter
from order_service.use_cases.redrive_letter import RedriveLetter


def add_commands(commands: Commands) -> None:
    letters = commands.group("dead-letters", "see messages that could not be handled, or have them heard again")
    listed = letters.add(
        "list",
        list_letters,
        "list messages that no retry made right, the oldest first",
        about="""Prints where each lies (PARTITION@OFFSET among the dead letters), when it died, where it came
        from and why; --json also gives what was in it.""",
    )
    listed.add_argument("--all", action="store_true", help="those too that were put back already")
    listed.add_argument(
        "--limit", type=positive, default=100, metavar="N", help="the newest N at most (default: 100)"
    )
    add_json(listed, "a JSON object per line and message")
    redriven = letters.add(
        "redrive",
        redrive_letters,
        "have messages heard again, once what kept them from being handled is mended",
        about="""Each goes back to the topic that it came from, and is not put back a second time. One that was
        cut, because it was too big to be kept whole, stays: send it anew from where it came from. So does one
        that came from no topic that is heard here.""",
    )
    redriven.add_argument(
        "letters", nargs="*", type=_place, metavar="PARTITION@OFFSET", help="these alone (default: all that wait)"
    )
    add_json(redriven, "a JSON object per line and message")


def list_letters(settings: Settings, given: argparse.Namespace) -> int:
    _require_kafka(settings)

    async def act(container: AsyncContainer) -> None:
        listed = [each for each in await _letters(container) if given.all or not each.is_redriven][-given.limit :]
        if given.json:
            for each in listed:
                tell(_shown(each))
        elif listed:
            rows = [
                [_at(each), second(each.letter.place.died_at), _origin(each), _state(each), each.letter.cause]
                for each in listed
            ]
            tell_columns([["letter", "died", "came from", "state", "cause"], *rows])
        else:
            print("No message waits." if not given.all else "There are none.")

    return carry_out(act, settings)


def redrive_letters(settings: Settings, given: argparse.Namespace) -> int:
    _require_kafka(settings)

    async def act(container: AsyncContainer) -> int:
        redrive = await container.get(RedriveLetter)
        places: Sequence[tuple[int, int]] = given.letters
        if not places:
            waiting = [each.letter for each in await _letters(container) if not each.is_redriven]
            places = [
                (letter.place.partition, letter.place.offset) for letter in waiting if letter.heard and not letter.cut
            ]
            if stay := len(waiting) - len(places):
                complain(f"{stay} were cut or came from elsewhere, and stay.")
        refused = 0
        with progress("messages", total=len(places)) as bar:
            for partition, offset in places:
                try:
                    letter = await redrive(partition, offset, by=SYSTEM)
                except DependencyUnavailable:
                    raise
                except OrderServiceError as error:
                    refused += 1
                    complain(f"{partition}@{offset}: {error}")
                else:
                    if given.json:
                        tell({"letter": f"{partition}@{offset}", "to": letter.topic})
                bar.update()
        if not given.json:
            print(f"{len(places) - refused} put back.")
        return REFUSED if refused else DONE

    return carry_out(act, settings)


async def _letters(container: AsyncContainer) -> Sequence[ListedLetter]:
    """All that are kept, the oldest first."""
    extent = (await (await container.get(DeadLetterBox)).extent()).values()
    kept = sum(end - first for first, end in extent)
    newest = await (await container.get(ListDeadLetters))(limit=kept, by=SYSTEM) if kept else ()
    return newest[::-1]


def _place(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)@(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 0@12, as `dead-letters list` prints it")
    return int(found[1]), int(found[2])


def _require_kafka(settings: Settings) -> None:
    if settings.kafka is None:
        raise SettingsError("Set KAFKA_HOST or KAFKA_BOOTSTRAP_SERVERS; without them there are no dead letters.")


def _shown(each: ListedLetter) -> dict[str, object]:
    letter = each.letter
    return {
        "letter": _at(each),
        "died_at": letter.place.died_at,
        "from": _origin(each),
        "cause": letter.cause,
        "detail": letter.detail,
        "cut": letter.cut,
        "heard": letter.heard,
        "redriven": each.is_redriven,
        "value": None if letter.value is None else letter.value.decode(errors="replace"),
    }


def _at(each: ListedLetter) -> str:
    return f"{each.letter.place.partition}@{each.letter.place.offset}"


def _origin(each: ListedLetter) -> str:
    letter = each.letter
    return f"{letter.topic}/{letter.partition}@{letter.offset}" if letter.topic else ""


def _state(each: ListedLetter) -> str:
    if each.is_redriven:
        return "put back"
    return "not ours" if not each.letter.heard else "waits, cut" if each.letter.cut else "waits"
