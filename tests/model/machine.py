"""Whoever asks for whatever, in whatever sequence: the service answers as the book says, and keeps what it keeps."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from order_service.domain.actor import Role
from tests.http.shop import Shop
from tests.model import book
from tests.model.book import NOW, Order, Parts, Refused

ORDERS = "/api/v1/orders"
MOST_ORDERS = 10
NONE = 99
TIME_TO_PAY = timedelta(days=3)
SYSTEM = {"party": "system", "kind": "system", "id": None}

Json = dict[str, Any]
Verb = Callable[[Order, Json], None]
"""Changes an order of the book, or raises Refused. The second is who does it."""

customers = st.sampled_from(["ann", "bob"])
anybody = st.sampled_from(["operator"] * 6 + ["ann", "bob"] * 4 + ["admin"] * 2 + ["nobody"])
mostly_staff = st.sampled_from(["operator"] * 12 + ["admin"] * 4 + ["ann", "bob", "nobody"])
which = st.sampled_from([0] * 8 + [1] * 8 + [2] * 4 + [3] * 4 + [NONE])  # counted from the newest
tags = st.sampled_from([None] * 8 + ["current", "current", "current or older", "any", "older", "weak", "nonsense"])
keys = st.sampled_from([None, "bare", "bare", "quoted"])
parts = st.none() | st.lists(
    st.tuples(st.sampled_from([0] * 6 + [1] * 4 + [2] * 2 + [9]), st.integers(1, 2)), min_size=1, max_size=3
)
some_parts = parts.map(lambda chosen: [(0, 1)] if chosen is None else chosen)
nth = st.sampled_from([0] * 4 + [1] * 2 + [2, 9])
shares = st.sampled_from(["all", "all", "half", "a little", "too much", "nothing"])
skus = st.sampled_from(["MUG-1", "POT-1", None])
carts = st.lists(
    st.tuples(st.sampled_from([1, 2, 3] * 4 + [20_000]), st.sampled_from([0] + [5, 250, 1999, 30_000] * 2), skus),
    min_size=1,
    max_size=3,
)
totals = st.sampled_from([None] * 4 + ["right"] * 4 + ["wrong"])
refs = st.sampled_from([None, None, "web-1", "web-2", "web-3"])
notes = st.dictionaries(st.sampled_from(["channel", "gift"]), st.sampled_from(["web", "shop", ""]), max_size=2)
reasons = st.sampled_from(["CUSTOMER_REQUEST", "OTHER", "OUT_OF_STOCK", "FRAUD"])
statuses = st.sampled_from(["PAID", "SHIPPED", "DELIVERED"] * 3 + ["CANCELED"])


@dataclass(slots=True)
class Tally:
    """What was asked and answered in all runs."""

    steps: int = 0
    requests: int = 0
    replays: int = 0
    answers: Counter[str] = field(default_factory=Counter)


TALLY = Tally()


@dataclass(frozen=True, slots=True)
class Party:
    name: str
    role: Role | None
    id: str | None
    headers: Mapping[str, str]

    @property
    def by(self) -> Json:
        role = None if self.role is None else str(self.role)
        return {"party": "own" if self.role is Role.CUSTOMER else "staff", "kind": role, "id": self.id}


NOBODY = Party("nobody", None, None, {})


@dataclass(frozen=True, slots=True)
class First:
    """A request that was sent with a key and took effect, and its answer."""

    who: str
    path: str
    body: Json | None
    headers: Mapping[str, str]
    answer: httpx.Response

    def asked(self) -> tuple[str, str]:
        return self.path, json.dumps(self.body, sort_keys=True)


@dataclass(frozen=True, slots=True)
class World:
    """`shops` by whether the window in which a customer may cancel what is paid is open in them."""

    loop: asyncio.AbstractEventLoop
    shops: Mapping[bool, Shop]


class ShopMachine(RuleBasedStateMachine):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.orders: list[Order] = []
        self.firsts: dict[tuple[str, str], First] = {}
        self.names = count(1)
        self.sound = True
        self.begun = False

    @invariant()
    def counted(self) -> None:
        """Called before the first step, and after each."""
        TALLY.steps += self.begun
        self.begun = True

    # Who is there

    @initialize(window_open=st.booleans(), so_far=st.sampled_from([0, 0, 1, 2, 3]))
    def open(self, window_open: bool, so_far: int) -> None:
        """Ann and Bob have placed an order each, and Bob's has come some way."""
        self.window_open = window_open
        self.shop = self.world.shops[window_open]
        self.client = self.shop.client()
        self.people = {"nobody": NOBODY}
        for name, role in {
            "ann": Role.CUSTOMER,
            "bob": Role.CUSTOMER,
            "operator": Role.OPERATOR,
            "admin": Role.ADMIN,
        }.items():
            person = self.world.loop.run_until_complete(self.shop.person(role))
            self.people[name] = Party(name, role, str(person.id), {"Authorization": f"Bearer {person.token}"})

        for customer in ("ann", "bob"):
            self.place(
                who=customer,
                customer=None,
                currency="EUR",
                cart=[(3, 250, "MUG-1"), (2, 1999, None)],
                said="right",
                ref=None,
                metadata=None,
                key=None,
                dry=False,
            )
        for status in book.LIFE[1 : 1 + so_far]:
            self.move(who="operator", at=0, to=status, tag=None, by_number=False)

    # What they do

    @precondition(lambda self: len(self.orders) < MOST_ORDERS)
    @rule(
        who=st.sampled_from(["ann", "ann", "bob", "bob", "operator", "admin", "nobody"]),
        customer=st.sampled_from([None] * 7 + ["ann", "bob", "a stranger"]),
        currency=st.sampled_from(["EUR"] * 5 + ["JPY", "KWD"] * 2 + ["XAU"]),
        cart=carts,
        said=totals,
        ref=refs,
        metadata=st.none() | notes,
        key=keys,
        dry=st.sampled_from([False, False, False, True]),
    )
    def place(
        self,
        who: str,
        customer: str | None,
        currency: str,
        cart: list[tuple[int, int, str | None]],
        said: str | None,
        ref: str | None,
        metadata: dict[str, str] | None,
        key: str | None,
        dry: bool,
    ) -> None:
        lines = self._lines(cart)
        true_total = sum(line["quantity"] * line["minor"] for line in lines)
        optional = {
            "total_price": None if said is None else _said(true_total + (said == "wrong"), currency),
            "metadata": metadata,
            "customer_id": str(uuid4()) if customer == "a stranger" else self.people[customer or "nobody"].id,
        }
        body: Json = {
            "currency": currency,
            "lines": [self._sent_line(line, currency) for line in lines],
            "external_ref": ref,
            **{name: value for name, value in optional.items() if value is not None},
        }
        headers, name = self._keyed(key)
        party = self.people[who]

        def expected() -> Order:
            self._known(party)
            own = party.role is Role.CUSTOMER
            if (customer is None and not own) or (own and customer not in (None, who)):
                raise Refused(403, "not-allowed")
            if currency == "XAU":
                raise Refused(422, "currency-unknown")
            if said == "wrong":
                raise Refused(422, "total-mismatch")
            if customer == "a stranger":
                raise Refused(422, "customer-unknown")
            customer_id = party.id if own else self.people[customer or ""].id
            if ref and ref in self._refs(customer_id):
                raise Refused(409, "external-ref-taken")
            return book.placed(party.by, str(customer_id), currency, lines, ref, metadata)

        path = f"{ORDERS}?dry_run=true" if dry else ORDERS
        answer = self._ask(who, "POST", path, body, headers)
        draft = self._settled(answer, 200 if dry else 201, expected)
        if draft is None or dry:
            return
        assert answer.headers["location"] == f"{ORDERS}/{draft['id']}"
        self.orders.append(draft)
        self._remember(name, First(who, ORDERS, body, headers, answer))

    @rule(who=mostly_staff, at=which, share=shares, known=st.booleans(), number=st.booleans(), key=keys, tag=tags)
    def pay(self, who: str, at: int, share: str, known: bool, number: bool, key: str | None, tag: str | None) -> None:
        order = self._order(at)
        minor = 1 if order is None else _share(book.still_open(order), share)
        name = "pay-known" if known else f"pay-{next(self.names)}"
        currency = order["currency"] if order else "EUR"
        said = _said(minor, currency, as_number=number)
        body = {"payment_id": name, "amount": said, "method": "CARD"}

        def verb(draft: Order, by: Json) -> None:
            book.pay(draft, by, name, minor, "CARD")

        self._change(who, order, "/payments", body, verb, status=201, key=key, tag=tag)

    @rule(who=mostly_staff, at=which, share=shares, known=st.booleans(), key=keys, tag=tags)
    def refund(self, who: str, at: int, share: str, known: bool, key: str | None, tag: str | None) -> None:
        order = self._order(at)
        minor = 1 if order is None else _share(book.captured(order) - book.refunded(order), share)
        name = "refund-known" if known else f"refund-{next(self.names)}"
        body = {"refund_id": name, "amount": _said(minor, order["currency"] if order else "EUR"), "reason": share}

        def verb(draft: Order, by: Json) -> None:
            book.refund(draft, by, name, minor, share)

        self._change(who, order, "/refunds", body, verb, status=201, key=key, tag=tag)

    @rule(who=mostly_staff, at=which, what=parts, carrier=st.sampled_from([None, "DHL"]), key=keys, tag=tags)
    def ship(
        self, who: str, at: int, what: Parts | None, carrier: str | None, key: str | None, tag: str | None
    ) -> None:
        order = self._order(at)
        body = {"carrier": carrier, "tracking": "JD0146"} | self._sent_parts(order, what)

        def verb(draft: Order, by: Json) -> None:
            book.ship(draft, by, what, carrier, "JD0146")

        self._change(who, order, "/shipments", body, verb, status=201, key=key, tag=tag)

    @rule(who=mostly_staff, at=which, parcel=nth, key=keys, tag=tags)
    def deliver(self, who: str, at: int, parcel: int, key: str | None, tag: str | None) -> None:
        order = self._order(at)
        name = self._name(order, "shipments", "shipment_id", parcel)

        def verb(draft: Order, by: Json) -> None:
            book.deliver(draft, by, parcel)

        self._change(who, order, f"/shipments/{name}/delivery", None, verb, key=key, tag=tag)

    @precondition(lambda self: len(self.orders) > 1)  # else the only one is soon canceled
    @rule(who=anybody, at=which, reason=reasons, key=keys, tag=tags)
    def cancel(self, who: str, at: int, reason: str, key: str | None, tag: str | None) -> None:
        def verb(draft: Order, by: Json) -> None:
            book.cancel(draft, by, reason, "so be it", window_open=self.window_open)

        body = {"reason": reason, "note": "so be it"}
        self._change(who, self._order(at), "/cancellation", body, verb, key=key, tag=tag)

    @rule(who=mostly_staff, at=which, what=some_parts, reason=reasons, key=keys, tag=tags)
    def cancel_lines(self, who: str, at: int, what: Parts, reason: str, key: str | None, tag: str | None) -> None:
        order = self._order(at)
        body = {"reason": reason} | self._sent_parts(order, what)

        def verb(draft: Order, by: Json) -> None:
            book.cancel_parts(draft, by, what, reason)

        self._change(who, order, "/cancellation", body, verb, key=key, tag=tag)

    @rule(
        who=anybody,
        at=which,
        cart=carts,
        keep=st.sampled_from(["none", "all", "as it is", "twice", "a stranger"]),
        said=totals,
        tag=tags,
        dry=st.sampled_from([False, False, True]),
    )
    def edit_lines(
        self,
        who: str,
        at: int,
        cart: list[tuple[int, int, str | None]],
        keep: str,
        said: str | None,
        tag: str | None,
        dry: bool,
    ) -> None:
        order = self._order(at)
        currency, lines = order["currency"] if order else "EUR", self._lines(cart)
        known = [line["line_id"] for line in order["lines"]] if order else []
        if keep == "as it is" and order:
            lines = deepcopy(order["lines"])
        elif keep != "none":
            for i, line in enumerate(lines):
                place = 0 if keep == "twice" else i
                line["line_id"] = known[place] if place < len(known) else None
                if keep == "a stranger":
                    line["line_id"] = str(uuid4())
        body: Json = {"lines": [self._sent_line(line, currency, with_id=True) for line in lines]}
        true_total = sum(line["quantity"] * line["minor"] for line in lines)
        said_total = None if said is None else true_total + (said == "wrong")
        if said_total is not None:
            body["total_price"] = _said(said_total, currency)

        def verb(draft: Order, by: Json) -> None:
            book.edit(draft, by, deepcopy(lines), said_total)

        path = "/lines?dry_run=true" if dry else "/lines"
        self._change(who, order, path, body, verb, method="PUT", tag=tag, dry=dry)

    @rule(who=anybody, at=which, what=parts, key=keys, tag=tags)
    def ask_return(self, who: str, at: int, what: Parts | None, key: str | None, tag: str | None) -> None:
        order = self._order(at)

        def verb(draft: Order, by: Json) -> None:
            book.ask_return(draft, by, what, "too small")

        body = {"reason": "too small"} | self._sent_parts(order, what)
        self._change(who, order, "/returns", body, verb, status=201, key=key, tag=tag)

    @rule(
        who=mostly_staff,
        at=which,
        one=nth,
        how=st.sampled_from(["receipt", "receipt", "refusal"]),
        key=keys,
        tag=tags,
    )
    def resolve_return(self, who: str, at: int, one: int, how: str, key: str | None, tag: str | None) -> None:
        order = self._order(at)
        name = self._name(order, "returns", "return_id", one)

        def verb(draft: Order, by: Json) -> None:
            book.resolve_return(draft, by, one, "RECEIVED" if how == "receipt" else "REFUSED", how)

        self._change(who, order, f"/returns/{name}/{how}", {"note": how}, verb, key=key, tag=tag)

    @rule(who=mostly_staff, at=which, to=statuses, tag=tags, by_number=st.booleans())
    def move(self, who: str, at: int, to: str, tag: str | None, by_number: bool) -> None:
        def verb(draft: Order, by: Json) -> None:
            book.move(draft, by, to, window_open=self.window_open)

        self._change(who, self._order(at), "", {"status": to}, verb, method="PATCH", tag=tag, by_number=by_number)

    @rule(
        who=anybody,
        at=which,
        metadata=st.none()
        | st.dictionaries(st.sampled_from(["channel", "gift"]), st.sampled_from(["web", "", None]), max_size=2),
        ref=st.sampled_from(["leave it", "leave it", None, "web-1", "web-2", "web-3"]),
        too=st.sampled_from([None, None, None, None, "PAID"]),
        tag=tags,
    )
    def amend(
        self,
        who: str,
        at: int,
        metadata: dict[str, str | None] | None,
        ref: str | None,
        too: str | None,
        tag: str | None,
    ) -> None:
        order = self._order(at)
        body: Json = {}
        if metadata is not None:
            body["metadata"] = metadata
        if ref != "leave it":
            body["external_ref"] = ref
        broken = not body or too is not None
        if body and too is not None:
            body["status"] = too

        def verb(draft: Order, by: Json) -> None:
            book.amend(draft, by, body, self._refs(draft["customer_id"], but=draft["id"]))

        self._change(who, order, "", body, verb, method="PATCH", tag=tag, broken=broken)

    @rule(at=which)
    def screen(self, at: int) -> None:
        """What the worker does, behind the API."""
        order = self._order(at)
        if order is None:
            return
        self.world.loop.run_until_complete(self.shop.process(order))
        draft = deepcopy(order)
        book.process(draft, SYSTEM)
        answer = self._ask("operator", "GET", f"{ORDERS}/{order['id']}")
        self._replace(self._settled(answer, 200, lambda: draft))

    @rule(who=mostly_staff, at=which)
    def ask_to_process(self, who: str, at: int) -> None:
        order = self._order(at)

        def expected() -> Order:
            draft = deepcopy(self._visible(self.people[who], order))
            book.ask_to_process(draft, self.people[who].by)
            return draft

        answer = self._ask(who, "POST", f"{self._path(order)}/processing")
        if self._expected(answer, expected) is not None:
            assert (answer.status_code, answer.content) == (202, b"")

    # What they do again

    @precondition(lambda self: self.firsts)
    @rule(which_one=st.integers(0, 30), quoted=st.booleans())
    def repeat(self, which_one: int, quoted: bool) -> None:
        """The same request with the same key gets the first answer, whatever happened since."""
        (who, key), first = list(self.firsts.items())[-1 - which_one % len(self.firsts)]
        headers = {**first.headers, "Idempotency-Key": f'"{key}"' if quoted else key}
        again = self._ask(who, "POST", first.path, first.body, headers)
        assert again.status_code == first.answer.status_code, again.text
        assert again.content == first.answer.content
        assert again.headers["idempotent-replayed"] == "true"
        for name in ("etag", "location", "content-type"):
            assert again.headers.get(name) == first.answer.headers.get(name)
        TALLY.replays += 1

    @precondition(lambda self: self.firsts)
    @rule(which_one=st.integers(0, 30), at=which, who=st.none() | customers)
    def reuse(self, which_one: int, at: int, who: str | None) -> None:
        """Another request with the same key is refused; from somebody else it is another key."""
        (owner, key), _ = list(self.firsts.items())[-1 - which_one % len(self.firsts)]

        def verb(draft: Order, by: Json) -> None:
            book.cancel(draft, by, "OTHER", "once more", window_open=self.window_open)

        body = {"reason": "OTHER", "note": "once more"}
        self._change(who or owner, self._order(at), "/cancellation", body, verb, key="bare", key_name=key)

    # What they see

    @rule(who=anybody, at=which, by_number=st.booleans(), tag=tags)
    def read(self, who: str, at: int, by_number: bool, tag: str | None) -> None:
        order = self._order(at)
        tag = None if tag == "nonsense" else tag
        sent = {} if tag is None else {"If-None-Match": self._tag(order, tag)}
        answer = self._ask(who, "GET", self._path(order, by_number=by_number), headers=sent)
        if tag in {"current", "current or older", "any", "weak"} and answer.status_code == 304:
            found = self._expected(answer, lambda: self._visible(self.people[who], order))
            assert found is not None
            assert (answer.content, answer.headers["etag"]) == (b"", f'"{book.version(found)}"')
            return
        assert tag in {None, "older"} or not answer.is_success
        self._settled(answer, 200, lambda: self._visible(self.people[who], order))

    @rule(who=anybody, at=which, after=st.integers(0, 8), limit=st.integers(1, 5))
    def history(self, who: str, at: int, after: int, limit: int) -> None:
        order = self._order(at)
        path = f"{self._path(order)}/events?after={after}&limit={limit}"
        answer = self._ask(who, "GET", path)
        found = self._expected(answer, lambda: self._visible(self.people[who], order))
        if found is None:
            return
        page, last = answer.json(), min(after + limit, book.version(found))
        _agree_on_history(page["items"], found, after, last)
        assert page["next_cursor"] == (str(last) if book.version(found) > after + limit else None)

    @rule(
        who=anybody,
        of=customers,
        chosen=st.lists(
            st.sampled_from(
                [
                    "status",
                    "processing_status",
                    "payment_status",
                    "fulfillment_status",
                    "return_status",
                    "sku",
                    "number",
                    "external_ref",
                    "metadata",
                    "total_min",
                    "total_max",
                    "placed_from",
                    "placed_to",
                ]
            ),
            max_size=2,
        ),
        like=which,
        newest_first=st.booleans(),
        limit=st.integers(1, 4),
    )
    def list_orders(self, who: str, of: str, chosen: list[str], like: int, newest_first: bool, limit: int) -> None:
        """With filters that some order meets."""
        example = self._order(like) or self._order(0)
        asked = {"sort": "-placed_at" if newest_first else "placed_at", "limit": str(limit)}
        party = self.people[who]
        customer_id = party.id if party.role is Role.CUSTOMER else self.people[of].id
        asked["customer_id"] = str(self.people[of].id)  # which a customer may send, to no effect
        conditions = [_condition(name, example, asked) for name in chosen if example]
        expected = [
            order
            for order in self.orders
            if order["customer_id"] == customer_id and all(holds(order) for holds in conditions)
        ]
        self._agree_on_list(who, asked, expected[::-1] if newest_first else expected)

    @rule(who=anybody)
    def read_log(self, who: str) -> None:
        def expected() -> Order:
            self._known(self.people[who])
            if self.people[who].role is not Role.ADMIN:
                raise Refused(403, "not-allowed")
            return {}

        self._expected(self._ask(who, "GET", "/api/v1/events?limit=1"), expected)

    def teardown(self) -> None:
        """Everything once more, when the run is over."""
        try:
            if self.sound and hasattr(self, "client"):
                self._look_at_everything()
        finally:
            if hasattr(self, "client"):
                self.world.loop.run_until_complete(self.client.aclose())

    def _look_at_everything(self) -> None:
        for order in self.orders:
            owner = next(party.name for party in self.people.values() if party.id == order["customer_id"])
            for who, by_number in ((owner, False), ("operator", True)):
                answer = self._ask(who, "GET", self._path(order, by_number=by_number))
                self._settled(answer, 200, lambda order=order: order)  # type: ignore[misc]  # bound as it is now
                events = self._ask(who, "GET", f"{ORDERS}/{order['id']}/events").json()
                _agree_on_history(events["items"], order, 0, book.version(order))
        for name in ("ann", "bob"):
            own = [order for order in self.orders if order["customer_id"] == self.people[name].id]
            for who in (name, "admin"):
                customer = {"customer_id": str(self.people[name].id)}
                self._agree_on_list(who, {"sort": "placed_at", "limit": "3", **customer}, own)

    # How it is asked, and how the answer is held against the book

    def _change(
        self,
        who: str,
        order: Order | None,
        tail: str,
        body: Json | None,
        verb: Verb,
        *,
        method: str = "POST",
        status: int = 200,
        key: str | None = None,
        key_name: str | None = None,
        tag: str | None = None,
        by_number: bool = False,
        broken: bool = False,
        dry: bool = False,
    ) -> None:
        party, path = self.people[who], self._path(order, by_number=by_number) + tail
        headers, name = self._keyed(key, key_name)
        if tag is not None:
            headers["If-Match"] = self._tag(order, tag)
        known = self.firsts.get((who, name or ""))

        def expected() -> Order:
            self._known(party)
            if tag == "nonsense":
                raise Refused(400, "malformed-request")
            if broken:
                raise Refused(422, "invalid-request")
            draft = deepcopy(self._visible(party, order))
            if known is not None:
                raise Refused(422, "idempotency-key-reused")
            if tag in {"older", "weak"}:
                raise Refused(412, "version-mismatch")
            verb(draft, party.by)
            return draft

        if known is not None and known.path == path and known.body == body:
            return  # the same request by chance, see `repeat`
        answer = self._ask(who, method, path, body, headers)
        draft = self._settled(answer, status, expected, order)
        if draft is not None and not dry:
            self._replace(draft)
            self._remember(name, First(who, path, body, headers, answer))

    def _ask(
        self, who: str, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        self.sound = False  # until the answer is found to be right
        TALLY.requests += 1
        all_headers = {**self.people[who].headers, **(headers or {})}
        asked = self.client.request(method, path, json=body, headers=all_headers)
        answer = self.world.loop.run_until_complete(asked)
        self.sound = True
        return answer

    def _expected(
        self, answer: httpx.Response, expected: Callable[[], Order], order: Order | None = None
    ) -> Order | None:
        """What the order is now by the book; None if it is a refusal, and the answer is that one."""
        self.sound = False
        found: Order | None = None
        try:
            found = expected()
        except Refused as refused:
            _agree_on_refusal(answer, refused, order)
        else:
            assert answer.is_success or answer.status_code == 304, answer.text
            TALLY.answers[str(answer.status_code)] += 1
        self.sound = True
        return found

    def _settled(
        self, answer: httpx.Response, status: int, expected: Callable[[], Order], order: Order | None = None
    ) -> Order | None:
        """The same, with what only the service could know, which agrees with the book in all else."""
        draft = self._expected(answer, expected, order)
        if draft is None:
            return None
        self.sound = False
        assert answer.status_code == status, answer.text
        assert "idempotent-replayed" not in answer.headers
        shown = answer.json()
        _learn(draft, shown)
        assert shown == book.document(draft)
        assert answer.headers["etag"] == f'"{book.version(draft)}"'
        assert answer.headers["content-type"] == "application/json"
        self.sound = True
        return draft

    def _agree_on_list(self, who: str, asked: Mapping[str, str], expected: Sequence[Order]) -> None:
        found: list[Json] = []
        cursor: str | None = None
        while True:
            query = dict(asked) if cursor is None else {**asked, "cursor": cursor}
            answer = self._ask(who, "GET", str(httpx.URL(ORDERS, params=query)))

            def known() -> Order:
                self._known(self.people[who])
                return {}

            if self._expected(answer, known) is None:
                return
            page = answer.json()
            found += page["items"]
            assert len(page["items"]) <= int(asked["limit"])
            cursor = page["next_cursor"]
            assert ("link" in answer.headers) == (cursor is not None)
            if cursor is None:
                break
            assert len(page["items"]) == int(asked["limit"])
        self.sound = False
        assert found == [book.document(order) for order in expected]
        self.sound = True

    def _known(self, party: Party) -> None:
        if party.role is None:
            raise Refused(401, "not-authenticated")

    def _visible(self, party: Party, order: Order | None) -> Order:
        self._known(party)
        if order is None or (party.role is Role.CUSTOMER and order["customer_id"] != party.id):
            raise Refused(404, "order-not-found")
        return order

    def _order(self, at: int) -> Order | None:
        return self.orders[-1 - at % len(self.orders)] if self.orders and at != NONE else None

    def _replace(self, changed: Order | None) -> None:
        self.orders = [changed if changed and order["id"] == changed["id"] else order for order in self.orders]

    def _remember(self, name: str | None, first: First) -> None:
        if name is not None:
            self.firsts[first.who, name] = first

    def _refs(self, customer_id: str | None, but: str | None = None) -> set[str]:
        return {
            order["external_ref"]
            for order in self.orders
            if order["customer_id"] == customer_id and order["id"] != but and order["external_ref"]
        }

    def _path(self, order: Order | None, *, by_number: bool = False) -> str:
        if order is None:
            return f"{ORDERS}/{uuid4()}"
        number = order["number"].lower().replace("-", "")  # as a person may type it
        return f"{ORDERS}/{number if by_number else order['id']}"

    def _tag(self, order: Order | None, tag: str) -> str:
        now = book.version(order) if order else 1
        older = f'"{now - 1 or 99}"'
        return {
            "current": f'"{now}"',
            "current or older": f'{older}, "{now}"',
            "any": "*",
            "older": older,
            "weak": f'W/"{now}"',
            "nonsense": str(now),
        }[tag]

    def _keyed(self, key: str | None, name: str | None = None) -> tuple[dict[str, str], str | None]:
        if key is None:
            return {}, None
        name = name or f"key-{next(self.names)}"
        return {"Idempotency-Key": f'"{name}"' if key == "quoted" else name}, name

    def _name(self, order: Order | None, of: str, what: str, at: int) -> str:
        known = order[of] if order else []
        return known[at][what] if at < len(known) else str(uuid4())

    def _lines(self, cart: list[tuple[int, int, str | None]]) -> list[dict[str, Any]]:
        return [
            {"line_id": None, "name": f"Thing {i}", "quantity": quantity, "minor": minor, "sku": sku, "canceled": 0}
            for i, (quantity, minor, sku) in enumerate(cart)
        ]

    def _sent_line(self, line: Json, currency: str, *, with_id: bool = False) -> Json:
        sent = {"name": line["name"], "quantity": line["quantity"], "unit_price": _said(line["minor"], currency)}
        if line["sku"] is not None:
            sent["sku"] = line["sku"]
        if with_id and line["line_id"] is not None:
            sent["line_id"] = line["line_id"]
        return sent

    def _sent_parts(self, order: Order | None, what: Parts | None) -> Json:
        if what is None:
            return {}
        known = [line["line_id"] for line in order["lines"]] if order else []
        return {
            "lines": [
                {"line_id": known[i] if i < len(known) else str(uuid4()), "quantity": quantity}
                for i, quantity in what
            ]
        }


def _said(minor: int, currency: str, *, as_number: bool = False) -> str | int:
    """An amount as clients send it: a text, or a whole number where it is one."""
    unit = int(10 ** book.DECIMALS.get(currency, 0))
    if as_number and minor % unit == 0:
        return minor // unit
    return book.amount(minor, currency) if currency in book.DECIMALS else str(minor)


def _share(of: int, share: str) -> int:
    return {"all": of, "half": of // 2, "a little": 1, "too much": of + 1, "nothing": 0}[share]


def _condition(name: str, example: Order, asked: dict[str, str]) -> Callable[[Order], bool]:
    """Adds a filter that `example` meets to what is asked, and says of any order whether it does."""
    shown = book.document(example)
    match name:
        case "sku":
            sku = asked["sku"] = shown["lines"][0]["sku"] or "MUG-1"
            return lambda order: any(line["sku"] == sku for line in order["lines"])
        case "metadata":
            key, value = next(iter(shown["metadata"].items()), ("channel", "web"))
            asked[f"metadata[{key}]"] = value
            return lambda order: order["metadata"].get(key) == value
        case "total_min" | "total_max":
            bound = asked[name] = shown["total"]
            at_least = name == "total_min"
            return lambda order: _compares(
                float(book.document(order)["total"]), float(bound), at_least=at_least
            )  # far from where floats are not exact
        case "placed_from" | "placed_to":
            when = asked[name] = shown["placed_at"]
            after = name == "placed_from"
            return lambda order: _compares(
                datetime.fromisoformat(order["placed_at"]), datetime.fromisoformat(when), at_least=after
            )
        case "external_ref":
            ref = asked["external_ref"] = shown["external_ref"] or "web-1"
            return lambda order: order["external_ref"] == ref
        case _:
            value = asked[name] = shown[name]
            return lambda order: book.document(order)[name] == value


def _compares(one: Any, other: Any, *, at_least: bool) -> bool:
    return bool(one >= other if at_least else one <= other)


def _learn(draft: Order, shown: Json) -> None:
    """Takes over what the service makes up: names and times. Raises when it is not new, or not a name or a time."""
    if draft["id"] is None:
        draft.update({name: shown[name] for name in ("id", "number")})
        assert UUID(shown["id"]).version == 7
        placed, pay_by = (datetime.fromisoformat(shown[name]) for name in ("placed_at", "pay_by"))
        assert pay_by - placed == TIME_TO_PAY
        draft["pay_by"] = shown["pay_by"]
    for of, name in (
        ("lines", "line_id"),
        ("payments", "payment_id"),
        ("shipments", "shipment_id"),
        ("returns", "return_id"),
    ):
        for mine, theirs in zip(draft[of], shown[of], strict=True):
            if mine[name] is None:
                assert theirs[name] not in [one[name] for one in draft[of]]
                assert UUID(theirs[name]).version == 7
                mine[name] = theirs[name]
    now = shown["updated_at"]
    assert now.endswith("Z")
    if draft["updated_at"] == NOW:
        assert datetime.fromisoformat(now) >= max(
            (datetime.fromisoformat(e["occurred_at"]) for e in draft["events"] if e["occurred_at"] != NOW),
            default=datetime.fromisoformat(now),
        )
    facts = [draft, draft["cancellation"] or {}]
    for of in ("payments", "refunds", "shipments", "returns", "events"):
        facts += draft[of]
    for fact in facts:
        fact.update({name: now for name, value in fact.items() if value == NOW})


def _agree_on_refusal(answer: httpx.Response, refused: Refused, order: Order | None) -> None:
    assert answer.status_code == refused.status, f"expected {refused}, got {answer.status_code} {answer.text}"
    problem = answer.json()
    assert problem["type"] == f"/problems/{refused.kind}", f"expected {refused}, got {answer.text}"
    assert problem["status"] == refused.status
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("www-authenticate" in answer.headers) == (refused.status == 401)
    assert "etag" not in answer.headers
    if refused.kind == "version-mismatch" and order is not None:
        assert problem["current_version"] == book.version(order)
    if refused.kind == "illegal-transition" and order is not None:
        assert (problem["from"], problem["allowed"]) == (book.status(order), book.allowed(order))
    TALLY.answers[str(refused)] += 1


def _agree_on_history(items: list[Json], order: Order, after: int, last: int) -> None:
    assert [event["seq"] for event in items] == list(range(after + 1, last + 1))
    for event in items:
        mine = order["events"][event["seq"] - 1]
        assert {name: event[name] for name in ("type", "occurred_at", "actor")} == {
            name: mine[name] for name in ("type", "occurred_at", "actor")
        }
        assert event["change"].items() >= mine["change"].items()
