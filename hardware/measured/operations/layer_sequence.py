#!/usr/bin/env python3
"""A layer's kernels one behind another, against the sum of each alone: layer_sequence.py KERNELS

Needs CuPy and an NVIDIA GPU; KERNELS is the folder kernels/cuda. The kernels of one token of Llama 3.2 1B behind 256 tokens, in blocks of 8 and
of 4 bits, are recorded as a graph: each kernel 64 times among its like, and 16 layers. Weights and caches rotate through 32 and 64 copies.
No kernel is started before the one in front of it has ended."""
import sys

import cupy as cp
import numpy as np

HEADERS = ("device.h", "rows.h", "formats.h")
SHAPES = {"q": (2048, 2048), "k": (512, 2048), "v": (512, 2048), "o": (2048, 2048), "gate": (8192, 2048), "up": (8192, 2048),
          "down": (2048, 8192)}
LAYER = ("norm", "q", "k", "v", "attention", "o", "norm", "gate", "up", "down")


def module(folder, name):
    code = "".join(open("%s/%s" % (folder, f)).read() for f in HEADERS + (name,))
    return cp.RawModule(code=code, options=("--std=c++17", "--use_fast_math"), backend="nvrtc")


def params(*values):
    kinds = [("f%d" % i, "u4" if isinstance(v, int) else "f4") for i, v in enumerate(values)]
    return np.array(tuple(values), dtype=kinds)


def noise(n):
    return cp.random.randint(0, 100, n, dtype=cp.uint8)


class Kernels:
    def __init__(self, folder):
        self.rounding = module(folder, "blocks.cu").get_function("round_rows")
        self.few = module(folder, "few_blocks.cu")
        attention = module(folder, "attention.cu")
        self.heads = attention.get_function("attention_heads_64_4")
        self.join = attention.get_function("attention_join_64")
        self.norm = module(folder, "elementwise.cu").get_function("rmsnorm_f32")
        self.x = cp.random.rand(16384, dtype=cp.float32)
        self.gain = cp.ones(16384, cp.float32)
        self.y = cp.zeros(200000, cp.float32)
        self.rounded = cp.zeros(16384, cp.uint8)
        self.scales = cp.zeros(4096, cp.float32)
        self.parts = cp.zeros(1 << 20, cp.float32)

    def product(self, name, block_bytes, n, k, copies=32):
        run, p, turn = self.few.get_function(name), params(1, n, k), [0]
        weights = [noise(n * k // 32 * block_bytes) for _ in range(copies)]

        def go():
            w = weights[turn[0] % copies]
            turn[0] += 1
            self.rounding(((k // 4 + 255) // 256,), (256,), (self.x, self.rounded, self.scales, p))
            run((n,), (128,), (w, self.rounded, self.scales, self.y, p))
        return go

    def one_norm(self, n):
        p = params(1, n, 1e-5)
        return lambda: self.norm((1,), (1024,), (self.x, self.gain, self.y, p))

    def one_attention(self, n, copies=64):
        caches, q, turn, splits = [noise(2 * 8 * n * 64) for _ in range(copies)], noise(2 * 32 * 64), [0], (n + 63) // 64
        p = params(1, n, 32, 8, splits, 0.18)

        def go():
            cache = caches[turn[0] % copies]
            turn[0] += 1
            self.heads((splits, 8), (256,), (q, cache, cache, self.parts, p))
            self.join((32,), (64,), (self.parts, self.y, p))
        return go


def timed(operations, repetitions):
    """Microseconds of the operations, of a graph that has them so many times: the median of nine."""
    stream, times = cp.cuda.Stream(non_blocking=True), []
    with stream:
        for go in operations:
            go()
        stream.synchronize()
        stream.begin_capture()
        for _ in range(repetitions):
            for go in operations:
                go()
        graph = stream.end_capture()
        graph.launch(stream)
        for _ in range(9):
            begin, end = cp.cuda.Event(), cp.cuda.Event()
            begin.record(stream)
            for _ in range(5):
                graph.launch(stream)
            end.record(stream)
            end.synchronize()
            times.append(cp.cuda.get_elapsed_time(begin, end) * 1e3 / 5 / repetitions)
    return float(np.median(times))


def main():
    kernels = Kernels(sys.argv[1])
    for name, block_bytes in (("q8", 34), ("q4", 18)):
        operations = {s: kernels.product("gemv_%s_1" % name, block_bytes, n, k) for s, (n, k) in SHAPES.items()}
        operations["norm"], operations["attention"] = kernels.one_norm(2048), kernels.one_attention(256)
        alone = {s: timed([go], 64) for s, go in operations.items()}
        layer, total = timed([operations[s] for s in LAYER], 16), sum(alone[s] for s in LAYER)
        print("%s: a layer %.2f us, its operations alone %.2f us: %s" % (name, layer, total, {s: round(t, 2) for s, t in alone.items()}))


main()
