"""`python -m tests.deploy.check`: ask the tools of others about deploy/. Ends with 1 if one complains or is missing.

It runs in the dependency group `deploy`, which brings all of them but go, helm and promtool.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # comes with kubernetes-validate

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
VERSIONS = ("1.29", "1.37")
"""Of Kubernetes: the oldest that Chart.yaml allows, and the newest whose schemas there are."""
GROUP = "uv sync --group deploy"
INSTALL = {
    "docker-compose": GROUP,
    "hadolint": GROUP,
    "kubernetes-validate": GROUP,
    "promtool": "apt-get install prometheus, or go install github.com/prometheus/prometheus/cmd/promtool@v0.316.0",
    "helm": "go install helm.sh/helm/v4/cmd/helm@v4.3.1",
    "go": "https://go.dev/dl",
}
OF_OTHERS = ("keda.sh/", "monitoring.coreos.com/")
"""Kinds that Kubernetes has no schema of."""
DEFINITIONS = {
    "github.com/kedacore/keda/v2@v2.21.0": [
        "config/crd/bases/keda.sh_scaledobjects.yaml",
        "config/crd/bases/keda.sh_triggerauthentications.yaml",
    ],
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": [
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ],
}
"""Go module -> its files that define those kinds. go fetches the modules, 7 MB, and keeps them."""


class MissingToolError(Exception):
    """The name of a tool that is not there."""


def find(tool: str) -> str | None:
    """On the path, or where `go install` puts it."""
    go = [os.environ.get("GOBIN", ""), str(Path(os.environ.get("GOPATH") or Path.home() / "go") / "bin")]
    return shutil.which(tool) or shutil.which(tool, path=os.pathsep.join(filter(None, go)))


def need(tool: str) -> str:
    found = find(tool)
    if found is None:
        raise MissingToolError(tool)
    return found


def run(*command: str, given: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """What it prints. Raises CalledProcessError."""
    return subprocess.run(
        command,
        input=given,
        env=None if env is None else {**os.environ, **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def examples() -> list[Path]:
    """The values that the chart is rendered with: one file for each way to use it."""
    return sorted((CHART / "ci").glob("*-values.yaml"))


def rendered(helm: str, values: Path) -> str:
    return run(helm, "template", "shop", str(CHART), "--namespace", "shop", "--values", str(values))


def check_compose(compose: str) -> None:
    run(
        compose,
        "-f",
        "deploy/compose.yaml",
        "--profile",
        "ui",
        "--profile",
        "observability",
        "config",
        "--quiet",
        env={"SECRET_KEY": "for the check"},
    )


def check_dockerfile(hadolint: str) -> None:
    run(hadolint, "deploy/Dockerfile")


def check_chart(helm: str) -> None:
    for values in examples():
        run(helm, "lint", "--strict", str(CHART), "--values", str(values))
        rendered(helm, values)


def check_objects(validate: str) -> None:
    """What the chart makes, against the schemas of Kubernetes. Needs helm, too."""
    helm = need("helm")
    for values in examples():
        objects = [each for each in yaml.safe_load_all(rendered(helm, values)) if each]
        known = [each for each in objects if not each["apiVersion"].startswith(OF_OTHERS)]
        print(f"  {values.name}: {len(known)} objects, {len(objects) - len(known)} more of others left to go")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump_all(known, file)
            file.flush()
            versions = [word for version in VERSIONS for word in ("-k", version)]
            told = run(validate, "--strict", *versions, file.name)
        if told.count("INFO ") != len(known) * len(VERSIONS):  # a kind without a schema is only warned of
            raise subprocess.CalledProcessError(1, [validate, values.name], told, "")


def check_objects_of_others(go: str) -> None:
    """Those of KEDA and of Prometheus's operator, against their definitions. Needs helm, too."""
    helm = need("helm")
    schemas = definitions(go)
    for values in examples():
        objects = [each for each in yaml.safe_load_all(rendered(helm, values)) if each]
        of_others = [each for each in objects if each["apiVersion"].startswith(OF_OTHERS)]
        print(f"  {values.name}: {len(of_others)} objects")
        for each in of_others:
            kind = (each["apiVersion"], each["kind"])
            if kind not in schemas:
                raise subprocess.CalledProcessError(1, [*kind, values.name], "no definition", "")
            wrong = [f"{error.json_path}: {error.message}\n" for error in schemas[kind].iter_errors(each)]
            if wrong:
                raise subprocess.CalledProcessError(1, [*kind, values.name], "".join(wrong), "")


def definitions(go: str) -> dict[tuple[str, str], Draft202012Validator]:
    """By apiVersion and kind."""
    found = {}
    for module, files in DEFINITIONS.items():
        folder = Path(json.loads(run(go, "mod", "download", "-json", module))["Dir"])
        for file in files:
            spec = yaml.safe_load((folder / file).read_text())["spec"]
            for version in spec["versions"]:
                kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[kind] = Draft202012Validator(closed(version["schema"]["openAPIV3Schema"]))
    return found


def closed(schema: Any) -> Any:
    """The schema as `kubectl apply` takes it: a field that it does not name is refused."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        inner.setdefault("additionalProperties", False)
    return inner


def check_alerts(promtool: str) -> None:
    run(promtool, "check", "config", "deploy/observability/prometheus.yml")
    run(promtool, "test", "rules", "tests/deploy/alerts_test.yaml")


CHECKS: Mapping[str, Callable[[str], None]] = {
    "docker-compose": check_compose,
    "hadolint": check_dockerfile,
    "helm": check_chart,
    "kubernetes-validate": check_objects,
    "go": check_objects_of_others,
    "promtool": check_alerts,
}


def troubles(skip: list[str]) -> Iterator[str]:
    for tool, check in CHECKS.items():
        if tool in skip:
            print(f"{tool}: skipped")
            continue
        try:
            found = need(tool)
            print(f"{tool}:")
            check(found)
        except MissingToolError as error:
            name = str(error)
            yield f"{tool}: {name} is not there. Install it: {INSTALL[name]}. Or leave the check out: --skip {tool}"
        except subprocess.CalledProcessError as error:
            yield f"{tool}: {' '.join(error.cmd)}\n{error.stdout}{error.stderr}"
        else:
            print("  no complaint")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skip", action="append", choices=CHECKS, default=[], help="leave this tool's check out")
    found = list(troubles(parser.parse_args().skip))
    sys.exit("\n".join(["", *found]) if found else 0)


if __name__ == "__main__":
    main()
