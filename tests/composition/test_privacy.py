"""Personal data by command, for those who ask by mail."""

import json

from sqlalchemy import URL

from tests.composition.test_people import order_service


async def test_somebody_is_given_all_that_is_kept_of_them(database_url: URL) -> None:
    order_service(database_url, "create-admin", "ann@example.com", typed="correct horse battery\n")
    given = order_service(database_url, "export-account", "Ann@example.com")
    assert given.returncode == 0, given.stderr
    assert json.loads(given.stdout)["account"]["email"] == "ann@example.com"
    nobody = order_service(database_url, "export-account", "bob@example.com")
    assert (nobody.returncode, nobody.stdout, nobody.stderr) == (1, "", "order-service: No such account.\n")


async def test_somebody_is_erased_after_it_was_said_twice(database_url: URL) -> None:
    for name in ("ann", "bob"):
        order_service(database_url, "create-admin", f"{name}@example.com", typed="correct horse battery\n")
    doubted = order_service(database_url, "erase-account", "ann@example.com", typed="yes\n")
    assert (doubted.returncode, doubted.stdout) == (2, "")
    assert doubted.stderr.endswith("order-service: Nothing was erased. Type the same address, or give --yes.\n")
    erased = order_service(database_url, "erase-account", "ann@example.com", typed="ann@example.com\n")
    assert (erased.returncode, "The account is erased." in erased.stdout) == (0, True), erased.stderr
    assert order_service(database_url, "export-account", "ann@example.com").returncode == 1
    last = order_service(database_url, "erase-account", "bob@example.com", "--yes")
    assert (last.returncode, "last administrator" in last.stderr) == (1, True)
