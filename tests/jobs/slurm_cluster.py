"""A SLURM for tests: munged, slurmctld and slurmd from a configuration of its own in a temporary directory, on ports of
its own. Either of one node on the loopback interface, or of nodes that tests/nodes/cluster.py makes: then the first one
has the controller, and the others compute. Needs neither systemd nor root, and leaves nothing running."""

import contextlib
import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("sbatch", "srun", "scancel", "scontrol", "squeue", "sinfo")
PATH = os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin"
START_S = 60
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)

# Partitions: jobs of `day` and `spare` run side by side; those of `spare` are put back into the queue where `day`
# needs their processors. cred_expire is also how long SLURM holds back a requeued job [s].
CONFIGURATION = """
ClusterName=spikesweep
SlurmctldHost={host}({address})
SlurmctldAddr={address}
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={base}/munge/socket,cred_expire=5
StateSaveLocation={base}/state
SlurmdSpoolDir={local}/spool-%n
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={local}/slurmd-%n.pid
TmpFS={local}
SlurmctldLogFile={base}/slurmctld.log
SlurmdLogFile={base}/slurmd-%n.log
SlurmctldDebug=info
SlurmdDebug=info
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
KillWait=30
OverTimeLimit=0
InactiveLimit=0
MinJobAge=3600
CompleteWait=0
PartitionName=day Nodes=ALL Default=YES MaxTime=60 PriorityTier=2 PreemptMode=OFF State=UP
PartitionName=spare Nodes=ALL Default=NO MaxTime=60 PriorityTier=1 PreemptMode=REQUEUE State=UP
"""
NODE = "NodeName={name} NodeAddr={address} NodeHostname={host} CPUs={processors} RealMemory=1000 State=UNKNOWN\n"
SILENT_NODE_S = 15  # After which SLURM gives up a node of several; it asks three times as often.


def programs_missing():
    """The programs of SLURM and MUNGE that this machine lacks."""
    return [name for name in DAEMONS + CLIENTS if shutil.which(name, path=PATH) is None]


def free_ports(count):
    """Ports that nothing listens on; all held until all are known, so that they differ."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def descendants(of):
    """Process ids of all children, and children's children."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                parents[int(entry)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            pass  # It has ended.
    found, new = set(), {of}
    while new:
        new = {p for p, parent in parents.items() if parent in new} - found
        found |= new
    return found


