#!/usr/bin/env python3
# make_gguf.py - a GGUF of random numbers in a model's exact shape, every matrix of one format (f16, q8_0, q4_0), norms in f32, for
# llama.cpp's own benchmarks: what a matrix holds does not change the time that it takes, but for the power that zeros save.
# usage: make_gguf.py OUT FORMAT SHAPE; needs no module. Shapes are those of models/NAME.yaml.
import math, random, struct, sys

SHAPES = {
    "llama-3.2-1b": dict(arch="llama", layers=16, hidden=2048, ff=8192, heads=32, kv=8, dim=64, vocab=128256, tied=True),
    "llama-3.2-3b": dict(arch="llama", layers=28, hidden=3072, ff=8192, heads=24, kv=8, dim=128, vocab=128256, tied=True),
    "mistral-7b-v0.3": dict(arch="llama", layers=32, hidden=4096, ff=14336, heads=32, kv=8, dim=128, vocab=32768, tied=False),
    "qwen3-30b-a3b": dict(arch="qwen3moe", layers=48, hidden=2048, ff=768, heads=32, kv=4, dim=128, vocab=151936, tied=False,
                          experts=128, used=8),
    "mixture-4b": dict(arch="qwen3moe", layers=12, hidden=2048, ff=768, heads=32, kv=4, dim=128, vocab=32000, tied=True,
                       experts=64, used=8),
}
# The same, in which what a layer adds is a thousandth: each token stays what it is, and so chooses experts of its own.
for name in ("qwen3-30b-a3b", "mixture-4b"):
    SHAPES[name + "-apart"] = dict(SHAPES[name], apart=True)
# Almost nothing to compute: what is left of a step is the host's.
for name, layers, hidden, vocab in (("empty-2048", 2, 2048, 32000), ("empty-4096", 2, 4096, 32000), ("empty-256", 2, 256, 32000),
                                    ("empty-256-32", 32, 256, 32000), ("empty-256-131072", 2, 256, 131072)):
    SHAPES[name] = dict(arch="llama", layers=layers, hidden=hidden, ff=256, heads=4, kv=4, dim=64, vocab=vocab, tied=True)
TYPES = {"f32": (0, 1, 4), "f16": (1, 1, 2), "q4_0": (2, 32, 18), "q8_0": (8, 32, 34)}  # ggml's id, numbers and bytes of a block
ALIGN = 32


def masked(size, width, keep, put):
    """Random words of that many bytes, of which `keep` is kept and `put` set."""
    n = size // width
    rnd = int.from_bytes(random.Random(1).randbytes(size), "little")
    all_of = lambda word: int.from_bytes(word.to_bytes(width, "little") * n, "little")
    return (rnd & all_of(keep) | all_of(put)).to_bytes(size, "little")


