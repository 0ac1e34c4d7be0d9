#!/usr/bin/python3
"""A cluster on this machine: nodes made of Linux namespaces.

Each node has a host name (n1, n2, ...), an address (10.77.0.1, ...), network interfaces, process numbers, /dev/shm and
/mnt of its own. All other directories are those of this machine, as on a cluster with a shared file system. mpirun on
n1 starts ranks on all nodes, over TCP. Nothing reaches anything outside.

It needs util-linux and iproute2 (tools/setup --test), and root or user namespaces. Where they cannot be had the tests
are skipped: main() ends with 77 and the reason. `cluster.py` alone tells whether they can be had.
"""

import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SKIPPED = 77
SPACES = ["--net", "--uts", "--ipc", "--mount", "--pid"]
START_S = 10
# What a node makes its own, and then its number among the processes of n1: the others are children of n1.
SETTLE = """
read -r process rest </proc/self/stat
hostname "$0" && mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs -o mode=1777 tmpfs /dev/shm &&
  mount -t tmpfs -o mode=1777 tmpfs /mnt && mount --bind "$1/hosts" /etc/hosts && ip link set lo up || exit 1
echo "$process" >"$1/$0.new" && mv "$1/$0.new" "$1/$0"
while :; do sleep 1000; done
"""
RSH = """#!/bin/sh
# For mpirun: HOST WORDS...
node=$(cat "{directory}/$1") || exit 1
shift
exec nsenter -t "$node" --net --uts --ipc --mount --pid -- /bin/sh -c "$*"
"""


def obstacle():
    """Why no nodes can be made here; None if they can."""
    for program in ("ip", "unshare", "nsenter", "mount", "hostname"):
        if shutil.which(program) is None:
            return f"there is no program '{program}'"
    trial = ("ip link add name br type bridge && ip link add name p1 type veth peer name p2 && "
             "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && mount -t proc proc /proc && hostname n1")
    done = subprocess.run(["unshare", *SPACES, "--fork", "sh", "-c", trial], check=False, capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr.strip()


def enter_user_space():
    """Without root: starts this script again as root of a user namespace."""
    if os.getuid() != 0:
        os.environ["PATH"] += os.pathsep + "/usr/sbin" + os.pathsep + "/sbin"
        os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--", sys.executable, "-B", *sys.argv])


class Cluster:
    """`count` nodes with `slots` ranks each, until close()."""

    def __init__(self, count, slots=2):
        self.count = count
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="spikesweep-nodes-"))
        (self.directory / "hosts").write_text(
            "127.0.0.1 localhost\n" + "".join(f"10.77.0.{i} n{i}\n" for i in range(1, count + 1)))
        rsh = self.directory / "rsh"
        rsh.write_text(RSH.format(directory=self.directory))
        rsh.chmod(0o755)
        self.environment = {
            **os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_plm_rsh_agent": str(rsh), "OMPI_MCA_oob_tcp_if_include": "eth0",
            "OMPI_MCA_btl_tcp_if_include": "eth0", "OMPI_MCA_orte_tmpdir_base": "/mnt",
            "OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_MCA_mpi_yield_when_idle": "1"}
        self.hosts = ",".join(f"n{i}:{slots}" for i in range(1, count + 1))
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self):
        self.others = []  # They die with the first one.
        self.first = self._start(1, [])
        self._await(1)
        # As seen from outside: the child of unshare.
        self.outside = int(pathlib.Path(f"/proc/{self.first.pid}/task/{self.first.pid}/children").read_text())
        (self.directory / "n1").write_text("1\n")
        self.on(1, "ip link add eth0 type bridge && ip address add 10.77.0.1/24 dev eth0 && ip link set eth0 up")
        for i in range(2, self.count + 1):
            self.others.append(self._start(i, self._inside(1)))
            self._await(i)
            number = (self.directory / f"n{i}").read_text().strip()
            self.on(1, f"ip link add port{i} type veth peer name eth0 netns {number} && "
                       f"ip link set port{i} master eth0 up")
            self.on(i, f"ip address add 10.77.0.{i}/24 dev eth0 && ip link set eth0 up")

    def _start(self, node, where):
        words = ["unshare", *SPACES, "--fork", "--kill-child", "sh", "-c", SETTLE, f"n{node}", str(self.directory)]
        return subprocess.Popen([*where, *words], start_new_session=True)

    def _await(self, node):
        end = time.monotonic() + START_S
        while not (self.directory / f"n{node}").exists():
            if time.monotonic() > end:
                raise AssertionError(f"node {node} does not come up")
            time.sleep(0.01)

    def _inside(self, node):
        enter = ["nsenter", "-t", str(self.outside), *SPACES, "--"]
        return enter if node == 1 else [*enter, str(self.directory / "rsh"), f"n{node}"]

    def command(self, words, node=1, cwd=None):
        """The words that run a command on a node, in a directory that it has."""
        line = f"cd {shlex.quote(str(cwd or os.getcwd()))} && exec {shlex.join(map(str, words))}"
        return [*self._inside(node), *(["sh", "-c", line] if node == 1 else [line])]

    def on(self, node, line):
        """Runs a line of the shell on a node, which has to succeed; returns what it prints."""
        done = subprocess.run(self.command(["sh", "-c", line], node), check=False, capture_output=True, text=True,
                              env=self.environment)
        if done.returncode != 0:
            raise AssertionError(f"on n{node}: {line}: {done.stderr}")
        return done.stdout

    def mpirun(self, mpiexec, ranks, words, cwd=None):
        """The words that start ranks on all nodes, node by node."""
        return self.command([mpiexec, "--host", self.hosts, "--map-by", "node", "-n", str(ranks), *words], cwd=cwd)

    def cut(self, node):
        """Takes the cable out of a node."""
        self.on(1, f"ip link set port{node} down")

    def mend(self, node):
        self.on(1, f"ip link set port{node} up")

    def kill_all(self, node):
        """Kills every process on a node but the first one, which keeps its namespaces."""
        self.on(node, "kill -KILL -1 || true")

    def close(self):
        """Ends everything on all nodes."""
        first = getattr(self, "first", None)
        if first is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(first.pid, signal.SIGKILL)
            for node in [first, *self.others]:
                node.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def main(names=()):
    """Runs the tests of the script, or those of these names, or skips all of them with the reason."""
    enter_user_space()
    why = obstacle()
    if why is not None:
        print(f"skipped: no nodes can be made here: {why}", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main(argv=[sys.argv[0], *names], module="__main__", verbosity=2)


if __name__ == "__main__":
    enter_user_space()
    reason = obstacle()
    print("nodes can be made here" if reason is None else f"no nodes can be made here: {reason}")
    sys.exit(0 if reason is None else SKIPPED)
