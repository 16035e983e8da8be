"""What cannot be right gets a problem that says so, never a 500, and leaves nothing behind.

The tables are the place to add what somebody thought of next.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from order_service.domain.actor import Role
from tests.http.shop import (
    ACCOUNTS,
    ME,
    ORDERS,
    TOKEN,
    Document,
    Person,
    Shop,
    a_line,
    document,
    order_body,
    order_path,
    pointers,
    problem,
)

MEBIBYTE = 1024 * 1024
DEEP = 100_000
HUGE = 10**30
NOBODY = str(UUID(int=1))
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
NUL, BELL, DELETE, NEXT_LINE = "\0", "\a", "\x7f", "\x85"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A request, and the problem it gets. In `path`, `{pending}` and `{paid}` stand for an order's address.

    `pointer`: which value `errors` names; None for a problem without `errors`.
    """

    status: int = 422
    code: str = "invalid-request"
    pointer: str | None = None
    method: str = "POST"
    path: str = ORDERS
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    by: Role = Role.CUSTOMER


def placing(pointer: str | None = None, *, code: str = "invalid-request", **said: Any) -> Bad:
    return Bad(code=code, pointer=pointer, content=json.dumps(order_body(**said)).encode())


def a_line_with(**said: Any) -> Bad:
    """A line of which the one field named is wrong."""
    return placing(f"/lines/0/{next(iter(said))}", lines=[a_line(**said)])


def price_in_json(price: bytes, *, currency: str = "EUR") -> bytes:
    """An order for one thing at a price that stands in the JSON as it is given."""
    return b'{"currency":"%b","lines":[{"name":"Mug","quantity":1,"unit_price":%b}]}' % (currency.encode(), price)


def a_price_of(price: bytes, *, currency: str = "EUR") -> Bad:
    return Bad(pointer="/lines/0/unit_price", content=price_in_json(price, currency=currency))


def without(field: str, document: Document) -> Document:
    return {name: value for name, value in document.items() if name != field}


def malformed(content: bytes, path: str = ORDERS) -> Bad:
    return Bad(status=400, code="malformed-request", content=content, path=path)


def action(path: str, pointer: str | None = None, *, body: object, code: str = "invalid-request") -> Bad:
    return Bad(code=code, pointer=pointer, path=path, by=Role.OPERATOR, content=json.dumps(body).encode())


def paying(pointer: str | None = None, *, code: str = "invalid-request", **said: Any) -> Bad:
    return action("{pending}/payments", pointer, code=code, body={"payment_id": "pay-1", "amount": "1", **said})


def paid_in_json(amount: bytes) -> Bad:
    content = b'{"payment_id":"pay-1","amount":%b}' % amount
    return Bad(pointer="/amount", path="{pending}/payments", by=Role.OPERATOR, content=content)


def shipping(pointer: str | None = None, **said: Any) -> Bad:
    return action("{paid}/shipments", pointer, body=said)


def canceling(pointer: str | None = None, **said: Any) -> Bad:
    return action("{pending}/cancellation", pointer, body={"reason": "OTHER", **said})


def moving(pointer: str | None = None, *, body: object) -> Bad:
    return Bad(method="PATCH", path="{pending}", pointer=pointer, by=Role.OPERATOR, content=json.dumps(body).encode())


def registering(pointer: str | None = None, **said: Any) -> Bad:
    body = {"email": "new@example.com", "password": "correct horse battery", **said}
    return Bad(path=ACCOUNTS, pointer=pointer, content=json.dumps(body).encode())


def asking(path: str, *, code: str = "malformed-request") -> Bad:
    return Bad(status=400, code=code, method="GET", path=path, headers={})


