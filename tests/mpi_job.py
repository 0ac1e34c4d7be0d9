"""Jobs under mpirun that tests kill."""

import os
import pathlib
import signal
import subprocess
import time

# Sanitizers make programs slower; the tests' CMakeLists.txt says how much longer a test then waits.
PATIENCE_S = 120 * int(os.environ.get("SPIKESWEEP_TEST_PATIENCE", "1"))
LAUNCHER_PATIENCE_S = 5


class MpiJob:
    """A program on several ranks, its messages in a file."""

    def __init__(self, mpiexec, ranks, command, log):
        self.program = str(command[0])
        self.log_file = log
        with open(log, "w") as out:
            self.process = subprocess.Popen([mpiexec, "-n", str(ranks), *command], stdout=out, stderr=subprocess.STDOUT,
                                            start_new_session=True)

    @property
    def running(self):
        return self.process.poll() is None

    def log(self):
        return self.log_file.read_text()

    def ranks(self):
        """Process numbers of the ranks."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rsplit(")", 1)[1].split()
                command = (entry.parent / "cmdline").read_bytes()
            except (OSError, IndexError):
                continue  # It ended meanwhile.
            if int(fields[1]) == self.process.pid and self.program.encode() in command:
                found.append(int(entry.parent.name))
        return sorted(found)

    def wait(self):
        """Exit code. Raises AssertionError if ranks stay. mpirun itself may: Open MPI 4.1 with PMIx 4 now and then waits
        for a lock for ever, in PMIx_server_finalize, after it has buried the ranks of a job that was killed."""
        begin = ranks_left = time.monotonic()
        while self.running:
            if self.ranks():
                ranks_left = time.monotonic()
                if ranks_left > begin + PATIENCE_S:
                    raise AssertionError(f"ranks hang: {self.log()}")
            elif time.monotonic() > ranks_left + LAUNCHER_PATIENCE_S:
                self.end()
            time.sleep(0.01)
        return self.process.returncode

    def end(self):
        """Takes the job down, if it still runs."""
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
