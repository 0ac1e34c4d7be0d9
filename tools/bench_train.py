#!/usr/bin/python3
"""The training step here and in PyTorch: speed, and whether both learn the same.

Usage: tools/bench train                  samples/s, GFLOP/s, share of the inner-product peak; one core each
       tools/bench allreduce              share of a step spent in communication, for 1, 2 and 4 ranks
       tools/bench_train.py parity FILE   PyTorch's losses over 200 steps on our first weights and batches, to FILE:
                                          how tests/learning/parity_losses.txt was made

The networks are those of the law, each of 3 x 512 SiLU units, on real transitions: the mixture over counts and the
profile, with both losses, clipping and AdamW. PyTorch (Debian's python3-torch) gets weights and batches from here, and
shares no code. The last line of `train` is `ratio: X`: our samples/s over PyTorch's in fp32 at a batch of 128; without
PyTorch, the share of the peak.
"""

import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "build/release/tests/bench/bench_train"
BATCHES = (128, 1024)
PARITY = {"batch": 512, "steps": 200, "rate": 2e-4, "hidden": 128}


def environment():
    out = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    if os.geteuid() == 0:
        out |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return out


def ours(*arguments, launcher=()):
    command = [*launcher, BENCH, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment()).stdout


class Law:
    """The law's two networks in PyTorch, from an exported file."""

    def __init__(self, torch, path):
        self.torch = torch
        with h5py.File(path) as f:
            self.data = {name: f[name][()] for name in f}
        self.tensors = {
            name: torch.from_numpy(np.ascontiguousarray(self.data[name]))
            for name in ("counts_input", "profile_input", "profile_targets", "targets")
        }
        self.counts = self.network("counts")
        self.profile = self.network("profile")
        self.groups = [int(size) for size in self.data["groups"]]
        self.optimisers = [
            torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=float(self.data["weight_decay"]))
            for net in (self.counts, self.profile)
        ]

    def network(self, name):
        torch = self.torch
        sizes = [int(n) for n in self.data[f"{name}_sizes"]]
        flat = self.data[f"{name}_weights"]
        layers = []
        at = 0
        for inputs, outputs in zip(sizes, sizes[1:]):
            layer = torch.nn.Linear(inputs, outputs)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(flat[at : at + inputs * outputs].reshape(outputs, inputs)))
                at += inputs * outputs
                layer.bias.copy_(torch.from_numpy(flat[at : at + outputs]))
                at += outputs
            layers += [layer, torch.nn.SiLU()]
        return torch.nn.Sequential(*layers[:-1])

    def mixture_loss(self, raw, y):
        """Mean negative log-likelihood of a Gaussian mixture given by precision factors."""
        torch = self.torch
        rows, dims = y.shape
        n = int(self.data["components"])
        logits = raw[:, :n]
        means = raw[:, n : n * (1 + dims)].reshape(rows, dims, n)
        factors = raw[:, n * (1 + dims) :].reshape(rows, dims * (dims + 1) // 2, n)
        difference = y[:, :, None] - means
        log_density = torch.full((rows, n), -0.5 * dims * math.log(2 * math.pi))
        for i in range(dims):
            first = i * (i + 1) // 2
            x = factors[:, first + i]
            log_diagonal = x / torch.sqrt(1 + (x / 7) ** 2)
            z = torch.exp(log_diagonal) * difference[:, i]
            if i > 0:
                z = z + (factors[:, first : first + i] * difference[:, :i]).sum(1)
            log_density = log_density + log_diagonal - 0.5 * z * z
        return (torch.logsumexp(logits, 1) - torch.logsumexp(logits + log_density, 1)).mean()

    def profile_loss(self, logits, shares):
        """Mean cross-entropy of the softmax groups."""
        loss = 0
        for x, share in zip(logits.split(self.groups, 1), shares.split(self.groups, 1)):
            loss = loss + share.sum(1) * self.torch.logsumexp(x, 1) - (share * x).sum(1)
        return loss.mean()

    def step(self, number):
        """One update; both losses before it."""
        losses = (
            self.mixture_loss(self.counts(self.tensors["counts_input"]), self.tensors["targets"][number]),
            self.profile_loss(self.profile(self.tensors["profile_input"]), self.tensors["profile_targets"]),
        )
        clip = float(self.data["gradient_clip"])
        for loss, net, optimiser in zip(losses, (self.counts, self.profile), self.optimisers):
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimiser.param_groups[0]["lr"] = float(self.data["rates"][number])
            optimiser.step()
        return [float(loss) for loss in losses]


def import_torch():
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    return torch


def exported(torch, directory, **of):
    """The law in PyTorch as an export has it, and our losses on the same steps."""
    path = pathlib.Path(directory) / "steps.h5"
    printed = ours("export", of["batch"], of["steps"], of["rate"], of["hidden"], path)
    return Law(torch, path), [[float(x) for x in line.split()] for line in printed.splitlines()]


def time_torch(torch, batch, directory):
    """Samples/s of PyTorch."""
    steps = 40
    law, _ = exported(torch, directory, batch=batch, steps=steps, rate=1e-4, hidden=512)
    seconds = []
    for number in range(steps):
        start = time.perf_counter()
        law.step(number)
        seconds.append(time.perf_counter() - start)
    return batch / statistics.median(seconds[5:])


def train():
    torch = import_torch()
    if torch is None:
        print("PyTorch is not installed (Debian: apt-get install python3-torch libopenblas0): left out", file=sys.stderr)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{'batch':>6} {'':10} {'samples/s':>10} {'GFLOP/s':>8} {'of the peak':>12} {'over PyTorch':>13}")
    ratio = 0
    with tempfile.TemporaryDirectory(prefix="spikesweep-bench-") as scratch:
        for batch in BATCHES:
            run = json.loads(ours("time", batch, "fp32"))
            share = run["gflops"] / run["peak_gflops"]
            other = time_torch(torch, batch, scratch) if torch else math.nan
            speedup = run["samples_per_s"] / other
            print(f"{batch:6} {'fp32':10} {run['samples_per_s']:10.0f} {run['gflops']:8.1f} {share:12.1%} {speedup:13.2f}")
            if torch:
                gflops = run["gflops"] / speedup
                print(f"{batch:6} {'PyTorch':10} {other:10.0f} {gflops:8.1f} {gflops / run['peak_gflops']:12.1%}")
            if batch == BATCHES[0]:
                ratio = speedup if torch else share
            try:
                half = json.loads(ours("time", batch, "bf16"))
            except subprocess.CalledProcessError:
                print(f"{batch:6} {'bf16':10} not on this CPU")
                continue
            faster = half["samples_per_s"] / run["samples_per_s"]
            print(f"{batch:6} {'bf16':10} {half['samples_per_s']:10.0f} {half['gflops']:8.1f}  {faster:.2f} x fp32")
    print(f"ratio: {ratio:.2f}")


def allreduce():
    print(f"{'ranks':>5} {'step [ms]':>10} {'all-reduce [ms]':>16} {'share':>7}")
    steps = {}
    for ranks in (1, 2, 4):
        launcher = ["mpirun", "-n", str(ranks)] + (["--oversubscribe"] if ranks > len(os.sched_getaffinity(0)) else [])
        run = json.loads(ours("share", 1024, launcher=launcher))
        steps[ranks] = run["step_ms"]
        part = run["allreduce_ms"] / run["step_ms"]
        print(f"{ranks:5} {run['step_ms']:10.2f} {run['allreduce_ms']:16.2f} {part:7.1%}", flush=True)
    print(f"ratio: {steps[1] / steps[2]:.2f}")


def parity(path):
    torch = import_torch()
    if torch is None:
        raise SystemExit("parity needs PyTorch (Debian: apt-get install python3-torch)")
    with tempfile.TemporaryDirectory(prefix="spikesweep-parity-") as scratch:
        law, here = exported(torch, scratch, **PARITY)
        there = [law.step(number) for number in range(PARITY["steps"])]
    with open(path, "w") as out:
        for losses in there:
            out.write(" ".join(f"{loss:.9g}" for loss in losses) + "\n")
    worst = np.abs(np.array(here) / np.array(there) - 1).max(0)
    print(f"largest relative differences over {PARITY['steps']} steps: counts {worst[0]:.2e}, profile {worst[1]:.2e}")


if __name__ == "__main__":
    what = sys.argv[1:] or ["train"]
    if {"-h", "--help"} & set(what):
        print(__doc__)
        sys.exit(0)
    if what[0] == "parity" and len(what) == 2:
        parity(what[1])
    elif what == ["allreduce"]:
        allreduce()
    elif what == ["train"]:
        train()
    else:
        raise SystemExit(__doc__)
