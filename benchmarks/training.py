"""How fast are trainings, compared with the seed project's network?"""

import time

from benchmarks.process import in_turn
from benchmarks.report import Row, speed_rows
from benchmarks.settings import BEST, COMPACT, SEED, Settings
from utils.config.schema import Config
from utils.keras_import import import_keras

WARM_UP = 3  # steps: the first traces the graph, the next ones meet new sizes


def rows(settings: Settings) -> list[Row]:
    """Words per second of training."""
    configs = SEED, COMPACT, BEST
    tasks = {config: settings.task("training.measure", config, settings.words) for config in configs}
    return speed_rows("training speed", in_turn(tasks, settings.repeats), SEED)


def measure(config: Config, seconds: float) -> dict[str, float]:
    """Trains as `--train` does for some seconds after the warm-up; returns words_per_second and words."""
    import_keras()
    import keras

    from data_generators.input_pipeline import InputPipeline
    from models.precision import precision_scope, resolve_precision

    model, batches = prepare(config)
    steps, words, start, passed = 0, 0, 0.0, 0.0

    def on_train_batch_end(batch: int, logs: dict) -> None:
        nonlocal steps, words, start, passed
        epoch, index = divmod(steps, len(batches))
        steps += 1
        if steps == WARM_UP:
            start = time.perf_counter()
        if steps > WARM_UP:
            words += len(batches.positions(epoch)[index])
            passed = time.perf_counter() - start
            model.keras_model.stop_training = passed >= seconds

    stopwatch = keras.callbacks.LambdaCallback(on_train_batch_end=on_train_batch_end)
    with precision_scope(resolve_precision(config.train.precision)):
        # For `fit` this is one endless epoch; the pipeline continues from epoch to epoch.
        data = InputPipeline(batches, config.train.num_workers).dataset()
        options = {"steps_per_epoch": 10**6, "shuffle": False, "verbose": 0}
        model.keras_model.fit(data, callbacks=[stopwatch], **options)
    return {"words_per_second": words / passed, "words": words}


def prepare(config: Config):
    """Returns the compiled ModelSeq2Seq and the DataGenerator of a config, as the trainer makes them."""
    import keras

    from data_generators.data_generator import training_generator
    from data_generators.dataset import DatasetOptions, characters_of, open_dataset
    from data_generators.source import DataSource
    from data_generators.training_words import training_image
    from models.model_seq2seq import ModelSeq2Seq
    from models.model_spec import ModelSpec
    from preprocessing.tokenizer import Tokenizer
    from trainers.trainer_seq2seq import TrainerSeq2Seq
    from utils.cluster import Cluster

    keras.utils.set_random_seed(config.seed)
    source = DataSource.of(config)
    words = source.read_labels().splits["train"]
    charset = config.network.charset
    tokenizer = Tokenizer(charset) if charset else Tokenizer.from_labels(characters_of(words))
    spec = ModelSpec(config.image, config.network, tokenizer)
    image = training_image(config.image, config.data_aug)
    dataset = open_dataset(source, words, "train", image, DatasetOptions.of(config), spec)
    model, train = ModelSeq2Seq(spec), config.train
    model.compile(TrainerSeq2Seq.make_optimizer(train), train.label_smoothing)
    shares = [(len(dataset), len(dataset))]
    return model, training_generator(dataset, shares, spec, config, Cluster())
