"""Compares formulas with what LiteRT answers for operators of int8 where its codes are not the nearest ones.

`python litert.py` needs numpy, flatbuffers and ai-edge-litert (2.3). Each line is an operator, how many of
its answers differ from a formula, and of how many. `convert/litert.rs` and `convert/engine.rs` have the
formulas that differ nowhere. It also writes `litert_int8.tflite`.
"""

import math
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as S
from ai_edge_litert.interpreter import Interpreter

INT8, INT32 = 9, 2
F = np.float32
CODES = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
RNG = np.random.default_rng(0)


def answer(operator, options, kind, inputs, output):
    """Of an operator; inputs and output are (shape, scale, zero point), or (values,) of a constant."""
    model, graph = S.ModelT(), S.SubGraphT()
    model.version, model.buffers, graph.tensors = 3, [S.BufferT()], []
    for index, given in enumerate([*inputs, output]):
        tensor = S.TensorT()
        tensor.name, tensor.buffer = b"t%d" % index, 0
        if len(given) == 1:
            buffer = S.BufferT()
            buffer.data = np.frombuffer(given[0].tobytes(), np.uint8)
            model.buffers.append(buffer)
            tensor.buffer, tensor.type, tensor.shape = len(model.buffers) - 1, INT32, list(given[0].shape)
        else:
            tensor.type, tensor.shape = INT8, list(given[0])
            tensor.quantization = S.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [given[1]], [given[2]]
        graph.tensors.append(tensor)
    op, code = S.OperatorT(), S.OperatorCodeT()
    op.inputs, op.outputs = list(range(len(inputs))), [len(inputs)]
    op.builtinOptionsType, op.builtinOptions = kind, options
    code.builtinCode, code.deprecatedBuiltinCode, code.version = operator, min(operator, 127), 1
    graph.operators, graph.outputs = [op], op.outputs
    graph.inputs = [at for at, given in enumerate(inputs) if len(given) > 1]
    model.operatorCodes, model.subgraphs = [code], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    interpreter = Interpreter(model_content=bytes(builder.Output()), num_threads=1)
    interpreter.allocate_tensors()

    def run(*values):
        for detail, value in zip(interpreter.get_input_details(), values):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).astype(int)

    return run


def clamp(values):
    return np.clip(values, -128, 127).astype(int)


def show(name, found, **formulas):
    differ = ", ".join(f"{what} {(found != formula).sum()}" for what, formula in formulas.items())
    print(f"{name:36} {differ} of {found.size}")


def tables(scale, zero, out_scale, out_zero):
    x = CODES.astype(int) - zero
    of = lambda operator, kind=0, options=None: answer(
        operator, options, kind, [((1, 256), scale, zero)], ((1, 256), out_scale, out_zero)
    )(CODES)
    parts = lambda factor: int(np.rint(F(256) * F(F(scale) / F(out_scale) * F(factor))))
    real = x * float(F(scale)) / float(F(out_scale))
    nearest = lambda value: clamp(np.floor(value + 0.5) + out_zero)
    place = f"{scale} {zero} to {out_scale} {out_zero}"
    own = clamp((x * parts(1) + 128 >> 8) + out_zero)
    show(f"QUANTIZE {place}", of(114), nearest=nearest(real), parts_of_256=own)
    leaky = S.LeakyReluOptionsT()
    leaky.alpha = 0.1
    found = of(98, S.BuiltinOptions.LeakyReluOptions, leaky)
    own = clamp((np.where(x >= 0, x * parts(1), x * parts(0.1)) + 128 >> 8) + out_zero)
    show(f"LEAKY_RELU {place}", found, nearest=nearest(np.where(x > 0, real, real * 0.1)), parts_of_256=own)
    if (scale, zero, out_scale) == (0.05, 3, 0.047):
        print("  every 17th, with 128 added:", (found.reshape(-1)[::17] + 128).tolist())
    value = x * float(F(scale))
    swish = value * np.clip(value + 3, 0, 6) / 6 / float(F(out_scale))
    found = of(117)
    show(f"HARD_SWISH {place}", found, nearest=nearest(swish))
    if (scale, zero, out_scale) == (0.05, 3, 0.047):
        print("  every 17th, with 128 added:", (found.reshape(-1)[::17] + 128).tolist())


