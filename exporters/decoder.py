"""One step of the decoder as an ONNX graph, from its trained weights: the counterpart of `Decoder.step`."""

import numpy as np

from exporters.graph import Graph
from models.model_seq2seq import ModelSeq2Seq
from preprocessing.tokenizer import END


def decoder_graph(model: ModelSeq2Seq) -> Graph:
    """Returns the graph that scores the next character of each word.

    Inputs: ids (B,) int32, the previous characters; the encoder's outputs (`exporters/encoder.py`), of which state_i
    are replaced by new_state_i from step to step; with located attention also counts (B, S) and step (1,) float32, the
    number of the character (`models/character_counts.py`). Outputs: log_probability (B, vocabulary_size), where PAD and
    START have about -1e9; new_state_0, new_state_1, ... (B, latent_dim).
    """
    graph, network, decoder = Graph("decoder_step"), model.network, model.decoder
    latent = network.latent_dim
    ids = graph.input("ids", "int32", ("B",))
    states = [graph.input(f"state_{i}", "float32", ("B", latent)) for i in range(2 * network.decoder_layers)]
    kernel, recurrent, bias = decoder.lstm.cell.get_weights()
    # A row per character: the embedding, or one-hot code, already multiplied by the LSTM's kernel.
    table = _gates_last(decoder.embedding.get_weights()[0] @ kernel if network.embedding_dim else kernel)
    inputs = graph("Gather", graph.constant(table + _gates_last(bias)), ids)
    output, cell = _lstm_step(graph, inputs, states[0], states[1], recurrent)
    new_states = [output, cell]
    if network.attention != "none":
        context = _attend(graph, model, output)
        joined = graph("Concat", output, context, axis=-1)
        if network.decoder_layers == 2:
            kernel, recurrent, bias = decoder.lstm_2.cell.get_weights()
            inputs = graph.dense(joined, _gates_last(kernel), _gates_last(bias))
            output, cell = _lstm_step(graph, inputs, states[2], states[3], recurrent)
            new_states += [output, cell]
            joined = graph("Concat", output, context, axis=-1)
        output = graph("Tanh", graph.dense(joined, *decoder.combine.get_weights()))
    _scores(graph, output, *decoder.dense.get_weights())
    for index, state in enumerate(new_states):
        graph.output(state, f"new_state_{index}", "float32", ("B", latent))
    return graph


def _gates_last(weight: np.ndarray) -> np.ndarray:
    """Keras' gates i f c o as i f o c, so that the three sigmoids are one."""
    i, f, c, o = np.split(weight, 4, axis=-1)
    return np.concatenate([i, f, o, c], axis=-1)


def _lstm_step(graph: Graph, inputs: str, state_h: str, state_c: str, recurrent: np.ndarray) -> tuple[str, str]:
    """inputs (B, 4 units), the kernel's and bias' part of the gates -> new states (B, units)."""
    units = recurrent.shape[0]
    gates = graph("Add", inputs, graph.dense(state_h, _gates_last(recurrent)))
    three, candidate = graph("Split", gates, graph.integers(3 * units, units), outputs=2, axis=-1)
    i, f, o = graph("Split", graph("Sigmoid", three), outputs=3, axis=-1)
    kept = graph("Mul", f, state_c)
    cell = graph("Add", kept, graph("Mul", i, graph("Tanh", candidate)))
    return graph("Mul", o, graph("Tanh", cell)), cell


def _attend(graph: Graph, model: ModelSeq2Seq, query: str) -> str:
    """`LuongAttention`: (B, latent_dim) -> context (B, D)."""
    latent = model.network.latent_dim
    dimension = model.encoder.outputs[0].shape[-1]
    keys = graph.input("keys", "float32", ("B", latent, "S"))
    memory = graph.input("memory", "float32", ("B", "S", dimension))
    middle = graph.integers(1)
    scores = graph("MatMul", graph("Unsqueeze", query, middle), keys)
    if model.network.attention == "located":
        centre = graph("Add", graph.input("step", "float32", (1,)), graph.constant([0.5]))
        distance = graph("Sub", graph.input("counts", "float32", ("B", "S")), centre)
        factor = -0.5 * np.exp(-2 * np.asarray(model.decoder.attention.log_spread))
        nearness = graph("Mul", graph("Mul", distance, distance), graph.constant(factor))
        scores = graph("Add", scores, graph("Unsqueeze", nearness, middle))
    if not model.image.fixed_width:
        valid = graph("Unsqueeze", graph.input("valid", "bool", ("B", "S")), middle)
        scores = graph("Where", valid, scores, graph.constant(-3e4))
    context = graph("MatMul", graph("Softmax", scores, axis=-1), memory)
    return graph("Squeeze", context, middle)


def _scores(graph: Graph, output: str, kernel: np.ndarray, bias: np.ndarray) -> None:
    """Returns log-probabilities; PAD and START are never written."""
    kernel, bias = kernel.copy(), bias.copy()
    kernel[:, :END], bias[:END] = 0, -1e9
    scores = graph("LogSoftmax", graph.dense(output, kernel, bias), axis=-1)
    graph.output(scores, "log_probability", "float32", ("B", len(bias)))
