#!/bin/bash
# Submits sweep, train and validate to SLURM. Each job starts when the job before it has succeeded.
set -euo pipefail

usage="usage: jobs/pipeline.sh [OPTIONS] CONFIG -o DIR [-- OPTIONS OF sbatch]

Submits three jobs to SLURM: sweep -> train -> validate and report. Each job starts when the job before it has
succeeded. The script prints their numbers. Results and logs go to DIR. The same command continues a chain that stopped.

  -o, --output DIR        directory for sweep.h5, model.h5, validation.h5, report.html and the logs
  --set KEY=VALUE ...     override config keys, in all three jobs
  --retry-failed          run failed tasks of the sweep again
  --strict                stop after the sweep if a task failed; without it, train on the tasks that are done
  --from STEP             begin at sweep (default), train or validate; the results before it must be there
  --sweep OPTIONS         options of sbatch for one step, in quotes: --sweep '--ntasks=256 --time=12:00:00'
  --train OPTIONS
  --validate OPTIONS
  -h, --help              print this

Without options of sbatch, each step has 16 ranks and one hour. jobs/README.md lists the variables that the jobs read."

fail() {
  echo "pipeline.sh: $*; see jobs/pipeline.sh --help" >&2
  exit 2
}

config=
output=
first=sweep
settings=()
retry=()
everywhere=()
declare -A own=([sweep]="" [train]="" [validate]="")
export SPIKESWEEP_ALLOW_FAILED=yes # A few failed tasks must not stop the whole chain.
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) echo "$usage"; exit 0 ;;
    --) shift; everywhere=("$@"); break ;;
    -o | --output | --from | --sweep | --train | --validate) [ $# -ge 2 ] || fail "$1 needs a value" ;;&
    -o | --output) output=$2; shift ;;
    --from) first=$2; shift ;;
    --sweep | --train | --validate) own[${1#--}]=$2; shift ;;
    --output=*) output=${1#*=} ;;
    --from=*) first=${1#*=} ;;
    --sweep=* | --train=* | --validate=*) step=${1%%=*}; own[${step#--}]=${1#*=} ;;
    --set)
      [[ ${2:-} =~ ^[A-Za-z0-9_.]+= ]] || fail "--set needs KEY=VALUE"
      while [[ ${2:-} =~ ^[A-Za-z0-9_.]+= ]]; do settings+=(--set "$2"); shift; done ;;
    --retry-failed) retry=(--retry-failed) ;;
    --strict) SPIKESWEEP_ALLOW_FAILED=no ;;
    -*) fail "unknown option $1 (options of sbatch come after --)" ;;
    *) [ -z "$config" ] || fail "there is more than one CONFIG: $config and $1"; config=$1 ;;
  esac
  shift
done
[ -n "$config" ] || fail "CONFIG is missing"
[ -n "$output" ] || fail "-o DIR is missing"
case $first in
  sweep | train | validate) ;;
  *) fail "--from $first is not a step; the steps are sweep, train and validate" ;;
esac
command -v sbatch >/dev/null || {
  echo "pipeline.sh: sbatch was not found; run this script on a SLURM cluster" >&2
  exit 1
}

jobs=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
mkdir -p -- "$output"
output=$(cd -- "$output" && pwd)
export SPIKESWEEP_JOBS=$jobs SPIKESWEEP_REPORT=$output

arguments_of() {
  case $1 in
    sweep) arguments=(-o "$output/sweep.h5" "${retry[@]}") ;;
    train) arguments=(-d "$output/sweep.h5" -o "$output/model.h5") ;;
    validate) arguments=(-d "$output/sweep.h5" -m "$output/model.h5" -o "$output/validation.h5") ;;
  esac
}

after=()
submitted=()
for step in sweep train validate; do
  [ "$step" = "$first" ] && first=
  [ -n "$first" ] && continue
  arguments_of "$step"
  read -rd '' -a options <<<"${own[$step]}" || true # It ends without a delimiter.
  # SLURM reads %x and %j in the name of the log, so a % of the directory is doubled.
  job=$(sbatch --parsable --job-name="$step" --output="${output//%/%%}/%x-%j.log" "${after[@]}" "${everywhere[@]}" \
    "${options[@]}" "$jobs/$step.sbatch" "$config" "${arguments[@]}" "${settings[@]}") || {
    [ ${#submitted[@]} -eq 0 ] || scancel "${submitted[@]}"
    echo "pipeline.sh: sbatch refused the job for $step (see above); no job of this chain is left in the queue" >&2
    exit 1
  }
  job=${job%%;*} # Some clusters add their name after the number.
  submitted+=("$job")
  echo "$step $job"
  # Without the second option, a job that waits for a failed job would wait for ever.
  after=(--dependency=afterok:"$job" --kill-on-invalid-dep=yes)
done
echo "pipeline.sh: the logs are in $output; to end the chain: scancel ${submitted[*]}" >&2
