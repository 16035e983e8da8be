"""The service as a process, Schemathesis against it once for each role, and what came of it."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx

from order_service.domain.actor import Role
from tests.crash.service import Service
from tests.fleet.people import SECRET_KEY, a_customer, a_token, an_operator_token
from tests.services.server import free_port

CONFIG = Path(__file__).with_name("schemathesis.toml")
REPOSITORY = CONFIG.parent.parent.parent
ALL_PHASES = "examples,coverage,fuzzing,stateful"
ROLES = ("ann", "operator", "admin")
"""Ann is a customer; there is also Bob, whose orders she may not see."""


@dataclass(slots=True)
class Found:
    """What a run, or several, came to. `answers`: status code -> count, for each operation."""

    cases: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Counter[int]] = field(default_factory=dict)

    @property
    def server_errors(self) -> int:
        return sum(count for answers in self.answers.values() for status, count in answers.items() if status >= 500)

    @property
    def is_clean(self) -> bool:
        return not self.failures and not self.server_errors

    def add(self, other: Self) -> None:
        self.cases += other.cases
        self.failures += other.failures
        for operation, answers in other.answers.items():
            self.answers.setdefault(operation, Counter()).update(answers)


class Campaign:
    """`folder`: data, logs and reports. The service runs between `start` and `stop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._auth = folder / "auth.json"
        self._service = Service(folder, free_port(), SECRET_KEY=SECRET_KEY, ACCESS_TOKEN_MINUTES="600")
        self._customer_id = ""

    async def start(self) -> None:
        self._service.start()
        await self._service.until_ready()
        async with httpx.AsyncClient(base_url=self._service.address, timeout=30) as http:
            headers = {"ann": await a_customer(http), "bob": await a_customer(http)}
            ann = (await http.get("/api/v1/accounts/me", headers=headers["ann"])).json()
            # Hers is a token of no session: the campaign ends all the sessions that it finds.
            headers["ann"] = {"Authorization": f"Bearer {a_token(UUID(ann['id']), Role.CUSTOMER)}"}
            self._customer_id = ann["id"]
        for role in (Role.OPERATOR, Role.ADMIN):
            headers[role] = {"Authorization": f"Bearer {an_operator_token(role)}"}
        people = [
            {"name": name, "fixedHeaders": [{"name": "Authorization", "value": who["Authorization"]}]}
            for name, who in headers.items()
        ]
        self._auth.write_text(json.dumps({"auth": people}))

    def stop(self) -> None:
        self._service.stop()

    async def run(
        self,
        *,
        roles: Sequence[str] = ROLES,
        seed: int,
        examples: int,
        arguments: Sequence[str] = (),
        phases: str = ALL_PHASES,
    ) -> Found:
        """All roles at the same time; `examples`: for each operation and phase that makes up its own."""
        found = Found()
        for one in await asyncio.gather(
            *(self._run_as(role, seed, examples, ("--phases", phases, *arguments)) for role in roles)
        ):
            found.add(one)
        return found

    async def _run_as(self, role: str, seed: int, examples: int, arguments: Sequence[str]) -> Found:
        reports = self._folder / f"{role}-{seed}"
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
            f"{self._service.address}/openapi.json",
            *("--checks", "all", "--no-color"),
            *("--seed", str(seed), "--max-examples", str(examples), *arguments),
            *("--report", "json,ndjson"),
            *("--report-json-path", f"{reports}.json", "--report-ndjson-path", f"{reports}.ndjson"),
        ]
        environment = {**os.environ, "SCHEMA_TEST_AUTH": str(self._auth), "SCHEMA_TEST_ROLE": role}
        environment["SCHEMA_TEST_CUSTOMER_ID"] = self._customer_id
        environment["PYTHONPATH"] = str(REPOSITORY)  # for our own check
        code = await asyncio.to_thread(self._wait_for, command, environment, Path(f"{reports}.log"))
        if code not in (0, 1):
            raise RuntimeError(f"Schemathesis ended with {code}; see {reports}.log")
        return found_in(Path(f"{reports}.json"), Path(f"{reports}.ndjson"))

    def _wait_for(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return done.returncode


def found_in(summary: Path, events: Path) -> Found:
    told = json.loads(summary.read_text())
    found = Found(cases=told["test_cases"]["generated"])
    for failure in told["failures"]:
        found.failures[failure["title"]] += failure["count"]
    for error in told["errors"]:
        found.failures[f"error: {error['title']}"] += error["count"]
    if not told["complete"]:
        found.failures["error: incomplete"] += 1
    for operation, status in _answers(events):
        found.answers.setdefault(operation, Counter())[status] += 1
    return found


def _answers(events: Path) -> Iterator[tuple[str, int]]:
    with events.open() as lines:
        for line in lines:
            recorder: dict[str, Any] = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            for case, interaction in recorder.get("interactions", {}).items():
                value = recorder["cases"].get(case, {}).get("value", {})
                if interaction.get("response"):
                    yield f"{value.get('method')} {value.get('path')}", interaction["response"]["status_code"]
