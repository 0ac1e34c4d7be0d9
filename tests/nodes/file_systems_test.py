#!/usr/bin/python3
"""A sweep over two nodes on several file systems, with both kinds of MPI-IO that Open MPI has: killed, resumed, and the
same bytes as on one rank.

Usage: file_systems_test.py BINARY MPIEXEC
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import cluster

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from result_bytes import lasting_bytes  # noqa: E402
from small_study import changed  # noqa: E402

BINARY, MPIEXEC = sys.argv[1:3]
RANKS = 4
NODES = 3  # Ranks run on the first two.
KINDS = ("ompio", "romio321")
LIMIT_S = 60
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
PORT = 2222


class FileSystems(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="spikesweep-file-systems-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.config = cls.scratch / "c.toml"
        cls.config.write_text(changed(points=40, transitions=300))
        subprocess.run([BINARY, "-q", "sweep", cls.config, "-o", cls.scratch / "expected.h5"], check=True,
                       capture_output=True)
        cls.expected = lasting_bytes(cls.scratch / "expected.h5")
        cls.nodes = cluster.Cluster(NODES)
        cls.addClassCleanup(cls.nodes.close)

    def start(self, directory, kind):
        words = ["--host", "n1:2,n2:2", "--map-by", "node", "-n", str(RANKS), BINARY, "-q", "sweep", self.config, "-o", "a.h5"]
        return subprocess.Popen(
            self.nodes.command([MPIEXEC, *words], cwd=directory), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**self.nodes.environment, "OMPI_MCA_io": kind, "OMP_NUM_THREADS": "1"})

    def sweep(self, directory, kind):
        job = self.start(directory, kind)
        end = time.monotonic() + LIMIT_S
        while job.poll() is None and time.monotonic() < end and not self.nodes.on(
                1, f"test -e '{directory}/a.h5' && echo there || true"):
            time.sleep(0.02)
        self.nodes.on(2, f"pkill -KILL -x {pathlib.Path(BINARY).name} || true")
        text = job.communicate(timeout=LIMIT_S)[1]
        self.assertNotEqual(job.returncode, 0, text)
        job = self.start(directory, kind)
        text = job.communicate(timeout=LIMIT_S)[1]
        self.assertEqual(job.returncode, 0, text)
        self.nodes.on(1, f"cp '{directory}/a.h5' '{self.scratch}/{kind}.h5' && rm -r '{directory}'/a.h5*")
        self.assertTrue(lasting_bytes(self.scratch / f"{kind}.h5") == self.expected)

    def on_each_kind(self, directory):
        for kind in KINDS:
            with self.subTest(kind):
                self.sweep(directory, kind)

    def test_the_disk_of_this_machine(self):
        directory = self.scratch / "disk"
        directory.mkdir()
        self.on_each_kind(directory)

    def test_sshfs(self):
        """The directory of the third node; its server talks without ssh, because the nodes reach nobody else."""
        missing = [name for name in ("sshfs", "socat") if shutil.which(name) is None]
        if missing or not os.path.exists(SFTP_SERVER) or not os.path.exists("/dev/fuse"):
            self.skipTest("there is no sshfs, socat, sftp-server or /dev/fuse here")
        directory = "/mnt/shared"
        for node in (1, 2, 3):
            self.nodes.on(node, f"mkdir {directory}")
        server = subprocess.Popen(
            self.nodes.command(["socat", f"TCP-LISTEN:{PORT},fork,reuseaddr", f"EXEC:{SFTP_SERVER}"], node=3),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        for node in (1, 2):
            self.nodes.on(node, f"for i in $(seq 50); do sshfs -o directport={PORT} n3:{directory} {directory} && exit; "
                                f"sleep 0.1; done; exit 1")
        self.on_each_kind(directory)


if __name__ == "__main__":
    cluster.main()
