"""A share of the inputs that tools/fuzz makes: nothing is found among them. Run as: share_test.py SPIKESWEEP"""

import os
import pathlib
import subprocess
import sys
import unittest

BINARY = pathlib.Path(sys.argv[1]).resolve()
TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/fuzz"
CONFIGS, FILES = 400, 40


class Share(unittest.TestCase):
    def test_has_no_finding(self):
        # Tests run beside each other: one input at a time.
        done = subprocess.run([TOOL, "--configs", str(CONFIGS), "--files", str(FILES), "--jobs", "1"],
                              env=os.environ | {"SPIKESWEEP": str(BINARY)}, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{CONFIGS + FILES} inputs", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