NOT_JSON = {
    "an object that does not end": malformed(b"{"),
    "something behind the object": malformed(json.dumps(order_body()).encode() + b"x"),
    "two objects": malformed(json.dumps(order_body()).encode() * 2),
    "single quotes": malformed(b"{'currency': 'EUR'}"),
    "a comma too many": malformed(b'{"currency": "EUR",}'),
    "a byte order mark": malformed(b"\xef\xbb\xbf" + json.dumps(order_body()).encode()),
    "UTF-16": malformed(json.dumps(order_body()).encode("utf-16")),
    "a comment": malformed(b"/* an order */{}"),
    "bytes that are no UTF-8 in a text": malformed(b'{"currency":"EU\xff"}'),
    "an overlong NUL in a text": malformed(b'{"currency":"EU\xc0\x80"}'),
    "a surrogate in UTF-8 in a text": malformed(b'{"currency":"EU\xed\xa0\x80"}'),
    "bytes that are no UTF-8 in an amount": malformed(price_in_json(b'"1\xff"')),
    "a lone surrogate in a text": malformed(rb'{"currency":"\ud800"}'),
    "a lone low surrogate in a text": malformed(rb'{"currency":"\udc00"}'),
    "a lone surrogate in an amount": malformed(price_in_json(rb'"\ud800"')),
    "a lone surrogate in the key of metadata": malformed(rb'{"currency":"EUR","metadata":{"\udfff":"1"}}'),
    "a line break in a text, unescaped": malformed(b'{"currency":"EUR\n"}'),
    "a price of NaN": malformed(price_in_json(b"NaN")),
    "a price of Infinity": malformed(price_in_json(b"Infinity")),
    "a price of -Infinity": malformed(price_in_json(b"-Infinity")),
    "a price of -": malformed(price_in_json(b"-")),
    "a price of 01": malformed(price_in_json(b"01")),
    "a price of 1.": malformed(price_in_json(b"1.")),
    "a price of .5": malformed(price_in_json(b".5")),
    "a price of 1e": malformed(price_in_json(b"1e")),
    "a price of +1": malformed(price_in_json(b"+1")),
    "a price of 0x10": malformed(price_in_json(b"0x10")),
    "a price in deep brackets": malformed(price_in_json(b"[" * DEEP)),
    "a price in deep brackets that end": malformed(price_in_json(b"[" * DEEP + b"]" * DEEP)),
    "a price in deep braces": malformed(price_in_json(b'{"a":' * DEEP)),
    "a total in deep brackets": malformed(b'{"currency":"EUR","total_price":' + b"[" * DEEP),
    "a quantity of NaN": malformed(b'{"currency":"EUR","lines":[{"quantity":NaN}]}'),
    "not JSON for a payment": malformed(b"{", "{pending}/payments"),
    "not JSON for a shipment": malformed(b"{", "{paid}/shipments"),
    "not JSON for a cancellation": malformed(b"{", "{pending}/cancellation"),
    "not JSON for an account": malformed(b"{", ACCOUNTS),
}

NOT_AN_ORDER = {
    "nothing at all": Bad(pointer=""),
    "null": Bad(pointer="", content=b"null"),
    "an array": Bad(pointer="", content=b"[]"),
    "a text": Bad(pointer="", content=b'"order"'),
    "a number": Bad(pointer="", content=b"1"),
    "deep brackets": Bad(pointer="", content=b"[" * DEEP),
    "deep braces": Bad(pointer="", content=b'{"a":' * DEEP),
    "an empty object": Bad(pointer="", content=b"{}"),
    "an unknown field": placing("", coupon="X"),
    "an unknown field of a line": placing("/lines/0", lines=[a_line(color="blue")]),
    "an unknown field of the second line": placing("/lines/1", lines=[a_line(), a_line(total="13.50")]),
    "a field in other letters": placing("", Currency="EUR"),
    "a status to begin with": placing("", status="PAID"),
    "no currency": Bad(pointer="", content=json.dumps(without("currency", order_body())).encode()),
    "no lines": Bad(pointer="", content=json.dumps(without("lines", order_body())).encode()),
    "a line without a name": placing("/lines/0", lines=[without("name", a_line())]),
    "a line without a quantity": placing("/lines/0", lines=[without("quantity", a_line())]),
    "a line without a price": placing("/lines/0", lines=[without("unit_price", a_line())]),
    "a currency that is null": placing("/currency", currency=None),
    "a currency that is a number": placing("/currency", currency=978),
    "a currency in small letters": placing("/currency", currency="eur"),
    "a currency that is too long": placing("/currency", currency="EURO"),
    "a currency that is empty": placing("/currency", currency=""),
    "a currency with an accent": placing("/currency", currency="ÉUR"),
    "a currency with a line break": placing(code="currency-unknown", currency="EUR\n"),
    "a currency that nobody knows": placing(code="currency-unknown", currency="ABC"),
    "gold": placing(code="currency-unknown", currency="XAU"),
    "lines that are null": placing("/lines", lines=None),
    "lines that are an object": placing("/lines", lines={"0": a_line()}),
    "0 lines": placing("/lines", lines=[]),
    "201 lines": placing("/lines", lines=[a_line()] * 201),
    "a line that is null": placing("/lines/0", lines=[None]),
    "a line that is a text": placing("/lines/1", lines=[a_line(), "mug"]),
    "lines that are worth too much together": placing(
        "/lines", lines=[a_line(unit_price="50000000000000000", quantity=1)] * 2
    ),
    "a total that is too low": placing(code="total-mismatch", total_price="13.49"),
    "a total that is too high": placing(code="total-mismatch", total_price=13.51),
    "a total of 0": placing(code="total-mismatch", total_price=0),
    "a total that is negative": placing("/total_price", total_price="-13.50"),
    "a total that is no amount": placing("/total_price", total_price={"EUR": "13.50"}),
    "a total that is true": placing("/total_price", total_price=True),
    "a total with too many decimals": placing("/total_price", total_price="13.500001"),
    "a total that is over the largest amount": placing("/total_price", total_price="9999999999999999999"),
    "a total with an endless exponent": Bad(
        pointer="/total_price",
        content=json.dumps(order_body(total_price=0)).encode().replace(b": 0", b": 1e9999999999999999999"),
    ),
    "an external_ref that is empty": placing("/external_ref", external_ref=""),
    "an external_ref of 101 characters": placing("/external_ref", external_ref="x" * 101),
    "an external_ref with a NUL": placing("/external_ref", external_ref=f"a{NUL}"),
    "an external_ref with a line break": placing("/external_ref", external_ref="a\nb"),
    "an external_ref that is a number": placing("/external_ref", external_ref=8841),
    "metadata that is a text": placing("/metadata", metadata="web"),
    "metadata that is a list": placing("/metadata", metadata=["web"]),
    "metadata in deep brackets": Bad(pointer="/metadata", content=b'{"currency":"EUR","metadata":' + b"[" * DEEP),
    "metadata with a number": placing("/metadata", metadata={"a": 1}),
    "metadata with a null": placing("/metadata", metadata={"a": None}),
    "metadata with an object": placing("/metadata", metadata={"a": {"b": "c"}}),
    "metadata of 51 keys": placing("/metadata", metadata={f"key{i}": "1" for i in range(51)}),
    "metadata with an empty key": placing("/metadata", metadata={"": "1"}),
    "metadata with a key of 41 characters": placing("/metadata", metadata={"k" * 41: "1"}),
    "metadata with a value of 501 characters": placing("/metadata", metadata={"a": "v" * 501}),
    "metadata with a NUL in a key": placing("/metadata", metadata={f"a{NUL}": "1"}),
    "metadata with a NUL in a value": placing("/metadata", metadata={"a": f"1{NUL}"}),
    "metadata with an escape in a value": placing("/metadata", metadata={"a": "\x1b[31m"}),
    "a customer_id that is no UUID": placing("/customer_id", customer_id="ann"),
    "a customer_id that is a number": placing("/customer_id", customer_id=1),
    "a customer who does not exist": Bad(
        code="customer-unknown",
        by=Role.OPERATOR,
        content=json.dumps(order_body(customer_id=NOBODY)).encode(),
    ),
}

