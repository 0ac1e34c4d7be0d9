#!/usr/bin/python3
"""Real-time factors of the lockstep exact simulator and of the surrogate, one core each, in one run.

Usage: tools/bench predict [--scratch DIR] [--model FILE.h5] [--large-model FILE.h5] [--repeats N]

Two small surrogates are swept and trained around `zhang2024` once, and kept in DIR (default: spikesweep-bench-predict
in the directory for temporary files): one of its 400 neurons, one of ten times as many. There the connection
probabilities stay and the weights are a tenth, so that a neuron's mean input stays, and with it the rates; the
fluctuations that a population shares shrink with its size. --model and --large-model measure other surrogates of 400
and of 4000 neurons instead, as of configs/zhang2024.toml and configs/zhang2024_4000.toml. Both simulators run in turn,
each several times. A factor is the median of simulated time, burn-in included, over processor time, the start of the
command included; what else runs on the core does not count. The last line is `ratio: X`: the surrogate over the exact
simulator at 400 neurons.
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/spikesweep"
LANES = 16
BURN_IN_S = 0.5  # Of predict,
EXACT_BURN_IN_S = 0.3  # and of simulate.
MOST_LARGE_REPEATS = 3  # One takes some 25 s.
CHAINS = 512
CHAIN_S = 8

# Weights [kicks] and their ranges: zhang2024 and a fifth of the box around it.
CENTRE = {"S_EE": 4.0, "S_IE": 3.0, "S_EI": 2.2, "S_II": 2.0}
HALF_RANGE = 0.1

CONFIG = """
seed = 1
[network]
preset = "zhang2024"
N_E = {N_E}
N_I = {N_I}
{weights}
[design]
kind = "sobol"
points = {points}
selection_points = 4
test_points = 4
[design.axes]
{axes}
[sweep]
transitions = {transitions}
max_pending = 4000000
[learning]
hidden = 128
epochs = {epochs}
"""


class Network:
    """zhang2024 with `factor` times the neurons."""

    def __init__(self, factor, points, transitions, epochs, exact_s, replicates):
        self.factor = factor
        self.neurons = 400 * factor
        self.weights = {name: value / factor for name, value in CENTRE.items()}
        self.exact_s = exact_s
        self.replicates = replicates
        axes = "\n".join(
            f"{name} = {{min = {value - HALF_RANGE / factor:.9g}, max = {value + HALF_RANGE / factor:.9g}}}"
            for name, value in self.weights.items()
        )
        self.config = CONFIG.format(
            N_E=300 * factor,
            N_I=100 * factor,
            weights="\n".join(f"{name} = {value:.9g}" for name, value in self.weights.items()),
            points=points,
            axes=axes,
            transitions=transitions,
            epochs=epochs,
        )

    def overrides(self):
        return ["--set", *(f"{name}={value:.9g}" for name, value in self.weights.items())]


def run(*arguments):
    """What `spikesweep ARGUMENTS` prints."""
    command = [BINARY, "--quiet", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"tools/bench predict: {' '.join(map(str, command))} failed:\n{done.stderr}")
    return done.stdout


def config_file(network, scratch):
    """The config of a network, in a directory of its own that holds nothing of another config."""
    directory = scratch / f"{network.neurons}"
    config = directory / "config.toml"
    directory.mkdir(parents=True, exist_ok=True)
    if not config.exists() or config.read_text() != network.config:
        for old in directory.iterdir():
            old.unlink()
        config.write_text(network.config)
    return config


def trained(network, config):
    """The model file of a network; swept and trained unless it is there, resumed where that was cut off."""
    directory = config.parent
    model = directory / "model.h5"
    if not model.exists():
        print(f"training a surrogate of {network.neurons} neurons in {directory}", file=sys.stderr, flush=True)
        run("sweep", config, "-o", directory / "sweep.h5")
        run("train", config, "-d", directory / "sweep.h5", "-o", model)
    return model


def timed(simulated_s, *arguments):
    """What a command prints, with its real-time factor in processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(run(*arguments, "--json"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found["factor"] = simulated_s / used_s
    return found


def exact(config, network):
    """Figures of the lockstep simulator, all lanes busy."""
    networks = LANES * network.replicates
    return timed(networks * (network.exact_s + EXACT_BURN_IN_S), "simulate", config, *network.overrides(), "--duration",
                 f"{network.exact_s}s", "--replicates", networks)


def surrogate(model, network):
    """Figures of the surrogate at the centre, its chains side by side."""
    return timed(CHAINS * (CHAIN_S + BURN_IN_S), "predict", "-m", model, *network.overrides(), "--chains", CHAINS,
                 "--duration", f"{CHAINS * CHAIN_S}s")


def compare(network, model, config, repeats):
    """Prints a line for each simulator; returns the ratio."""
    runs = {"exact": [], "surrogate": []}
    for _ in range(repeats):
        runs["exact"].append(exact(config, network))
        runs["surrogate"].append(surrogate(model, network))
    factors = {}
    for name, found in runs.items():
        factors[name] = statistics.median(one["factor"] for one in found)
        figures = [found[0][key] for key in ("rate_E_hz", "rate_I_hz", "fano_E_1ms", "peak_hz")]
        print(f"{network.neurons:7} {name:10} {factors[name]:12.1f}" + "".join(f"{x:10.2f}" for x in figures), flush=True)
    ratio = factors["surrogate"] / factors["exact"]
    print(f"{network.neurons:7} surrogate over exact {ratio:.1f}", flush=True)
    return ratio


def main():
    parser = argparse.ArgumentParser(prog="tools/bench predict", description=__doc__.split("\n")[0])
    scratch = pathlib.Path(tempfile.gettempdir()) / "spikesweep-bench-predict"
    parser.add_argument("--scratch", type=pathlib.Path, default=scratch, help="where the surrogates are kept")
    parser.add_argument("--model", type=pathlib.Path, help="surrogate of 400 neurons to measure")
    parser.add_argument("--large-model", type=pathlib.Path, help="surrogate of 4000 neurons to measure")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each simulator")
    arguments = parser.parse_args()
    small = Network(1, points=72, transitions=400, epochs=20, exact_s=5, replicates=2)
    large = Network(10, points=28, transitions=500, epochs=60, exact_s=1, replicates=1)
    print(f"{'neurons':>7} {'simulator':10} {'real time x':>12}{'E [Hz]':>10}{'I [Hz]':>10}{'Fano':>10}{'peak [Hz]':>10}")
    config = config_file(large, arguments.scratch)
    compare(large, arguments.large_model or trained(large, config), config, min(arguments.repeats, MOST_LARGE_REPEATS))
    config = config_file(small, arguments.scratch)
    ratio = compare(small, arguments.model or trained(small, config), "zhang2024", arguments.repeats)
    print(f"ratio: {ratio:.2f}")


if __name__ == "__main__":
    main()
