"""Records the circumstances of a training: code, libraries and machine."""

import contextlib
import json
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from utils.files import write_json
from utils.paths import ROOT
from utils.system import usable_cores

LIBRARIES = ("keras", "tensorflow", "jax", "torch", "numpy", "cv2", "PIL")


def add_run(path: Path) -> None:
    """Appends this start of a training to `run.json`; raises UserError if the file can't be written."""
    runs: list[Any] = []
    # An unreadable record is replaced.
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        runs = list(json.loads(path.read_text(encoding="utf-8"))["runs"])
    write_json(path, {"runs": [*runs, describe_run()]})


def describe_run() -> dict[str, Any]:
    """Returns date, command line, code version, versions of the imported libraries, and machine."""
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": shlex.join(sys.argv),
        "git": git_state(ROOT),
        "python": platform.python_version(),
        "libraries": {
            name: sys.modules[name].__version__ for name in LIBRARIES if hasattr(sys.modules.get(name), "__version__")
        },
        "system": platform.platform(),
        "cores": usable_cores(),
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Returns the commit and whether files differ from it; None outside the project's own checkout."""
    try:
        # An installed copy may be within another repository.
        if Path(_git(folder, "rev-parse", "--show-toplevel")).resolve() != folder.resolve():
            return None
        changed = bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))
        return {"commit": _git(folder, "rev-parse", "HEAD"), "changed": changed}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    line = ["git", "-C", str(folder), *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