NOT_A_LINE = {
    "a name that is empty": a_line_with(name=""),
    "a name of 256 characters": a_line_with(name="x" * 256),
    "a name that is null": a_line_with(name=None),
    "a name that is a number": a_line_with(name=7),
    "a name that is a list": a_line_with(name=["Mug"]),
    "a name with a NUL": a_line_with(name=f"Mug{NUL}"),
    "a name with a bell": a_line_with(name=f"{BELL}Mug"),
    "a name with a line break": a_line_with(name="Mug\r\nSet-Cookie: a=b"),
    "a name with a delete": a_line_with(name=f"Mug{DELETE}"),
    "a name with a C1 control character": a_line_with(name=f"Mug{NEXT_LINE}"),
    "a sku that is empty": a_line_with(sku=""),
    "a sku of 65 characters": a_line_with(sku="x" * 65),
    "a sku with a NUL": a_line_with(sku=f"MUG{NUL}"),
    "a sku with a tab": a_line_with(sku="MUG\t1"),
    "a sku that is a number": a_line_with(sku=1),
    "a quantity of 0": a_line_with(quantity=0),
    "a quantity of -1": a_line_with(quantity=-1),
    "a quantity of 1,000,001": a_line_with(quantity=1_000_001),
    "a quantity of 10**30": a_line_with(quantity=HUGE),
    "a quantity of -10**30": a_line_with(quantity=-HUGE),
    "a quantity of 1.5": a_line_with(quantity=1.5),
    "a quantity of 3.0": a_line_with(quantity=3.0),
    "a quantity that is a text": a_line_with(quantity="3"),
    "a quantity that is true": a_line_with(quantity=True),
    "a quantity that is null": a_line_with(quantity=None),
    "a quantity of 1e400": Bad(
        pointer="/lines/0/quantity",
        content=json.dumps(order_body(lines=[a_line(quantity=77)])).encode().replace(b"77", b"1e400"),
    ),
    "a quantity of 5,000 digits": Bad(
        pointer="/lines/0/quantity",
        content=json.dumps(order_body(lines=[a_line(quantity=77)])).encode().replace(b"77", b"9" * 5_000),
    ),
    "a quantity that makes too much of the price": placing(
        "/lines/0/unit_price", lines=[a_line(quantity=1_000_000, unit_price="92233720368547758.07")]
    ),
    "a price of 12.345 EUR": a_price_of(b"12.345"),
    "a price of '12.345' EUR": a_price_of(b'"12.345"'),
    "a price of 10.5 JPY": a_price_of(b"10.5", currency="JPY"),
    "a price of '10.5' JPY": a_price_of(b'"10.5"', currency="JPY"),
    "a price of 1.2345 KWD": a_price_of(b"1.2345", currency="KWD"),
    "a price of 1e400": a_price_of(b"1e400"),
    "a price of 1e-400": a_price_of(b"1e-400"),
    "a price of 1E39": a_price_of(b"1E39"),
    "a price with an endless exponent": a_price_of(b"1e9999999999999999999"),
    "a price with an endless negative exponent": a_price_of(b"1e-9999999999999999999"),
    "a price of 0 with an endless exponent": a_price_of(b"0e9999999999999999999"),
    "a price of 5,000 digits": a_price_of(b"9" * 5_000),
    "a price with 5,000 decimals": a_price_of(b"0." + b"0" * 5_000 + b"1"),
    "a price of 10**30": a_price_of(str(HUGE).encode()),
    "a price one over the largest": a_price_of(b'"92233720368547758.08"'),
    "a price of -1": a_price_of(b"-1"),
    "a price of '-1'": a_price_of(b'"-1"'),
    "a price of '+1'": a_price_of(b'"+1"'),
    "a price of 'NaN'": a_price_of(b'"NaN"'),
    "a price of 'Infinity'": a_price_of(b'"Infinity"'),
    "a price of '1e2'": a_price_of(b'"1e2"'),
    "a price of '1_0'": a_price_of(b'"1_0"'),
    "a price of '12,50'": a_price_of(b'"12,50"'),
    "a price of '1.'": a_price_of(b'"1."'),
    "a price of '.5'": a_price_of(b'".5"'),
    "a price of '1 '": a_price_of(b'"1 "'),
    "a price of '1' and a line break": a_price_of(b'"1\\n"'),
    "a price of 'EUR 1'": a_price_of(b'"EUR 1"'),
    "a price in Arabic digits": a_price_of('"١٢"'.encode()),
    "a price with a NUL": a_price_of(rb'"1\u0000"'),
    "a price that is empty": a_price_of(b'""'),
    "a price that is null": a_price_of(b"null"),
    "a price that is true": a_price_of(b"true"),
    "a price that is an object": a_price_of(b'{"EUR": "1"}'),
    "a price that is a list": a_price_of(b"[1]"),
}

