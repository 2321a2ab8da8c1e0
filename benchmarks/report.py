"""The results as JSON, as a table and as a picture."""

import datetime
import os
import platform
import subprocess
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from benchmarks.measurements import Row
from benchmarks.process import REPOSITORY
from utils.files import atomic_write, write_json, write_text
from utils.system import usable_cores

WIDTH, LINE, MARGIN, TEXT_WIDTH, BAR_WIDTH = 1100, 26, 20, 470, 300
INK, FAINT, BAR = "#1f2328", "#656d76", "#0969da"


def write_report(folder: Path, rows: list[Row], command: str) -> None:
    """Writes results.json, results.md and results.png.

    Raises:
        UserError: the folder can't be written.
    """
    about = machine(command)
    figures = [{**asdict(row), "value": row.value} for row in rows]
    write_json(folder / "results.json", {**about, "figures": figures})
    write_text(folder / "results.md", as_markdown(rows, about))
    with atomic_write(folder / "results.png") as temporary:
        draw(rows, about).save(temporary)


def machine(command: str) -> dict[str, Any]:
    """Where and when the figures were measured."""
    return {
        "machine": f"{_processor()}, {platform.system()}, Python {platform.python_version()}",
        "cores": usable_cores(),
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _commit(),
        "command": command,
        "load_before": round(os.getloadavg()[0], 2),
    }


def listed(about: dict[str, Any]) -> list[str]:
    """What `machine` gives, as a Markdown list."""
    return [f"- {name.replace('_', ' ')}: {value}" for name, value in about.items()]


def as_markdown(rows: list[Row], about: dict[str, Any]) -> str:
    """A table per part, medians with their range."""
    lines = ["# Benchmarks", "", *listed(about)]
    for part, group in groupby(rows, key=lambda row: row.part):
        lines += [
            "",
            f"## {part.capitalize()}",
            "",
            "| what | median | runs | n | ratio |",
            "|---|---|---|---|---|",
        ]
        for row in group:
            runs = f"{len(row.runs)}: {number(min(row.runs))} to {number(max(row.runs))}"
            lines.append(f"| {row.what} | {number(row.value)} {row.unit} | {runs} | {row.n} | {ratio(row)} |")
    return "\n".join(lines) + "\n"


def draw(rows: list[Row], about: dict[str, Any]) -> Image.Image:
    """Bars, to scale within each part and unit."""
    groups = [(key, list(group)) for key, group in groupby(rows, key=lambda row: (row.part, row.unit))]
    height = 2 * MARGIN + LINE * (len(rows) + 2 * len(groups) + 1)
    picture = Image.new("RGB", (WIDTH, height), "white")
    canvas, font = ImageDraw.Draw(picture), ImageFont.load_default(size=16)
    top = MARGIN
    for (part, unit), group in groups:
        canvas.text((MARGIN, top), f"{part}, {unit}", fill=INK, font=font)
        longest = max(row.value for row in group) or 1
        for row in group:
            top += LINE
            canvas.text((2 * MARGIN, top), row.what, fill=FAINT, font=font)
            length = max(1, round(BAR_WIDTH * row.value / longest))
            canvas.rectangle((TEXT_WIDTH, top + 3, TEXT_WIDTH + length, top + LINE - 6), fill=BAR)
            times = f"  ({row.ratio:.2f} x)" if row.ratio is not None else ""
            place = (TEXT_WIDTH + length + 8, top)
            canvas.text(place, f"{number(row.value)} {unit}{times}", fill=INK, font=font)
        top += 2 * LINE
    canvas.text(
        (MARGIN, top), f"{about['machine']}; {about['date']}; {about['commit']}", fill=FAINT, font=font
    )
    return picture


def number(value: float) -> str:
    """Three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(row: Row) -> str:
    """What times the other, for the table."""
    return "" if row.ratio is None else f"{row.ratio:.2f} times {row.to}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    """The commit that was measured, marked if files differ from it."""
    line = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "no git"
