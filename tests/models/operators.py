"""Writes small ONNX files into `operators/`, with what ONNX Runtime answers beside each.

Each output of a file is one case: a layer, what is tried, and a layer behind it, so that it is no end of the
network. `python operators.py` needs numpy, onnx and onnxruntime.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent / "operators"


class Network:
    """A network whose cases read one convolution each."""

    def __init__(self, name, shape, opset):
        self.name, self.shape, self.opset = name, shape, opset
        self.rng = np.random.default_rng(len(name))
        self.nodes, self.constants, self.outputs, self.made = [], [], [], 0

    def constant(self, values, kind=np.float32):
        self.made += 1
        name = f"c{self.made}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def ints(self, *values):
        return self.constant(values, np.int64)

    def node(self, operator, *inputs, outputs=1, **attributes):
        self.made += 1
        names = [f"v{self.made}_{at}" for at in range(outputs)]
        inputs = [it if isinstance(it, str) else self.constant(it) for it in inputs]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x, inputs, outputs, kernel=1, **attributes):
        window = [kernel] * (len(self.shape) - 2)
        weight = self.rng.uniform(-1, 1, [outputs, inputs, *window]) / np.sqrt(inputs * kernel)
        bias = self.rng.uniform(-0.5, 0.5, outputs)
        return self.node("Conv", x, weight, bias, **attributes)

    def start(self, channels=4):
        return self.conv("x", self.shape[1], channels)

    def end(self, value, channels):
        """A case ends with a convolution of its own."""
        self.finish(self.conv(value, channels, 2))

    def finish(self, value):
        name = f"y{len(self.outputs)}"
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(name)

    def write(self):
        value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        outputs = [value(name, None) for name in self.outputs]
        graph = helper.make_graph(self.nodes, self.name, [value("x", self.shape)], outputs, self.constants)
        opset = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        path = FOLDER / f"{self.name}.onnx"
        path.write_bytes(model.SerializeToString())
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        samples = self.rng.uniform(-2, 2, [2, *self.shape[1:]]).astype(np.float32)
        answers = [session.run(None, {"x": sample[None]}) for sample in samples]
        arrays = {f"out{at}": np.concatenate([it[at] for it in answers]) for at in range(len(self.outputs))}
        np.savez_compressed(FOLDER / f"{self.name}.npz", in0=samples, **arrays)
        print(path.name, len(self.outputs), "cases", path.stat().st_size, "bytes", file=sys.stderr)


def functions():
    net = Network("functions", [1, 3, 4, 4], 20)

    def case(function):
        net.end(function(net.start()), 4)

    node = net.node
    case(lambda x: node("Softplus", x))
    case(lambda x: node("Mish", x))
    case(lambda x: node("Gelu", x))
    case(lambda x: node("Gelu", x, approximate="tanh"))
    case(lambda x: node("Sign", x))
    case(lambda x: node("HardSwish", x))
    case(lambda x: node("ThresholdedRelu", x, alpha=0.0))
    case(lambda x: node("Celu", x))
    # In pieces.
    case(lambda x: node("Mul", x, node("Sigmoid", x)))
    case(lambda x: node("Mul", x, node("Tanh", node("Softplus", x))))
    case(lambda x: node("Mul", x, node("Tanh", node("Log", node("Add", node("Exp", x), 1.0)))))
    case(lambda x: node("Log", node("Add", 1.0, node("Exp", x))))
    case(lambda x: node("Div", node("Mul", x, node("Clip", node("Add", x, 3.0), 0.0, 6.0)), 6.0))
    case(lambda x: node("Mul", x, node("HardSigmoid", x, alpha=1 / 6, beta=0.5)))
    case(lambda x: node("Mul", node("Mul", x, 0.5), node("Add", node("Erf", node("Div", x, 2**0.5)), 1.0)))
    case(lambda x: node("Mul", x, node("Mul", 0.5, node("Add", 1.0, node("Erf", node("Mul", x, 0.5**0.5))))))
    cubic = lambda x: node("Add", x, node("Mul", node("Pow", x, 3.0), 0.044715))
    tanh = lambda x: node("Add", node("Tanh", node("Mul", cubic(x), (2 / np.pi) ** 0.5)), 1.0)
    case(lambda x: node("Mul", node("Mul", x, 0.5), tanh(x)))
    case(lambda x: node("Div", 1.0, node("Add", 1.0, node("Exp", node("Neg", x)))))
    case(lambda x: node("Mul", x, node("Sigmoid", node("Mul", x, 1.702))))
    # Powers.
    case(lambda x: node("Mul", x, x))
    case(lambda x: node("Pow", x, 2.0))
    case(lambda x: node("Pow", x, 3.0))
    case(lambda x: node("Pow", node("Relu", x), 0.5))
    case(lambda x: node("Pow", node("Relu", x), 1.5))
    net.write()


def moved():
    net = Network("moved", [1, 4, 6, 8], 13)
    node, ints = net.node, net.ints

    def case(function, channels):
        net.end(function(net.start(4)), channels)

    part = lambda x, *bounds: node("Slice", x, *[ints(*bound) for bound in bounds])
    case(lambda x: part(x, [1, 2], [5, 8], [2, 3], [1, 1]), 4)
    case(lambda x: part(x, [-3], [-1], [-1], [1]), 4)
    case(lambda x: part(x, [0, 1], [6, 8], [2, 3], [2, 2]), 4)
    case(lambda x: part(x, [-1], [-5], [1], [-1]), 4)
    case(lambda x: part(x, [0], [9223372036854775807], [1], [2]), 2)
    case(lambda x: node("Gather", x, ints(2, 0, 3), axis=1), 3)
    case(lambda x: node("Gather", x, ints(-1, 1, 1, 2, 0), axis=1), 5)
    case(lambda x: node("Concat", *node("Split", x, ints(1, 3), axis=1, outputs=2)[::-1], axis=1), 4)
    case(lambda x: node("Add", *node("Split", x, axis=2, outputs=2)), 4)
    focus = lambda x: [part(x, [r, c], [6, 8], [2, 3], [2, 2]) for c in (0, 1) for r in (0, 1)]
    case(lambda x: node("Concat", *focus(x), axis=1), 16)
    pooled = lambda x: node("GlobalAveragePool", x)
    case(lambda x: node("Mul", x, node("Expand", pooled(x), ints(1, 4, 6, 8))), 4)
    case(lambda x: node("Add", x, node("Tile", pooled(x), ints(1, 1, 6, 8))), 4)
    case(lambda x: node("Max", x, net.conv(x, 4, 4)), 4)
    case(lambda x: node("Min", x, net.conv(x, 4, 4), 0.25), 4)
    bounds = np.array([-0.5, 0.0, 0.25, 0.5], np.float32).reshape(4, 1, 1)
    case(lambda x: node("Max", x, bounds), 4)
    case(lambda x: node("Min", bounds, x), 4)
    case(lambda x: node("Mean", x, net.conv(x, 4, 4), net.conv(x, 4, 4)), 4)
    case(lambda x: node("ReduceMean", x, axes=[1], keepdims=1), 1)
    case(lambda x: node("ReduceSum", x, ints(1), keepdims=1), 1)
    case(lambda x: node("ReduceSum", x, ints(2), keepdims=1), 4)
    case(lambda x: node("ReduceMin", x, axes=[2, 3], keepdims=1), 4)
    case(lambda x: node("ReduceMax", x, axes=[-1], keepdims=1), 4)
    shuffled = lambda x: node("Transpose", node("Reshape", x, ints(1, 2, 2, 6, 8)), perm=[0, 2, 1, 3, 4])
    case(lambda x: node("Reshape", shuffled(x), ints(0, -1, 6, 8)), 4)
    net.write()


def transposed():
    net = Network("transposed", [1, 4, 5, 6], 13)

    def case(groups, each, kernel, **attributes):
        weight = net.rng.uniform(-0.5, 0.5, [4, each, kernel, kernel])
        bias = net.rng.uniform(-0.5, 0.5, each * groups)
        made = net.node("ConvTranspose", net.start(), weight, bias, group=groups, **attributes)
        net.end(made, each * groups)

    case(1, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    case(2, 3, 2, strides=[2, 2])
    case(4, 1, 4, strides=[2, 2], pads=[1, 1, 1, 1])
    case(1, 2, 3, dilations=[2, 1])
    case(1, 2, 2, strides=[3, 3], output_padding=[2, 1])
    case(1, 2, 3, strides=[2, 2], auto_pad="SAME_UPPER")
    case(1, 2, 4, strides=[2, 2], auto_pad="SAME_LOWER")
    case(1, 2, 3, strides=[2, 2], output_shape=[10, 12])
    net.write()


def signal():
    net = Network("signal", [1, 3, 16], 11)

    def case(groups, each, kernel, **attributes):
        weight = net.rng.uniform(-0.5, 0.5, [4, each, kernel])
        made = net.node("ConvTranspose", net.start(), weight, group=groups, **attributes)
        net.end(made, each * groups)

    case(1, 2, 4, strides=[2], pads=[1, 1])
    case(4, 1, 3, strides=[2], pads=[1, 1], output_padding=[1])
    net.end(net.node("Slice", net.start(), net.ints(1), net.ints(15), net.ints(2), net.ints(3)), 4)
    net.end(net.node("MaxPool", net.start(), kernel_shape=[3], strides=[2], pads=[1, 1]), 4)
    net.write()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    functions()
    moved()
    transposed()
    signal()
