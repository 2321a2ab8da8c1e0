"""One process of a training whose every step is recorded.

python tests/helpers/data_parallel.py RECORD ARGUMENTS...

RECORD gets a line per step, with the loss so far and which words it was for; ARGUMENTS are main.py's.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import main
from utils.keras_import import import_keras

# XLA compiles for longer than these networks train.
QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


def record_steps(path: Path) -> None:
    """Lets every training of this process write its steps to `path`."""
    import keras

    from data_generators.data_generator import DataGenerator
    from trainers.trainer_seq2seq import TrainerSeq2Seq

    class Recorder(keras.callbacks.Callback):
        def __init__(self, trainer):
            super().__init__()
            self.trainer = trainer

        def on_epoch_begin(self, epoch, logs=None):
            begun, step = self.trainer.progress.position
            self.epoch, self.step = epoch, step if epoch == begun else 0

        def on_train_batch_end(self, batch, logs=None):
            generator: DataGenerator = self.trainer.train_pipeline.generator
            words = generator.positions(self.epoch)[self.step].tolist()
            line = {"epoch": self.epoch, "step": self.step, "loss": float(logs["loss"]), "words": words}
            self.step += 1
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    callbacks = TrainerSeq2Seq.callbacks

    def with_recorder(trainer):
        *others, saving = callbacks(trainer)
        return [*others, Recorder(trainer), saving]

    TrainerSeq2Seq.callbacks = with_recorder


def start_processes(number: int, config: str, folder: Path, *overrides: str) -> list[subprocess.Popen]:
    """Starts `number` processes of one training on this machine.

    Process i writes its steps to `folder`/i.jsonl, behind those of earlier runs, and its output to i.log.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        coordinator = f"127.0.0.1:{free.getsockname()[1]}"
    place = {"coordinator": coordinator, "num_processes": number, "timeout": 600}
    settings = [f"train.distribution.{name}={value}" for name, value in place.items()]
    processes = []
    for index in range(number):
        line = [sys.executable, __file__, str(folder / f"{index}.jsonl"), "-c", config, "--train", "--set"]
        # As Kubernetes says which one it is.
        environment = {**os.environ, "JOB_COMPLETION_INDEX": str(index), "KERAS_BACKEND": "jax", "XLA_FLAGS": QUICK}
        with open(folder / f"{index}.log", "a", encoding="utf-8") as output:
            processes.append(
                subprocess.Popen(
                    [*line, "train.distribution.strategy=data_parallel", *settings, *overrides],
                    env=environment,
                    stdout=output,
                    stderr=output,
                )
            )
    return processes


def recorded(path: Path) -> list[dict]:
    """The steps that a process has written, but for a line that it is writing."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines(True) if line.endswith("\n")]


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "jax"
    import_keras()
    record_steps(Path(sys.argv[1]))
    sys.exit(main.main(sys.argv[2:]))
