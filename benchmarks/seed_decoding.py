"""Evaluation as the project this one descends from does it, for comparison.

All images are in memory at once as floats; each batch is decoded by a fixed number of steps, each a
call of Keras' `predict` on a one-step decoder that is fed one-hot characters.
"""

import time

import keras
import numpy as np
from keras import layers

from benchmarks.reading import words_to_read
from models.model_seq2seq import ModelSeq2Seq
from preprocessing.tokenizer import START, Tokenizer
from utils.config.schema import Config


def read_words(config: Config) -> dict[str, float]:
    """Reads the test words with an untrained network of the config: without an early end, texts don't matter.

    Returns:
        words_per_second and words; reading the image files doesn't count.
    """
    dataset = words_to_read(config, config.image)
    model = ModelSeq2Seq(config.image, config.network, Tokenizer(config.network.charset))
    encoder, decoder = model.encoder, _one_step(model)
    images = np.stack([dataset.image(i) for i in range(len(dataset))])[..., None].astype(np.float32)
    size = config.predict.batch_size
    # Traces the graphs, which the other measurements leave out too.
    _decode(images[:8], encoder, decoder, steps=2)
    start = time.perf_counter()
    for first in range(0, len(images), size):
        _decode(images[first : first + size], encoder, decoder, config.network.max_seq_length)
    return {"words_per_second": len(images) / (time.perf_counter() - start), "words": len(images)}


def _decode(images: np.ndarray, encoder: keras.Model, decoder: keras.Model, steps: int) -> np.ndarray:
    """(B, H, W, 1) -> (B, steps) ids."""
    width = np.full(len(images), images.shape[2], np.int32)
    _, _, state_h, state_c = encoder.predict([images, width], verbose=0)
    vocabulary = decoder.outputs[0].shape[-1]
    ids = np.full(len(images), START)
    written = []
    for _ in range(steps):
        one_hot = np.eye(vocabulary, dtype=np.float32)[ids][:, None]
        probability, state_h, state_c = decoder.predict([one_hot, state_h, state_c], verbose=0)
        ids = probability[:, 0].argmax(-1)
        written.append(ids)
    return np.stack(written, axis=1)


def _one_step(model: ModelSeq2Seq) -> keras.Model:
    """one-hot (B, 1, V) and two states (B, latent_dim) -> probabilities (B, 1, V) and new states."""
    latent, vocabulary = model.network.latent_dim, model.tokenizer.vocabulary_size
    one_hot = keras.Input((1, vocabulary))
    states = [keras.Input((latent,)), keras.Input((latent,))]
    lstm = layers.LSTM(latent, return_sequences=True, return_state=True)
    outputs, *new_states = lstm(one_hot, initial_state=states)
    probability = layers.Dense(vocabulary, activation="softmax")(outputs)
    return keras.Model([one_hot, *states], [probability, *new_states])
