#!/usr/bin/python3
"""The live line of progress, in a real terminal: alone and under mpirun, and nowhere else.

usage: progress_test.py SPIKESWEEP MPIEXEC
"""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

SPIKESWEEP, MPIEXEC = sys.argv[1:3]
PATIENCE = int(os.environ.get("SPIKESWEEP_TEST_PATIENCE", "1"))
COLUMNS = 60
REDRAW = "\r\x1b[K"  # Of the live line; a message of the log wipes that line in the same way.
SWEEP = f"{SPIKESWEEP} sweep quickstart --set design.points=30 sweep.transitions=300 -o FILE"


class ProgressTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)

    def on_terminal(self, command):
        """Runs a shell command with all its streams on a terminal; returns what that shows."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        process = subprocess.Popen(command, shell=True, stdin=follower, stdout=follower, stderr=follower,
                                   cwd=self.directory, start_new_session=True)
        os.close(follower)
        shown = b""
        deadline = time.monotonic() + 120 * PATIENCE
        while time.monotonic() < deadline:
            if not select.select([leader], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(leader, 65536)
            except OSError:  # Nobody has the terminal open any more.
                break
            if not part:
                break
            shown += part
        os.close(leader)
        process.wait(timeout=60 * PATIENCE)
        self.assertEqual(process.returncode, 0, shown)
        return shown.decode(errors="replace")

    def lines_drawn(self, shown):
        return re.findall(r"\r\x1b\[K(sweep: [^\r\n]*)", shown)

    def check_live(self, shown):
        drawn = self.lines_drawn(shown)
        self.assertGreaterEqual(len(drawn), 2, shown)
        for line in drawn[:-1]:
            self.assertLess(len(line), COLUMNS, "a line that wraps cannot be redrawn")
        self.assertIn("30 of 30 tasks", drawn[-1])
        self.assertNotIn("info: sweep:", shown)

    def check_silent(self, text):
        self.assertNotIn("\x1b[K", text)
        self.assertIn("info: sweep: 30 of 30 tasks", text)

    def sweep(self, ranks=0, launcher_options=""):
        launcher = f"{MPIEXEC} -n {ranks} {launcher_options} " if ranks else ""
        return launcher + SWEEP.replace("FILE", f"{ranks}.h5")

    def test_is_drawn_alone(self):
        self.check_live(self.on_terminal(self.sweep()))

    def test_is_drawn_under_mpirun(self):
        # mpirun passes both streams on, in no order: the table could come in the middle of a line.
        self.check_live(self.on_terminal(self.sweep(2) + " >table"))

    def test_is_drawn_under_mpirun_with_a_shell_in_between(self):
        self.check_live(self.on_terminal(f"{MPIEXEC} -n 2 sh -c '{SWEEP.replace('FILE', 's.h5')}; exit $?' >table"))

    def test_is_not_drawn_into_a_file_of_mpirun(self):
        self.on_terminal(self.sweep(2) + " 2>log")
        with open(os.path.join(self.directory, "log"), encoding="utf-8") as file:
            self.check_silent(file.read())

    def test_is_not_drawn_into_a_pipe_behind_a_rank(self):
        self.check_silent(self.on_terminal(
            f"{MPIEXEC} -n 2 sh -c '{SWEEP.replace('FILE', 'p.h5')} 2>&1 | cat'"))

    def test_is_not_drawn_where_mpirun_tags_the_output(self):
        shown = self.on_terminal(self.sweep(2, "--tag-output"))
        self.assertNotIn("\x1b[K", shown)

    def test_is_not_drawn_if_only_warnings_are_asked_for(self):
        for command in (self.sweep().replace("sweep quickstart", "-q sweep quickstart"),
                        "SPIKESWEEP_LOG=warn " + self.sweep(2)):
            shown = self.on_terminal(command)
            self.assertNotIn("\x1b[K", shown)
            self.assertNotIn("sweep: ", shown)

    def test_is_not_drawn_without_a_terminal(self):
        done = subprocess.run(self.sweep(2), shell=True, capture_output=True, text=True, check=True, cwd=self.directory,
                              stdin=subprocess.DEVNULL)
        self.check_silent(done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
