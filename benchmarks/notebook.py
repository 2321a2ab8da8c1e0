"""Runs a notebook anew and keeps its output: `python -m benchmarks.notebook notebooks/inference.ipynb`."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from utils.files import write_text


def run_notebook(path: Path) -> nbformat.NotebookNode:
    """The notebook with the output of all its cells, run in its own folder; nothing is written.

    What differs from run to run or between machines without any meaning is left out.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.resolve().parent)}}
    NotebookClient(
        notebook, timeout=None, kernel_name="python3", record_timing=False, resources=place
    ).execute()
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    for name in arguments:
        write_text(name, nbformat.writes(run_notebook(Path(name))) + "\n")
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
