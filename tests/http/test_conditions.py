"""ETags: what a client knows already is not sent again, and what it has not seen is not changed."""

import asyncio
from collections import Counter

import pytest

from tests.http.shop import ORDERS, Document, Person, Shop, document, order_path, problem

AT_ONCE = 100

GARBAGE = {
    "a bare number": b"1",
    "a word": b"garbage",
    "nothing": b"",
    "a quote that does not end": b'"1',
    "a quote too many": b'"1""',
    "single quotes": b"'1'",
    "two tags without a comma": b'"1" "2"',
    "a small w": b'w/"1"',
    "a star among tags": b'*, "1"',
    "a space within": b'"1 2"',
    "a NUL": b'"1\x00"',
    "a line break": b'"1"\r\nX: y',
    "only a comma": b",",
}
garbage = pytest.mark.parametrize("sent", [pytest.param(sent, id=what) for what, sent in GARBAGE.items()])

# RFC 9110, 5.6.1: a recipient must parse and ignore empty elements of a list.
LISTS_WITH_GAPS = ['"1",', ', "1"', '"7",,"1"']


@pytest.mark.parametrize(
    "sent", ['"1"', 'W/"1"', "*", ' "1" ', '"7", "1"', '"7",W/"1"', '"x", "1"', *LISTS_WITH_GAPS]
)
async def test_what_is_known_already_is_not_sent_again(sent: str, ann: Person, order: Document) -> None:
    answer = await ann.get(order_path(order), headers={"If-None-Match": sent})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    "sent", ['"2"', 'W/"2"', '"2", "3"', '""', '"01"', '"1.0"', '"x"', f'"{10**30}"', '"\u0661"']
)
async def test_what_is_not_known_is_sent(sent: str, ann: Person, order: Document) -> None:
    answer = await ann.get(order_path(order), headers={"If-None-Match": sent.encode()})
    assert (answer.status_code, document(answer)) == (200, order)
    assert answer.headers["etag"] == '"1"'


async def test_an_etag_is_good_until_the_order_changes(ann: Person, operator: Person, order: Document) -> None:
    known = (await ann.get(order_path(order))).headers["etag"]
    assert (await ann.get(order_path(order), headers={"If-None-Match": known})).status_code == 304

    await operator.move(order, "PAID")

    answer = await ann.get(order_path(order), headers={"If-None-Match": known})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')


@garbage
async def test_an_if_none_match_that_is_none_is_refused(sent: bytes, ann: Person, order: Document) -> None:
    problem(await ann.get(order_path(order), headers={"If-None-Match": sent}), 400, "malformed-request")


@pytest.mark.parametrize("sent", ['"1"', "*", '"7", "1"', ' "1" ', *LISTS_WITH_GAPS])
async def test_a_change_of_what_was_seen_is_made(sent: str, ann: Person, order: Document) -> None:
    answer = await ann.patch(order_path(order), json={"status": "CANCELED"}, headers={"If-Match": sent})
    assert (answer.status_code, document(answer)["status"]) == (200, "CANCELED")
    assert answer.headers["etag"] == '"2"'


@pytest.mark.parametrize("sent", ['"2"', 'W/"1"', '"2", W/"1"', '""', '"01"', '"x"', f'"{10**30}"'])
async def test_a_change_of_what_was_not_seen_is_refused(sent: str, ann: Person, order: Document, shop: Shop) -> None:
    before = await shop.rows()
    answer = await ann.patch(order_path(order), json={"status": "CANCELED"}, headers={"If-Match": sent})
    assert problem(answer, 412, "version-mismatch")["current_version"] == 1
    assert await shop.rows() == before


@garbage
async def test_an_if_match_that_is_none_is_refused(sent: bytes, ann: Person, order: Document, shop: Shop) -> None:
    before = await shop.rows()
    answer = await ann.patch(order_path(order), json={"status": "CANCELED"}, headers={"If-Match": sent})
    problem(answer, 400, "malformed-request")
    assert await shop.rows() == before


