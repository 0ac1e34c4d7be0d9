"""Runs a command on a mutant, and says what a user must never see."""

import os
import re
import signal
import subprocess
from dataclasses import dataclass

GOOD_CODES = {0: "done", 1: "failed", 2: "refused", 3: "failed points", 75: "interrupted"}
# What belongs to the program and its libraries, not to its users.
RAW = re.compile(r"internal error|std::|basic_string|bad_alloc|terminate called|HDF5-DIAG|json\.exception|\bmap::at"
                 r"|vector::|stoi|stod|AddressSanitizer|LeakSanitizer|runtime error:|\*\*\* Process received signal"
                 r"|input stream error|archive|Assertion")
REFUSED = 2
LONGEST_LINE = 50_000  # Names of many thousand characters are among the inputs.
SHOWN = 1500  # Characters of the output of a finding.


@dataclass
class Outcome:
    code: int
    output: str
    faults: list


def run(command, directory, environment, limit_s, stop_after_s):
    """The outcome of one command. One that works long gets SIGTERM, and has to end then."""
    with subprocess.Popen(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            try:
                parts = process.communicate(timeout=stop_after_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)
                parts = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            parts = process.communicate()
            return Outcome(-1, _text(b"".join(parts)), [f"hangs: no end within {limit_s:g} s of SIGTERM"])
    faults = []
    code = process.returncode
    if code < 0 and -code != signal.SIGTERM:
        faults.append(f"crashes: signal {signal.Signals(-code).name}")
    elif code >= 0 and code not in GOOD_CODES:
        faults.append(f"exit code {code}")
    for name, part in zip(("standard output", "standard error"), parts):
        try:
            part.decode("utf-8")
        except UnicodeDecodeError as error:
            faults.append(f"{name} is no UTF-8: {part[max(0, error.start - 20):error.start + 20]!r}")
        if b"\0" in part:
            faults.append(f"{name} has a NUL")
    output = _text(parts[1] + parts[0])
    raw = RAW.search(_text(parts[1]))
    if raw:
        faults.append(f"says '{raw.group()}'")
    if code in (1, 2) and not _text(parts[1]).strip():
        faults.append("fails without a word")
    if any(len(line) > LONGEST_LINE for line in _text(parts[1]).splitlines()):
        faults.append("a message of great length")
    return Outcome(code, output, faults)


def names(outcome, files):
    """Whether a refusal names one of the files that it is about."""
    return outcome.code != REFUSED or any(name in outcome.output for name in files)


def left_over(directory):
    """Files that a command has begun and not finished."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*")
                  if re.search(r"\.(partial|tmp)\b|\.new-|~$|\.lock$", path.name) and path.is_file())


def _text(data):
    return data.decode("utf-8", "replace")
