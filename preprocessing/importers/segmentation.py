"""What becomes of the words that IAM flags as badly segmented: about five in six of them are in fact good."""

import json
from pathlib import Path

import editdistance

from preprocessing.importers.labelled_word import MISREAD, SEGMENTATION_ERR, Dropped, LabelledWord
from preprocessing.importers.split import Splits
from utils.errors import UserError

# A word counts as cut from the wrong place when a model's reading differs in more than this share.
MOST_ERRORS = 0.6


def drop_bad_segmentation(
    records: list[LabelledWord], include: str | None, readings: dict[str, str] | None
) -> tuple[list[LabelledWord], list[Dropped]]:
    """Sorts out flagged words.

    Args:
        include: None drops all of them; otherwise they stay, but for the misread ones.
        readings: file name -> what a model reads there; those far from the label are dropped.
    """
    kept, dropped = [], []
    for record in records:
        reason = None
        if not record.segmented:
            reason = _problem(record, readings) if include else SEGMENTATION_ERR
        if reason is None:
            kept.append(record)
        else:
            dropped.append(Dropped(record.word.filename, record.word.label, reason))
    return kept, dropped


def keep_in_training_only(splits: Splits, records: list[LabelledWord]) -> list[Dropped]:
    """Takes flagged words out of val and test, so that figures are comparable with published ones."""
    flagged = {record.word.filename for record in records if not record.segmented}
    dropped = []
    for split in ("val", "test"):
        bad = [word for word in splits[split] if word.filename in flagged]
        splits[split] = [word for word in splits[split] if word.filename not in flagged]
        dropped += [Dropped(word.filename, word.label, SEGMENTATION_ERR) for word in bad]
    return dropped


def read_readings(path: Path, images: Path) -> dict[str, str]:
    """What `--predict --output FILE.json` has written: file name in the images folder -> text.

    Raises:
        UserError: the file is missing or holds something else.
    """
    try:
        rows = json.loads(path.read_bytes())
        texts = {Path(row["filename"]): row["text"] for row in rows if not row.get("error")}
    except OSError as error:
        raise UserError(f"Readings {path} can't be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(
            f"{path} holds no readings; write it with main.py --predict --filename FOLDER --output FILE.json."
        ) from None
    folder = images.resolve()
    inside = {path.resolve(): text for path, text in texts.items()}
    return {
        file.relative_to(folder).as_posix(): text
        for file, text in inside.items()
        if file.is_relative_to(folder)
    }


def _problem(record: LabelledWord, readings: dict[str, str] | None) -> str | None:
    if readings is None or record.word.filename not in readings:
        return None
    label, text = record.word.label, readings[record.word.filename]
    errors = editdistance.eval(label, text)
    return MISREAD if errors > MOST_ERRORS * max(len(label), len(text)) else None