def pools(side, zero):
    x = RNG.integers(-128, 128, (1, 16, 16, 16)).astype(np.int8)
    options = S.Pool2DOptionsT()
    options.strideH = options.strideW = options.filterHeight = options.filterWidth = side
    options.padding = 1
    shape = (1, 16 // side, 16 // side, 16)
    run = answer(1, options, S.BuiltinOptions.Pool2DOptions, [(x.shape, 0.05, zero)], (shape, 0.05, zero))
    sums = x.astype(int).reshape(1, 16 // side, side, 16 // side, side, 16).sum((2, 4))
    count = side * side
    away = np.where(sums > 0, (sums + count // 2) // count, -((-sums + count // 2) // count))
    show(f"AVERAGE_POOL_2D {side}x{side}", run(x), up=(2 * sums + count) // (2 * count), away=away)


def pairs(name, operator, options, kind):
    shape = (1, 64, 64, 4)
    a, b = [RNG.integers(-128, 128, shape).astype(np.int8) for _ in range(2)]
    (sa, za), (sb, zb), (so, zo) = (0.05, 3), (1 / 256, -128) if name == "MUL" else (0.031, -20), (0.07, 5)
    found = answer(operator, options, kind, [(shape, sa, za), (shape, sb, zb)], (shape, so, zo))(a, b)
    a, b = a.astype(int) - za, b.astype(int) - zb
    if name == "MUL":
        scale = float(F(F(sa) * F(sb)) / F(so))
        shift = min(31, math.floor(math.log2(32767.4 / scale)))
        small = clamp((a * b * round(scale * 2**shift) + (1 << shift - 1) >> shift) + zo)
        floats = clamp(np.rint((a * b).astype(F) * F(scale)) + zo)
        return show(name, found, floats=floats, multiplier_of_15_bits=small)
    sign = -1 if name == "SUB" else 1
    ratios = F(sa) / F(so), F(sb) / F(so)
    shift = 21 - math.frexp(max(ratios))[1]
    first, second = [int(np.rint(float(ratio) * 2**shift)) for ratio in ratios]
    own = clamp((a * first + sign * b * second + (1 << shift - 1) >> shift) + zo)
    real = (a * float(F(sa)) + sign * b * float(F(sb))) / float(F(so))
    show(name, found, nearest=clamp(np.floor(real + 0.5) + zo), multipliers_of_21_bits=own)


def network():
    """Writes `litert_int8.tflite`, with operators of that kind, and LiteRT's answers to random images."""
    model, graph = S.ModelT(), S.SubGraphT()
    model.version, model.buffers, model.operatorCodes = 3, [S.BufferT()], []
    graph.tensors, graph.operators = [], []

    def tensor(shape, scale=None, zero=0, values=None, axis=0):
        made = S.TensorT()
        made.name, made.buffer, made.shape, made.type = b"t%d" % len(graph.tensors), 0, list(shape), INT8
        if values is not None:
            made.type = INT32 if values.dtype == np.int32 else INT8
            buffer = S.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, F))
            made.quantization = S.QuantizationParametersT()
            made.quantization.scale = scales
            made.quantization.zeroPoint = np.full(len(scales), zero, np.int64)
            made.quantization.quantizedDimension = axis
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def operator(number, inputs, shape, scale, zero, kind=0, options=None):
        code, op = S.OperatorCodeT(), S.OperatorT()
        code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
        code.version = 3 if number == 3 else 2 if number != 117 else 1
        model.operatorCodes.append(code)
        output = tensor(shape, scale, zero)
        op.opcodeIndex, op.inputs, op.outputs = len(model.operatorCodes) - 1, inputs, [output]
        op.builtinOptionsType, op.builtinOptions = kind, options
        graph.operators.append(op)
        return output

    def conv(x, in_scale, inputs, outputs, side, scale, zero):
        weight = RNG.integers(-127, 128, (outputs, 1, 1, inputs)).astype(np.int8)
        scales = RNG.uniform(0.002, 0.006, outputs).astype(F)
        bias = RNG.integers(-3000, 3000, outputs).astype(np.int32)
        options = S.Conv2DOptionsT()
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        own = [tensor(weight.shape, scales, 0, weight), tensor(bias.shape, scales * F(in_scale), 0, bias)]
        kind = S.BuiltinOptions.Conv2DOptions
        return operator(3, [x, *own], (1, side, side, outputs), scale, zero, kind, options)

    x = tensor((1, 8, 8, 3), 0.02, -3)
    first = conv(x, 0.02, 3, 6, 8, 0.031, 4)
    leaky = S.LeakyReluOptionsT()
    leaky.alpha = 0.1
    value = operator(98, [first], (1, 8, 8, 6), 0.027, -60, S.BuiltinOptions.LeakyReluOptions, leaky)
    pool = S.Pool2DOptionsT()
    pool.strideH = pool.strideW = pool.filterHeight = pool.filterWidth = 2
    pool.padding = 1
    value = operator(1, [value], (1, 4, 4, 6), 0.027, -60, S.BuiltinOptions.Pool2DOptions, pool)
    second = conv(value, 0.027, 6, 6, 4, 0.043, -20)
    value = operator(117, [second], (1, 4, 4, 6), 0.029, -115)
    value = operator(114, [value], (1, 4, 4, 6), 0.037, -100)
    other = conv(value, 0.037, 6, 6, 4, 0.03, 10)
    add = S.BuiltinOptions.AddOptions
    value = operator(0, [value, other], (1, 4, 4, 6), 0.041, -40, add, S.AddOptionsT())
    last = conv(value, 0.041, 6, 5, 4, 0.006, 0)
    graph.inputs, graph.outputs, model.subgraphs = [x], [last], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    content = bytes(builder.Output())
    folder = Path(__file__).parent
    (folder / "litert_int8.tflite").write_bytes(content)
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    images = RNG.integers(-128, 128, (16, 8, 8, 3)).astype(np.int8)
    answers = []
    for image in images:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy())
    np.savez_compressed(folder / "golden/litert_int8.tflite.npz", in0=images, out0=np.concatenate(answers))


if __name__ == "__main__":
    network()
    for given in [(0.05, 3), (0.0231, -20), (0.1, -128)]:
        for wanted in [(0.047, -100), (0.0175, -50)]:
            tables(*given, *wanted)
    for side in (2, 4, 8):
        pools(side, 3)
    pairs("ADD", 0, S.AddOptionsT(), S.BuiltinOptions.AddOptions)
    pairs("SUB", 41, S.SubOptionsT(), S.BuiltinOptions.SubOptions)
    pairs("MUL", 18, S.MulOptionsT(), S.BuiltinOptions.MulOptions)
