"""`just check-deploy` is silent about nothing: not about a complaint, not about a tool that is not there."""

from pathlib import Path

import pytest

from tests.deploy import check

RENDERED = "---\\napiVersion: v1\\nkind: Pod\\n---\\napiVersion: keda.sh/v1alpha1\\nkind: X\\nspec: {{a: {spec}}}\\n"
HARMLESS = f"""case "$(basename "$0")" in
helm) [ "$1" = lint ] || printf -- '{RENDERED.format(spec=1)}' ;;
go) printf '{{"Dir": "%s"}}' "$(dirname "$0")/module" ;;
kubernetes-validate) printf 'INFO one\\nINFO other\\n' ;;
esac"""

DEFINITION = """
spec:
  group: keda.sh
  names: {kind: X}
  versions:
    - name: v1alpha1
      schema:
        openAPIV3Schema:
          properties:
            apiVersion: {type: string}
            kind: {type: string}
            spec: {properties: {a: {type: integer}}}
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path with every tool, none of which complains."""
    for name in check.CHECKS:
        _put(tmp_path, name, HARMLESS)
    for file in (file for files in check.DEFINITIONS.values() for file in files):
        definition = tmp_path / "module" / file
        definition.parent.mkdir(parents=True, exist_ok=True)
        definition.write_text(DEFINITION)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("GOPATH", str(tmp_path / "nowhere"))
    monkeypatch.delenv("GOBIN", raising=False)
    return tmp_path


def _put(folder: Path, name: str, script: str) -> None:
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


@pytest.mark.usefixtures("tools")
def test_there_is_nothing_to_say_when_nobody_complains(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(check.troubles([])) == []
    assert capsys.readouterr().out.count("no complaint") == len(check.CHECKS)


@pytest.mark.parametrize("name", check.CHECKS)
def test_a_complaint_is_told(name: str, tools: Path) -> None:
    _put(tools, name, "echo that is wrong >&2; exit 1")
    assert any(told.startswith(f"{name}: ") and "that is wrong" in told for told in check.troubles([]))


@pytest.mark.parametrize("name", check.CHECKS)
def test_a_missing_tool_is_told_with_how_to_get_it_unless_it_is_skipped(name: str, tools: Path) -> None:
    (tools / name).unlink()
    told = next(told for told in check.troubles([]) if told.startswith(f"{name}: "))
    assert check.INSTALL[name] in told
    assert f"--skip {name}" in told
    skipped = ["helm", "kubernetes-validate", "go"] if name == "helm" else [name]
    assert list(check.troubles(skipped)) == []


def test_an_object_without_a_schema_is_a_complaint(tools: Path) -> None:
    _put(tools, "kubernetes-validate", "echo WARN no schema")
    (told,) = check.troubles([])
    assert "WARN no schema" in told


@pytest.mark.parametrize(
    ("spec", "complaint"), [("x", "$.spec.a: 'x' is not of type"), ("1, b: 2", "'b' was unexpected")]
)
def test_an_object_that_is_not_as_its_definition_has_it_is_a_complaint(
    spec: str, complaint: str, tools: Path
) -> None:
    _put(tools, "helm", f"[ $1 = lint ] || printf -- '{RENDERED.format(spec=spec)}'")
    (told,) = check.troubles([])
    assert told.startswith("go: keda.sh/v1alpha1 X ")
    assert complaint in told


def test_an_object_without_a_definition_is_a_complaint(tools: Path) -> None:
    _put(tools, "helm", f"[ $1 = lint ] || printf -- '{RENDERED.replace('kind: X', 'kind: Y').format(spec=1)}'")
    (told,) = check.troubles([])
    assert "keda.sh/v1alpha1 Y" in told
    assert "no definition" in told


def test_it_ends_with_1_when_there_is_something_to_say(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tools / "hadolint").unlink()
    monkeypatch.setattr("sys.argv", ["check"])
    with pytest.raises(SystemExit) as ended:
        check.main()
    assert "hadolint is not there" in str(ended.value.code)
