"""One process of a training whose every step is recorded: python tests/data_parallel.py RECORD ARGUMENTS...

RECORD gets a line per step, with the loss so far and which words it was for; ARGUMENTS are main.py's.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import main
from utils.quiet_keras import import_keras


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
            saved = self.trainer.saved
            self.epoch = epoch
            self.step = saved.get("step", 0) if epoch == saved.get("epoch", 0) else 0

        def on_train_batch_end(self, batch, logs=None):
            generator: DataGenerator = self.trainer.train_feed.generator
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


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "jax"
    import_keras()
    record_steps(Path(sys.argv[1]))
    sys.exit(main.main(sys.argv[2:]))