NOT_A_PAYMENT = {
    "no payment at all": action("{pending}/payments", "", body=None),
    "a payment without an id": action("{pending}/payments", "", body={"amount": "1"}),
    "a payment without an amount": action("{pending}/payments", "", body={"payment_id": "pay-1"}),
    "a payment with an unknown field": paying("", currency="EUR"),
    "a payment_id that is empty": paying("/payment_id", payment_id=""),
    "a payment_id of 256 characters": paying("/payment_id", payment_id="x" * 256),
    "a payment_id with a NUL": paying("/payment_id", payment_id=NUL),
    "a payment_id that is a number": paying("/payment_id", payment_id=1),
    "a method that is empty": paying("/method", method=""),
    "a method of 51 characters": paying("/method", method="x" * 51),
    "a method with a line break": paying("/method", method="CARD\n"),
    "a payment of 0": paying("/amount", amount=0),
    "a payment of '0.00'": paying("/amount", amount="0.00"),
    "a payment of -1": paying("/amount", amount=-1),
    "a payment of 0.001": paying("/amount", amount=0.001),
    "a payment that is null": paying("/amount", amount=None),
    "a payment that is a text": paying("/amount", amount="all"),
    "a payment of 1e400": paid_in_json(b"1e400"),
    "a payment with an endless exponent": paid_in_json(b"1e9999999999999999999"),
    "a payment with a NUL": paid_in_json(rb'"\u0000"'),
    "a payment of too much": paying(code="overpayment", amount="13.51"),
    "a payment of far too much": paying("/amount", amount="99999999999999999"),
}

NOT_A_SHIPMENT = {
    "no shipment at all": action("{paid}/shipments", "", body=None),
    "a shipment with an unknown field": shipping("", weight=1),
    "a shipment of nothing": shipping("/lines", lines=[]),
    "a shipment of 201 lines": shipping("/lines", lines=[{"line_id": NOBODY, "quantity": 1}] * 201),
    "a shipment of a line that is no object": shipping("/lines/0", lines=["mug"]),
    "a shipment of a line without a quantity": shipping("/lines/0", lines=[{"line_id": NOBODY}]),
    "a shipment with a line_id that is no UUID": shipping(
        "/lines/0/line_id", lines=[{"line_id": "1", "quantity": 1}]
    ),
    "a shipment of another order's line": shipping("/lines/0/line_id", lines=[{"line_id": NOBODY, "quantity": 1}]),
    "a shipment of 0": shipping("/lines/0/quantity", lines=[{"line_id": NOBODY, "quantity": 0}]),
    "a shipment of 10**30": shipping("/lines/0/quantity", lines=[{"line_id": NOBODY, "quantity": HUGE}]),
    "a carrier that is empty": shipping("/carrier", carrier=""),
    "a carrier of 101 characters": shipping("/carrier", carrier="x" * 101),
    "a carrier with a NUL": shipping("/carrier", carrier=f"DHL{NUL}"),
    "a tracking of 256 characters": shipping("/tracking", tracking="x" * 256),
    "a tracking with a line break": shipping("/tracking", tracking="1\n2"),
}

NOT_A_CANCELLATION = {
    "no cancellation at all": action("{pending}/cancellation", "", body=None),
    "a cancellation without a reason": action("{pending}/cancellation", "", body={"note": "please"}),
    "a cancellation with an unknown field": canceling("", refund=True),
    "a reason that nobody knows": canceling("/reason", reason="BORED"),
    "a reason that is null": canceling("/reason", reason=None),
    "a reason that is empty": canceling("/reason", reason=""),
    "a note of 501 characters": canceling("/note", note="x" * 501),
    "a note with a NUL": canceling("/note", note=NUL),
    "a note with a line break": canceling("/note", note="a\nb"),
    "a note that is null": canceling("/note", note=None),
}

