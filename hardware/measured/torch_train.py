#!/usr/bin/env python3
# torch_train.py - training steps of whole models under PyTorch on one NVIDIA GPU, launched one by one by the host: weights, gradients and
# AdamW's states in bf16. Needs torch, and torch_cuda.py and torch_cuda_pair.py beside it. Writes OUT/train.csv (by events of the device; medians of 27 in three rounds) and
# OUT/train-pace.csv: the host's time for a few small layers, for which the device waits, as samples of kind dispatch: k=0, m launches.
import os, statistics, sys, time
import torch, torch.nn as nn, torch.nn.functional as F

from torch_cuda_pair import Block

dev, B = torch.device("cuda"), torch.bfloat16
SHAPES = {
    "llama-3.2-1b": dict(h=2048, layers=16, heads=32, kv=8, d=64, f=8192, vocab=128256, tied=True),
    "llama-3.2-3b": dict(h=3072, layers=28, heads=24, kv=8, d=128, f=8192, vocab=128256, tied=True),
    "mistral-7b-v0.3": dict(h=4096, layers=32, heads=32, kv=8, d=128, f=14336, vocab=32768, tied=False),
}


class Model(nn.Module):
    def __init__(self, h, layers, heads, kv, d, f, vocab, tied):
        super().__init__()
        torch.set_default_dtype(B)
        with dev:
            self.emb = nn.Embedding(vocab, h)
            nn.init.normal_(self.emb.weight, std=0.02)  # as models begin; of deviation 1 a tied head's softmax is 0 but for one token
            self.blocks = nn.ModuleList(Block(h, heads, kv, d, f) for _ in range(layers))
            self.norm = nn.RMSNorm(h)
            self.head = self.emb.weight if tied else nn.Parameter(torch.randn(vocab, h) * 0.02)
        torch.set_default_dtype(torch.float32)
        self.d, self.vocab = d, vocab

    def forward(self, tok, c, s):
        x = self.emb(tok)
        for l in self.blocks:
            x = l(x, c, s)
        return F.cross_entropy(F.linear(self.norm(x), self.head).view(-1, self.vocab).float(), tok.view(-1))


PARTS = {"forward": (0, 1), "backward": (1, 2), "optimizer": (2, 3), "step": (0, 3)}


class Steps:
    def __init__(self, m, b, t, lr=1e-5):  # not 0: the update's division takes a slow way where what is divided is 0 (torch_adam.py)
        self.m = m
        self.opt = torch.optim.AdamW(list({id(p): p for p in m.parameters()}.values()), lr=lr, fused=True)
        a = torch.arange(t, device=dev)[:, None] / 10000 ** (torch.arange(0, m.d, 2, device=dev) / m.d)[None]
        self.c, self.s = a.cos().to(B), a.sin().to(B)
        self.tok = torch.randint(0, m.vocab, (b, t), device=dev)

    def one(self, mark):
        mark(0)
        loss = self.m(self.tok, self.c, self.s)
        mark(1)
        loss.backward()
        mark(2)
        self.opt.step()
        self.opt.zero_grad(set_to_none=True)
        mark(3)

    def events(self):
        e = [torch.cuda.Event(enable_timing=True) for _ in range(4)]
        self.one(lambda i: e[i].record())
        e[3].synchronize()
        return {k: e[i].elapsed_time(e[j]) / 1e3 for k, (i, j) in PARTS.items()}

    def clock(self):
        """The host's own time of each part: it waits for nothing in between."""
        at = [0] * 4
        torch.cuda.synchronize()

        def mark(i):
            at[i] = time.perf_counter()

        self.one(mark)
        torch.cuda.synchronize()
        return {k: at[j] - at[i] for k, (i, j) in PARTS.items()}

    def launches(self):
        at, found = [0] * 4, []

        def mark(i):
            torch.cuda.synchronize()
            at[i] = time.perf_counter_ns()
            with torch.profiler.record_function("part %d" % i):
                pass

        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]) as p:
            self.one(mark)
            torch.cuda.synchronize()
        marks = sorted(e.time_range.start for e in p.events() if e.name.startswith("part ") and "CPU" in str(e.device_type))
        starts = [e.time_range.start for e in p.events() if "LaunchKernel" in e.name or "cuLaunch" in e.name or "MemsetAsync" in e.name or "MemcpyAsync" in e.name]
        return {k: sum(marks[i] <= s < marks[j] for s in starts) for k, (i, j) in PARTS.items()}


def columns(rows, part):
    s = [r[part] for r in rows]
    return "%.6g,%.3g,%d" % (statistics.median(s), statistics.stdev(s), len(s))


ROUNDS, SIZES = 3, ((1, 128), (1, 512), (4, 512), (1, 2048), (4, 2048))


def whole(out, between):
    """Each size in three rounds, between which the others run: the host's pace changes from one stretch of seconds to the next."""
    for name, shape in SHAPES.items():
        between()
        m, rows, n, peak = Model(**shape), {s: [] for s in SIZES}, {}, {}
        for _ in range(ROUNDS):
            for b, t in SIZES:
                torch.cuda.empty_cache()
                steps = Steps(m, b, t)
                torch.cuda.reset_peak_memory_stats()
                rows[b, t] += [steps.events() for _ in range(11)][2:]
                peak[b, t] = torch.cuda.max_memory_allocated()
                n[b, t] = n.get((b, t)) or steps.launches()
                steps.opt = None
        for b, t in SIZES:
            for part in PARTS:
                out.write("%s,%s,%d,%d,%s,%d,%d\n" % (name, part, t, b, columns(rows[b, t], part), n[b, t][part], peak[b, t]))
        out.flush()
        del m, steps
        torch.cuda.empty_cache()
    between()


def pace(out):
    for layers in (2, 8):
        m = Model(h=1024, layers=layers, heads=8, kv=8, d=128, f=2048, vocab=1024, tied=True)
        steps = Steps(m, 1, 64)
        for _ in range(5):
            steps.clock()
        rows, n = [steps.clock() for _ in range(99)][::3], steps.launches()
        for part in ("forward", "backward"):
            out.flush()
            out.write("dispatch,bf16,%d,,0,,training,%s\n" % (n[part], ";".join("%.6g" % r[part] for r in rows)))


def update(out):
    """AdamW's step over 16 or 64 matrices of 4096 x 4096: weights and two states read and written, gradients read, 14 bytes a weight."""
    for n in (16, 64):
        w = [torch.zeros(4096, 4096, device=dev, dtype=B) for _ in range(n)]
        for x in w:
            x.grad = torch.randn_like(x)
        opt, s = torch.optim.AdamW(w, lr=1e-3, fused=True), []
        for i in range(12):
            a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            a.record()
            for _ in range(4):
                opt.step()
            b.record()
            b.synchronize()
            s.append(a.elapsed_time(b) / 4e3)
        out.write("adam,bf16,,%d,,%d,,%s\n" % (n << 24, 14 * n << 24, ";".join("%.6g" % x for x in s[3:])))


if __name__ == "__main__":
    to = sys.argv[1]
    with open(to + "/train-pace.csv", "w") as f:
        f.write("kind,dtype,m,n,k,bytes,path,seconds\n")
        update(f)
        with open(to + "/train.csv", "w") as out:
            out.write("model,part,tokens,batch,seconds,sd,n,launches,peak_B\n")
            whole(out, lambda: pace(f))
