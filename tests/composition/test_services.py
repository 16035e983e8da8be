"""Other systems let in by command, as whoever runs the service does it."""

import msgspec
import pytest
from sqlalchemy import URL

from tests.composition.test_people import order_service


async def test_a_service_is_let_in_seen_given_a_new_secret_and_let_in_no_more(database_url: URL) -> None:
    arguments = ["create-service", "billing", "--scope", "payments:write", "--scope", "orders:read", "--json"]
    made = order_service(database_url, *arguments)
    assert made.returncode == 0, made.stderr
    shown = msgspec.json.decode(made.stdout)
    assert len(shown["client_secret"]) == 43
    assert shown["scope"] == "orders:read payments:write"

    listed = order_service(database_url, "services", "--json").stdout
    service = msgspec.json.decode(listed)
    assert (service["id"], service["name"], service["scope"]) == (shown["client_id"], "billing", shown["scope"])
    assert shown["client_secret"] not in listed
    for_people = order_service(database_url, "services").stdout.splitlines()
    assert [line.split()[0] for line in for_people] == ["name", "billing"]

    rotated = order_service(database_url, "rotate-service-secret", "billing").stdout
    assert shown["client_id"] in rotated
    assert shown["client_secret"] not in rotated

    removed = order_service(database_url, "remove-service", "billing")
    assert (removed.returncode, removed.stdout) == (0, "billing is let in no more.\n")
    assert order_service(database_url, "services").stdout == "No other system is let in.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["create-service", "x", "--scope", "accounts:write"], 2, "invalid choice: 'accounts:write'"),
        (["create-service", "x"], 2, "--scope"),
        (["create-service", "", "--scope", "orders:read"], 1, "name must have"),
        (["rotate-service-secret", "nobody"], 1, "No such service."),
        (["remove-service", "nobody"], 1, "No such service."),
    ],
)
async def test_what_cannot_be_done_is_said(
    database_url: URL, arguments: list[str], code: int, complaint: str
) -> None:
    refused = order_service(database_url, *arguments)
    assert refused.returncode == code
    assert complaint in refused.stderr
    assert "Traceback" not in refused.stderr
