"""What was measured, as a table for people and as JSON."""

import statistics
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.benchmarks.drive import Driven

AT_LEAST = {
    "place": (0.9, 1.3),
    "get": (0.6, 0.85),
    "get-304": (1.0, 1.2),
    "list": (0.7, 0.9),
    "list-million": (0.85, 0.95),
    "log-in": (0.9, 0.97),
    "relay": (10_000, 30_000),
    "pipeline": (0.4, 0.6),
    "memory": (1.05, 1.0),
}
"""What is to be reached, and what is aimed at. Of memory it is the most that it may be."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours and what it is held against, by turns in each round."""

    against: str
    ours: list[Driven]
    other: list[Driven]

    @property
    def ratio(self) -> float:
        return statistics.median(
            ours.per_second / other.per_second for ours, other in zip(self.ours, self.other, strict=True)
        )


@dataclass(slots=True)
class Report:
    cases: dict[str, Comparison] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    goals: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def note(self, name: str, figure: float) -> None:
        print(f"  {name:62} {figure:>12.6g}", flush=True)
        self.figures[name] = figure

    def check(self, name: str, *rounds: Driven) -> None:
        self.wrong += [f"{name}: {driven.wrong} wrong answers {driven.statuses}" for driven in rounds if driven.wrong]

    def compare(self, case: str, comparison: Comparison) -> None:
        self.cases[case] = comparison
        for who, rounds in (("ours", comparison.ours), (comparison.against, comparison.other)):
            self.check(f"{case}, {who}", *rounds)
            if rounds:
                print(row(case, who, rounds), flush=True)
        if comparison.other:
            self.goals[case] = comparison.ratio

    def print(self) -> None:
        print(f"\n{HEAD}")
        for case, comparison in self.cases.items():
            print(row(case, "ours", comparison.ours))
            if comparison.other:
                print(row("", comparison.against, comparison.other))
        print(f"\n{'':14} {'is':>10} {'at least':>10} {'aim':>8}")
        for case, value in self.goals.items():
            least, aim = AT_LEAST.get(case, (None, None))
            said = "" if least is None else f"{least:>10g} {aim:>8g} {verdict(case, value, least)}"
            print(f"{case:14} {value:>10.4g} {said}".rstrip())
        print()
        for name, figure in self.figures.items():
            print(f"{name:64} {figure:>12.6g}")
        for line in self.wrong:
            print(f"WRONG: {line}")

    def json(self) -> bytes:
        cases: dict[str, Any] = {
            case: {
                "against": comparison.against,
                "ratio": comparison.ratio if comparison.other else None,
                "ours": comparison.ours,
                "other": comparison.other,
            }
            for case, comparison in self.cases.items()
        }
        told = {"cases": cases, "goals": self.goals, "figures": self.figures, "wrong": self.wrong}
        return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


HEAD = f"{'':14} {'':22} {'requests/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>8} {'services':>8} {'peak MB':>8}"


def row(case: str, who: str, rounds: list[Driven]) -> str:
    """Medians of the rounds; of the memory the most."""

    def median(name: str) -> float:
        return float(statistics.median(getattr(driven, name) for driven in rounds))

    return (
        f"{case:14} {who:22} {median('per_second'):>10.0f} {median('p50'):>8.2f} {median('p99'):>8.2f} "
        f"{median('api_cpu'):>8.3f} {median('services_cpu'):>8.3f} {max(each.peak_mb for each in rounds):>8.0f}"
    )


def verdict(case: str, value: float, least: float) -> str:
    reached = value <= least if case == "memory" else value >= least
    return "reached" if reached else "SHORT"