NOT_A_MOVE = {
    "a move to null": moving("", body=None),
    "a move to nowhere": moving("", body={}),
    "a move to PENDING": moving("/status", body={"status": "PENDING"}),
    "a move to a status that nobody knows": moving("/status", body={"status": "LOST"}),
    "a move to a status in small letters": moving("/status", body={"status": "paid"}),
    "a move to a status that is null": moving("/status", body={"status": None}),
    "a move with an unknown field": moving("", body={"status": "PAID", "version": 7}),
    "a move to a status with a NUL": moving("/status", body={"status": f"PAID{NUL}"}),
}

NOT_AN_ACCOUNT = {
    "no account at all": Bad(path=ACCOUNTS, pointer="", content=b"null"),
    "an account without a password": Bad(path=ACCOUNTS, pointer="", content=b'{"email":"new@example.com"}'),
    "an account that makes itself an admin": registering("", role="admin"),
    "an e-mail address that is null": registering("/email", email=None),
    "an e-mail address that is empty": registering("/email", email=""),
    "an e-mail address without @": registering("/email", email="ann.example.com"),
    "an e-mail address without a dot": registering("/email", email="ann@localhost"),
    "an e-mail address with a space": registering("/email", email="an n@example.com"),
    "an e-mail address with two @": registering("/email", email="ann@bob@example.com"),
    "an e-mail address with a NUL": registering("/email", email=f"ann{NUL}@example.com"),
    "an e-mail address with a line break": registering("/email", email="ann@example.com\nbcc: bob@example.com"),
    "an e-mail address of 255 characters": registering("/email", email="a" * 243 + "@example.com"),
    "a password of 7 characters": registering("/password", password="1234567"),
    "a password of 1,025 characters": registering("/password", password="x" * 1_025),
    "a password that is null": registering("/password", password=None),
    "a password that is a number": registering("/password", password=12345678),
    "a password with a lone surrogate": malformed(
        rb'{"email":"new@example.com","password":"correct horse \ud800"}', ACCOUNTS
    ),
}

NOT_A_QUESTION = {
    "a limit of 0": asking(f"{ORDERS}?limit=0"),
    "a limit of -1": asking(f"{ORDERS}?limit=-1"),
    "a limit of 101": asking(f"{ORDERS}?limit=101"),
    "a limit of 1.5": asking(f"{ORDERS}?limit=1.5"),
    "a limit of NaN": asking(f"{ORDERS}?limit=nan"),
    "a limit of 1e400": asking(f"{ORDERS}?limit=1e400"),
    "a limit of 10**30": asking(f"{ORDERS}?limit={HUGE}"),
    "a limit of 5,000 digits": asking(f"{ORDERS}?limit={'9' * 5_000}"),
    "a limit that is empty": asking(f"{ORDERS}?limit="),
    "a limit that is a text": asking(f"{ORDERS}?limit=all"),
    "a limit in full-width digits": asking(f"{ORDERS}?limit=%EF%BC%95"),
    "a status to filter by that nobody knows": asking(f"{ORDERS}?status=LOST"),
    "a status to filter by in small letters": asking(f"{ORDERS}?status=paid"),
    "a status to filter by with a NUL": asking(f"{ORDERS}?status=PAID%00"),
    "a status to filter by that is no UTF-8": asking(f"{ORDERS}?status=%ff"),
    "a customer_id to filter by that is no UUID": asking(f"{ORDERS}?customer_id=ann"),
    "a customer_id to filter by with a NUL": asking(f"{ORDERS}?customer_id=%00"),
    "a sort by something else": asking(f"{ORDERS}?sort=total"),
    "a sort by SQL": asking(f"{ORDERS}?sort=placed_at;DROP%20TABLE%20orders"),
    "a cursor that is empty": asking(f"{ORDERS}?cursor=", code="bad-cursor"),
    "a cursor that is no base64": asking(f"{ORDERS}?cursor=!!!!", code="bad-cursor"),
    "a cursor with a NUL": asking(f"{ORDERS}?cursor=%00", code="bad-cursor"),
    "a cursor with an accent": asking(f"{ORDERS}?cursor=%C3%A9", code="bad-cursor"),
    "a cursor that is no UTF-8": asking(f"{ORDERS}?cursor=%ff", code="bad-cursor"),
    "a cursor of zeros": asking(f"{ORDERS}?cursor={'A' * 80}", code="bad-cursor"),
    "a cursor of 501 characters": asking(f"{ORDERS}?cursor={'A' * 501}"),
    "events after -1": asking("{pending}/events?after=-1"),
    "events after 2**31": asking("{pending}/events?after=2147483648"),
    "events after 10**30": asking(f"{{pending}}/events?after={HUGE}"),
    "events after a text": asking("{pending}/events?after=first"),
    "a limit of 0 events": asking("{pending}/events?limit=0"),
    "a limit of 101 events": asking("{pending}/events?limit=101"),
    "a dry run that is a text": Bad(
        status=400,
        code="malformed-request",
        path=f"{ORDERS}?dry_run=perhaps",
        content=json.dumps(order_body()).encode(),
    ),
}

