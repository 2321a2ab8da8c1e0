"""The position of a training: how far it is, and what it must have in common with its continuation."""

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from utils.config.legacy import upgrade_image, upgrade_network

# Python's whole numbers have no end of their own.
Number = Annotated[int, Field(gt=-(10**30), lt=10**30)] | float
Count = Annotated[int, Field(ge=0, lt=10**30)]


class Fingerprint(BaseModel):
    """Settings and sizes that a saved training and its continuation are compared by.

    Attributes:
        image, network: the preprocessing and network settings; `network.charset` holds the characters in use.
        words, steps: of an epoch.
    """

    model_config = ConfigDict(frozen=True)

    image: dict[str, Any]
    network: dict[str, Any]
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    num_epochs: Count
    words: Count
    steps: Count
    seed: int

    @field_validator("image")
    @classmethod
    def _upgrade_image(cls, values: dict[str, Any]) -> dict[str, Any]:
        return upgrade_image(values)

    @field_validator("network")
    @classmethod
    def _upgrade_network(cls, values: dict[str, Any]) -> dict[str, Any]:
        return upgrade_network(values)


class TrainingProgress(BaseModel):
    """What a training state holds beside the arrays.

    Attributes:
        epoch, step: epochs done, and steps done of the next one.
        counters: those of the callbacks, such as epochs without improvement, by the callback's name.
        history: one row of values per epoch done.
        fingerprint: of the training; `identity` in the file.
    """

    model_config = ConfigDict(frozen=True)

    epoch: Count = 0
    step: Count = 0
    counters: dict[str, dict[str, Number]] = {}
    history: list[dict[str, Number]] = []
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
        """Epochs done, and steps done of the next one."""
        return self.epoch, self.step

    @property
    def begun(self) -> bool:
        """Whether a step has been done."""
        return self.position != (0, 0)
