"""Which of how many processes this one is: from the config, or from what SLURM or Kubernetes tells."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from utils.config.train import DistributionConfig
from utils.errors import UserError

# Ports that neither the system nor the dynamic range uses; the job's number spreads jobs of one machine.
FIRST_PORT, PORTS = 20_000, 10_000


@dataclass(frozen=True)
class Place:
    """Process `process_id` of `num_processes`, which meet at `coordinator` (host:port; None if alone)."""

    coordinator: str | None
    num_processes: int
    process_id: int


def find_place(settings: DistributionConfig, environment: Mapping[str, str]) -> Place:
    """The place of this process in a data-parallel training.

    A SLURM step of several tasks (`srun`) and a Kubernetes indexed job number their processes; their
    numbers override the config's, for one config serves all processes. The config's coordinator overrides
    SLURM's, which is the first node of the step.

    Raises:
        UserError: something is missing or contradictory.
    """
    coordinator, number, process = settings.coordinator, settings.num_processes, settings.process_id
    tasks = _number(environment, "SLURM_STEP_NUM_TASKS") or _number(environment, "SLURM_NTASKS") or 1
    if tasks > 1 and "SLURM_PROCID" in environment:
        number, process = tasks, _number(environment, "SLURM_PROCID")
        coordinator = coordinator or _slurm_coordinator(environment)
    elif "JOB_COMPLETION_INDEX" in environment:
        process = _number(environment, "JOB_COMPLETION_INDEX")
    number = number or 1
    if number == 1:
        return Place(None, 1, 0)
    missing = {"coordinator": coordinator, "process_id": process}
    for name, value in missing.items():
        if value is None:
            raise UserError(f"train.distribution.{name} is missing: {number} processes need it; set it.")
    if process is None or process >= number:
        raise UserError(
            f"train.distribution.process_id {process} is none of {number} processes: they count from 0; "
            "set num_processes to the job's number of processes."
        )
    return Place(coordinator, number, process)


def choose_backend(settings: DistributionConfig) -> None:
    """Makes Keras' next import take the backend that the strategy needs.

    Raises:
        UserError: KERAS_BACKEND names another one.
    """
    wanted = {"mirrored": "tensorflow", "data_parallel": "jax"}.get(settings.strategy)
    if wanted and os.environ.setdefault("KERAS_BACKEND", wanted) != wanted:
        raise UserError(
            f"train.distribution.strategy {settings.strategy} needs KERAS_BACKEND={wanted}, "
            f"not {os.environ['KERAS_BACKEND']}."
        )


def first_host(nodes: str) -> str:
    """The first of the nodes that SLURM lists, such as `gpu[003-006,9],login`: gpu003."""
    name = re.split(r",(?![^\[]*\])", nodes)[0]
    match = re.fullmatch(r"(.*?)\[(\w+)[^\]]*\](.*)", name)
    return "".join(match.groups()) if match else name


def _slurm_coordinator(environment: Mapping[str, str]) -> str | None:
    nodes = environment.get("SLURM_STEP_NODELIST") or environment.get("SLURM_JOB_NODELIST")
    if not nodes:
        return None
    return f"{first_host(nodes)}:{FIRST_PORT + (_number(environment, 'SLURM_JOB_ID') or 0) % PORTS}"


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    return int(text) if text.isdecimal() else None
