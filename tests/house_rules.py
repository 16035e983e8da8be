"""What no general linter knows to look for here: `python -m tests.house_rules` prints each place and ends with 1.

Whoever must break a rule writes `# house: ` and why behind the line.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("order_service", "adapters", "composition", "migrations")
LOGGERS = re.compile(r"_?log(ger|ging)?")
NOT_FOR_LOGS = re.compile(r"password|token|secret|email|body|authorization", re.IGNORECASE)
EVERYTHING = {"Exception", "BaseException"}


def sql_of_pieces(node: ast.AST) -> bool:
    """SQL put together out of values, where parameters belong."""
    return (
        isinstance(node, ast.Call)
        and _name(node.func) in {"text", "exec_driver_sql"}
        and bool(node.args)
        and (
            isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
            or (isinstance(node.args[0], ast.Call) and _name(node.args[0].func) == "format")
        )
    )


def jwt_of_any_algorithm(node: ast.AST) -> bool:
    """A token whose own word is taken about how it is signed, or that need not be signed at all."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "jwt.decode"):
        return False
    named = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    return "algorithms" not in named or bool(re.search(r"verify_signature.: False", named.get("options", "")))


def secret_in_log(node: ast.AST) -> bool:
    """A password, a token, an e-mail address or a body on its way into the log."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    if not LOGGERS.fullmatch(_name(node.func.value)):
        return False
    said = [*node.args, *(keyword.value for keyword in node.keywords)]
    names = (_name(inner) for each in said for inner in ast.walk(each))
    return any(NOT_FOR_LOGS.search(name) for name in names)


def silence(node: ast.AST) -> bool:
    """Whatever went wrong, nobody hears of it."""
    if isinstance(node, ast.ExceptHandler):
        everything = node.type is None or bool({_name(each) for each in ast.walk(node.type)} & EVERYTHING)
        return everything and all(isinstance(each, ast.Pass | ast.Continue) for each in node.body)
    return (
        isinstance(node, ast.Call)
        and _name(node.func) == "suppress"
        and bool({_name(each) for each in node.args} & EVERYTHING)
    )


RULES: tuple[Callable[[ast.AST], bool], ...] = (sql_of_pieces, jwt_of_any_algorithm, secret_in_log, silence)


def broken(source: str) -> Iterator[tuple[int, str]]:
    """The lines on which a rule is broken, and which."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        for rule in RULES:
            if rule(node):
                line: int = getattr(node, "lineno", 1)
                if "# house: " not in lines[line - 1]:
                    yield line, rule.__name__


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def main() -> None:
    found = [
        f"{file.relative_to(REPOSITORY)}:{line}: {rule}"
        for folder in FOLDERS
        for file in sorted((REPOSITORY / folder).rglob("*.py"))
        for line, rule in broken(file.read_text())
    ]
    sys.exit("\n".join(found) or 0)


if __name__ == "__main__":
    main()