async def test_every_action_minds_if_match(operator: Person, order: Document, shop: Shop) -> None:
    await operator.move(order, "PAID", "SHIPPED")
    sent = document(await operator.post(order_path(order, "returns"), json={}))
    parcel, coming_back = sent["shipments"][0]["shipment_id"], sent["returns"][0]["return_id"]
    before = await shop.rows()
    for path, body in (
        (["payments"], {"payment_id": "pay-1", "amount": "1"}),
        (["shipments"], {}),
        (["shipments", parcel, "delivery"], None),
        (["cancellation"], {"reason": "OTHER"}),
        (["cancellation"], {"reason": "OTHER", "lines": [{"line_id": sent["lines"][0]["line_id"], "quantity": 1}]}),
        (["refunds"], {"refund_id": "ref-1", "amount": "1"}),
        (["returns"], {}),
        (["returns", coming_back, "receipt"], {}),
        (["returns", coming_back, "refusal"], {}),
    ):
        answer = await operator.client.post(order_path(order, *path), json=body, headers={"If-Match": '"1"'})
        assert problem(answer, 412, "version-mismatch")["current_version"] == sent["version"]
    assert await shop.rows() == before


async def test_a_new_order_has_nothing_to_match(ann: Person) -> None:
    order = await ann.place()
    answer = await ann.get(f"{ORDERS}/{order['id']}", headers={"If-Match": '"99"'})
    assert answer.status_code == 200


def a_cent(number: object) -> Document:
    return {"payment_id": f"pay-{number}", "amount": "0.01"}


async def test_of_100_changes_of_one_version_at_once_one_is_made(operator: Person, order: Document) -> None:
    answers = await asyncio.gather(
        *[
            operator.post(order_path(order, "payments"), json=a_cent(number), headers={"If-Match": '"1"'})
            for number in range(AT_ONCE)
        ]
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 412: AT_ONCE - 1}
    for answer in answers:
        if answer.status_code == 412:
            assert problem(answer, 412, "version-mismatch")["current_version"] == 2
    after = await operator.read(order)
    assert (after["version"], after["captured"]) == (2, "0.01")


async def test_one_change_per_version_is_made_round_after_round(operator: Person, order: Document) -> None:
    for version in range(1, 11):
        answers = await asyncio.gather(
            *[
                operator.post(
                    order_path(order, "payments"),
                    json=a_cent(f"{version}-{number}"),
                    headers={"If-Match": f'"{version}"'},
                )
                for number in range(10)
            ]
        )
        assert Counter(answer.status_code for answer in answers) == {201: 1, 412: 9}
    assert (await operator.read(order))["captured"] == "0.10"


async def test_without_if_match_every_change_is_made_on_the_newest_version(operator: Person, order: Document) -> None:
    answers = await asyncio.gather(
        *[operator.post(order_path(order, "payments"), json=a_cent(number)) for number in range(AT_ONCE)]
    )

    assert Counter(answer.status_code for answer in answers) == {201: AT_ONCE}
    assert sorted(document(answer)["version"] for answer in answers) == list(range(2, AT_ONCE + 2))
    after = await operator.read(order)
    assert (after["version"], after["captured"]) == (AT_ONCE + 1, "1.00")


async def test_the_same_payment_100_times_at_once_is_recorded_once(operator: Person, order: Document) -> None:
    answers = await asyncio.gather(
        *[operator.post(order_path(order, "payments"), json=a_cent("one")) for _ in range(AT_ONCE)]
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: AT_ONCE - 1}
    assert (await operator.read(order))["captured"] == "0.01"


async def test_of_paying_and_canceling_at_once_nothing_is_lost(ann: Person, operator: Person) -> None:
    orders = [await ann.place() for _ in range(20)]

    await asyncio.gather(
        *[operator.patch(order_path(order), json={"status": "PAID"}) for order in orders],
        *[ann.patch(order_path(order), json={"status": "CANCELED"}) for order in orders],
    )

    for order in orders:
        after = await ann.read(order)
        assert after["status"] == "CANCELED"  # a paid order can still be canceled, a canceled one not be paid
        assert after["refund_due"] == after["captured"]
