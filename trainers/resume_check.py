"""Checks that a saved training state fits the config that continues it."""

from pathlib import Path
from typing import Any

from callbacks.training_progress import Fingerprint, TrainingProgress
from utils.errors import UserError
from utils.log import log

ADVICE = "restore that, set another experiment_folder, or start again with --restart"


def check_resumable(saved: TrainingProgress, now: Fingerprint, folder: Path) -> None:
    """Compares a saved training with its continuation; raises UserError, which names the first difference.

    Text direction, network and image geometry must be the same. Words and seed may change between epochs, the batch
    size at any time (`resume_position`).
    """
    before = saved.fingerprint
    if saved.step >= max(1, before.steps):
        raise UserError(f"The training state in {folder} is incomplete; start again with --restart.")
    for section in ("text", "image", "network"):
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
            began = f"was interrupted within an epoch with {name} {earlier}"
            raise UserError(f"The training in {folder} {began}, now it is {value}; {ADVICE}.")


def resume_position(saved: TrainingProgress, now: Fingerprint) -> TrainingProgress:
    """Returns the saved progress, at the beginning of its epoch if the batch size has changed within it."""
    if saved.step and saved.fingerprint.steps != now.steps:
        log(f"Epoch {saved.epoch + 1} was begun with batches of another size and starts over.")
        return saved.model_copy(update={"step": 0})
    return saved


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
