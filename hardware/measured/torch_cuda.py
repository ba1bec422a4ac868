#!/usr/bin/env python3
# torch_cuda.py - the samples and runs of an NVIDIA GPU under PyTorch that hardware/measured holds; needs torch, no lemursim.
# Writes OUT/samples.csv (single operations, as `lemursim calibrate --from` reads them) and OUT/runs.csv (a whole
# model of Llama 3.1 8B's shape with random weights, which no fit sees: for `lemursim validate`).
import math, os, statistics, sys, time
import torch, torch.nn.functional as F

dev, H = torch.device("cuda"), torch.float16
torch.manual_seed(1)
L2 = torch.empty(256 << 20, dtype=torch.int8, device=dev)
rows = []


def graph_of(fn, n):
    """n calls in one CUDA graph, so that the host is out of the way; returns something to replay."""
    s = torch.cuda.Stream()
    with torch.cuda.stream(s):
        for _ in range(3):
            fn(0)
    torch.cuda.synchronize()
    g = torch.cuda.CUDAGraph()
    with torch.cuda.graph(g):
        for i in range(n):
            fn(i)
    return g.replay


def seconds(fn, n, replay=True, samples=9, floor=0.004):
    """Seconds of one call, so many samples; each is the mean over n calls, again and again for `floor` seconds."""
    run = graph_of(fn, n) if replay else (lambda: [fn(i) for i in range(n)])
    a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def once(times):
        a.record()
        for _ in range(times):
            run()
        b.record()
        b.synchronize()
        return a.elapsed_time(b) / 1e3 / times / n

    t = once(1)
    t = once(1)
    times = max(1, math.ceil(floor / (t * n)))
    once(times)
    return [once(times) for _ in range(samples)]


def row(kind, s, dtype="f16", **k):
    k.update(kind=kind, dtype=dtype, seconds=";".join("%.6g" % x for x in s))
    rows.append(k)


def rand(*shape):
    return torch.randn(*shape, device=dev, dtype=H) / math.sqrt(shape[-1])


