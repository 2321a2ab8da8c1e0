"""The encoder as an ONNX graph, from its trained weights: the counterpart of `models/encoder.py`.

Batch norm is folded into the convolutions, and Keras' LSTM loops become the LSTM operator, whose `sequence_lens`
replace Keras' mask. With `image.fixed_width` all columns are valid, so there is no mask at all.
"""

from typing import Any

import keras
import numpy as np

from exporters.graph import BOOL, FLOAT, INT32, Graph
from models.model_seq2seq import ModelSeq2Seq
from predictors.onnx.runtime import COLUMNS
from preprocessing.tokenizer import END, PAD, START


def encoder_graph(model: ModelSeq2Seq) -> Graph:
    """Returns the graph from images to the inputs of the decoding loop.

    Inputs: image (B, y_size, W, channels) uint8, W a multiple of the column stride; width (B,) int32, valid pixels of
    each image. Outputs: state_0, state_1, ... (B, latent_dim), the decoder's first states; with attention also keys (B,
    latent_dim, S), memory (B, S, D) and, unless the width is fixed, valid (B, S) bool; with a CTC head also columns (B,
    S, vocabulary_size), the probability of each id at each column.
    """
    return _Encoder(model).build()


class _Encoder:
    """Builds the graph; feature maps are (B, C, H, W) and sequences (S, B, D), as ONNX has them."""

    def __init__(self, model: ModelSeq2Seq) -> None:
        self.layer = model.encoder.get_layer
        self.model = model
        self.image, self.network = model.image, model.network
        self.graph = Graph("encoder")
        self.masks: dict[int, str] = {}
        # Of the feature map so far: pixels of the image per column, height, and width if it is known.
        self.stride = 1
        self.height = self.image.image_size.y_size
        self.width = self.image.image_size.x_size if self.image.fixed_width else None

    def build(self) -> Graph:
        graph, network, size = self.graph, self.network, self.image.image_size
        graph.input("image", "uint8", ("B", size.y_size, self.width or "W", size.num_channels))
        graph.input("width", "int32", ("B",))
        columns = self._columns(self._convolutions(self._normalize()))
        if network.column_dim:
            columns = graph.dense(columns, *self.layer("column_projection").get_weights())
        columns, states = self._lstm_layers(columns)
        if network.decoder_layers == 2:
            zero = graph("Mul", states[0], graph.constant(0))
            states = [*states, zero, zero]
        for index, state in enumerate(states):
            graph.output(state, f"state_{index}", "float32", ("B", network.latent_dim))
        memory = graph("Transpose", columns, perm=[1, 0, 2])
        if network.attention != "none":
            self._add_attention_outputs(memory)
        if network.ctc_weight:
            self._add_ctc_outputs(memory)
        return graph

    def _normalize(self) -> str:
        """`NormalizeImage`."""
        graph = self.graph
        pixels = graph("Transpose", graph("Cast", "image", to=FLOAT), perm=[0, 3, 1, 2])
        ink = graph("Div", graph("Sub", graph.constant(255), pixels), graph.constant(255))
        if self.image.normalization == "ink":
            return ink
        centred = graph("Sub", ink, self._mean(ink))
        variance = graph("Max", self._mean(graph("Mul", centred, centred)), graph.constant(1e-6))
        return self._masked(graph("Div", centred, graph("Sqrt", variance)))

    def _mean(self, values: str) -> str:
        """Returns the mean over the valid pixels of each image, (B, 1, 1, 1)."""
        graph, axes = self.graph, self.graph.integers(1, 2, 3)
        if not self._is_masked():
            return graph("ReduceMean", values, axes=[1, 2, 3])
        per_column = graph.constant(self.height * self.image.image_size.num_channels)
        pixels = graph("Mul", graph("ReduceSum", self._mask(), axes), per_column)
        return graph("Div", graph("ReduceSum", self._masked(values), axes), pixels)

    def _convolutions(self, features: str) -> str:
        network, blocks = self.network, len(self.network.num_filters)
        units = network.residual_units
        for block in range(blocks):
            name = str(block + 1)
            features = self._convolve(features, name)
            for unit in range(units[block]):
                features = self._masked(self.graph("Relu", features))
                inner = self._convolve(features, f"{name}_{unit}a")
                inner = self._convolve(self._masked(self.graph("Relu", inner)), f"{name}_{unit}b")
                features = self.graph("Add", features, inner)
            features = self._masked(self._pool(self.graph("Relu", features), network.pools[block]))
        return features

    def _convolve(self, features: str, name: str) -> str:
        """Adds a convolution and, where there is one, its batch norm."""
        layer = self.layer(f"conv_{name}")
        kernel, *biases = (weight.astype(np.float64) for weight in layer.get_weights())
        bias = biases[0] if biases else np.zeros(kernel.shape[-1])
        if not layer.use_bias:
            norm = self.layer(f"batch_norm_{name}")
            weights = norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance
            gamma, beta, mean, variance = (np.asarray(weight, np.float64) for weight in weights)
            factor = gamma / np.sqrt(variance + norm.epsilon)
            kernel, bias = kernel * factor, beta - mean * factor
        pads = [self._padding(axis, layer) for axis in (0, 1)]
        (top, bottom), (left, right) = pads
        self.height = -(-self.height // layer.strides[0])
        self.width = self.width and -(-self.width // layer.strides[1])
        self.stride *= layer.strides[1]
        return self.graph(
            "Conv",
            features,
            self.graph.constant(kernel.transpose(3, 2, 0, 1)),
            self.graph.constant(bias),
            strides=list(layer.strides),
            pads=[top, left, bottom, right],
        )

    def _padding(self, axis: int, layer: keras.layers.Conv2D) -> tuple[int, int]:
        """Returns the padding before and after of Keras' "same"; free widths are multiples of every stride."""
        kernel, step = layer.kernel_size[axis], layer.strides[axis]
        size = (self.height, self.width or step)[axis]
        total = max((-(-size // step) - 1) * step + kernel - size, 0)
        return total // 2, total - total // 2

    def _pool(self, features: str, pool: list[int]) -> str:
        self.height //= pool[0]
        self.width = self.width and self.width // pool[1]
        self.stride *= pool[1]
        if pool == [1, 1]:
            return features
        return self.graph("MaxPool", features, kernel_shape=pool, strides=pool)

    def _columns(self, features: str) -> str:
        """`Columns`: (B, C, H, W) -> (S, B, D)."""
        graph = self.graph
        if self.network.columns == "flatten":
            assert self.width is not None, "the config allows flatten with a fixed width only"
            by_position = graph("Transpose", features, perm=[2, 3, 0, 1])
            shape = graph.integers(self.height * self.width, -1, self.network.num_filters[-1])
            return graph("Reshape", by_position, shape)
        by_column = graph("Transpose", features, perm=[3, 0, 2, 1])
        shape = graph.integers(0, 0, self.height * self.network.num_filters[-1])
        return graph("Reshape", by_column, shape)

    def _lstm_layers(self, columns: str) -> tuple[str, list[str]]:
        """Returns the last LSTM's outputs, and its last states brought to latent_dim."""
        graph, network = self.graph, self.network
        lengths = graph("Div", "width", graph.constant(self.stride, np.int32)) if self._is_masked() else ""
        final: list[str] = []
        for number in range(1, network.encoder_layers + 1):
            columns, *final = self._lstm(columns, lengths, number)
        states = []
        for name, state in zip("hc", final):
            # (directions, B, units) -> (B, directions * units)
            units = self._dimension()
            state = graph("Reshape", graph("Transpose", state, perm=[1, 0, 2]), graph.integers(0, units))
            if units != network.latent_dim:
                state = graph.dense(state, *self.layer(f"bridge_{name}").get_weights())
                state = graph("Tanh", state) if name == "h" else state
            states.append(state)
        return columns, states

    def _lstm(self, columns: str, lengths: str, number: int) -> tuple[str, str, str]:
        graph = self.graph
        if self.network.bidirectional:
            both = self.layer(f"bidirectional_{number}")
            layers = [both.forward_layer, both.backward_layer]
        else:
            layers = [self.layer("lstm_encoder" if number == 1 else f"lstm_encoder_{number}")]
        weights = [graph.constant(np.stack(part)) for part in zip(*map(_lstm_weights, layers))]
        outputs, state_h, state_c = graph(
            "LSTM",
            columns,
            *weights,
            lengths,
            outputs=3,
            hidden_size=layers[0].units,
            direction="bidirectional" if len(layers) == 2 else "forward",
        )
        # (S, directions, B, units) -> (S, B, directions * units)
        joined = graph("Transpose", outputs, perm=[0, 2, 1, 3])
        return graph("Reshape", joined, graph.integers(0, 0, self._dimension())), state_h, state_c

    def _add_attention_outputs(self, memory: str) -> None:
        """Outputs keys and values of the attention (B, S, D); the keys include its scale."""
        graph, latent = self.graph, self.network.latent_dim
        (kernel,) = self.model.decoder.attention.key_projection.get_weights()
        keys = graph("Transpose", graph.dense(memory, kernel / latent**0.5), perm=[0, 2, 1])
        graph.output(keys, "keys", "float32", ("B", latent, "S"))
        graph.output(memory, "memory", "float32", ("B", "S", self._dimension()))
        if self._is_masked():
            valid = graph("Squeeze", self._mask(), graph.integers(1, 2))
            graph.output(graph("Cast", valid, to=BOOL), "valid", "bool", ("B", "S"))

    def _add_ctc_outputs(self, memory: str) -> None:
        """Outputs the CTC head's probabilities of the columns (B, S, D), without START and END."""
        graph, head = self.graph, self.model.ctc_head
        assert head is not None
        kernel, bias = (weight.copy() for weight in head.get_weights())
        blank = np.full(bias.shape, -30, np.float32)
        blank[PAD] = 30
        for special in (START, END):
            kernel[:, special], bias[special], blank[special] = 0, -1e9, -1e9
        logits = graph.dense(memory, kernel, bias)
        if self._is_masked():
            # (B, 1, 1, S) -> (B, S, 1)
            valid = graph("Transpose", graph("Squeeze", self._mask(), graph.integers(1)), perm=[0, 2, 1])
            logits = graph("Where", graph("Cast", valid, to=BOOL), logits, graph.constant(blank))
        probability = graph("Softmax", logits, axis=-1)
        graph.output(probability, COLUMNS, "float32", ("B", "S", len(bias)))

    def _dimension(self) -> int:
        """Returns the size of the last axis of an encoder LSTM's outputs."""
        units = self.network.encoder_units
        return 2 * units if self.network.bidirectional else units

    def _is_masked(self) -> bool:
        return not self.image.fixed_width

    def _masked(self, features: str) -> str:
        """`MaskColumns`."""
        return self.graph("Mul", features, self._mask()) if self._is_masked() else features

    def _mask(self) -> str:
        """1 in the valid columns of the present feature map, else 0: (B, 1, 1, W / stride) float."""
        if self.stride not in self.masks:
            graph, step = self.graph, self.graph.constant(self.stride, np.int32)
            width = graph("Cast", graph("Gather", graph("Shape", "image"), graph.constant(2, np.int64)), to=INT32)
            column = graph("Range", graph.constant(0, np.int32), graph("Div", width, step), graph.constant(1, np.int32))
            ends = graph("Unsqueeze", graph("Div", "width", step), graph.integers(1, 2, 3))
            self.masks[self.stride] = graph("Cast", graph("Less", column, ends), to=FLOAT)
        return self.masks[self.stride]


def _lstm_weights(layer: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keras' kernels (in, 4 units), gates i f c o, as ONNX' (4 units, in), gates i o f c."""

    def reordered(weight: np.ndarray) -> np.ndarray:
        i, f, c, o = np.split(weight, 4, axis=-1)
        return np.concatenate([i, o, f, c], axis=-1).T

    kernel, recurrent, bias = layer.get_weights()
    return reordered(kernel), reordered(recurrent), np.concatenate([reordered(bias), np.zeros_like(bias)])
