from pathlib import Path
from typing import get_args

import msgspec

from adapters.kafka.messages import PAYMENTS, SHIPMENTS
from composition.asyncapi import asyncapi
from composition.settings import Settings
from order_service.domain.events import Event

CHECKED_IN = Path(__file__).parents[2] / "docs" / "asyncapi.json"


def test_the_checked_in_description_is_the_one_of_the_code() -> None:
    assert msgspec.json.decode(CHECKED_IN.read_bytes()) == msgspec.json.decode(
        msgspec.json.encode(asyncapi(Settings()))
    ), "it is old: run `just asyncapi`"


def test_every_message_is_described() -> None:
    messages = {
        message["name"]
        for channel in asyncapi(Settings())["channels"].values()
        for message in channel["messages"].values()
    }
    assert messages == {event.type for event in get_args(Event)} | set(PAYMENTS) | set(SHIPMENTS)