def streams():
    for mib in (1, 4, 16, 32, 64, 128, 256, 1024, 4096):
        n = mib << 20
        k = max(1, min(64, (512 << 20) // n))
        x = [torch.randn(n // 4, device=dev) for _ in range(k if mib >= 64 else 1)]
        y = torch.empty_like(x[0])
        c = 8 if mib < 1024 else 2
        row("read", seconds(lambda i: torch.sum(x[i % len(x)]), c), "f32", bytes=n)
        row("write", seconds(lambda i: y.fill_(1.0), c), "f32", bytes=n)
        row("copy", seconds(lambda i: y.copy_(x[i % len(x)]), c), "f32", bytes=2 * n)
        del x, y


MS = [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096, 8192]
NK = [(1024, 4096), (4096, 4096), (6144, 4096), (14336, 4096), (4096, 14336), (28672, 4096), (8192, 8192), (128256, 4096), (2048, 768), (768, 2048), (2048, 2048), (8192, 2048)]


def gemms():
    for n, k in NK:
        copies = max(1, min(32, (200 << 20) // (2 * n * k)))
        w = [rand(n, k) for _ in range(copies)]
        for m in MS:
            if m * n > 1 << 30:
                continue
            x, o = rand(m, k), torch.empty(m, n, device=dev, dtype=H)
            f = lambda i: torch.mm(x, w[i % copies].t(), out=o)
            s = seconds(f, max(copies, 4))
            ref = (x[0].double() * w[(max(copies, 4) - 1) % copies][0].double()).sum().item()
            assert abs(o[0, 0].item() - ref) < 1e-2, (m, n, k, o[0, 0].item(), ref)
            row("gemm", s, m=m, n=n, k=k)
            if m <= 8:
                row("gemv", s, m=m, n=n, k=k, bytes=2 * n * k)
        del w
    for sq in (512, 1024, 2048, 4096, 8192):
        a, b = rand(sq, sq), rand(sq, sq)
        o = torch.empty(sq, sq, device=dev, dtype=H)
        row("gemm", seconds(lambda i: torch.mm(a, b, out=o), 4), m=sq, n=sq, k=sq)


def attention():
    for q in (128, 512, 1024, 2048, 4096, 8192):
        Q, K, V = (torch.randn(1, 32, q, 128, device=dev, dtype=H) for _ in range(3))
        row("prefill", seconds(lambda i: F.scaled_dot_product_attention(Q, K, V, is_causal=True), 4), m=q, n=q, heads=32, kv_heads=32, head_dim=128, flop=4 * 32 * 128 * q * (q + 1) // 2)
    for b in (1, 8, 32):
        for c in (512, 2048, 8192, 32768):
            n = 2 * b * c * 8 * 128 * 2
            if n > 1 << 30:
                continue
            copies = max(1, min(64, math.ceil((256 << 20) / n)))  # beyond the cache together
            Q = torch.randn(b, 32, 1, 128, device=dev, dtype=H)
            KV = [[torch.randn(b, 8, c, 128, device=dev, dtype=H) for _ in range(2)] for _ in range(copies)]
            f = lambda i: F.scaled_dot_product_attention(Q, *KV[i % copies], enable_gqa=True)
            row("decode", seconds(f, max(copies, 4)), m=1, n=c, heads=32, kv_heads=8, head_dim=128, bytes=n)
            del KV


def small():
    for m in (1, 16, 128, 512, 2048, 8192):
        copies = max(1, min(32, (256 << 20) // (m * 4096 * 4)))
        x, y = [rand(m, 4096) for _ in range(copies)], [rand(m, 4096) for _ in range(copies)]
        row("elementwise", seconds(lambda i: torch.mul(x[i % copies], 1.5, out=y[i % copies]), 32), m=m, n=4096, bytes=2 * 2 * m * 4096)
    t = torch.zeros(1, device=dev)
    for n in (16, 64, 256):
        row("dispatch", [x * n for x in seconds(lambda i: t.add_(1), n)], m=n, k=1)
    for _ in range(20):
        t.add_(1)
    torch.cuda.synchronize()
    s = []
    for _ in range(9):
        a = time.perf_counter()
        for _ in range(20):
            t.add_(1)
            torch.cuda.synchronize()
        s.append((time.perf_counter() - a))
    row("submit", s, m=20)


class Llama:
    """Forward pass of Llama 3.1 8B's shape with random weights: what the model's own operators cost in one program."""

    def __init__(self, layers=32, h=4096, heads=32, kv=8, d=128, f=14336, vocab=128256, batch=1, context=8192):
        self.h, self.heads, self.kv, self.d = h, heads, kv, d
        self.emb, self.head = rand(vocab, h), rand(vocab, h)
        self.L = [dict(n1=torch.ones(h, device=dev, dtype=H), n2=torch.ones(h, device=dev, dtype=H), q=rand(heads * d, h), k=rand(kv * d, h), v=rand(kv * d, h), o=rand(h, heads * d), g=rand(f, h), u=rand(f, h), w=rand(h, f)) for _ in range(layers)]
        self.cache(batch, context)
        a = torch.arange(context, device=dev)[:, None] / 10000 ** (torch.arange(0, d, 2, device=dev) / d)[None]
        self.cos, self.sin = a.cos().to(H), a.sin().to(H)

    def cache(self, batch, context):
        self.K = self.V = None
        self.K = [torch.zeros(batch, self.kv, context, self.d, device=dev, dtype=H) for _ in self.L]
        self.V = [torch.zeros(batch, self.kv, context, self.d, device=dev, dtype=H) for _ in self.L]

    def rope(self, x, past):
        t = x.shape[2]
        c, s = self.cos[past : past + t], self.sin[past : past + t]
        a, b = x[..., : self.d // 2], x[..., self.d // 2 :]
        return torch.cat((a * c - b * s, b * c + a * s), -1)

    def summed(self, o):
        """What a block adds; a device that has a part of the model adds up here what all made."""
        return o

    def step(self, tokens, past):
        b, t = tokens.shape
        x = F.embedding(tokens, self.emb)
        for i, l in enumerate(self.L):
            y = F.rms_norm(x, (self.h,), l["n1"])
            q = F.linear(y, l["q"]).view(b, t, self.heads, self.d).transpose(1, 2)
            k = F.linear(y, l["k"]).view(b, t, self.kv, self.d).transpose(1, 2)
            v = F.linear(y, l["v"]).view(b, t, self.kv, self.d).transpose(1, 2)
            q, k = self.rope(q, past), self.rope(k, past)
            self.K[i][:, :, past : past + t] = k
            self.V[i][:, :, past : past + t] = v
            z = F.scaled_dot_product_attention(q, self.K[i][:, :, : past + t], self.V[i][:, :, : past + t], is_causal=t > 1, enable_gqa=True)
            x = x + self.summed(F.linear(z.transpose(1, 2).reshape(b, t, -1), l["o"]))
            y = F.rms_norm(x, (self.h,), l["n2"])
            x = x + self.summed(F.linear(F.silu(F.linear(y, l["g"])) * F.linear(y, l["u"]), l["w"]))
        return F.linear(F.rms_norm(x[:, -1], (self.h,), l["n1"]), self.head)


def host():
    """The host's pace where nothing is recorded: the operations of a few small layers, one token, launched one by one. A
    trivial operation takes a third of what a model's do, whose views and slices are the host's work, too."""
    for layers in (2, 8):
        m = Llama(layers=layers, h=1024, heads=8, f=2048, vocab=1024, context=64)
        tok = torch.zeros(1, 1, dtype=torch.long, device=dev)
        with torch.no_grad():
            m.step(tok, 0)
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]) as p:
                m.step(tok, 0)
                torch.cuda.synchronize()
            launches = sum("LaunchKernel" in e.name for e in p.events())
            row("dispatch", seconds(lambda i: m.step(tok, 0), 1, replay=False, floor=0.05), m=launches, k=0)


def whole(runs):
    m = Llama(context=8192 + 8)
    with torch.no_grad():
        for p in (128, 512, 2048, 8192):
            tok = torch.randint(0, 1000, (1, p), device=dev)
            runs.append(("pp", p, 0, 0, 1, seconds(lambda i: m.step(tok, 0), 1, floor=0.2)))
        for b, depths in ((1, (128, 2048, 8192)), (2, (2048,)), (4, (2048,)), (8, (2048,)), (16, (2048,)), (32, (2048,)), (64, (2048,))):
            m.cache(b, max(depths) + 8)
            for c in depths:
                tok = torch.randint(0, 1000, (b, 1), device=dev)
                runs.append(("tg", 0, 1, c, b, seconds(lambda i: m.step(tok, c), 1, floor=0.2)))
    s = seconds(lambda i: m.step(torch.zeros(64, 1, dtype=torch.long, device=dev), 128), 1, replay=False, floor=0.1)
    print("eager decode, batch 64", statistics.median(s), file=sys.stderr)


def main():
    t0 = time.time()
    for f in (streams, gemms, attention, small, host):
        f()
        print(f.__name__, "%.0f s" % (time.time() - t0), file=sys.stderr, flush=True)
    cols = "kind dtype m n k heads kv_heads head_dim bytes flop seconds".split()
    p = torch.cuda.get_device_properties(0)
    with open(out + "/samples.csv", "w") as fd:
        fd.write("# runtime: torch\n# device: gpu\n# chip: %s\n# cores: %d\n# build: PyTorch %s, CUDA %s, each operation alone in a CUDA graph\n# date: November 2026\n" % (p.name, p.multi_processor_count, torch.__version__, torch.version.cuda))
        fd.write(",".join(cols) + "\n")
        for r in rows:
            fd.write(",".join(str(r.get(c, "")) for c in cols) + "\n")
    runs = []
    whole(runs)
    with open(out + "/runs.csv", "w") as fd:
        fd.write("# Llama 3.1 8B's shape, random f16 weights, PyTorch %s, %s, each step one CUDA graph; medians of 9\n" % (torch.__version__, p.name))
        fd.write("kind,prompt,gen,depth,batch,chunk,seconds,sd,n\n")
        for kind, prompt, gen, depth, batch, s in runs:
            fd.write("%s,%d,%d,%d,%d,0,%.6g,%.3g,%d\n" % (kind, prompt, gen, depth, batch, statistics.median(s), statistics.stdev(s), len(s)))
    print("done %.0f s" % (time.time() - t0), file=sys.stderr)


if __name__ == "__main__":
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    main()
