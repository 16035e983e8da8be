"""An order's life, played over real HTTP against a service that is started for it and stopped again."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from adapters.embedded.postgres import EmbeddedPostgres

_START_SECONDS = 60
_SCREENING_SECONDS = 10


class _StepFailed(Exception):
    """The service answered something else than the story says."""


def play() -> int:
    """0 if every step went as told, else 1."""
    try:
        with tempfile.TemporaryDirectory(prefix="order-service-demo-") as folder, _service(Path(folder)) as story:
            story.tell()
    except (_StepFailed, httpx.HTTPError, TimeoutError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    print("\nThat was an order's life. `just up` starts a service to try it yourself.")
    return 0


class _Story:
    def __init__(self, http: httpx.Client, admin: dict[str, str]) -> None:
        self._http = http
        self._admin_login = admin
        self._step = 0

    def tell(self) -> None:
        ann = self._register_and_log_in("ann@example.com")
        order = self._place_twice(ann)
        path = f"/api/v1/orders/{order['id']}"
        self._wait_until_processed(path, ann)

        eve = self._register_and_log_in("eve@example.com")
        answer = self._ask("Eve tries to read Ann's order", 404, self._http.get, path, headers=eve)
        self._show(f"as if there was none: {answer.json()['detail']}")

        staff = self._log_in(self._admin_login)
        payment = {"payment_id": "pay_1", "amount": order["total"], "method": "CARD"}
        answer = self._ask(
            "The shop records Ann's payment", 201, self._http.post, f"{path}/payments", json=payment, headers=staff
        )
        self._expect(answer, status="PAID", payment_status="PAID")
        answer = self._ask(
            "The shop ships all of it",
            201,
            self._http.post,
            f"{path}/shipments",
            json={"carrier": "DHL"},
            headers=staff,
        )
        self._expect(answer, status="SHIPPED")
        shipment = answer.json()["shipments"][0]["shipment_id"]
        answer = self._ask(
            "The parcel arrives", 200, self._http.post, f"{path}/shipments/{shipment}/delivery", headers=staff
        )
        self._expect(answer, status="DELIVERED")
        cancel = {"status": "CANCELED"}
        answer = self._ask("Ann would like to cancel it now", 409, self._http.patch, path, json=cancel, headers=ann)
        self._show(answer.json()["detail"])

        answer = self._ask("Ann reads the history", 200, self._http.get, f"{path}/events", headers=ann)
        types = [event["type"] for event in answer.json()["items"]]
        for event in answer.json()["items"]:
            self._show(f"{event['seq']}  {event['type']:28} by {event['actor']['kind']}")
        self._require(
            types
            == [
                "order.placed",
                "order.processed",
                "order.payment_recorded",
                "order.paid",
                "order.shipment_dispatched",
                "order.shipped",
                "order.shipment_delivered",
                "order.delivered",
            ],
            f"the history is {types}",
        )

    def _register_and_log_in(self, email: str) -> dict[str, str]:
        account = {"email": email, "password": "correct horse battery"}
        self._ask(f"{email} registers", 201, self._http.post, "/api/v1/accounts", json=account)
        return self._log_in({"username": email, "password": account["password"]})

    def _log_in(self, login: dict[str, str]) -> dict[str, str]:
        form = {"grant_type": "password", **login}
        answer = self._ask(f"{login['username']} logs in", 200, self._http.post, "/api/v1/auth/token", data=form)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def _place_twice(self, customer: dict[str, str]) -> dict[str, Any]:
        wanted = {
            "currency": "EUR",
            "lines": [
                {"sku": "MUG-1", "name": "Mug", "quantity": 3, "unit_price": "4.50"},
                {"sku": "POT-1", "name": "Tea pot", "quantity": 1, "unit_price": "29.90"},
            ],
        }
        keyed = {**customer, "Idempotency-Key": "demo-1"}
        first = self._ask("Ann places an order", 201, self._http.post, "/api/v1/orders", json=wanted, headers=keyed)
        self._expect(first, status="PENDING", total="43.40")
        again = self._ask(
            "Ann sends the same request again, with the same key",
            201,
            self._http.post,
            "/api/v1/orders",
            json=wanted,
            headers=keyed,
        )
        self._require(again.content == first.content, "the repetition got another answer")
        self._require(again.headers.get("idempotent-replayed") == "true", "the repetition is not marked as one")
        self._show("the first answer again, byte for byte; there is still one order")
        order: dict[str, Any] = first.json()
        return order

    def _wait_until_processed(self, path: str, customer: dict[str, str]) -> None:
        deadline = time.monotonic() + _SCREENING_SECONDS
        while True:
            answer = self._http.get(path, headers=customer)
            if answer.json().get("processing_status") == "PROCESSED":
                break
            self._require(time.monotonic() < deadline, f"the order is not processed: {answer.text}")
            time.sleep(0.05)
        self._title("The order is screened in the background")
        self._expect(answer, processing_status="PROCESSED")

    def _ask(
        self, title: str, status: int, ask: Callable[..., httpx.Response], path: str, **request: Any
    ) -> httpx.Response:
        self._title(title)
        answer = ask(path, **request)
        print(f"      {answer.request.method} {path}  ->  {answer.status_code}")
        self._require(
            answer.status_code == status, f"{title}: expected {status}, got {answer.status_code}: {answer.text}"
        )
        return answer

    def _expect(self, answer: httpx.Response, **members: str) -> None:
        for name, value in members.items():
            found = answer.json()[name]
            self._require(found == value, f"{name} is {found}, not {value}")
            self._show(f"{name}: {found}")

    def _title(self, text: str) -> None:
        self._step += 1
        print(f"{self._step:3}.  {text}")

    @staticmethod
    def _show(text: str) -> None:
        print(f"      {text}")

    @staticmethod
    def _require(holds: bool, otherwise: str) -> None:
        if not holds:
            raise _StepFailed(otherwise)


@contextmanager
def _service(folder: Path) -> Iterator[_Story]:
    """A service of its own on a free port, gone afterwards with all its data."""
    port = _free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "APP_PORT": str(port),
        "VAR_DIR": str(folder),
        "RATE_LIMIT_ACCOUNTS_PER_MINUTE": "1000",
        "RATE_LIMIT_ORDERS_PER_MINUTE": "1000",
    }
    command = [sys.executable, "-m", "composition.cli", "up"]
    print("Starting a service of its own ...")
    # Started in its own folder, where no .env can lead it to somebody's real database.
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as service:  # noqa: S603
        try:
            password = _admin_password(service)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
                _wait_until_ready(http)
                yield _Story(http, {"username": "admin@order-service.local", "password": password})
        finally:
            service.terminate()
            service.wait()
            EmbeddedPostgres(folder / "postgres").remove()


def _admin_password(service: subprocess.Popen[str]) -> str:
    if service.stdout is not None:
        for line in service.stdout:
            found = re.search(r"password (\S+)", line)
            if found:
                return found[1]
    raise _StepFailed("the service did not start; what it said is above")


def _wait_until_ready(http: httpx.Client) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            if http.get("/readyz").is_success:
                return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
