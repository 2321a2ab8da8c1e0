"""Training as the project this one descends from does it, for comparison.

Its network of stock Keras layers, batch norm and ReLU before the pooling; every image is read from its
file in every epoch, and characters are one-hot in and out.
"""

import keras
import numpy as np
from keras import layers

from benchmarks.training import Stopwatch
from data_generators.dataset import read_dataset_labels
from preprocessing.labels import Word
from preprocessing.tokenizer import PAD, Tokenizer
from preprocessing.word_image import read_word_image
from utils.config.schema import Config


def measure(config: Config, seconds: float) -> dict[str, float]:
    """Trains for some seconds after the warm-up.

    Returns:
        words_per_second, and words: how many were counted.
    """
    keras.utils.set_random_seed(config.seed)
    batches = SeedBatches(config, read_dataset_labels(config).splits["train"])
    stopwatch = Stopwatch(seconds, lambda step: config.train.batch_size)
    model = build_model(config, batches.tokenizer.vocabulary_size)
    model.compile(config.train.optimizer, "categorical_crossentropy")
    model.fit(batches, epochs=10**6, callbacks=[stopwatch], verbose=0)
    return stopwatch.result()


class SeedBatches(keras.utils.PyDataset):
    """Batches ([image (B, H, W, C), one-hot (B, T, V)], one-hot (B, T, V)), all float32, in a fixed order."""

    def __init__(self, config: Config, words: list[Word]) -> None:
        super().__init__()
        self.config = config
        self.words = words
        self.tokenizer = Tokenizer(config.network.charset)

    def __len__(self) -> int:
        return max(1, len(self.words) // self.config.train.batch_size)

    def __getitem__(self, index: int):
        size = self.config.train.batch_size
        # Words come around again where there are fewer than a batch.
        words = [self.words[i % len(self.words)] for i in range(index * size, (index + 1) * size)]
        folder = self.config.images_folder
        images = np.stack([read_word_image(f"{folder}/{word.filename}", self.config.image) for word in words])
        images = images.astype(np.float32).reshape(*images.shape[:3], -1)
        images -= images.mean((1, 2, 3), keepdims=True)
        images /= np.maximum(images.std((1, 2, 3), keepdims=True), 1)
        labels = [word.label for word in words]
        ids = self.tokenizer.encode_batch(labels, self.config.network.max_seq_length)
        read, target = (self._one_hot(each) for each in ids)
        return (images, read), target

    def _one_hot(self, ids: np.ndarray) -> np.ndarray:
        """(B, T) -> (B, T, V); nothing but zeros after a word's end."""
        vectors = np.eye(self.tokenizer.vocabulary_size, dtype=np.float32)
        vectors[PAD] = 0
        return vectors[ids]


def build_model(config: Config, vocabulary: int) -> keras.Model:
    """image (B, H, W, C), one-hot (B, T, V) -> probabilities (B, T, V)."""
    network, size = config.network, config.image.image_size
    image = keras.Input((size.y_size, size.x_size, size.num_channels))
    features = image
    for filters, kernel in zip(network.num_filters, network.conv_kernels):
        features = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(features)
        features = layers.BatchNormalization()(features)
        features = layers.ReLU()(features)
        features = layers.MaxPooling2D()(features)
    steps = layers.Reshape((-1, features.shape[-1]))(features)
    _, *states = layers.LSTM(network.latent_dim, return_state=True)(steps)
    read = keras.Input((network.max_seq_length, vocabulary))
    outputs = layers.LSTM(network.latent_dim, return_sequences=True)(read, initial_state=states)
    return keras.Model([image, read], layers.Dense(vocabulary, activation="softmax")(outputs))
