#!/usr/bin/env python3
# torch_adam.py - what the time of PyTorch's fused AdamW hangs on: the same kernel over equal matrices and over a 1B's tensors, with numbers that are 0 and that
# are not, on one NVIDIA GPU. Needs torch, and torch_train.py beside it. Writes OUT/adam.csv: picoseconds a weight by events of the device, and the mean time
# of a kernel by the profiler.
import statistics, sys
import torch, torch.nn as nn

from torch_train import Model, SHAPES, Steps, dev, B


def timed(f, n, inside=1):
    s = []
    for _ in range(n):
        a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        a.record()
        for _ in range(inside):
            f()
        b.record()
        b.synchronize()
        s.append(a.elapsed_time(b) / 1e3 / inside)
    return s


def kernel_us(f):
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as p:
        f()
        torch.cuda.synchronize()
    t = [x.device_time for x in p.events() if "dam" in x.name]
    return len(t), statistics.mean(t) if t else 0


def main(out):
    def say(what, seconds, n, kernels, zeros):
        line = "%s,%.3f,%.3f,%.3f,%d,%.1f,%.3f" % (what, 1e12 * min(seconds) / n, 1e12 * statistics.median(seconds) / n, 1e12 * max(seconds) / n, *kernels, zeros)
        print(line, flush=True)
        out.write(line + "\n")
        out.flush()

    out.write("what,least_ps,median_ps,most_ps,kernels,kernel_us,zero_gradients\n")
    for name, lr, zeros in (("64 matrices; rate 1e-3", 1e-3, 0), ("64 matrices; rate 0", 0.0, 0), ("64 matrices; rate 1e-3; half of the gradients 0", 1e-3, 0.5),
                            ("64 matrices; rate 1e-3; gradients 0", 1e-3, 1), ("64 matrices; rate 0; gradients 0", 0.0, 1)):
        w = [torch.randn(4096, 4096, device=dev, dtype=B) * 0.02 for _ in range(64)]
        for x in w:
            x.grad = torch.randn_like(x)
            x.grad[: int(4096 * zeros)] = 0
        opt = torch.optim.AdamW(w, lr=lr, fused=True)
        opt.step()
        say(name, timed(opt.step, 8, 4), 64 << 24, kernel_us(opt.step), zeros)
        del w, opt
        torch.cuda.empty_cache()
    for name, std, lr in (("1B; embedding of deviation 1; rate 0", 1, 0.0), ("1B; embedding of deviation 1; rate 1e-5", 1, 1e-5), ("1B; rate 0", 0.02, 0.0), ("1B; rate 1e-5", 0.02, 1e-5)):
        m = Model(**SHAPES["llama-3.2-1b"])
        nn.init.normal_(m.emb.weight, std=std)
        n = sum(p.numel() for p in {id(p): p for p in m.parameters()}.values())
        steps = Steps(m, 4, 2048, lr)
        for _ in range(3):
            steps.events()
        seconds, kernels = [steps.events()["optimizer"] for _ in range(6)], kernel_us(lambda: steps.one(lambda i: None))
        steps.m(steps.tok, steps.c, steps.s).backward()
        grads = [p.grad for p in m.parameters()]
        say(name, seconds, n, kernels, sum(int((g == 0).sum()) for g in grads) / n)
        del m, steps, grads
        torch.cuda.empty_cache()


if __name__ == "__main__":
    with open(sys.argv[1] + "/adam.csv", "w") as f:
        main(f)
