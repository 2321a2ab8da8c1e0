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

_ONE = (BYTES,)
_INTEGERS = (VARINT, BYTES)
MODEL = {
    1: ("ir_version", (VARINT,)),
    2: ("producer_name", _ONE),
    3: ("producer_version", _ONE),
    4: ("domain", _ONE),
    5: ("model_version", (VARINT,)),
    6: ("doc_string", _ONE),
    7: ("graph", _ONE),
    8: ("opset_import", _ONE),
    14: ("metadata_props", _ONE),
}
OPSET = {1: ("domain", _ONE), 2: ("version", (VARINT,))}
GRAPH = {
    1: ("node", _ONE),
    2: ("name", _ONE),
    5: ("initializer", _ONE),
    10: ("doc_string", _ONE),
    11: ("input", _ONE),
    12: ("output", _ONE),
    13: ("value_info", _ONE),
}
NODE = {
    1: ("input", _ONE),
    2: ("output", _ONE),
    3: ("name", _ONE),
    4: ("op_type", _ONE),
    5: ("attribute", _ONE),
    6: ("doc_string", _ONE),
    7: ("domain", _ONE),
}
ATTRIBUTE = {
    1: ("name", _ONE),
    2: ("f", (FIXED32,)),
    3: ("i", (VARINT,)),
    4: ("s", _ONE),
    7: ("floats", (FIXED32, BYTES)),
    8: ("ints", _INTEGERS),
    9: ("strings", _ONE),
    13: ("doc_string", _ONE),
    20: ("type", (VARINT,)),
}
# Only numbers within the file, as raw bytes: no `external_data` (13), no `data_location` (14).
TENSOR = {
    1: ("dims", _INTEGERS),
    2: ("data_type", (VARINT,)),
    8: ("name", _ONE),
    9: ("raw_data", _ONE),
    12: ("doc_string", _ONE),
}
VALUE_INFO = {1: ("name", _ONE), 2: ("type", _ONE), 3: ("doc_string", _ONE)}
TYPE = {1: ("tensor_type", _ONE)}
TENSOR_TYPE = {1: ("elem_type", (VARINT,)), 2: ("shape", _ONE)}


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
    """Name and type of a constant, and whether it holds whole numbers above 0 only."""
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
    """The number type of a node's first output; 0 where it is not known."""
    if operator == "Cast":
        return _only(attributes.get("to", []))
    if operator in ("Shape", "ArgMax"):
        return INT64
    # All others have the type of what they compute with; comparisons never reach a division.
    values = inputs[operator == "Where" :]
    return values[0] if values else 0


def _declared(value: Value) -> dict[str, int]:
    """Name and number type of one of the graph's inputs."""
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