NOT_FOUND = {
    "an order_id that is neither a UUID nor a number": Bad(
        status=404, code="order-not-found", method="GET", path=f"{ORDERS}/1", headers={}
    ),
    "an order_id with a NUL": Bad(status=404, code="order-not-found", method="GET", path=f"{ORDERS}/%00", headers={}),
    "an order_id that is no UTF-8": Bad(
        status=404, code="order-not-found", method="GET", path=f"{ORDERS}/%ff", headers={}
    ),
    "an order_id with a letter too many": Bad(
        status=404, code="order-not-found", method="GET", path=f"{ORDERS}/{NOBODY}0", headers={}
    ),
    "an order that is absent": Bad(
        status=404, code="order-not-found", method="GET", path=f"{ORDERS}/{NOBODY}", headers={}
    ),
    "a parcel with a NUL": Bad(
        status=404, code="shipment-not-found", path="{paid}/shipments/%00/delivery", by=Role.OPERATOR
    ),
    "a parcel that is no UTF-8": Bad(
        status=404, code="shipment-not-found", path="{paid}/shipments/%ff/delivery", by=Role.OPERATOR
    ),
    "a parcel that is absent": Bad(
        status=404, code="shipment-not-found", path="{paid}/shipments/parcel-1/delivery", by=Role.OPERATOR
    ),
    "a parcel without a name": Bad(status=404, code="not-found", path="{paid}/shipments//delivery", by=Role.OPERATOR),
    "an unknown address in the API": Bad(status=404, code="not-found", method="GET", path="/api/v1/carts"),
    "an unknown version of the API": Bad(status=404, code="not-found", method="GET", path="/api/v9/orders"),
    "an unknown address beside the API": Bad(status=404, code="not-found", method="GET", path="/carts"),
    "an unknown address to post to": Bad(status=404, code="not-found", path="/carts", content=b"{}"),
    "an unknown address with a NUL": Bad(status=404, code="not-found", method="GET", path="/%00"),
    "an unknown address that is no UTF-8": Bad(status=404, code="not-found", method="GET", path="/%ff"),
    "an unknown asset of the documentation": Bad(
        status=404, code="not-found", method="GET", path="/docs-assets/x.js"
    ),
    "a file beside the assets": Bad(status=404, code="not-found", method="GET", path="/docs-assets/%2e%2e/app.py"),
    "a problem that there is not": Bad(status=404, code="not-found", method="GET", path="/problems/boredom"),
}

EVERYTHING_ELSE = {
    "a host with a space": Bad(status=400, code="malformed-request", method="GET", headers={"host": "a b"}),
    "another customer's order to place": Bad(
        status=403, code="not-allowed", content=json.dumps(order_body(customer_id=NOBODY)).encode()
    ),
    "staff that does not say for whom": Bad(
        status=403, code="not-allowed", by=Role.OPERATOR, content=json.dumps(order_body()).encode()
    ),
    "a shipment of what nobody paid": Bad(
        status=409, code="illegal-transition", path="{pending}/shipments", by=Role.OPERATOR, content=b"{}"
    ),
    "a delivery of what nobody sent": Bad(
        status=409, code="illegal-transition", path="{pending}/shipments/parcel-1/delivery", by=Role.OPERATOR
    ),
    "a payment for what is paid": Bad(
        status=409,
        code="illegal-transition",
        path="{paid}/payments",
        by=Role.OPERATOR,
        content=b'{"payment_id":"pay-1","amount":"1"}',
    ),
    "a grant type that is another": Bad(
        status=400, code="unsupported-grant-type", path=TOKEN, headers=FORM, content=b"grant_type=implicit"
    ),
    "a log-in with a NUL": Bad(
        status=400,
        code="invalid-grant",
        path=TOKEN,
        headers=FORM,
        content=b"grant_type=password&username=%00&password=%00",
    ),
    "a log-in that is no UTF-8": Bad(
        status=400,
        code="invalid-grant",
        path=TOKEN,
        headers=FORM,
        content=b"grant_type=password&username=%ff&password=%ff",
    ),
    "a log-in that is no form": Bad(status=415, code="unsupported-media-type", path=TOKEN, content=b"{}"),
}

WITH_BODY = {
    "an order": ("POST", ORDERS),
    "a move": ("PATCH", "{pending}"),
    "a payment": ("POST", "{pending}/payments"),
    "a shipment": ("POST", "{paid}/shipments"),
    "a cancellation": ("POST", "{pending}/cancellation"),
    "an account": ("POST", ACCOUNTS),
}

WRONG_TYPES = {"a text": "text/plain", "a form": "application/x-www-form-urlencoded", "nothing": ""}

UNSUPPORTED = {
    f"{what} as {name}": Bad(
        status=415,
        code="unsupported-media-type",
        method=method,
        path=path,
        by=Role.OPERATOR,
        content=json.dumps(order_body()).encode(),
        headers={"content-type": content_type},
    )
    for what, (method, path) in WITH_BODY.items()
    for name, content_type in WRONG_TYPES.items()
} | {
    f"an order as {content_type}": Bad(
        status=415,
        code="unsupported-media-type",
        content=json.dumps(order_body()).encode(),
        headers={"content-type": content_type},
    )
    for content_type in (
        "application/jsonx",
        "application/problem+json",
        "application/merge-patch+json",
        "application/json, text/plain",
        "multipart/form-data; boundary=x",
        "json",
    )
}

