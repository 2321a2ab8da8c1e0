"""The position of a training, and the settings that its continuation must share."""

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from utils.config.legacy import upgrade_image, upgrade_network
from utils.config.text import TextConfig

# Limits, since Python's integers have none.
Number = Annotated[int, Field(gt=-(10**30), lt=10**30)] | float
Count = Annotated[int, Field(ge=0, lt=10**30)]


class Fingerprint(BaseModel):
    """Settings and sizes by which a saved training and its continuation are compared.

    `network.charset` holds the characters in use; `words` and `steps` are per epoch; `image` is that of training,
    `evaluation_image` that of reading. Older states lack what is None by default.
    """

    model_config = ConfigDict(frozen=True)

    image: dict[str, Any]
    evaluation_image: dict[str, Any] | None = None
    network: dict[str, Any]
    text: dict[str, Any] = TextConfig().model_dump()
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    schedule: str | None = None
    num_epochs: Count
    words: Count
    steps: Count
    seed: int
    batch_size: Count | None = None
    batch_width: Count | None = None

    @property
    def batches(self) -> tuple[int, int | None, int | None]:
        """The steps of an epoch, and the settings that divide its words into them."""
        return self.steps, self.batch_size, self.batch_width

    _upgrade_image = field_validator("image", "evaluation_image")(upgrade_image)
    _upgrade_network = field_validator("network")(upgrade_network)


class TrainingProgress(BaseModel):
    """The content of a training state besides arrays.

    Attributes:
        epoch, step: completed epochs, and completed steps of the next one.
        counters: of the callbacks, such as epochs without improvement, by the callback's name.
        history: one row of values per completed epoch.
        licence: terms of the training data, those of the model to start from included.
        fingerprint: named `identity` in the file.
    """

    model_config = ConfigDict(frozen=True)

    epoch: Count = 0
    step: Count = 0
    counters: dict[str, dict[str, Number]] = {}
    history: list[dict[str, Number]] = []
    licence: str = ""
    fingerprint: Fingerprint = Field(
        validation_alias=AliasChoices("fingerprint", "identity"), serialization_alias="identity"
    )

    @field_validator("history")
    @classmethod
    def _rows_have_epochs(cls, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not all("epoch" in row for row in rows):
            raise ValueError("a row has no epoch")
        return rows

    @property
    def position(self) -> tuple[int, int]:
        """Completed epochs, and completed steps of the next one."""
        return self.epoch, self.step
