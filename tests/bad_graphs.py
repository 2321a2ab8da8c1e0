"""Makes ONNX files that no export writes, out of one that an export has written.

Each change takes the model (`onnx.ModelProto`) and edits it in place, or returns the bytes of a file.
The table gives the words by which the file must be refused when it is loaded, or when it reads.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ESCAPE = "\x1b[31m\u202e"


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


def elsewhere_by_key_only(model):
    model.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")


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


def constant_node(model):
    value = numpy_helper.from_array(np.zeros(3, np.float32))
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=value))


def tensor_attribute(model):
    value = numpy_helper.from_array(np.zeros(3, np.float32))
    first(model, "Identity").attribute.append(helper.make_attribute("value", value))


def function(model):
    model.functions.append(helper.make_function("", "Identity2", ["x"], ["y"], [], []))


def training(model):
    model.training_info.add()


def sparse(model):
    model.graph.sparse_initializer.add()


def two_graphs(model):
    """Protocol Buffers would merge them into one."""
    return model.SerializeToString() * 2


def unknown_field(model):
    return model.SerializeToString() + b"\xfa\x01\x03abc"


def text_weights(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.string_data.append(b"words")


def claims(model):
    """A constant that says it is larger than memory."""
    model.graph.initializer[0].dims[:] = [2**40, 2**20]


def negative(model):
    model.graph.initializer[0].dims[:] = [-1, -4]


def cut(model):
    content = model.SerializeToString()
    return content[: len(content) // 2]


def endless_length(model):
    return b"\x3a" + b"\xff" * 9 + b"\x01"


def endless_number(model):
    return b"\x08" + b"\xff" * 100


def text(model):
    return b"no graph\n"


def empty(model):
    return b""


def twice(model):
    model.graph.node.append(helper.make_node("Identity", ["ids"], ["best"]))


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


def cycle(model):
    first(model, "Identity").input[0] = first(model, "Identity").output[0]


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
    output(model, "score").output[0] = "other"
    next(value for value in model.graph.output if value.name == "score").name = "other"


def scaled_best(model, number):
    """`best` becomes `number` for every word."""
    model.graph.initializer.append(numpy_helper.from_array(np.array(number, np.int32), "wrong"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.int32), "nought"))
    node = output(model, "best")
    model.graph.node.extend(
        [
            helper.make_node("Mul", [node.input[0], "nought"], ["zeros"]),
            helper.make_node("Add", ["zeros", "wrong"], ["best"]),
        ]
    )
    node.output[0] = "unused"


def id_too_large(model):
    scaled_best(model, 2**31 - 1)


def id_negative(model):
    scaled_best(model, -7)


def no_numbers(model):
    model.graph.initializer.append(numpy_helper.from_array(np.array(np.nan, np.float32), "nan"))
    node = output(model, "score")
    model.graph.node.append(helper.make_node("Add", [node.input[0], "nan"], ["score"]))
    node.output[0] = "unused"


def one_answer(model):
    """One row for all words, whatever their number."""
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((2, 3), np.float32), "rows"))
    node = output(model, "score")
    model.graph.node.append(helper.make_node("Identity", ["rows"], ["score"]))
    node.output[0] = "unused"
    value = next(value for value in model.graph.output if value.name == "score")
    value.type.tensor_type.ClearField("shape")


def larger_than_memory(model):
    numbers = {"from": 0, "to": 2**42, "by": 1}
    for name, number in numbers.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(number, np.int64), name))
    node = output(model, "score")
    model.graph.node.extend(
        [
            helper.make_node("Range", ["from", "to", "by"], ["range"]),
            helper.make_node("Cast", ["range"], ["score"], to=TensorProto.FLOAT),
        ]
    )
    node.output[0] = "unused"


WHEN_LOADED = {
    elsewhere: "unexpected field (13",
    elsewhere_by_key_only: "unexpected field (13",
    other_domain: "operator 'ai.onnx.contrib.Identity'",
    other_opset: "domain 'com.microsoft'",
    custom: "operator 'PyOp'",
    escapes: "operator '\\x1b[31m\\u202e'",
    loop: "unexpected field (6",
    constant_node: "operator 'Constant'",
    tensor_attribute: "unexpected field (5",
    function: "unexpected field (25",
    training: "unexpected field (20",
    sparse: "unexpected field (15",
    two_graphs: "holds no graph",
    unknown_field: "unexpected field (31",
    text_weights: "unexpected field (6",
    claims: "is not whole",
    negative: "is not whole",
    cut: "cut short",
    endless_length: "cut short",
    endless_number: "number is too long",
    text: "unexpected field",
    empty: "holds no graph",
    twice: "sets 'best' twice",
    many_nodes: "more than 10000",
    smallest_by_minus_one: "may not be positive",
    cycle: "can't load the decoder",
    missing_input: "can't load the decoder",
}
WHEN_READING = {
    other_inputs: "don't work",
    other_outputs: "don't work",
    id_too_large: "don't work",
    id_negative: "don't work",
    no_numbers: "answers with what is no text",
    one_answer: "don't work",
    larger_than_memory: "Out of memory",
}
