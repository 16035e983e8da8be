"""The chart says nothing that the code does not know of; and, where helm is, what comes of it is safe to run."""

import json
import re
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest
import yaml

from tests.deploy.check import CHART, INSTALL, examples, find, rendered
from tests.deploy.code import ROLES, SECRET_SETTINGS, SETTINGS, SETTINGS_AND_FILES, VERSION, is_command, read_yaml

VALUES = read_yaml(CHART / "values.yaml")
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
HELPERS = (CHART / "templates" / "_helpers.tpl").read_text()
SET_BY_THE_CHART = set(re.findall(r"^([A-Z][A-Z_]+): ", HELPERS, re.MULTILINE))
NEVER_SET = {"KAFKA_HOST", "KAFKA_PORT", "VAR_DIR"}
"""The brokers are told as a list, and the file system of a pod is read-only."""

FREE = (".keys", ".resources", ".labels")
"""What is in these is no value of the chart's."""

HELM = find("helm")
with_helm = pytest.mark.skipif(HELM is None, reason=f"helm is not there; {INSTALL['helm']}")
example = pytest.mark.parametrize("values", examples(), ids=lambda path: path.stem)


def test_every_role_is_there() -> None:
    assert {_snake(name) for name in VALUES["roles"]} == ROLES
    needs = HELPERS.split('define "order-service.needs"')[1].split("{{- end -}}")[0]
    assert {_snake(name) for name in re.findall(r"^(\w+): \[", needs, re.MULTILINE)} == ROLES | {"migrate"}


def test_every_role_but_the_page_runs_without_being_asked_for() -> None:
    assert {name for name, role in VALUES["roles"].items() if not role["enabled"]} == {"queuePage"}


def test_every_setting_is_known_and_can_be_set() -> None:
    assert not SET_BY_THE_CHART - SETTINGS_AND_FILES
    others = set(SCHEMA["properties"]["settings"]["propertyNames"]["enum"])
    assert others == SETTINGS - SECRET_SETTINGS - SET_BY_THE_CHART - NEVER_SET, "see settings in values.schema.json"
    assert set(SCHEMA["properties"]["secrets"]["properties"]["keys"]["propertyNames"]["enum"]) == SECRET_SETTINGS


def test_no_secret_has_a_value() -> None:
    assert VALUES["secrets"]["existingSecret"] == ""
    assert "kind: Secret\n" not in "".join(file.read_text() for file in (CHART / "templates").iterdir())


def test_the_schema_knows_every_value_and_no_other() -> None:
    assert _names(VALUES) == _names_in(SCHEMA)


