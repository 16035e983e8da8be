"""`python -m tests.licences`: the licences of all that is installed; ends with 1 if pyproject.toml lacks one.

As each package tells it itself: as an SPDX expression, else in its classifiers, else in a word or two.
"""

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from email.message import Message
from importlib.metadata import distributions
from pathlib import Path
from typing import cast

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
OURS = "order-service"


def allowed() -> frozenset[str]:
    settings = tomllib.loads(PYPROJECT.read_text())
    return frozenset(settings["tool"]["order-service"]["allowed-licences"])


def read_by_people() -> dict[str, str]:
    """Package -> the licence in its files, where its metadata do not tell."""
    settings = tomllib.loads(PYPROJECT.read_text())
    return dict(settings["tool"]["order-service"]["licences-read"])


def licences_of(metadata: Message) -> list[str]:
    """All of them hold; what is told by `OR` is a choice, and stays together."""
    told = metadata.get("License-Expression") or read_by_people().get(metadata["Name"])
    if told:
        return [part.strip("() ") for part in re.split(r"\bAND\b", told)]
    classifiers = [each for each in metadata.get_all("Classifier") or [] if each.startswith("License ::")]
    if classifiers:
        return [each.rpartition(" :: ")[2] for each in classifiers]
    return [(metadata.get("License") or "none told").partition("\n")[0]]


def refused(licences: Iterable[str], allowed: frozenset[str]) -> list[str]:
    return [each for each in licences if not allowed & {choice.strip() for choice in each.split(" OR ")}]


def main() -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for distribution in distributions():
        metadata = cast("Message", distribution.metadata)
        if (name := metadata["Name"]) != OURS:
            for licence in licences_of(metadata):
                found[licence].add(name)
    for licence, names in sorted(found.items()):
        print(f"{licence}: {', '.join(sorted(names, key=str.lower))}")
    bad = refused(found, allowed())
    if bad:
        sys.exit(f"\nNot allowed in pyproject.toml: {', '.join(bad)}")


if __name__ == "__main__":
    main()
