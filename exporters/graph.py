"""Builds ONNX graphs node by node from NumPy weights and named values."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Supported by every ONNX Runtime since 1.13 (2022).
OPSET = 17
IR_VERSION = 8
FLOAT, INT32, BOOL = TensorProto.FLOAT, TensorProto.INT32, TensorProto.BOOL
TYPES = {"float32": FLOAT, "int32": INT32, "uint8": TensorProto.UINT8, "bool": BOOL}
HALVED_FROM = 1024  # values; below it a file gains nothing


def fits_half(value: np.ndarray) -> bool:
    """Whether float16 holds float32 `value` exactly, as it does the weights of released models."""
    with np.errstate(over="ignore"):
        return value.dtype == np.float32 and np.array_equal(value.astype(np.float16), value)


class Graph:
    """A graph under construction, called `name` in viewers; its values are known by their names."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: str, shape: tuple) -> str:
        """Adds an input; a string in `shape` names a free axis."""
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[dtype], shape))
        return name

    def output(self, value: str, name: str, dtype: str, shape: tuple) -> None:
        """Makes `value` an output of this name."""
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[dtype], shape))

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        """Adds a constant array, in float16 if it is large and that is exact."""
        value = np.ascontiguousarray(value, dtype)
        halved = value.size >= HALVED_FROM and fits_half(value)
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value.astype(np.float16) if halved else value, name))
        return self("Cast", name, to=FLOAT) if halved else name

    def integers(self, *values: int) -> str:
        """Adds a constant int64 vector, as shapes and axes are given."""
        return self.constant(values, np.int64)

    def __call__(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Adds a node; returns the name of its output, or the list of them if it has several."""
        names = [f"v{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names if outputs > 1 else names[0]

    def dense(self, value: str, kernel: np.ndarray, bias: np.ndarray | None = None) -> str:
        """value (..., in) times kernel (in, out), plus bias."""
        product = self("MatMul", value, self.constant(kernel))
        return product if bias is None else self("Add", product, self.constant(bias))

    def save(self, path: Path) -> None:
        """Checks the graph and writes it; raises onnx.checker.ValidationError if it is invalid, a bug."""
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, producer_name="seq2seq_ocr")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(path))