TOO_LARGE = {
    f"{what} of 1 MiB and a byte": Bad(
        status=413,
        code="payload-too-large",
        method=method,
        path=path,
        by=Role.OPERATOR,
        content=b" " * (MEBIBYTE + 1),
    )
    for what, (method, path) in WITH_BODY.items()
} | {
    "a log-in of 1 MiB and a byte": Bad(
        status=413, code="payload-too-large", path=TOKEN, headers=FORM, content=b"a" * (MEBIBYTE + 1)
    )
}

BAD: dict[str, Bad] = (
    NOT_JSON
    | NOT_AN_ORDER
    | NOT_A_LINE
    | NOT_A_PAYMENT
    | NOT_A_SHIPMENT
    | NOT_A_CANCELLATION
    | NOT_A_MOVE
    | NOT_AN_ACCOUNT
    | NOT_A_QUESTION
    | NOT_FOUND
    | EVERYTHING_ELSE
    | UNSUPPORTED
    | TOO_LARGE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Where the bad requests go: they change nothing, so all of them meet the same people and orders."""

    people: Mapping[Role, Person]
    pending: str
    paid: str


@pytest.fixture(scope="module")
async def counter(shop: Shop) -> AsyncIterator[Counter]:
    ann, operator = await shop.person(), await shop.person(Role.OPERATOR)
    async with ann.client, operator.client:
        pending, paid = await ann.place(), await operator.move(await ann.place(), "PAID")
        people = {Role.CUSTOMER: ann, Role.OPERATOR: operator}
        yield Counter(people=people, pending=order_path(pending), paid=order_path(paid))


@pytest.mark.parametrize("bad", [pytest.param(bad, id=what) for what, bad in BAD.items()])
async def test_what_cannot_be_right_gets_a_problem_and_leaves_nothing_behind(
    bad: Bad, counter: Counter, shop: Shop
) -> None:
    path = bad.path.replace("{pending}", counter.pending).replace("{paid}", counter.paid)
    before = await shop.rows()

    answer = await counter.people[bad.by].ask(bad.method, path, content=bad.content, headers=bad.headers)

    found = problem(answer, bad.status, bad.code)
    assert await shop.rows() == before
    if bad.pointer is None:
        assert "errors" not in found
    else:
        assert pointers(found) == [bad.pointer]
        assert leads_somewhere(bad.pointer, bad.content)


def leads_somewhere(pointer: str, content: bytes) -> bool:
    """Whether the JSON pointer (RFC 6901) names a value that was sent; true for what is no JSON."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return True
    for step in pointer.split("/")[1:]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return True


RIGHT_PRICES = {
    b"12.5": "12.50",
    b"12.50": "12.50",
    b"12": "12.00",
    b"0": "0.00",
    b"0.01": "0.01",
    b"1e2": "100.00",
    b"1250e-2": "12.50",
    b'"12.5"': "12.50",
    b'"12.5000"': "12.50",
    b'"007"': "7.00",
    rb'"\u0031"': "1.00",
    b'"92233720368547758.07"': "92233720368547758.07",
    b"92233720368547758.07": "92233720368547758.07",
}


@pytest.mark.parametrize(("sent", "understood"), RIGHT_PRICES.items())
async def test_a_price_that_is_exact_is_taken(sent: bytes, understood: str, ann: Person) -> None:
    answer = await ann.post(ORDERS, content=price_in_json(sent), headers=JSON)

    assert answer.status_code == 201, answer.text
    assert document(answer)["lines"][0]["unit_price"] == understood
    assert (await ann.read(document(answer)))["lines"][0]["unit_price"] == understood


async def test_what_is_just_right_is_taken(ann: Person) -> None:
    placed = await ann.place(
        lines=[a_line(name="x" * 255, sku="s" * 64, quantity=1, unit_price="1")] * 199
        + [a_line(name="Tasse 🫖 \u202eكوب", sku=None, quantity=1_000_000, unit_price=0)],
        total_price="199",
        external_ref="r" * 100,
        metadata={"k" * 40: "v" * 500, "empty": ""} | {f"key{i}": "ü" for i in range(48)},
    )

    assert placed["total"] == "199.00"
    assert len(placed["metadata"]) == 50
    assert await ann.read(placed) == placed


async def test_a_body_of_exactly_1_mib_is_read(ann: Person) -> None:
    body = json.dumps(order_body()).encode()

    answer = await ann.post(ORDERS, content=body.ljust(MEBIBYTE), headers=JSON)

    assert answer.status_code == 201


async def test_a_body_without_a_length_may_not_be_larger_either(ann: Person, shop: Shop) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    before = await shop.rows()
    problem(await ann.post(ORDERS, content=endless(), headers=JSON), 413, "payload-too-large")
    assert await shop.rows() == before


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_json_may_be_called_by_all_its_names(content_type: str, ann: Person) -> None:
    body = json.dumps(order_body()).encode()
    assert (await ann.post(ORDERS, content=body, headers={"content-type": content_type})).status_code == 201


async def test_a_body_without_a_content_type_is_not_guessed_at(ann: Person, shop: Shop) -> None:
    before = await shop.rows()
    problem(await ann.post(ORDERS, content=json.dumps(order_body()).encode()), 415, "unsupported-media-type")
    assert await shop.rows() == before


async def test_a_patch_may_be_called_a_merge_patch(ann: Person, order: Document) -> None:
    merge_patch = {"content-type": "application/merge-patch+json"}
    answer = await ann.patch(order_path(order), content=b'{"status":"CANCELED"}', headers=merge_patch)
    assert document(answer)["status"] == "CANCELED"


@pytest.mark.parametrize("path", [ORDERS, ACCOUNTS])
async def test_a_body_that_is_missing_is_said_to_be_missing(path: str, ann: Person) -> None:
    found = problem(await ann.post(path, headers=JSON), 422, "invalid-request")
    assert "body" in found["detail"]
    assert "data" not in found["detail"]


async def test_a_problem_never_repeats_the_password(ann: Person) -> None:
    for password in ("hunter2", "hunter2 " * 200):
        answer = await ann.post(ACCOUNTS, json={"email": "new@example.com", "password": password})
        problem(answer, 422, "invalid-request")
        assert "hunter2" not in answer.text


async def test_an_email_address_is_taken_whatever_its_case(ann: Person, shop: Shop) -> None:
    before = await shop.rows()
    body = {"email": f" {ann.email.upper()} ", "password": "correct horse battery"}
    problem(await ann.post(ACCOUNTS, json=body), 409, "email-taken")
    assert await shop.rows() == before


async def test_an_external_ref_is_taken_once_per_customer(ann: Person, bob: Person, shop: Shop) -> None:
    await ann.place(external_ref="web-1")
    await bob.place(external_ref="web-1")
    before = await shop.rows()
    problem(await ann.post(ORDERS, json=order_body(external_ref="web-1")), 409, "external-ref-taken")
    assert await shop.rows() == before


async def test_a_payment_is_taken_once(operator: Person, order: Document, shop: Shop) -> None:
    payment = {"payment_id": "pay-1", "amount": "1"}
    assert (await operator.post(order_path(order, "payments"), json=payment)).status_code == 201
    before = await shop.rows()
    found = problem(await operator.post(order_path(order, "payments"), json=payment), 409, "payment-known")
    assert found["payment_id"] == "pay-1"
    assert await shop.rows() == before


async def test_no_more_is_shipped_than_was_ordered(operator: Person, order: Document, shop: Shop) -> None:
    paid = await operator.move(order, "PAID")
    line_id = paid["lines"][0]["line_id"]
    before = await shop.rows()
    for lines in ([{"line_id": line_id, "quantity": 4}], [{"line_id": line_id, "quantity": 2}] * 2):
        answer = await operator.post(order_path(order, "shipments"), json={"lines": lines})
        found = problem(answer, 422, "over-shipment")
        assert found["line_id"] == line_id
    assert await shop.rows() == before


WRONG_METHODS = {
    (ORDERS, "PUT"): {"GET", "POST"},
    (ORDERS, "DELETE"): {"GET", "POST"},
    (ORDERS, "PATCH"): {"GET", "POST"},
    ("{order}", "POST"): {"GET", "PATCH"},
    ("{order}", "PUT"): {"GET", "PATCH"},
    ("{order}", "DELETE"): {"GET", "PATCH"},
    ("{order}", "BREW"): {"GET", "PATCH"},
    ("{order}/payments", "GET"): {"POST"},
    ("{order}/shipments", "DELETE"): {"POST"},
    ("{order}/shipments/1/delivery", "PUT"): {"POST"},
    ("{order}/cancellation", "DELETE"): {"POST"},
    ("{order}/processing", "GET"): {"POST"},
    ("{order}/events", "POST"): {"GET"},
    (ACCOUNTS, "DELETE"): {"GET", "POST"},
    (ME, "POST"): {"GET", "PATCH"},
    (TOKEN, "GET"): {"POST"},
    ("/livez", "POST"): {"GET"},
    ("/readyz", "DELETE"): {"GET"},
    ("/openapi.json", "POST"): {"GET"},
    ("/docs", "POST"): {"GET"},
}


@pytest.mark.parametrize(("path", "method", "allowed"), [(*key, value) for key, value in WRONG_METHODS.items()])
async def test_a_wrong_method_is_told_the_right_ones(
    path: str, method: str, allowed: set[str], ann: Person, order: Document, shop: Shop
) -> None:
    before = await shop.rows()
    answer = await ann.ask(method, path.replace("{order}", order_path(order)))

    detail = problem(answer, 405, "method-not-allowed")["detail"]
    assert detail == f"This address takes {answer.headers['allow']}."
    assert {name.strip() for name in answer.headers["allow"].split(",")} == allowed | {"OPTIONS"}
    assert await shop.rows() == before
