"""deploy/compose.yaml says nothing that the code does not know of."""

import re
from typing import Any

import pytest
from dotenv import dotenv_values

from composition.connections import Connections
from composition.process import resources
from composition.settings import Settings, read_settings
from tests.deploy.code import (
    DEPLOY,
    ENV_EXAMPLE,
    ROLES,
    SETTINGS_AND_FILES,
    VERSION,
    in_env_example,
    is_command,
    read_yaml,
    role_of,
)

SOURCE = (DEPLOY / "compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = read_yaml(DEPLOY / "compose.yaml")["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("order-service:")}
PUBLISHED = {
    "db.pg.server": {5426: 5432},
    "db.pg.ui": {8081: 8081},
    "db.redis.server": {6379: 6379},
    "kafka": {9092: 9093, 9093: 9093},
    "kafka-ui": {7777: 8080},
    "api.server": {8010: 8010},
    "queue-ui": {5577: 8010},
    "prometheus": {9090: 9090},
    "grafana": {3000: 3000},
    "jaeger": {16686: 16686, 4318: 4318},
}
"""On this machine -> in the container. Each is where the service that this one replaces had it."""

TUNING = {"POSTGRES_POOL_SIZE", "REDIS_CACHE_TTL", "REDIS_DB"}
"""Of the connections, what .env decides here, too."""


def test_every_role_has_a_service() -> None:
    assert sorted(filter(None, (role_of(service["command"]) for service in OURS.values()))) == sorted(ROLES)


def test_every_command_is_one_of_ours() -> None:
    assert [name for name, service in OURS.items() if not is_command(service["command"])] == []


def test_each_port_is_where_it_was_and_open_to_this_machine_alone() -> None:
    published: dict[str, dict[int, int]] = {}
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            address, machine, container = port.split(":")
            assert address == "127.0.0.1"
            published.setdefault(name, {})[int(machine)] = int(container)
    assert published == PUBLISHED


def test_every_setting_is_known() -> None:
    given = {name for service in OURS.values() for name in service["environment"]}
    assert given - SETTINGS_AND_FILES == set()


def test_every_variable_is_explained_in_env_example() -> None:
    assert set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", SOURCE)) - in_env_example() == set()


def test_env_example_names_the_services_beside() -> None:
    example = dotenv_values(ENV_EXAMPLE)
    assert {example[f"{name}_HOST"] for name in ("POSTGRES", "REDIS", "KAFKA")} <= set(SERVICES)


def test_what_env_says_about_other_services_does_not_count() -> None:
    connections = {name for name in SETTINGS_AND_FILES if name.removesuffix("_FILE").lower() in _fields(Connections)}
    for service in OURS.values():
        assert connections - TUNING - set(service["environment"]) == set()


def test_the_settings_lead_to_the_services_beside() -> None:
    for service in OURS.values():
        settings = _settings(service)
        resources(settings)
        assert settings.postgres_url is not None
        assert settings.kafka is not None
        assert settings.postgres_url.host in SERVICES
        assert settings.redis_host in SERVICES
        assert settings.kafka_host in SERVICES
        assert settings.app_port in {*PUBLISHED["api.server"].values(), *PUBLISHED["queue-ui"].values()}


def test_the_topics_are_those_that_are_used() -> None:
    topics = SERVICES["kafka-topics"]
    settings = _settings(OURS["api.consumer"])
    made = {_interpolated(value) for name, value in topics["environment"].items() if name != "KAFKA_HEAP_OPTS"}
    assert made == {settings.kafka_topic, settings.kafka_payments_topic, settings.kafka_shipments_topic}
    assert settings.dead_letter_topic == f"{settings.kafka_topic}.dead_letter"
    assert 'topic "$$ORDERS.dead_letter"' in topics["command"][0]


@pytest.mark.parametrize("name", sorted(set(OURS) - {"db.pg.migrate", "queue-ui"}))
def test_prometheus_asks_every_role(name: str) -> None:
    (job,) = read_yaml(DEPLOY / "observability" / "prometheus.yml")["scrape_configs"]
    port = OURS[name]["environment"]["METRICS_PORT"]
    assert f"{name}:{port}" in job["static_configs"][0]["targets"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_there_and_cannot_be_changed(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        if volume.startswith("."):
            source, _, rights = volume.split(":")
            assert (DEPLOY / source).exists()
            assert rights == "ro"


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_one_version(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-bookworm)?", tag)
    if name in OURS:
        assert tag == VERSION


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["cpus"]
    if name in OURS:
        assert service["read_only"] is True
        assert [entry.partition(":")[0] for entry in service["tmpfs"]] == ["/tmp"]  # noqa: S108 - the container's
        assert "volumes" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_when_those_that_it_needs_are_well(name: str) -> None:
    needs = SERVICES[name].get("depends_on", {})
    for needed, how in needs.items():
        one_time = SERVICES[needed]["restart"] == "no"
        assert how["condition"] == ("service_completed_successfully" if one_time else "service_healthy")
    if name in OURS and name not in {"db.pg.migrate", "queue-ui"}:
        assert set(needs) == {"db.pg.migrate", "db.redis.server", "kafka-topics"}


def _settings(service: dict[str, Any]) -> Settings:
    given = {name: _interpolated(value) for name, value in service["environment"].items()}
    return read_settings(given | {"SECRET_KEY": "kq8Zp2Vx7Rm4Tn9Wc3Ys6Lb1Hd5Gf0Ja"})


def _interpolated(value: str) -> str:
    """As with an empty .env."""
    return re.sub(r"\$\{[A-Z_]+:[-?]([^}]*)\}", r"\1", value)


def _fields(struct: type[Connections]) -> frozenset[str]:
    return frozenset(struct.__struct_fields__)
