"""What import-linter cannot say: the core needs nothing but Python itself."""

import ast
import sys
from pathlib import Path

import order_service

CORE = Path(order_service.__file__).parent


def test_the_core_imports_the_standard_library_only() -> None:
    foreign = {
        (str(file.relative_to(CORE)), name)
        for file in CORE.rglob("*.py")
        for name in _imported(ast.parse(file.read_text()))
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "order_service"}
    }
    assert foreign == set()


def test_the_walk_over_the_core_finds_its_imports() -> None:
    names = {name for file in CORE.rglob("*.py") for name in _imported(ast.parse(file.read_text()))}
    assert {"dataclasses", "order_service.domain.order"} <= names


def _imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found
