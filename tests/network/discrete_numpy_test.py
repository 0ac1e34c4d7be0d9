#!/usr/bin/python3
"""The discrete-time network, written again in numpy from its equations, against `spikesweep simulate`.

Usage: discrete_numpy_test.py SPIKESWEEP. Rates over 6 s scatter by less than 0.8 % (E) and 0.6 % (I) from run to run, so
two independent runs of 6 s and of 60 s differ by less than 2.6 % and 2 % at three standard errors.
"""
import json
import subprocess
import sys

import numpy as np

DT = 0.1  # ms
RUN_S, BURN_IN_S = 6.0, 0.3
TOLERANCE = {"rate_E_hz": 0.026, "rate_I_hz": 0.02}


def simulate(x, probability, s_ext, seed):
    """E and I rates [Hz] of 300 E and 100 I neurons, by Wu et al. 2023: forward Euler on decayed traces."""
    rng = np.random.default_rng(seed)
    n_e, n_i = 300, 100
    is_e = np.arange(n_e + n_i) < n_e
    tau_e = np.where(is_e, 1.4, 1.2)  # ms; also of the external input
    tau_i = 4.5
    s_e = np.where(is_e, 0.75, 1.0) / probability
    s_i = np.where(is_e, 4.91 * x, 4.91 * 0.4) / probability
    v = rng.uniform(0, 100, n_e + n_i)
    external, h_e, h_i = 7.0 * tau_e, np.zeros_like(v), np.zeros_like(v)
    spikes = np.zeros(2)
    for step in range(round(1000 * (BURN_IN_S + RUN_S) / DT)):
        external = external * np.exp(-DT / tau_e) + rng.poisson(7.0 * DT, v.size)
        h_e *= np.exp(-DT / tau_e)
        h_i *= np.exp(-DT / tau_i)
        v += DT * (s_ext * external / tau_e + s_e * h_e / tau_e - s_i * h_i / tau_i * (v + 66) / 166)
        np.maximum(v, -66, out=v)
        fired = v >= 100
        if fired.any():
            v[fired] = 0
            count = np.array([fired[:n_e].sum(), fired[n_e:].sum()])
            h_e += rng.binomial(count[0], probability, v.size)
            h_i += rng.binomial(count[1], probability, v.size)
            if step * DT >= 1000 * BURN_IN_S:
                spikes += count
    return {"rate_E_hz": spikes[0] / n_e / RUN_S, "rate_I_hz": spikes[1] / n_i / RUN_S}


def main():
    failed = False
    for x, preset in ((0.40, "wu2023_1beat"), (0.427, "wu2023_2beat")):
        expected = simulate(x, 0.7, 0.9, seed=1)
        found = json.loads(
            subprocess.run([sys.argv[1], "simulate", preset, "--duration", "60s", "--json"], check=True,
                           capture_output=True, text=True).stdout)
        for name, tolerance in TOLERANCE.items():
            difference = found[name] / expected[name] - 1
            print(f"{preset} {name}: numpy {expected[name]:.2f}, spikesweep {found[name]:.2f} ({100 * difference:+.2f} %)")
            failed = failed or abs(difference) > tolerance
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
