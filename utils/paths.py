"""Where the files that come with the code are, for whoever starts it from another folder."""

import os
from pathlib import Path

# The checkout, or the package's folder in an installed copy; configs, snapshots and datasets lie in both.
ROOT = Path(__file__).resolve().parents[1]
WORDS_FILE = ROOT / "datasets" / "text" / "words.tsv"  # 100,000 English words with frequencies


def resolve_shipped(path: str | Path) -> Path:
    """`path` itself, or the file or folder of this name beside the code where there is none here."""
    path = Path(path)
    # os.path answers False where pathlib raises, as for names that are too long.
    if path.is_absolute() or os.path.exists(path) or not os.path.exists(ROOT / path):
        return path
    return ROOT / path
