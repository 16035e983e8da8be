"""A client that a public generator makes of the API's description works as it comes: nobody has to mend it."""

import asyncio
import importlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from uuid import UUID, uuid4

import httpx
import pytest

from order_service.domain.actor import Role
from tests.http.served import Served
from tests.http.shop import Shop

PATIENCE_SECONDS = 120
GENERATOR = "openapi-python-client"


@dataclass(frozen=True, slots=True)
class Generated:
    """The client's package, with what is in it by name: nothing of it has types that anybody could know before."""

    package: ModuleType

    NAMES: ClassVar[dict[str, str]] = {
        "register_account": "accounts",
        "log_in": "accounts",
        "get_my_account": "accounts",
        "read_event_log": "events",
    }

    def model(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{self.package.__name__}.models"), name)

    def operation(self, name: str) -> Any:
        module = f"{self.package.__name__}.api.{self.NAMES.get(name, 'orders')}.{name}"
        return importlib.import_module(module).asyncio_detailed

    def client(self, url: str, token: str = "") -> Any:
        if not token:
            return self.package.Client(base_url=url)
        return self.package.AuthenticatedClient(base_url=url, token=token)


@pytest.fixture(scope="module")
async def generated(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Generated]:
    folder = tmp_path_factory.mktemp("client")
    async with shop.client() as anybody:
        (folder / "openapi.json").write_bytes((await anybody.get("/openapi.json")).content)
    (folder / "config.yaml").write_text("post_hooks: []\n")
    name = f"order_client_{uuid4().hex}"
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name(GENERATOR),
        *("generate", "--path", "openapi.json", "--config", "config.yaml", "--meta", "none"),
        *("--output-path", name, "--fail-on-warning"),
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 0, said.decode()
    sys.path.insert(0, str(folder))
    yield Generated(importlib.import_module(name))
    sys.path.remove(str(folder))


async def test_there_is_a_method_for_every_operation(generated: Generated, anybody: httpx.AsyncClient) -> None:
    paths = (await anybody.get("/openapi.json")).json()["paths"]
    wanted = {operation["operationId"] for item in paths.values() for operation in item.values()}
    assert generated.package.__file__
    folder = Path(generated.package.__file__).parent / "api"
    assert {file.stem for file in folder.glob("*/*.py")} - {"__init__"} == wanted


async def test_a_day_of_the_shop(generated: Generated, served: Served) -> None:
    async def ask(client: Any, operation: str, *args: Any, **said: Any) -> tuple[int, Any]:
        answer = await generated.operation(operation)(*args, client=client, **said)
        return int(answer.status_code), answer.parsed

    email, password = f"{uuid4().hex}@example.com", "correct horse battery"
    operator_account = await served.shop.person(Role.OPERATOR)
    operator = generated.client(served.url, operator_account.token)

    async with generated.client(served.url) as anybody:
        account = generated.model("NewAccount")(email=email, password=password)
        status, registered = await ask(anybody, "register_account", body=account)
        assert (status, registered.email) == (201, email)
        status, taken = await ask(anybody, "register_account", body=account)
        assert (status, taken.type_) == (409, generated.model("ProblemType").EMAIL_TAKEN)
        form = generated.model("TokenRequest")(grant_type="password", username=email, password=password)
        status, token = await ask(anybody, "log_in", body=form)
        assert (status, token.token_type) == (200, "Bearer")

    async with generated.client(served.url, token.access_token) as customer, operator:
        status, me = await ask(customer, "get_my_account")
        assert (status, me.id) == (200, registered.id)

        line = generated.model("NewLine")(name="Mug", quantity=3, unit_price="4.50", sku="MUG-1")
        body = generated.model("NewOrder")(currency="EUR", lines=[line])
        status, order = await ask(customer, "place_order", body=body, idempotency_key="monday-1")
        assert (status, order.total, order.status) == (201, "13.50", "PENDING")
        assert isinstance(order.id, UUID)
        status, again = await ask(customer, "place_order", body=body, idempotency_key="monday-1")
        assert (status, again) == (201, order)
        for reference in (str(order.id), order.number):
            status, read = await ask(customer, "get_order", reference)
            assert (status, read) == (200, order)

        bowl = generated.model("EditedLineIn")(name="Bowl", quantity=1, unit_price="12.90")
        body = generated.model("EditedLines")(lines=[bowl])
        status, edited = await ask(customer, "edit_order_lines", order.id, body=body, if_match='"1"')
        assert (status, edited.total) == (200, "12.90")
        status, mismatch = await ask(customer, "edit_order_lines", order.id, body=body, if_match='"1"')
        assert (status, mismatch.current_version) == (412, 2)

        body = generated.model("NewPayment")(payment_id="pay-1", amount="12.90", method="CARD")
        status, paid = await ask(operator, "record_payment", order.id, body=body)
        assert (status, paid.status, paid.payments[0].amount) == (201, "PAID", "12.90")
        body = generated.model("NewShipment")(carrier="DHL")
        status, shipped = await ask(operator, "ship_order", order.id, body=body)
        assert (status, shipped.status, shipped.shipments[0].carrier) == (201, "SHIPPED", "DHL")

        body = generated.model("NewCancellation")(reason=generated.model("CancelReason").OTHER)
        status, refused = await ask(customer, "cancel_order", order.id, body=body)
        assert (status, refused.status, refused.type_) == (409, 409, "/problems/illegal-transition")
        assert isinstance(refused, generated.model("ProblemOut"))
        assert (refused.from_, refused.allowed) == ("SHIPPED", ["DELIVERED"])

        status, delivered = await ask(operator, "deliver_shipment", order.id, shipped.shipments[0].shipment_id)
        assert (status, delivered.status) == (200, "DELIVERED")
        status, returned = await ask(customer, "request_return", order.id, body=generated.model("NewReturn")())
        assert (status, returned.return_status) == (201, "REQUESTED")
        status, received = await ask(operator, "receive_return", order.id, returned.returns[0].return_id)
        assert (status, received.refund_due) == (200, "12.90")

        status, page = await ask(customer, "list_orders", status=generated.model("Status").DELIVERED, limit=5)
        assert (status, page.items, page.next_cursor) == (200, [received], None)
        status, history = await ask(customer, "list_order_events", order.id, after=2)
        assert (status, history.items[0].type_, history.items[0].seq) == (200, "order.payment_recorded", 3)

        status, foreign = await ask(
            customer, "record_payment", order.id, body=generated.model("NewPayment")("x", "1")
        )
        assert (status, foreign.type_) == (403, "/problems/not-allowed")
