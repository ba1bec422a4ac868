#!/usr/bin/env python3
# torch_cuda_pair.py - what a pair of NVIDIA GPUs does with Llama 3.1 8B's shape under PyTorch: the link between them,
# the model split by tensor; and a training step of Llama 3.2 1B's shape on one. An all-reduce row is twenty of them, a
# ping-pong row twenty messages.
# Writes OUT/pair.csv: what, size, batch, depth, seconds (median), sd. Needs torch and two GPUs with peer access.
import os, statistics, sys, time
import torch, torch.nn as nn, torch.nn.functional as F, torch.distributed as dist, torch.multiprocessing as mp

import torch_cuda as one

H = one.H


def med(s):
    return "%.6g,%.3g" % (statistics.median(s), statistics.stdev(s))


class Split(one.Llama):
    """One device's part of a tensor split in two: half of the heads, of the FFN and of the vocabulary."""

    def __init__(self, n, **k):
        super().__init__(heads=32 // n, kv=8 // n, f=14336 // n, vocab=128256 // n, **k)

    def summed(self, o):
        dist.all_reduce(o)
        return o


def wall(fn, times, samples=9):
    """Seconds of one call by the host's clock, the GPU waited for at the end of `times` calls."""
    fn(), fn()
    s = []
    for _ in range(samples):
        torch.cuda.synchronize()
        if dist.is_initialized():
            dist.barrier()
            torch.cuda.synchronize()
        a = time.perf_counter()
        for _ in range(times):
            fn()
        torch.cuda.synchronize()
        s.append((time.perf_counter() - a) / times)
    return s


def captured(fn):
    return one.graph_of(lambda _: fn(), 1)


def rank(r, n, out):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29511", NCCL_NVLS_ENABLE="0")
    torch.cuda.set_device(r)
    one.dev = torch.device("cuda", r)
    dist.init_process_group("nccl", rank=r, world_size=n, device_id=one.dev)
    lines = []
    for p in range(10, 29, 2):
        x = torch.zeros((1 << p) // 2, device=one.dev, dtype=H)
        lines.append("all-reduce,%d,,,%s" % (1 << p, med(wall(captured(lambda: [dist.all_reduce(x) for _ in range(20)]), 5)[:]) ))
    for p in range(10, 29, 2):
        x = torch.zeros((1 << p) // 2, device=one.dev, dtype=H)

        def pingpong():
            for _ in range(10):
                if r == 0:
                    dist.send(x, 1), dist.recv(x, 1)
                else:
                    dist.recv(x, 0), dist.send(x, 0)

        lines.append("ping-pong,%d,,,%s" % (1 << p, med(wall(captured(pingpong), 5))))
    m = Split(n, context=2048 + 8)
    with torch.no_grad():
        for p in (128, 512, 2048):
            tok = torch.zeros((1, p), device=one.dev, dtype=torch.long)
            lines.append("tensor split prefill,%d,1,0,%s" % (p, med(wall(captured(lambda: m.step(tok, 0)), 10))))
        for b in (1, 8, 32):
            m.cache(b, 2048 + 8)
            tok = torch.zeros((b, 1), device=one.dev, dtype=torch.long)
            lines.append("tensor split decode,1,%d,2048,%s" % (b, med(wall(captured(lambda: m.step(tok, 2048)), 20))))
    if r == 0:
        open(out + "/pair.csv", "a").write("\n".join(lines) + "\n")
    dist.barrier()
    dist.destroy_process_group()


class Block(nn.Module):
    def __init__(self, h, heads, kv, d, f):
        super().__init__()
        self.heads, self.kv, self.d = heads, kv, d
        lin = lambda a, b: nn.Linear(a, b, bias=False)
        self.n1, self.n2 = nn.RMSNorm(h), nn.RMSNorm(h)
        self.q, self.k, self.v, self.o = lin(h, heads * d), lin(h, kv * d), lin(h, kv * d), lin(heads * d, h)
        self.g, self.u, self.w = lin(h, f), lin(h, f), lin(f, h)

    def forward(self, x, c, s):
        b, t, _ = x.shape
        y = self.n1(x)
        cut = lambda z, n: z.view(b, t, n, self.d).transpose(1, 2)
        q, k, v = cut(self.q(y), self.heads), cut(self.k(y), self.kv), cut(self.v(y), self.kv)
        turn = lambda z: torch.cat((z[..., : self.d // 2] * c - z[..., self.d // 2 :] * s, z[..., self.d // 2 :] * c + z[..., : self.d // 2] * s), -1)
        z = F.scaled_dot_product_attention(turn(q), turn(k), v, is_causal=True, enable_gqa=True)
        x = x + self.o(z.transpose(1, 2).reshape(b, t, -1))
        y = self.n2(x)
        return x + self.w(F.silu(self.g(y)) * self.u(y))


def training(out):
    dev = torch.device("cuda", 0)
    torch.cuda.set_device(0)
    h, layers, vocab = 2048, 16, 128256
    torch.set_default_dtype(torch.float16)
    with dev:
        emb = nn.Embedding(vocab, h)
        blocks = nn.ModuleList(Block(h, 32, 8, 64, 8192) for _ in range(layers))
        norm = nn.RMSNorm(h)
    params = [p for m in (emb, blocks, norm) for p in m.parameters()]
    torch.set_default_dtype(torch.float32)
    opt = torch.optim.AdamW(params, lr=0.0, fused=True)
    for b, t in ((1, 512), (1, 2048), (4, 2048)):
        a = torch.arange(t, device=dev)[:, None] / 10000 ** (torch.arange(0, 64, 2, device=dev) / 64)[None]
        c, s = a.cos().to(H), a.sin().to(H)
        tok = torch.randint(0, vocab, (b, t), device=dev)
        parts = {"forward": [], "backward": [], "optimizer": [], "step": []}
        for i in range(12):
            e = [torch.cuda.Event(enable_timing=True) for _ in range(4)]
            e[0].record()
            x = emb(tok)
            for l in blocks:
                x = l(x, c, s)
            loss = F.cross_entropy(F.linear(norm(x), emb.weight).view(-1, vocab).float(), tok.view(-1))
            e[1].record()
            loss.backward()
            e[2].record()
            opt.step()
            opt.zero_grad(set_to_none=True)
            e[3].record()
            e[3].synchronize()
            if i >= 3:
                for k, (f, g) in {"forward": (0, 1), "backward": (1, 2), "optimizer": (2, 3), "step": (0, 3)}.items():
                    parts[k].append(e[f].elapsed_time(e[g]) / 1e3)
        for k, v in parts.items():
            open(out + "/pair.csv", "a").write("train 1B %s,%d,%d,0,%s\n" % (k, t, b, med(v)))
        print("train", b, t, {k: statistics.median(v) for k, v in parts.items()}, "peak GB", torch.cuda.max_memory_allocated() / 1e9, file=sys.stderr)


if __name__ == "__main__":
    out = sys.argv[1]
    open(out + "/pair.csv", "w").write("what,size,batch,depth,seconds,sd\n")
    training(out)
    torch.cuda.empty_cache()
    mp.spawn(rank, (2, out), nprocs=2)
