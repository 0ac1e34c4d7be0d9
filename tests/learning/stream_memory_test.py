#!/usr/bin/python3
"""The memory of a training on a sweep several times as large as its buffer, beside one on a tiny sweep.

Usage: stream_memory_test.py BINARY [TESTS]
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BINARY = sys.argv[1]
BUFFER_MIB = 16
# Of few cells, so that rows are many beside those of samples, and short.
CONFIG = """
[network]
preset = "zhang2024"
[design]
points = {points}
selection_points = 2
test_points = 1
[design.axes]
S_EE = {{min = 3.8, max = 4.2}}
[section]
interval_ms = 0.5
[sweep]
transitions = {transitions}
burn_in_s = 0.05
bin_width = 40
time_bins = 1
[learning]
hidden = 16
layers = 1
components = 1
epochs = 2
batch = 4096
shards = 16
candidates = 1
selection_s = 0.2
selection_chains = 1
"""
TRANSITIONS = {5: 100, 123: 4000}  # By number of points, of which 3 are held out.
TINY, MANY = TRANSITIONS
TRAINING_ROWS = (MANY - 3) * TRANSITIONS[MANY]
# Of a training row, as row_bytes() has it: inputs and profile; counts, duration, phase, number and place.
ROW_BYTES = 4 * (2 * 6 + 8 + 1 + 2 * (6 + 1)) + 4 * 6 + 8 + 1 + 8 + 4
SAMPLE_ROWS = TRAINING_ROWS // (TRAINING_ROWS // 16384) + 2 * TRANSITIONS[MANY]  # Dispersion and selection.
# Rows as they lie in the file, records of tasks, and what an allocator keeps.
OVERHEAD_BYTES = 4 << 20


class StreamMemory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="spikesweep_stream_memory_")
        cls.directory = pathlib.Path(cls.scratch.name)
        for points, transitions in TRANSITIONS.items():
            config = cls.directory / f"{points}.toml"
            config.write_text(CONFIG.format(points=points, transitions=transitions))
            subprocess.run([BINARY, "-q", "sweep", config, "-o", cls.directory / f"{points}.h5"], check=True,
                           capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def peak_bytes(self, points, buffer_mib):
        """Peak resident memory of a training on one rank."""
        model = self.directory / "model.h5"
        process = subprocess.Popen([BINARY, "-q", "train", self.directory / f"{points}.toml", "-d",
                                    self.directory / f"{points}.h5", "-o", model, "--set",
                                    f"learning.buffer_MiB={buffer_mib}"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return 1024 * usage.ru_maxrss

    def test_training_rows_take_no_more_than_the_buffer(self):
        self.assertGreaterEqual(TRAINING_ROWS * ROW_BYTES, 4 * BUFFER_MIB << 20)
        allowed = (BUFFER_MIB << 20) + SAMPLE_ROWS * ROW_BYTES + OVERHEAD_BYTES
        tiny = self.peak_bytes(TINY, BUFFER_MIB)
        streamed = self.peak_bytes(MANY, BUFFER_MIB) - tiny
        held = self.peak_bytes(MANY, 4096) - tiny
        print(f"{TRAINING_ROWS} rows of {ROW_BYTES} bytes over {tiny / 2**20:.1f} MiB: streamed {streamed / 2**20:.1f} MiB of "
              f"{allowed / 2**20:.1f} allowed, held {held / 2**20:.1f} MiB", file=sys.stderr)
        self.assertLessEqual(streamed, allowed)
        self.assertGreater(held, allowed, "rows that are all held would pass as well")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
