"""Training and evaluation in the way of the seed project, rebuilt in Keras 3 for comparison.

Its network consists of stock layers, with batch norm and ReLU before the pooling, and characters are one-hot
in and out. Training reads every image from its file in every epoch. Evaluation holds all images in memory as
floats and decodes a batch by a fixed number of steps, each a call of Keras' `predict`.
"""

import time

import numpy as np

from benchmarks.evaluation import words_to_read
from benchmarks.training import timed_fit
from preprocessing.labels import Word, read_labels
from preprocessing.tokenizer import PAD, START, Tokenizer
from preprocessing.word_image import read_word_image
from utils.config.schema import Config
from utils.keras_import import import_keras


def train(config: Config, seconds: float) -> dict[str, float]:
    """Trains for some seconds after the warm-up; returns words_per_second and words."""
    import_keras()
    import keras

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return max(1, len(words) // size)

        def __getitem__(self, index: int):
            # Words repeat where there are fewer than a batch.
            return make_batch(config, [words[(index * size + i) % len(words)] for i in range(size)])

    keras.utils.set_random_seed(config.seed)
    words, size = read_labels(config.labels_file).splits["train"], config.train.batch_size
    model = build_network(config, Tokenizer(config.network.charset).vocabulary_size)
    model.compile(config.train.optimizer, "categorical_crossentropy")
    return timed_fit(model, Batches(), seconds, lambda step: size, epochs=10**6)


def make_batch(config: Config, words: list[Word]):
    """([image (B, H, W, C), one-hot (B, T, V)], one-hot (B, T, V)), all float32."""
    folder, tokenizer = config.images_folder, Tokenizer(config.network.charset)
    images = np.stack([read_word_image(f"{folder}/{word.filename}", config.image) for word in words])
    images = images.astype(np.float32).reshape(*images.shape[:3], -1)
    images -= images.mean((1, 2, 3), keepdims=True)
    images /= np.maximum(images.std((1, 2, 3), keepdims=True), 1)
    one_hot = np.eye(tokenizer.vocabulary_size, dtype=np.float32)
    one_hot[PAD] = 0  # nothing but zeros after a word's end
    read, target = tokenizer.encode_batch([word.label for word in words], config.network.max_seq_length)
    return (images, one_hot[read]), one_hot[target]


def build_network(config: Config, vocabulary: int):
    """Keras model: image (B, H, W, C), one-hot (B, T, V) -> probabilities (B, T, V)."""
    import keras
    from keras import layers

    network, size = config.network, config.image.image_size
    image = features = keras.Input((size.y_size, size.x_size, size.num_channels))
    for filters, kernel in zip(network.num_filters, network.conv_kernels):
        features = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(features)
        features = layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(features)))
    steps = layers.Reshape((-1, features.shape[-1]))(features)
    _, *states = layers.LSTM(network.latent_dim, return_state=True)(steps)
    read = keras.Input((network.max_seq_length, vocabulary))
    outputs = layers.LSTM(network.latent_dim, return_sequences=True)(read, initial_state=states)
    return keras.Model([image, read], layers.Dense(vocabulary, activation="softmax")(outputs))


def evaluate(config: Config, seconds: float) -> dict[str, float]:
    """Reads the test words with an untrained network, as speed does not depend on the texts.

    Returns:
        words_per_second and words, without the time for reading image files.
    """
    import_keras()
    from models.model_seq2seq import ModelSeq2Seq
    from models.model_spec import ModelSpec

    dataset = words_to_read(config, config.image)
    model = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer(config.network.charset)))
    decoder = one_step(config.network.latent_dim, model.tokenizer.vocabulary_size)
    images = np.stack([dataset.image(i) for i in range(len(dataset))])[..., None].astype(np.float32)
    size, steps = config.predict.batch_size, config.network.max_seq_length
    decode(images[:8], model.encoder, decoder, steps=2)  # traces the graphs
    start = time.perf_counter()
    for first in range(0, len(images), size):
        decode(images[first : first + size], model.encoder, decoder, steps)
    return {"words_per_second": len(images) / (time.perf_counter() - start), "words": len(images)}


def decode(images: np.ndarray, encoder, decoder, steps: int) -> np.ndarray:
    """(B, H, W, 1) -> (B, steps) ids."""
    width = np.full(len(images), images.shape[2], np.int32)
    _, _, state_h, state_c = encoder.predict([images, width], verbose=0)
    one_hot = np.eye(decoder.outputs[0].shape[-1], dtype=np.float32)
    ids = [np.full(len(images), START)]
    for _ in range(steps):
        inputs = [one_hot[ids[-1]][:, None], state_h, state_c]
        probability, state_h, state_c = decoder.predict(inputs, verbose=0)
        ids.append(probability[:, 0].argmax(-1))
    return np.stack(ids[1:], axis=1)


def one_step(latent: int, vocabulary: int):
    """Keras model: one-hot (B, 1, V) and two states (B, latent) -> probabilities (B, 1, V) and new states."""
    import keras
    from keras import layers

    inputs = [keras.Input((1, vocabulary)), keras.Input((latent,)), keras.Input((latent,))]
    lstm = layers.LSTM(latent, return_sequences=True, return_state=True)
    outputs, *states = lstm(inputs[0], initial_state=inputs[1:])
    return keras.Model(inputs, [layers.Dense(vocabulary, activation="softmax")(outputs), *states])
