"""Speed of training, with everything that `--train` does between two steps."""

import time
from collections.abc import Callable

import keras

from data_generators.data_generator import DataGenerator
from data_generators.dataset import open_dataset, read_dataset_labels
from data_generators.input_pipeline import InputPipeline
from models.model_seq2seq import ModelSeq2Seq
from models.precision import precision_scope, resolve_precision
from preprocessing.tokenizer import Tokenizer
from trainers.trainer_seq2seq import TrainerSeq2Seq
from utils.config.schema import Config

WARM_UP = 3  # steps: the first traces the graph, the next ones meet new sizes


class Stopwatch(keras.callbacks.Callback):
    """Counts the words of the steps after the warm-up, and ends training after some seconds.

    Args:
        words_of: step, counted from 0 on through all epochs -> number of its words.
    """

    def __init__(self, seconds: float, words_of: Callable[[int], int]) -> None:
        super().__init__()
        self.seconds = seconds
        self.words_of = words_of
        self.steps = 0
        self.words = 0
        self.passed = 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == WARM_UP:
            self.start = time.perf_counter()
        if self.steps > WARM_UP:
            self.words += self.words_of(self.steps - 1)
            self.passed = time.perf_counter() - self.start
            self.model.stop_training = self.passed >= self.seconds

    def result(self) -> dict[str, float]:
        """words_per_second, and words: how many were counted."""
        return {"words_per_second": self.words / self.passed, "words": self.words}


def prepare(config: Config) -> tuple[ModelSeq2Seq, DataGenerator]:
    """The compiled network and the training batches of a config, as the trainer makes them."""
    keras.utils.set_random_seed(config.seed)
    words = read_dataset_labels(config).splits["train"]
    charset = config.network.charset
    tokenizer = Tokenizer(charset) if charset else Tokenizer.from_labels([word.label for word in words])
    dataset = open_dataset(config.for_training_words, words, "train", tokenizer)
    model, train = ModelSeq2Seq(config.image, config.network, tokenizer), config.train
    optimizer = TrainerSeq2Seq.make_optimizer(
        train.optimizer, train.learning_rate, train.weight_decay, train.clip_norm, train.ema_decay
    )
    model.compile(optimizer, train.label_smoothing)
    augmented = config.data_aug.use_data_aug
    batches = DataGenerator(config, dataset, tokenizer, model.column_stride, use_data_augmentation=augmented)
    return model, batches


def measure(config: Config, seconds: float) -> dict[str, float]:
    """Trains for some seconds after the warm-up.

    Returns:
        words_per_second, and words: how many were counted.
    """
    model, batches = prepare(config)

    def words_of(step: int) -> int:
        epoch, index = divmod(step, len(batches))
        return len(batches.positions(epoch)[index])

    stopwatch = Stopwatch(seconds, words_of)
    with precision_scope(resolve_precision(config.train.precision)):
        # To `fit` it is one epoch without end; the feed goes on from epoch to epoch.
        model.keras_model.fit(
            InputPipeline(batches, config.train.num_workers).dataset(),
            steps_per_epoch=10**6,
            callbacks=[stopwatch],
            shuffle=False,
            verbose=0,
        )
    return stopwatch.result()
