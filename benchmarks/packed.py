"""An epoch of batches from a packed dataset."""

import time

from data_generators.generators import training_generator
from data_generators.input_pipeline import stream
from data_generators.training_words import open_training_words
from preprocessing.tokenizer import Tokenizer
from utils.config.schema import Config
from utils.distributed.cluster import Cluster


def stream_epoch(config: Config) -> dict[str, float]:
    """Makes every batch of an epoch, as training would get them.

    Returns:
        words_per_second, and words.
    """
    tokenizer = Tokenizer(config.network.charset)
    store, shares = open_training_words(config, [], [], tokenizer)
    stride = config.network.column_stride
    batches = training_generator(config, store, shares, tokenizer, stride, Cluster())
    start = time.perf_counter()
    for _ in stream(batches, 0, 0, config.train.num_workers, endless=False):
        pass
    return {"words_per_second": store.words / (time.perf_counter() - start), "words": store.words}
