#!/usr/bin/python3
"""Real-time factors of spikesweep's exact simulators and of Brian2 on the same networks, one core each.

Usage: tools/bench peers [PRESET ...]     (default: zhang2024 cai2021_syn)

Brian2 is run where Debian's python3-brian is installed, compiled standalone, build time left out. It is driven by a
clock: each neuron carries its pending kicks as state variables, of which a Poisson number arrives in each step, so its
law is an approximation that gets better with a smaller step. The last line is `ratio: X`: the lockstep simulator over
Brian2 at 0.1 ms, at the network where it is least; over the plain exact simulator where there is no Brian2.
"""

import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/spikesweep"
STEPS_MS = (0.1, 0.02)
BRIAN_SECONDS = {0.1: 10.0, 0.02: 4.0}  # Simulated: long enough for the start not to count.

NEURON = """
v : 1
pending_E : 1
pending_I : 1
pause : second
"""

# Kicks that arrive at a refractory neuron are lost; arrivals of a step add up before they are rounded.
STEP = """
arrived_E = clip(poisson(pending_E * {share_E}), 0, pending_E)
arrived_I = clip(poisson(pending_I * {share_I}), 0, pending_I)
pending_E -= arrived_E
pending_I -= arrived_I
down = arrived_I * {S_I} * {factor}
kick = poisson({drive}) + arrived_E * {S_E} - down
kick = floor(kick) + int(rand() < kick - floor(kick))
v = clip(v + kick * int(not_refractory), -66, 1e9)
"""


def exact(preset, *arguments):
    """What `spikesweep simulate` prints."""
    command = [BINARY, "--quiet", "simulate", preset, "--json", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def brian2(network, step_ms, seconds):
    """Real-time factor and rates of E and I [Hz] of the network, driven by a clock."""
    warnings.filterwarnings("ignore", category=FutureWarning)  # Of the packages that Brian2 imports.
    import brian2 as b

    b.BrianLogger.suppress_name("order_dependence")  # Spikes may add their kicks in any order.
    b.start_scope()
    folder = tempfile.mkdtemp(prefix="spikesweep-peers-")
    try:
        b.set_device("cpp_standalone", directory=folder, build_on_run=False)
        b.device.reinit()
        b.device.activate(directory=folder, build_on_run=False)
        b.prefs.codegen.cpp.extra_compile_args_gcc = ["-O3", "-march=native", "-ffast-math", "-std=c++11"]
        b.seed(1)
        b.defaultclock.dt = step_ms * b.ms
        groups = {}
        for q in "EI":
            excitatory, inhibitory = q + "E", q + "I"
            voltage = network["inhibition"] == "voltage_dependent"
            step = STEP.format(
                share_E=f"(1 - exp(-{step_ms} / {network['tau_' + excitatory]}))",
                share_I=f"(1 - exp(-{step_ms} / {network['tau_' + inhibitory]}))",
                drive=network["lambda_" + q] * step_ms * 1e-3,
                S_E=network["S_" + excitatory],
                S_I=network["S_" + inhibitory],
                factor="(v + 66) / 166" if voltage else "1",
            )
            reset = f"v = 0\npause = -{network['tau_ref']} * ms * log(rand())"
            group = b.NeuronGroup(network["N_" + q], NEURON, threshold="v >= 100", reset=reset, refractory="pause")
            group.v = "floor(100 * rand())"
            group.run_regularly(step, when="groups")
            groups[q] = group
        everything = list(groups.values())
        monitors = {q: b.SpikeMonitor(group, record=False) for q, group in groups.items()}
        for post in "EI":
            for pre in "EI":
                # Targets are drawn anew at every spike.
                draw = f"pending_{pre}_post += int(rand() < {network['P_' + post + pre]})"
                synapses = b.Synapses(groups[pre], groups[post], on_pre=draw)
                synapses.connect()
                everything.append(synapses)
        b.Network(*everything, *monitors.values()).run(seconds * b.second)
        b.device.build(directory=folder, compile=True, run=False, debug=False)
        b.device.run(directory=folder, with_output=False, run_args=[])
        rates = [monitors[q].num_spikes / (network["N_" + q] * seconds) for q in "EI"]
        return seconds / b.device._last_run_time, *rates
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def have_brian2():
    return importlib.util.find_spec("brian2") is not None


def line(preset, what, factor, rate_E, rate_I):
    print(f"{preset:16} {what:34} {factor:12.2f} {rate_E:10.2f} {rate_I:10.2f}", flush=True)


def compare(preset, with_brian2):
    """Prints a line for each simulator; returns the ratio."""
    network = tomllib.loads((ROOT / f"configs/networks/{preset}.toml").read_text())["network"]
    plain = exact(preset, "--duration", "10s")
    lockstep = exact(preset, "--duration", "10s", "--replicates", "32")
    # The burn-in is simulated as well.
    factors = [
        (run["simulated_s"] + run["replicates"] * run["burn_in_s"]) / run["wall_s"] for run in (plain, lockstep)
    ]
    line(preset, "spikesweep, plain exact", factors[0], plain["rate_E_hz"], plain["rate_I_hz"])
    line(preset, "spikesweep, lockstep exact", factors[1], lockstep["rate_E_hz"], lockstep["rate_I_hz"])
    baseline = factors[0]
    for step_ms in STEPS_MS if with_brian2 else ():
        factor, *rates = brian2(network, step_ms, BRIAN_SECONDS[step_ms])
        line(preset, f"Brian2, clock of {step_ms} ms", factor, *rates)
        if step_ms == STEPS_MS[0]:
            baseline = factor
    return factors[1] / baseline


def main():
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return
    with_brian2 = have_brian2()
    if not with_brian2:
        print("Brian2 is not installed (Debian: apt-get install python3-brian): left out", file=sys.stderr)
    print(f"{'network':16} {'simulator':34} {'real time x':>12} {'E [Hz]':>10} {'I [Hz]':>10}")
    ratios = [compare(preset, with_brian2) for preset in sys.argv[1:] or ("zhang2024", "cai2021_syn")]
    print(f"ratio: {min(ratios):.2f}")


if __name__ == "__main__":
    main()
