"""Writes `qonnx_w4a4.onnx`, a QONNX network of few bits, and what its `Quant` nodes compute in 64-bit floats.

The network is executed here with NumPy, node by node as QONNX defines `Quant`: nothing of mixq is used. No
scale is a power of two: of sums that lie half a step between two integers a multiplier rounds all up, and
`Quant` those of odd integers. `python qonnx.py` needs numpy and onnx.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent
RNG = np.random.default_rng(4)
nodes, constants = [], []


def constant(values):
    name = f"c{len(constants)}"
    constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
    return name


def node(operator, inputs, domain="", **attributes):
    name = f"v{len(nodes)}"
    nodes.append(helper.make_node(operator, inputs, [name], domain=domain, **attributes))
    return name


def quantised(values, scale, bits, signed, narrow=0):
    low = -(2.0 ** (bits - 1)) + narrow if signed else 0.0
    high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
    return np.clip(np.round(values / scale), low, high) * scale


def quant(x, values, scale, bits, signed, narrow=0):
    inputs = [x, constant(scale), constant(0.0), constant(float(bits))]
    attributes = {"signed": signed, "narrow": narrow, "rounding_mode": "ROUND"}
    scale = np.asarray(np.float32(scale), np.float64)
    named = node("Quant", inputs, "qonnx.custom_op.general", **attributes)
    return named, quantised(values, scale, bits, signed, narrow)


def convolved(x, weight, stride, pad):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    kernel = weight.shape[2]
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], weight)


def conv(x, values, outputs, kernel, stride, bits, scales, bias):
    """A convolution with quantised weights; a scale for each output channel."""
    weight = RNG.normal(0, 1, [outputs, values.shape[1], kernel, kernel]).astype(np.float32)
    scales = np.asarray(scales, np.float32).reshape(-1, 1, 1, 1)
    weight *= scales * 2 ** (bits - 2)
    name, own = quant(constant(weight), weight.astype(np.float64), scales, bits, 1, int(bits > 2))
    pad = kernel // 2
    inputs = [x, name] + ([constant(bias)] if bias is not None else [])
    made = node("Conv", inputs, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)
    sums = convolved(values, own, stride, pad)
    if bias is not None:
        sums = sums + np.float32(bias).astype(np.float64).reshape(1, -1, 1, 1)
    return made, sums


samples = RNG.integers(0, 256, [4, 2, 8, 8]) / 256.0
x, values = quant("x", samples, 2.0**-8, 8, 0)
x, values = conv(x, values, 6, 3, 1, 4, RNG.uniform(0.05, 0.08, 6), None)
x, values = node("Relu", [x]), np.maximum(values, 0)
x, values = quant(x, values, 0.2371, 4, 0)
# A scale for each channel, and biases.
x, values = conv(x, values, 5, 3, 2, 2, [0.1137, 0.2693, 0.4871, 0.0371, 0.1923], [0.5, -0.25, 0.125, 0.75, 0.0])
x, values = quant(x, values, 0.2617, 4, 1)
x, values = conv(x, values, 4, 1, 1, 3, [0.4931, 0.2971, 0.1367, 0.2113], None)
x, values = node("Relu", [x]), np.maximum(values, 0)
x, values = quant(x, values, 0.2971, 2, 0)
x, values = node("Flatten", [x]), values.reshape(len(values), -1)
matrix = RNG.normal(0, 1, [values.shape[1], 3]).astype(np.float32) * 0.5
name, own = quant(constant(matrix), matrix.astype(np.float64), 0.25, 4, 1, 1)
x, values = node("MatMul", [x, name]), values @ own

nodes[-1].output[0] = "y"
tensor = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
graph = helper.make_graph(nodes, "qonnx", [tensor("x", [1, 2, 8, 8])], [tensor("y", [1, 3])], constants)
opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
(FOLDER / "qonnx_w4a4.onnx").write_bytes(
    helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
)
arrays = {"in0": samples.astype(np.float32), "out0": values.astype(np.float32)}
np.savez_compressed(FOLDER / "golden/qonnx_w4a4.onnx.npz", **arrays)
