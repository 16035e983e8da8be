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
