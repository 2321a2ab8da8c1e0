"""What a saved training state has to have in common with the config that continues it."""

from pathlib import Path
from typing import Any

from callbacks.training_progress import Fingerprint, TrainingProgress
from data_generators.training_words import training_image
from utils.config.schema import Config
from utils.errors import UserError
from utils.log import log

ADVICE = "restore that, set another experiment_folder, or start again with --restart"


def fingerprint(config: Config, charset: str, words: int, steps: int) -> Fingerprint:
    """The fingerprint of a training.

    Args:
        charset: characters of the network, in the order of their ids.
        words, steps: of an epoch.
    """
    return Fingerprint(
        image=training_image(config.image, config.data_aug).geometry(),
        network={**config.network.model_dump(mode="json"), "charset": charset},
        learning_rate=config.train.learning_rate,
        num_epochs=config.train.num_epochs,
        words=words,
        steps=steps,
        seed=config.seed,
    )


def check_resumable(saved: TrainingProgress, now: Fingerprint, folder: Path) -> None:
    """Compares a saved training with the one that is to continue it.

    Network and image geometry must be the same. Within an epoch its words must be the same too; between
    epochs they may change, and the batch size at any time (`resume_position`).

    Raises:
        UserError: names the first difference.
    """
    before = saved.fingerprint
    if saved.step >= max(1, before.steps):
        raise UserError(f"The training state in {folder} is incomplete; start again with --restart.")
    for section in ("image", "network"):
        earlier = getattr(before, section)
        for name, value in getattr(now, section).items():
            if earlier.get(name) != value:
                raise UserError(
                    f"The training in {folder} has {section}.{name} {_shown(earlier.get(name))}, "
                    f"now it is {_shown(value)}; {ADVICE}."
                )
    for name in ("words", "seed"):
        earlier, value = getattr(before, name), getattr(now, name)
        if saved.step and earlier != value:
            raise UserError(
                f"The training in {folder} was interrupted within an epoch with {name} {earlier}, "
                f"now it is {value}; {ADVICE}."
            )


def resume_position(saved: TrainingProgress, now: Fingerprint) -> TrainingProgress:
    """The saved progress; at the beginning of its epoch if that was begun with batches of another size."""
    if saved.step and saved.fingerprint.steps != now.steps:
        log(f"Epoch {saved.epoch + 1} was begun with batches of another size and starts over.")
        return saved.model_copy(update={"step": 0})
    return saved


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