def numbers(fmt):
    """About 32 MB of numbers of either sign, in size 1/64 to 1/32, as those of a trained matrix are; norms are one."""
    if fmt == "f32":
        return struct.pack("<f", 1) * (1 << 20)
    if fmt == "router":
        return masked(1 << 24, 4, 0x807FFFFF, 0x3C800000)
    if fmt == "f16":
        return masked(1 << 25, 2, 0x83FF, 0x2400)
    if fmt == "f16/1024":
        return masked(1 << 25, 2, 0x83FF, 0)
    fmt, _, small = fmt.partition("/")
    size, scale = TYPES[fmt][2], (0.0002 if fmt == "q8_0" else 0.003) / (1024 if small else 1)
    half = int.from_bytes(struct.pack("<e", scale), "little")
    # the scale keeps a sign of its own: numbers of a block are -8 to 7 or -128 to 127 times it, whose mean would add up
    return masked((1 << 25) // size * size, size, (1 << 8 * size) - (1 << 15), half)


def tensors(s, fmt):
    h, q, kv, f = s["hidden"], s["heads"] * s["dim"], s["kv"] * s["dim"], s["ff"]
    last = fmt + "/1024" if "apart" in s else fmt  # of what a layer adds
    yield "token_embd.weight", (h, s["vocab"]), fmt
    for i in range(s["layers"]):
        b = "blk.%d." % i
        yield b + "attn_norm.weight", (h,), "f32"
        yield b + "attn_q.weight", (h, q), fmt
        yield b + "attn_k.weight", (h, kv), fmt
        yield b + "attn_v.weight", (h, kv), fmt
        yield b + "attn_output.weight", (q, h), last
        yield b + "ffn_norm.weight", (h,), "f32"
        if "experts" in s:
            e = s["experts"]
            yield b + "attn_q_norm.weight", (s["dim"],), "f32"
            yield b + "attn_k_norm.weight", (s["dim"],), "f32"
            yield b + "ffn_gate_inp.weight", (h, e), "router"
            yield b + "ffn_gate_exps.weight", (h, f, e), fmt
            yield b + "ffn_up_exps.weight", (h, f, e), fmt
            yield b + "ffn_down_exps.weight", (f, h, e), last
        else:
            yield b + "ffn_gate.weight", (h, f), fmt
            yield b + "ffn_up.weight", (h, f), fmt
            yield b + "ffn_down.weight", (f, h), fmt
    yield "output_norm.weight", (h,), "f32"
    if not s["tied"]:
        yield "output.weight", (h, s["vocab"]), fmt


def main(out, fmt, name):
    s = SHAPES[name]
    text = lambda t: struct.pack("<Q", len(t)) + t.encode()
    kv = [("general.architecture", s["arch"]), ("general.name", name), ("tokenizer.ggml.model", "no_vocab")]
    ints = {"context_length": 131072, "embedding_length": s["hidden"], "block_count": s["layers"], "feed_forward_length": s["ff"],
            "attention.head_count": s["heads"], "attention.head_count_kv": s["kv"], "attention.key_length": s["dim"],
            "attention.value_length": s["dim"], "rope.dimension_count": s["dim"], "vocab_size": s["vocab"]}
    if "experts" in s:
        ints.update({"expert_count": s["experts"], "expert_used_count": s["used"], "expert_feed_forward_length": s["ff"]})
    kv += [(s["arch"] + "." + k, v) for k, v in ints.items()]
    kv += [(s["arch"] + ".attention.layer_norm_rms_epsilon", 1e-5), (s["arch"] + ".rope.freq_base", 500000.0)]
    head = struct.pack("<IIQQ", 0x46554747, 3, sum(1 for _ in tensors(s, fmt)), len(kv))
    for k, v in kv:
        head += text(k)
        head += (struct.pack("<I", 8) + text(v) if isinstance(v, str)
                 else struct.pack("<II", 4, v) if isinstance(v, int) else struct.pack("<If", 6, v))
    at, sizes = 0, []
    for n, dims, t in tensors(s, fmt):
        t = "f32" if t == "router" else t.partition("/")[0]
        kind, per, size = TYPES[t]
        bytes_ = math.prod(dims) // per * size
        head += text(n) + struct.pack("<I", len(dims)) + struct.pack("<%dQ" % len(dims), *dims) + struct.pack("<IQ", kind, at)
        sizes.append(bytes_)
        at += (bytes_ + ALIGN - 1) // ALIGN * ALIGN
    pieces = {t: memoryview(numbers(t)) for t in {t for _, _, t in tensors(s, fmt)}}
    with open(out, "wb", buffering=0) as o:
        o.write(head + bytes(-len(head) % ALIGN))
        for (n, dims, t), bytes_ in zip(tensors(s, fmt), sizes):
            piece, left = pieces[t], bytes_
            while left:
                left -= o.write(piece[:min(left, len(piece))])
            o.write(bytes(-bytes_ % ALIGN))


main(*sys.argv[1:4])
