"""A labelled dataset: where its images and labels are, and how it is rendered if it is the embedded one."""

import json
from dataclasses import dataclass
from pathlib import Path

from data_generators.image_folder import ImageFolder
from preprocessing.labels import LABELS_FILE, LabelsFile, read_labels
from utils.config.schema import Config
from utils.config.synthetic import RENDERED_WITH, SyntheticConfig
from utils.config.train import AdditionalDataConfig
from utils.errors import UserError
from utils.log import log


@dataclass(frozen=True)
class DataSource:
    """Images, labels, and the settings by which both are rendered if they are missing."""

    images: ImageFolder
    labels: Path
    synthetic: SyntheticConfig

    @classmethod
    def of(cls, data: Config | AdditionalDataConfig) -> "DataSource":
        """Returns the config's own dataset, or one of `train.additional_data`."""
        images = ImageFolder(Path(data.images_folder), data.follow_links)
        return cls(images, Path(data.labels_file), data.synthetic)

    def read_labels(self) -> LabelsFile:
        """Reads the labels file, after rendering the embedded dataset if it is enabled and missing.

        Raises UserError if the labels file is missing or malformed, or the dataset can't be written.
        """
        if self.synthetic.enabled and not self.labels.exists():
            self._render()
        elif others := self.synthetic.enabled and self._other_settings():
            log(f"{self.labels.parent} is not rendered again, though {', '.join(others)}; name a new folder for that.")
        labels = read_labels(self.labels)
        for note in labels.notes:
            log(note)
        return labels

    @property
    def is_rendered(self) -> bool:
        """Whether the words are, or will be, those of the embedded dataset."""
        made = self.labels.parent / RENDERED_WITH
        return self.synthetic.enabled and (made.exists() or not self.labels.exists())

    def _other_settings(self) -> list[str]:
        """Returns what the embedded dataset at hand was rendered with, where the config now says otherwise."""
        try:
            made = json.loads((self.labels.parent / RENDERED_WITH).read_bytes())
            made = {**made, "num_words": made["num_words"]["train"]}
        except (OSError, ValueError, KeyError, TypeError):
            return []  # a dataset of the user's own
        wanted = self.synthetic.model_dump(exclude={"enabled"})
        return [
            f"synthetic.{name} is {value} and was {made[name]}"
            for name, value in wanted.items()
            if made.get(name, value) != value
        ]

    def _render(self) -> None:
        # The import is slow, and prediction doesn't need it.
        from data_generators.synthetic.dataset import create_synthetic, split_sizes

        folder, settings = self.labels.parent, self.synthetic
        if self.images.path.resolve() != folder.resolve() / "words" or self.labels.name != LABELS_FILE:
            raise UserError(
                f"Labels file {self.labels} does not exist, and the embedded dataset can only be created where "
                f"labels_file is named {LABELS_FILE} and images_folder is the folder `words` beside it; set both, or "
                "create the labels file."
            )
        sizes = split_sizes(settings.num_words)
        log(f"Rendering the embedded dataset in {folder}: {sum(sizes.values())} words from bundled fonts.")
        create_synthetic(folder, sizes, settings, keep=True)
