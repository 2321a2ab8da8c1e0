"""Reads the table of a training's epochs."""

import csv
from pathlib import Path


def read_history(path: Path) -> list[dict[str, float]]:
    """Returns the rows of a `history.csv`; none if there is no such file, or it is no table of numbers."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return [{name: float(value or "nan") for name, value in row.items()} for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, AttributeError):
        return []
