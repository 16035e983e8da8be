"""Messages that could not be handled: listed, put back and dismissed, by whoever runs the service."""

import argparse
import re
from collections.abc import Awaitable, Callable, Sequence

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
from order_service.ports import DeadLetterBox, LetterOutcome
from order_service.use_cases.dismiss_letter import DismissLetter
from order_service.use_cases.list_dead_letters import ListDeadLetters, ListedLetter
from order_service.use_cases.redrive_letter import RedriveLetter

_LONGEST_KEY = 40
_SETTLED = {LetterOutcome.REDRIVEN: "put back", LetterOutcome.DISMISSED: "dismissed"}


def add_commands(commands: Commands) -> None:
    letters = commands.group(
        "dead-letters", "messages that could not be handled: see them, have them heard again, dismiss them"
    )
    listed = letters.add(
        "list",
        list_letters,
        "list messages that no retry made right, the oldest first",
        about="""Prints where each lies (PARTITION@OFFSET among the dead letters), when it died, where it came
        from, the beginning of its key (the order's id, if its sender does as we ask) and why; --json also
        gives what was in it.""",
    )
    listed.add_argument("--all", action="store_true", help="those too that were put back or dismissed")
    listed.add_argument(
        "--limit", type=positive, default=100, metavar="N", help="the newest N at most (default: 100)"
    )
    add_json(listed, "a JSON object per line and message")
    redriven = letters.add(
        "redrive",
        redrive_letters,
        "have messages heard again, once what kept them from being handled is mended",
        about="""Each goes back to the topic that it came from, and is not put back a second time. One that was
        cut, because it was too big to be kept whole, stays, and so does one that came from no topic that is heard
        here: if it was cut, send it anew from where it came from; then dismiss it.""",
    )
    redriven.add_argument(
        "letters", nargs="*", type=_place, metavar="PARTITION@OFFSET", help="these alone (default: all that wait)"
    )
    add_json(redriven, "a JSON object per line and message")
    dismissed = letters.add(
        "dismiss",
        dismiss_letters,
        "say of messages that they need not be handled",
        about="""They wait no longer, and cannot be redriven; they stay where they are until Kafka forgets them. Do so
        when nothing is lost by it: a message was sent anew, or nobody needs it.""",
    )
    dismissed.add_argument("letters", nargs="+", type=_place, metavar="PARTITION@OFFSET", help="which")
    add_json(dismissed, "a JSON object per line and message")


def list_letters(settings: Settings, given: argparse.Namespace) -> int:
    _require_kafka(settings)

    async def act(container: AsyncContainer) -> None:
        listed = [each for each in await _letters(container) if given.all or not each.is_settled][-given.limit :]
        if given.json:
            for each in listed:
                tell(_shown(each))
        elif listed:
            rows = [
                [
                    _at(each),
                    second(each.letter.place.died_at),
                    _origin(each),
                    _text(each.letter.key or b"")[:_LONGEST_KEY],
                    _state(each),
                    each.letter.cause,
                ]
                for each in listed
            ]
            tell_columns([["letter", "died", "came from", "key", "state", "cause"], *rows])
        else:
            print("No message waits." if not given.all else "There are none.")

    return carry_out(act, settings)


def redrive_letters(settings: Settings, given: argparse.Namespace) -> int:
    _require_kafka(settings)

    async def act(container: AsyncContainer) -> int:
        redrive = await container.get(RedriveLetter)
        places: Sequence[tuple[int, int]] = given.letters
        if not places:
            waiting = [each.letter for each in await _letters(container) if not each.is_settled]
            places = [
                (letter.place.partition, letter.place.offset) for letter in waiting if letter.heard and not letter.cut
            ]
            if stay := len(waiting) - len(places):
                complain(f"{stay} were cut or came from elsewhere, and stay.")

        async def put_back(partition: int, offset: int) -> dict[str, object]:
            return {"to": (await redrive(partition, offset, by=SYSTEM)).topic}

        return await _settle(places, put_back, given, done="put back")

    return carry_out(act, settings)


def dismiss_letters(settings: Settings, given: argparse.Namespace) -> int:
    _require_kafka(settings)

    async def act(container: AsyncContainer) -> int:
        dismiss = await container.get(DismissLetter)

        async def drop(partition: int, offset: int) -> dict[str, object]:
            await dismiss(partition, offset, by=SYSTEM)
            return {}

        return await _settle(given.letters, drop, given, done="dismissed")

    return carry_out(act, settings)


async def _settle(
    places: Sequence[tuple[int, int]],
    settle: Callable[[int, int], Awaitable[dict[str, object]]],
    given: argparse.Namespace,
    *,
    done: str,
) -> int:
    """One after the other; one that is refused keeps no other from it. `settle` gives what --json tells beside."""
    refused = 0
    with progress("messages", total=len(places)) as bar:
        for partition, offset in places:
            try:
                told = await settle(partition, offset)
            except DependencyUnavailable:
                raise
            except OrderServiceError as error:
                refused += 1
                complain(f"{partition}@{offset}: {error}")
            else:
                if given.json:
                    tell({"letter": f"{partition}@{offset}", **told})
            bar.update()
    if not given.json:
        print(f"{len(places) - refused} {done}.")
    return REFUSED if refused else DONE


async def _letters(container: AsyncContainer) -> Sequence[ListedLetter]:
    """All that are kept, the oldest first."""
    extent = (await (await container.get(DeadLetterBox)).extent()).values()
    kept = sum(end - first for first, end in extent)
    newest = await (await container.get(ListDeadLetters))(limit=kept, by=SYSTEM) if kept else ()
    return newest[::-1]


def _place(text: str) -> tuple[int, int]:
    found = re.fullmatch("([0-9]{1,19})@([0-9]{1,19})", text)
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
        "settled": None if each.settlement is None else each.settlement.how,
        "key": None if letter.key is None else _text(letter.key),
        "value": None if letter.value is None else _text(letter.value),
    }


def _text(content: bytes) -> str:
    """Of what may be anything."""
    return content.decode(errors="replace")


def _at(each: ListedLetter) -> str:
    return f"{each.letter.place.partition}@{each.letter.place.offset}"


def _origin(each: ListedLetter) -> str:
    letter = each.letter
    return f"{letter.topic}/{letter.partition}@{letter.offset}" if letter.topic else ""


def _state(each: ListedLetter) -> str:
    if each.settlement is not None:
        return _SETTLED[each.settlement.how]
    return "not ours" if not each.letter.heard else "waits, cut" if each.letter.cut else "waits"
