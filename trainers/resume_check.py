"""What a saved training state has to have in common with the config that continues it."""

import math
from pathlib import Path
from typing import Any

from utils.config.legacy import upgrade_image, upgrade_network
from utils.config.schema import Config
from utils.errors import UserError
from utils.log import log

ADVICE = "restore that, set another experiment_folder, or start anew with --restart"


def identity(config: Config, charset: str, words: int, steps: int) -> dict[str, Any]:
    """What is saved with the state, as JSON values.

    Args:
        charset: characters of the network, in the order of their ids.
        words, steps: of an epoch.
    """
    return {
        "image": config.for_training_words.image.geometry(),
        "network": {**config.network.model_dump(mode="json"), "charset": charset},
        "learning_rate": config.train.learning_rate,
        "num_epochs": config.train.num_epochs,
        "words": words,
        "steps": steps,
        "seed": config.seed,
    }


def check_resumable(saved: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Compares the saved state with `now`, an `identity`.

    Network and image geometry must be the same. Within an epoch its words must be the same too; between
    epochs they may change, and the batch size at any time (`resume_position`).

    Raises:
        UserError: names the first difference.
    """
    if not saved:
        return
    before = saved["identity"]
    whole = all(isinstance(before.get(name), type(value)) for name, value in now.items())
    if not whole or not 0 < before["learning_rate"] < math.inf or saved["step"] >= max(1, before["steps"]):
        raise UserError(f"The training state in {folder} is incomplete; start anew with --restart.")
    for section, upgrade in (("image", upgrade_image), ("network", upgrade_network)):
        earlier = upgrade(before[section])
        for name, value in now[section].items():
            if earlier.get(name) != value:
                raise UserError(
                    f"The training in {folder} has {section}.{name} {_shown(earlier.get(name))}, "
                    f"now it is {_shown(value)}; {ADVICE}."
                )
    for name in ("words", "seed"):
        if saved["step"] and before[name] != now[name]:
            raise UserError(
                f"The training in {folder} was interrupted within an epoch with {name} {before[name]}, "
                f"now it is {now[name]}; {ADVICE}."
            )


def resume_position(saved: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The saved state at the beginning of its epoch, if that was begun with batches of another size."""
    if saved and saved["step"] and saved["identity"]["steps"] != now["steps"]:
        log(f"Epoch {saved['epoch'] + 1} was begun with batches of another size and starts over.")
        return {**saved, "step": 0}
    return saved


def saved_charset(saved: dict[str, Any]) -> str:
    """The network's charset as saved; empty if the state doesn't tell."""
    charset = saved["identity"].get("network", {}).get("charset")
    return charset if isinstance(charset, str) else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
