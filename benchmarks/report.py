"""The figures as JSON, as tables and as a chart."""

from __future__ import annotations

import datetime
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from metrics.plots import COLOURS
from trainers.run_info import git_state
from utils.files import write_json, write_text
from utils.paths import ROOT
from utils.system import usable_cores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESULTS_FILE = "results.json"


@dataclass(frozen=True)
class Row:
    """One figure: the median of `runs`; `ratio` is to the figure of the row named `to`."""

    part: str
    what: str
    unit: str
    n: str
    runs: list[float]
    ratio: float | None = None
    to: str = ""

    @property
    def value(self) -> float:
        return median(self.runs)


def ratio_rows(part: str, runs: Mapping[str, list[float]], unit: str, counts: dict[str, str], base: str) -> list[Row]:
    """Returns a row per name, with its ratio to the row `base`; `counts` names what was measured, as "512 words"."""
    ratios = {name: median(values) / median(runs[base]) if name != base else None for name, values in runs.items()}
    return [Row(part, name, unit, counts[name], runs[name], ratios[name], base) for name in runs]


def speed_rows(part: str, results: Mapping[str, Sequence[dict[str, float]]], base: str) -> list[Row]:
    """Rows of words per second."""
    speeds = {name: [each["words_per_second"] for each in found] for name, found in results.items()}
    counts = {name: f"{found[0]['words']} words" for name, found in results.items()}
    return ratio_rows(part, speeds, "words/s", counts, base)


def write_report(folder: Path, rows: list[Row], command: str) -> str:
    """Writes results.json and results.md and returns the latter; raises UserError if the folder can't be written."""
    state = git_state(ROOT) or {"commit": "none", "changed": False}
    about = {
        "machine": f"{_processor()}, {platform.system()}, Python {platform.python_version()}",
        "cores": usable_cores(),
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "commit": state["commit"][:7] + ("-dirty" if state["changed"] else ""),
        "command": command,
    }
    table = as_markdown(rows, about)
    write_json(folder / RESULTS_FILE, {**about, "figures": [asdict(row) for row in rows]})
    write_text(folder / "results.md", table)
    return table


def as_markdown(rows: list[Row], about: dict[str, Any]) -> str:
    """Returns a table per part, medians with their range."""
    lines = ["# Benchmarks", "", *(f"- {name}: {value}" for name, value in about.items())]
    for part, group in groupby(rows, key=lambda row: row.part):
        lines += ["", f"## {part.capitalize()}", ""]
        lines += ["| what | median | runs | n | ratio |", "|---|---|---|---|---|"]
        for row in group:
            runs = f"{len(row.runs)}: {number(min(row.runs))} to {number(max(row.runs))}"
            ratio = f"{row.ratio:.2f} times {row.to}" if row.ratio else ""
            lines.append(f"| {row.what} | {number(row.value)} {row.unit} | {runs} | {row.n} | {ratio} |")
    return "\n".join(lines) + "\n"


def draw(rows: list[Row], about: dict[str, Any]) -> Figure:
    """Bars, to scale within each part and unit."""
    from matplotlib.figure import Figure

    groups = [(key, list(group)) for key, group in groupby(rows, key=lambda row: (row.part, row.unit))]
    heights = [len(group) + 1.2 for _, group in groups]
    figure = Figure((11, 0.26 * sum(heights) + 0.3), layout="constrained")
    panels = figure.subplots(len(groups), squeeze=False, height_ratios=heights).flat
    for axes, ((part, unit), group) in zip(panels, groups):
        axes.set_title(f"{part}, {unit}", loc="left", fontsize="medium")
        bars = axes.barh(range(len(group)), [row.value for row in group], color=COLOURS[0])
        texts = [number(row.value) + (f"  ({row.ratio:.2f} x)" if row.ratio else "") for row in group]
        axes.bar_label(bars, texts, padding=4)
        axes.set_yticks(range(len(group)), [row.what for row in group])
        axes.set(xticks=[], xlim=(0, 1.3 * max(row.value for row in group) or 1))
        axes.invert_yaxis()
        axes.spines[:].set_visible(False)
    figure.supxlabel(f"{about['machine']}; {about['date']}; {about['commit']}", fontsize="small")
    return figure


def number(value: float) -> str:
    """Returns three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _processor() -> str:
    """Returns the processor's name, which Python does not find on Linux."""
    information = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", information.read_text()) if information.exists() else []
    return names[0] if names else platform.processor() or platform.machine()
