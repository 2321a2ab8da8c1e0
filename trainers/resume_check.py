"""Checks that a saved training state fits the config that continues it."""

from pathlib import Path
from typing import Any

from callbacks.training_progress import Fingerprint, TrainingProgress
from data_generators.packed import FOLLOWING, TRAINING_VALUE
from data_generators.training_words import training_image
from utils.config.schema import Config
from utils.errors import UserError
from utils.log import log

ADVICE = "restore that, set another experiment_folder, or start again with --restart"


def fingerprint_of(config: Config, charset: str, words: int, steps: int) -> Fingerprint:
    """Returns the settings by which a training is compared with its continuation; words and steps are per epoch."""
    return Fingerprint(
        image=training_image(config.image, config.data_aug).geometry(),
        evaluation_image=config.image.geometry(),
        network={**config.network.model_dump(mode="json"), "charset": charset},
        text=config.text.model_dump(),
        learning_rate=config.train.learning_rate,
        schedule=config.train.schedule,
        num_epochs=config.train.num_epochs,
        words=words,
        steps=steps,
        seed=config.seed,
        batch_size=config.train.batch_size,
        batch_width=config.train.batch_width,
    )


def check_resumable(saved: TrainingProgress, now: Fingerprint, folder: Path) -> None:
    """Compares a saved training with its continuation; raises UserError, which names the first difference.

    Text direction, network and image geometry must be the same. Words and seed may change between epochs, the batch
    size at any time (`resume_position`).
    """
    before = saved.fingerprint
    if saved.step >= max(1, before.steps):
        raise UserError(f"The training state in {folder} is incomplete; start again with --restart.")
    for part in ("text", "image", "evaluation_image", "network"):
        earlier, section = getattr(before, part), part.removeprefix("evaluation_")
        for name, value in getattr(now, part).items() if earlier is not None else ():
            if name == "charset" and earlier.get(name) != value:
                raise _other_characters(str(earlier.get(name)), str(value), folder)
            if earlier.get(name) != value:
                note = TRAINING_VALUE if part == "image" and name in FOLLOWING else ""
                raise UserError(
                    f"The training in {folder} has {section}.{name} {_shown(earlier.get(name))}, "
                    f"now it is {_shown(value)}{note}; {ADVICE}."
                )
    for name in ("words", "seed"):
        earlier, value = getattr(before, name), getattr(now, name)
        if saved.step and earlier != value:
            began = f"was interrupted within an epoch with {name} {earlier}"
            raise UserError(f"The training in {folder} {began}, now it is {value}; {ADVICE}.")


def _other_characters(before: str, now: str, folder: Path) -> UserError:
    """Returns the error for a charset that has changed, as with the labels from which it is made."""
    changes = {"new": "".join(sorted(set(now) - set(before))), "gone": "".join(sorted(set(before) - set(now)))}
    shown = ", ".join(f"{kind}: {_shown(chars)}" for kind, chars in changes.items() if chars) or "another order"
    start = "train.weights_initialization"
    model = next((folder / name for name in ("best", "last") if (folder / name).exists()), "MODEL")
    return UserError(
        f"The training in {folder} has other characters ({shown}); restore labels or network.charset, start again with "
        f"--restart, or keep what it has learned: another experiment_folder, {start}.use_pretrained_weights=true, "
        f"{start}.restore_from={model} and, where network.charset is null, {start}.add_characters=true."
    )


def resume_position(saved: TrainingProgress, now: Fingerprint) -> TrainingProgress:
    """Returns the saved progress, at the beginning of its epoch if the batch size has changed within it."""
    before = saved.fingerprint
    batches = now.batches if before.batch_size is not None else (now.steps, None, None)
    if saved.step and before.batches != batches:
        log(f"Epoch {saved.epoch + 1} was begun with batches of another size and starts over.")
        return saved.model_copy(update={"step": 0})
    return saved


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
