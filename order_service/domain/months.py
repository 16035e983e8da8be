"""Months, each named by its first day."""

from datetime import date, timedelta


def month_of(day: date) -> date:
    return day.replace(day=1)


def month_after(month: date, months: int = 1) -> date:
    for _ in range(months):
        month = month_of(month + timedelta(days=31))
    return month


def month_before(month: date, months: int = 1) -> date:
    for _ in range(months):
        month = month_of(month - timedelta(days=1))
    return month
