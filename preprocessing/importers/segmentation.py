"""Words that IAM flags as badly segmented: about five in six of them are in fact good."""

from preprocessing.importers.labelled_word import SEGMENTATION_ERR, Dropped, LabelledWord
from preprocessing.importers.split import Splits


def drop_bad_segmentation(
    records: list[LabelledWord], keep: bool
) -> tuple[list[LabelledWord], list[Dropped]]:
    """The words without flagged ones, and the dropped words; all words are kept if `keep`."""
    if keep:
        return records, []
    kept = [record for record in records if record.segmented]
    flagged = (record.word for record in records if not record.segmented)
    return kept, [Dropped(word.filename, word.label, SEGMENTATION_ERR) for word in flagged]


def keep_in_training_only(splits: Splits, records: list[LabelledWord]) -> list[Dropped]:
    """Removes flagged words from val and test, so that figures are comparable with published ones."""
    flagged = {record.word.filename for record in records if not record.segmented}
    dropped = []
    for split in ("val", "test"):
        dropped += [
            Dropped(word.filename, word.label, SEGMENTATION_ERR)
            for word in splits[split]
            if word.filename in flagged
        ]
        splits[split] = [word for word in splits[split] if word.filename not in flagged]
    return dropped
