"""Makes ONNX files that no export writes, out of one that an export has written.

Each change takes the model (`onnx.ModelProto`) and edits it in place, or returns the bytes of a file. The table gives
the words by which the file must be refused when it is loaded, or when it reads.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.helpers.bad_inputs import ESCAPE

SCORES = "log_probability"  # what the decoder is asked for


def first(model: onnx.ModelProto, operator: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == operator)


def output(model: onnx.ModelProto, name: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if name in node.output)


def elsewhere(model):
    """Weights in another file, which ONNX Runtime would read: any file of the user's."""
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": "../../secret", "offset": "0", "length": "8"}.items():
        tensor.external_data.add(key=key, value=value)


def other_domain(model):
    first(model, "Identity").domain = "ai.onnx.contrib"


def other_opset(model):
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def custom(model):
    first(model, "Identity").op_type = "PyOp"


def escapes(model):
    first(model, "Identity").op_type = ESCAPE


def loop(model):
    body = helper.make_graph([], "body", [], [])
    first(model, "Identity").attribute.append(helper.make_attribute("body", body))


def function(model):
    model.functions.append(helper.make_function("", "Identity2", ["x"], ["y"], [], []))


def two_graphs(model):
    """Protocol Buffers would merge them into one."""
    return model.SerializeToString() * 2


def text_weights(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.string_data.append(b"words")


def claims(model):
    """A constant that says it is larger than memory."""
    model.graph.initializer[0].dims[:] = [2**40, 2**20]


def endless_length(model):
    return b"\x3a" + b"\xff" * 9 + b"\x01"


def twice(model):
    model.graph.node.append(helper.make_node("Identity", ["ids"], ["log_probability"]))


def many_nodes(model):
    for number in range(10_001):
        model.graph.node.append(helper.make_node("Identity", ["ids"], [f"n{number}"]))


def smallest_by_minus_one(model):
    """On many processors this division ends the process."""
    numbers = {"smallest": -(2**31), "minus_one": -1}
    for name, number in numbers.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array([number], np.int32), name))
    nodes = [
        helper.make_node("Mul", ["ids", "minus_one"], ["computed"]),
        helper.make_node("Div", ["smallest", "computed"], ["quotient"]),
    ]
    model.graph.node.extend(nodes)


def places_by_minus_one(model):
    """The same with the second output of an operator whose first one is no whole number."""
    numbers = {"minus_one": np.array([-1], np.int64), "smallest": np.array([-(2**63)], np.int64)}
    picture = np.zeros((1, 1, 2, 2), np.float32)
    for name, value in {**numbers, "picture": picture}.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    nodes = [
        helper.make_node("MaxPool", ["picture"], ["largest", "places"], kernel_shape=[1, 1]),
        helper.make_node("Mul", ["places", "smallest"], ["product"]),
        helper.make_node("Div", ["product", "minus_one"], ["quotient"]),
    ]
    model.graph.node.extend(nodes)


def attribute_twice(model):
    """Which of the two counts is anybody's guess."""
    split = first(model, "Split")
    split.attribute.append(split.attribute[0])


def missing_input(model):
    first(model, "Identity").input[0] = "nothing"


# From here on: graphs that load and go wrong when they read.


def other_inputs(model):
    for node in [*model.graph.node, *model.graph.input]:
        if isinstance(node, onnx.NodeProto):
            node.input[:] = ["other" if name == "ids" else name for name in node.input]
        elif node.name == "ids":
            node.name = "other"


def other_outputs(model):
    output(model, SCORES).output[0] = "other"
    next(value for value in model.graph.output if value.name == SCORES).name = "other"


def answer(model, *nodes, **constants):
    """`log_probability` is what `nodes` make of `{was}`, its value so far."""
    old = output(model, SCORES)
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    for node in nodes:
        node.input[:] = [old.input[0] if name == "was" else name for name in node.input]
    model.graph.node.extend(nodes)
    old.output[0] = "unused"
    next(value for value in model.graph.output if value.name == SCORES).type.tensor_type.ClearField("shape")


def id_too_large(model):
    """Scores of a thousand characters more than there are, the last one best."""
    wide = np.tile(-np.arange(1006, dtype=np.float32), (6, 1))
    answer(model, helper.make_node("MatMul", ["was", "wide"], [SCORES]), wide=wide)


def id_of_a_larger_table(model):
    """The same, with a table in which the decoder finds those characters, too."""
    id_too_large(model)
    table = next(node.input[0] for node in model.graph.node if node.op_type == "Gather")
    for tensor in model.graph.initializer:
        if tensor.name == table:
            values = numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(np.resize(values, (1006, values.shape[1])), table))


def no_numbers(model):
    nan = np.array(np.nan, np.float32)
    answer(model, helper.make_node("Add", ["was", "nan"], [SCORES]), nan=nan)


def other_rows(model):
    """Two rows, whatever the number of words."""
    rows = np.zeros((2, 6), np.float32)
    answer(model, helper.make_node("Identity", ["rows"], [SCORES]), rows=rows)


def larger_than_memory(model):
    numbers = {"start": np.array(0), "end": np.array(2**42), "step": np.array(1)}
    made = helper.make_node("Range", list(numbers), ["range"])
    answer(model, made, helper.make_node("Cast", ["range"], [SCORES], to=TensorProto.FLOAT), **numbers)


WHEN_LOADED = {
    elsewhere: "unexpected field (13",
    other_domain: "operator 'ai.onnx.contrib.Identity'",
    other_opset: "domain 'com.microsoft'",
    custom: "operator 'PyOp'",
    escapes: "operator '\\x1b[31m\\u202e'",
    loop: "unexpected field (6",
    function: "unexpected field (25",
    two_graphs: "holds no graph",
    text_weights: "unexpected field (6",
    claims: "is not whole",
    endless_length: "cut short",
    twice: "sets 'log_probability' twice",
    many_nodes: "more than 10000",
    smallest_by_minus_one: "may not be positive",
    places_by_minus_one: "may not be positive",
    attribute_twice: "sets 'axis' twice",
    missing_input: "can't load the decoder",
}
WHEN_READING = {
    other_inputs: "don't work",
    other_outputs: "don't work",
    id_too_large: "don't work",
    id_of_a_larger_table: "no text",
    no_numbers: "no text",
    other_rows: "don't work",
    larger_than_memory: "Out of memory",
}