class Cluster:
    """Started by `with`. SLURM hands out `processors` of each node, whatever the machine has; all jobs share `cores` of
    it. `nodes`: those of tests/nodes/cluster.py."""

    def __init__(self, processors, cores, environment=None, nodes=None):
        self.nodes = nodes
        self.base = os.path.realpath(tempfile.mkdtemp(prefix="spikesweep-slurm-"))
        os.chmod(self.base, 0o755)  # MUNGE wants its socket to be within everyone's reach.
        self.configuration = os.path.join(self.base, "slurm.conf")
        self.daemons = []
        self.mortal = []  # On nodes that a test may kill.
        # What a session of SLURM left in the environment would lead the clients elsewhere.
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_", "SRUN_", "PMIX_"))}
        self.environment = {**clean, "PATH": PATH, "SLURM_CONF": self.configuration, **(environment or {})}
        ports = free_ports(2)
        if nodes is None:
            host, address, local = socket.gethostname().split(".")[0], "127.0.0.1", self.base
            computing = [{"name": "loopback", "address": address, "host": host}]
        else:
            host, address, local = "n1", "10.77.0.1", "/mnt"
            computing = [{"name": f"n{i}", "address": f"10.77.0.{i}", "host": f"n{i}"}
                         for i in range(2, nodes.count + 1)]
        text = CONFIGURATION.format(host=host, address=address, base=self.base, local=local, controller_port=ports[0],
                                    node_port=ports[1], user=pwd.getpwuid(os.geteuid()).pw_name)
        if nodes is not None:
            text += f"SlurmdTimeout={SILENT_NODE_S}\n"
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(text + "".join(NODE.format(processors=processors, **node) for node in computing))
        self.computing = [node["name"] for node in computing]
        self.cores = sorted(os.sched_getaffinity(0))[:cores]

    def __enter__(self):
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # Orphans of slurmd come to us, who end them.
        try:
            self.start_munge()
            os.makedirs(os.path.join(self.base, "state"))
            self.start("slurmctld", "-D", "-f", self.configuration)
            for number, name in enumerate(self.computing, start=2):
                self.start("slurmd", "-D", "-N", name, "-f", self.configuration, node=number)
            self.wait_for(lambda: self.call("sinfo", "-h", "-p", "day", "-t", "idle", "-o", "%D").stdout.strip() ==
                          str(len(self.computing)), "all nodes to be idle")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Nothing here is worth an orderly end, and whatever the daemons started has become ours.
        end = time.monotonic() + START_S
        while (left := descendants(os.getpid())) and time.monotonic() < end:
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.1)
        for daemon in self.daemons + self.mortal:
            daemon.wait()
        shutil.rmtree(self.base, ignore_errors=True)

    def prepare_daemon(self):
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # Should the test be killed, they end with it.
        os.sched_setaffinity(0, self.cores)

    def start(self, *command, node=1):
        words = [shutil.which(command[0], path=PATH), *command[1:]]
        if self.nodes is not None:
            words = self.nodes.command(words, node, self.base)
        with open(os.path.join(self.base, f"{command[0]}-{node}.out"), "wb") as out:
            daemon = subprocess.Popen(words, env=self.environment, stdout=out, stderr=subprocess.STDOUT,
                                      stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=self.prepare_daemon)
        (self.daemons if node == 1 or self.nodes is None else self.mortal).append(daemon)

    def start_munge(self):
        munge = os.path.join(self.base, "munge")
        os.makedirs(munge, mode=0o755)
        key = os.path.join(self.base, "munge.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o400), "wb") as file:
            file.write(os.urandom(128))
        self.start("munged", "--foreground", "--key-file", key, "--socket", os.path.join(munge, "socket"),
                   "--pid-file", os.path.join(munge, "pid"), "--seed-file", os.path.join(munge, "seed"),
                   "--log-file", os.path.join(munge, "log"), "--force")
        self.wait_for(lambda: os.path.exists(os.path.join(munge, "socket")), "munged to listen")

    def logs(self):
        """The ends of the daemons' logs, for messages."""
        text = ""
        for log in sorted([*pathlib.Path(self.base).glob("*.out"), *pathlib.Path(self.base).glob("*.log"),
                           pathlib.Path(self.base, "munge", "log")]):
            with contextlib.suppress(OSError):
                lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:]
                text += "\n".join([f"--- {log.name}", *lines, ""])
        return text

    def wait_for(self, condition, what, seconds=START_S):
        end = time.monotonic() + seconds
        while not condition():
            ended = [d.args[0] for d in self.daemons if d.poll() is not None]
            if ended or time.monotonic() > end:
                raise AssertionError(f"waited for {what}; ended daemons: {ended}\n{self.logs()}")
            time.sleep(0.2)

    def call(self, *command, cwd=None, **environment):
        """Runs a client to its end."""
        words = command if self.nodes is None else self.nodes.command(command, 1, cwd)
        return subprocess.run(words, env={**self.environment, **environment}, cwd=cwd, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)

    def job(self, number):
        """What SLURM knows of a job, by the names of `scontrol show job`."""
        known = {}
        for line in self.call("scontrol", "show", "job", str(number)).stdout.splitlines():
            line = line.strip()
            # These stand alone on their lines, and may hold spaces.
            whole = line.startswith(("Command=", "Comment=", "StdOut=", "WorkDir="))
            for word in [line] if whole else line.split():
                name, _, value = word.partition("=")
                known[name] = value
        return known
