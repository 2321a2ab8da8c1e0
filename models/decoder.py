"""LSTM decoder: the whole target at once in training, one character at a time in decoding."""

import keras
from keras import layers, ops

from models.attention import LuongAttention
from models.lstm import LSTM
from utils.config.network import NetworkConfig


class Decoder(layers.Layer):
    """Predicts each next character from those before it and the encoder's outputs.

    Without attention (Sutskever et al. 2014) the image enters only through the initial state. With attention the first
    LSTM runs over the whole teacher-forced target, then attends to all columns at once.
    """

    def __init__(self, network: NetworkConfig, vocabulary_size: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.vocabulary_size = vocabulary_size
        if network.embedding_dim:
            self.embedding = layers.Embedding(vocabulary_size, network.embedding_dim, name="embedding")
        self.lstm = LSTM(network.latent_dim, return_sequences=True, name="lstm_decoder")
        self.attends = network.attention != "none"
        if self.attends:
            self.attention = LuongAttention(network.latent_dim, network.attention == "located", name="attention")
            self.combine = layers.Dense(network.latent_dim, activation="tanh", name="combine")
        if network.decoder_layers == 2:
            self.lstm_2 = LSTM(network.latent_dim, return_sequences=True, name="lstm_decoder_2")
        self.dropout = layers.Dropout(network.dropout, name="dropout")
        self.dense = layers.Dense(vocabulary_size, name="dense")

    def build(self, ids_shape, memory_shape, valid_shape, state_h_shape, state_c_shape, counts_shape=None):
        latent, batch = self.network.latent_dim, ids_shape[0]
        if self.network.embedding_dim:
            self.embedding.build(ids_shape)
        self.lstm.build((batch, None, self.network.embedding_dim or self.vocabulary_size))
        if self.attends:
            joined = (batch, None, latent + memory_shape[-1])
            self.attention.build(memory_shape)
            self.combine.build(joined)
            if self.network.decoder_layers == 2:
                self.lstm_2.build(joined)
        self.dense.build((batch, None, latent))
        self.built = True

    def call(self, ids, memory, valid, state_h, state_c, counts=None, training=None):
        """Returns the logits (B, T, vocabulary_size) of the next characters; position t depends on ids[:, :t + 1] only.

        Teacher-forced: `ids` is (B, T) int32; `memory` (B, S, D); `valid` (B, S) bool; the states are (B, latent_dim);
        `counts` (B, S) float32, for located attention (`models/character_counts.py`).
        """
        outputs = self.lstm(self._embed(ids), initial_state=[state_h, state_c])
        outputs = self.dropout(outputs, training=training)
        if self.attends:
            context, _ = self._attend(outputs, memory, valid, counts)
            joined = ops.concatenate([outputs, context], axis=-1)
            if self.network.decoder_layers == 2:
                outputs = self.lstm_2(joined)
                joined = ops.concatenate([outputs, context], axis=-1)
            outputs = self.dropout(self.combine(joined), training=training)
        return self.dense(outputs)

    def attention_weights(self, ids, memory, valid, state_h, state_c, counts=None):
        """Returns the attention weights of `call` (B, T, S), each row sums to 1; only with attention."""
        outputs = self.lstm(self._embed(ids), initial_state=[state_h, state_c])
        return self._attend(outputs, memory, valid, counts)[1]

    def start(self, memory, state_h, state_c):
        """Returns the inputs of the first `step` from memory (B, S, D) and the encoder's last states (B, latent_dim).

        They are keys (B, S, latent_dim), without attention the memory, and 2 states (B, latent_dim) per layer.
        """
        keys = self.attention.keys(memory) if self.attends else memory
        states = [state_h, state_c]
        if self.network.decoder_layers == 2:
            states += [ops.zeros_like(state_h), ops.zeros_like(state_c)]
        return keys, states

    def step(self, ids, states, keys, memory, valid, counts=None, step=0):
        """Decodes character number `step`; `ids` (B,) int32 are the previous ones, `states` a list of (B, latent_dim).

        Returns logits (B, vocabulary_size), new states, and attention weights (B, S), zero without attention.
        """
        output, first_states = self.lstm.cell(self._embed(ids), states[:2])
        states = list(first_states) + list(states[2:])
        weights = ops.zeros_like(ops.cast(valid, output.dtype))
        if self.attends:
            context, weights = self.attention(output[:, None, :], keys, memory, valid, counts=counts, steps=step)
            context, weights = context[:, 0], weights[:, 0]
            joined = ops.concatenate([output, context], axis=-1)
            if self.network.decoder_layers == 2:
                output, second_states = self.lstm_2.cell(joined, states[2:])
                states = states[:2] + list(second_states)
                joined = ops.concatenate([output, context], axis=-1)
            output = self.combine(joined)
        return self.dense(output), states, weights

    def compute_output_spec(self, ids, memory, valid, state_h, state_c, counts=None, training=None):
        return keras.KerasTensor((*ids.shape, self.vocabulary_size), dtype=self.compute_dtype)

    def _attend(self, outputs, memory, valid, counts):
        """Returns context (B, T, D) and attention weights (B, T, S) of all steps at once."""
        steps = ops.arange(ops.shape(outputs)[1])
        return self.attention(outputs, self.attention.keys(memory), memory, valid, counts=counts, steps=steps)

    def _embed(self, ids):
        """Returns a vector per id, learned or, as in the seed project, one-hot."""
        if self.network.embedding_dim:
            return self.embedding(ids)
        return ops.one_hot(ids, self.vocabulary_size, dtype=self.compute_dtype)