def test_the_versions_are_the_code_s() -> None:
    chart = read_yaml(CHART / "Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


@with_helm
@example
def test_every_container_runs_what_the_code_has_with_settings_that_it_knows(values: Path) -> None:
    for _, pod in _pods(values):
        (container,) = pod["containers"]
        assert is_command(container["command"])
        assert {each["name"] for each in container["env"]} - SETTINGS_AND_FILES == set()
        assert re.search(r":\d+\.\d+\.\d+$", container["image"])


@with_helm
@example
def test_every_pod_keeps_to_the_restricted_profile(values: Path) -> None:
    for _, pod in _pods(values):
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {kind for volume in pod["volumes"] for kind in volume} == {"name", "emptyDir", "secret"}
        mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
        paths = [each["value"] for each in container["env"] if each["name"].endswith(("_FILE", "_FILES"))]
        assert all(any(path.startswith(f"{folder}/") for folder in mounted) for path in paths)


@with_helm
@example
def test_every_role_that_is_wanted_is_a_deployment_that_is_looked_after(values: Path) -> None:
    given = read_yaml(values)
    roles = {
        _kebab(name)
        for name, role in VALUES["roles"].items()
        if (role | given.get("roles", {}).get(name, {}))["enabled"]
    }
    objects = _objects(values)
    deployments = {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each
        for each in objects
        if each["kind"] == "Deployment"
    }
    assert set(deployments) == roles
    for deployment in deployments.values():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
        (spread,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert spread["labelSelector"] == deployment["spec"]["selector"]
        assert spread["matchLabelKeys"] == ["pod-template-hash"], "or pods of the release before count"
    for kind, wanted in (("PodDisruptionBudget", "podDisruptionBudgets"), ("NetworkPolicy", "networkPolicies")):
        of = {each["metadata"]["labels"]["app.kubernetes.io/component"] for each in objects if each["kind"] == kind}
        assert of - {"migrate"} == (roles if given.get(wanted, {}).get("enabled", True) else set())


@with_helm
@example
def test_the_schema_comes_before_the_roles(values: Path) -> None:
    hooks = {each["kind"] for each in _objects(values) if "helm.sh/hook" in each["metadata"].get("annotations", {})}
    wanted = read_yaml(values).get("migrations", {}).get("enabled", True)
    assert hooks - {"NetworkPolicy"} == ({"Job", "ServiceAccount"} if wanted else set())


@with_helm
@pytest.mark.parametrize(("endpoint", "port"), [("", None), ("http://otel:4318", 4318), ("https://otel.io/x", 443)])
def test_the_roles_that_make_traces_may_send_them(endpoint: str, port: int | None, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    given = (CHART / "ci" / "plain-values.yaml").read_text()
    values.write_text(f'{given}\nsettings: {{OTEL_EXPORTER_OTLP_ENDPOINT: "{endpoint}"}}\n')
    known = {53, 5432, 6379, 9092}
    allowed = {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: {
            entry["port"] for rule in each["spec"]["egress"] for entry in rule["ports"]
        }
        - known
        for each in _objects(values)
        if each["kind"] == "NetworkPolicy"
    }
    silent = {"migrate", "queue-page"}
    assert set(allowed) - silent
    for role, ports in allowed.items():
        assert ports == (set() if port is None or role in silent else {port})


@with_helm
def test_the_pods_of_the_cluster_s_dns_may_listen_elsewhere(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    given = (CHART / "ci" / "plain-values.yaml").read_text()
    values.write_text(f"{given}\nnetworkPolicies: {{dnsPorts: [5353]}}\n")
    dns = [{"port": 5353, "protocol": "UDP"}, {"port": 5353, "protocol": "TCP"}]
    policies = [each for each in _objects(values) if each["kind"] == "NetworkPolicy"]
    assert policies
    assert all(each["spec"]["egress"][0] == {"ports": dns} for each in policies)


@with_helm
@pytest.mark.parametrize(
    "wrong",
    [
        "settings: {SECRET_KEY: x}",
        "settings: {NO_SUCH: x}",
        "image: {tag: latest}",
        "roles: {api: {replica: 2}}",
        "networkPolicies: {dnsPorts: []}",
    ],
)
def test_a_value_that_would_do_harm_or_nothing_is_refused(wrong: str, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(f"{(CHART / 'ci' / 'plain-values.yaml').read_text()}\n{wrong}\n")
    with pytest.raises(CalledProcessError) as refused:
        rendered(str(HELM), values)
    assert "schema" in refused.value.stderr


def _objects(values: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(rendered(str(HELM), values)) if each]


def _pods(values: Path) -> list[tuple[str, dict[str, Any]]]:
    pods = [
        (each["metadata"]["name"], each["spec"]["template"]["spec"])
        for each in _objects(values)
        if each["kind"] in {"Deployment", "Job"}
    ]
    assert pods
    return pods


def _names(values: dict[str, Any], path: str = "") -> set[str]:
    """Of all values, but not of what is in those that are anybody's own."""
    found = set()
    for name, value in values.items():
        here = f"{path}.{name}"
        found |= _names(value, here) if isinstance(value, dict) and value and not here.endswith(FREE) else {here}
    return found


def _names_in(schema: dict[str, Any], path: str = "") -> set[str]:
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if path.endswith(FREE) or "properties" not in schema:
        return {path} - {".global"}
    return {name for key, value in schema["properties"].items() for name in _names_in(value, f"{path}.{key}")}


def _snake(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


def _kebab(name: str) -> str:
    return _snake(name).replace("_", "-")
