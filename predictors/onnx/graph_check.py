"""Checks, before ONNX Runtime loads it, that an ONNX file is a graph as `--export` writes it.

The file may come from an attacker. ONNX lets a graph read weights from any other file, bring functions and operators of
its own and loop without end. None of that is needed here, so every field, operator and type that is not listed below is
refused. The `onnx` package, which prediction doesn't need, is not used.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import math
import struct
from collections.abc import Mapping
from typing import TypeVar

from predictors.onnx.protobuf import BYTES, FIXED32, VARINT, Value, integers, read_message, texts

T = TypeVar("T")
MOST_NODES = 10_000
# Those that `exporters/` writes or has written.
_NAMES = """
    Add ArgMax Cast Concat Conv Div Gather Identity LSTM Less LogSoftmax MatMul Max MaxPool
    Mul Range ReduceMax ReduceMean ReduceSum Relu Reshape Shape Sigmoid Softmax Split Sqrt
    Squeeze Sub Tanh Transpose Unsqueeze Where
"""
OPERATORS = frozenset(_NAMES.split())
# Bytes of a number: float32, uint8, int32, int64, bool, float16.
SIZES = {1: 4, 2: 1, 6: 4, 7: 8, 9: 1, 10: 2}
FLOATS = (1, 10)
INT64 = 7
POSITIVE = {6: "<i", INT64: "<q"}


def _fields(names: dict[int, str], *wires: int) -> dict[int, tuple[str, tuple[int, ...]]]:
    """Fields of a message, by their numbers, that may have any of these wire types."""
    return {number: (name, wires) for number, name in names.items()}


MODEL = _fields({2: "producer_name", 3: "producer_version", 4: "domain", 6: "doc_string", 7: "graph"}, BYTES)
MODEL |= _fields({8: "opset_import", 14: "metadata_props"}, BYTES)
MODEL |= _fields({1: "ir_version", 5: "model_version"}, VARINT)
OPSET = _fields({1: "domain"}, BYTES) | _fields({2: "version"}, VARINT)
GRAPH = _fields({1: "node", 2: "name", 5: "initializer", 10: "doc_string", 11: "input", 12: "output"}, BYTES)
GRAPH |= _fields({13: "value_info"}, BYTES)
NODE = _fields({1: "input", 2: "output", 3: "name", 4: "op_type", 5: "attribute", 6: "doc_string", 7: "domain"}, BYTES)
ATTRIBUTE = _fields({1: "name", 4: "s", 9: "strings", 13: "doc_string"}, BYTES) | _fields({3: "i", 20: "type"}, VARINT)
ATTRIBUTE |= _fields({2: "f"}, FIXED32) | _fields({7: "floats"}, FIXED32, BYTES) | _fields({8: "ints"}, VARINT, BYTES)
# Only numbers within the file, as raw bytes: no `external_data` (13), no `data_location` (14).
TENSOR = _fields({8: "name", 9: "raw_data", 12: "doc_string"}, BYTES) | _fields({2: "data_type"}, VARINT)
TENSOR |= _fields({1: "dims"}, VARINT, BYTES)
VALUE_INFO = _fields({1: "name", 2: "type", 3: "doc_string"}, BYTES)
TYPE = _fields({1: "tensor_type"}, BYTES)
TENSOR_TYPE = _fields({1: "elem_type"}, VARINT) | _fields({2: "shape"}, BYTES)


def check_graph(content: bytes) -> None:
    """Reads an ONNX file node by node; raises ValueError with the first thing in it that no exported graph has."""
    model = read_message(memoryview(content), MODEL, "the file")
    for opset in model["opset_import"]:
        domains = texts(read_message(_bytes(opset), OPSET, "an operator set")["domain"])
        if set(domains) - {"", "ai.onnx"}:
            raise ValueError(f"it wants operators of the domain {_shown(domains[-1])}")
    if len(model["graph"]) != 1:
        raise ValueError("it holds no graph")
    graph = read_message(_bytes(model["graph"][0]), GRAPH, "the graph")
    if len(graph["node"]) > MOST_NODES:
        raise ValueError(f"it has {len(graph['node'])} nodes, more than {MOST_NODES}")
    types: dict[str, int] = {}
    for value in graph["input"]:
        types |= _declared(value)
    positive = set()
    for tensor in graph["initializer"]:
        name, kind, is_positive = _check_tensor(_bytes(tensor))
        if name in types:
            raise ValueError(f"it sets {_shown(name)} twice")
        types[name] = kind
        positive |= {name} if is_positive else set()
    for node in graph["node"]:
        _check_node(_bytes(node), types, positive)


def _check_tensor(data: memoryview) -> tuple[str, int, bool]:
    """Returns the name and type of a constant, and whether it holds whole numbers above 0 only."""
    tensor = read_message(data, TENSOR, "a constant")
    name, kind = _only(texts(tensor["name"])), _only(integers(tensor["data_type"]))
    shape, raw = integers(tensor["dims"]), _bytes(_only(tensor["raw_data"]))
    if kind not in SIZES or min(shape, default=1) < 0 or math.prod(shape) * SIZES[kind] != len(raw):
        raise ValueError(f"the constant {_shown(name)} is not whole")
    form = POSITIVE.get(kind)
    return name, kind, form is not None and all(number > 0 for (number,) in struct.iter_unpack(form, raw))


def _check_node(data: memoryview, types: dict[str, int], positive: set[str]) -> None:
    """Refuses operators that are not listed; adds the types of its outputs to `types`."""
    node = read_message(data, NODE, "a node")
    operator, inputs = _only(texts(node["op_type"])), texts(node["input"])
    domains = set(texts(node["domain"]))
    if operator not in OPERATORS or domains - {"", "ai.onnx"}:
        raise ValueError(f"it uses the operator {_shown('.'.join([*filter(None, domains), operator]))}")
    attributes: dict[str, list[int]] = {}
    for attribute in node["attribute"]:
        values = read_message(_bytes(attribute), ATTRIBUTE, "an attribute")
        name = _only(texts(values["name"]))
        if name in attributes:
            raise ValueError(f"it sets {_shown(name)} twice")
        attributes[name] = integers(values["i"])
    kind = _type_of_output(operator, [types.get(name, 0) for name in inputs], attributes)
    # Dividing the smallest whole number by -1 ends the process.
    if operator == "Div" and kind not in FLOATS and not set(inputs[1:]) <= positive:
        raise ValueError("it divides whole numbers by what may not be positive")
    for number, name in enumerate(texts(node["output"])):
        if name in types:
            raise ValueError(f"it sets {_shown(name)} twice")
        if name:
            # The others may be places, which are whole numbers.
            types[name] = kind if number == 0 or operator in ("Split", "LSTM") else INT64


def _type_of_output(operator: str, inputs: list[int], attributes: Mapping[str, list[int]]) -> int:
    """Returns the number type of a node's first output; 0 where it is not known."""
    if operator == "Cast":
        return _only(attributes.get("to", []))
    if operator in ("Shape", "ArgMax"):
        return INT64
    # All others have the type of what they compute with; comparisons never reach a division.
    values = inputs[operator == "Where" :]
    return values[0] if values else 0


def _declared(value: Value) -> dict[str, int]:
    """Returns the name and number type of one of the graph's inputs."""
    info = read_message(_bytes(value), VALUE_INFO, "an input")
    kind = read_message(_bytes(_only(info["type"])), TYPE, "an input's type")
    tensor = read_message(_bytes(_only(kind["tensor_type"])), TENSOR_TYPE, "an input's type")
    return {_only(texts(info["name"])): _only(integers(tensor["elem_type"]))}


def _only(values: list[T]) -> T:
    if len(values) != 1:
        raise ValueError("a part of it is missing or given twice")
    return values[0]


def _bytes(value: Value) -> memoryview:
    return memoryview(b"") if isinstance(value, int) else value


def _shown(name: str) -> str:
    return repr(name[:60])
