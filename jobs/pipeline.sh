#!/bin/bash
# Submits sweep, train and validate to SLURM, each to start when the one before has succeeded.
set -euo pipefail

usage="usage: jobs/pipeline.sh [OPTIONS] CONFIG -o DIR [-- OPTIONS OF sbatch]

Submits three jobs to SLURM: sweep -> train -> validate and report. Each starts when the one before has succeeded.
Prints their numbers on standard output. Results and logs go to DIR. The same command goes on where a chain stopped.

  -o, --output DIR        directory for sweep.h5, model.h5, validation.h5, report.html and the logs
  --set KEY=VALUE ...     override config keys, in all three jobs
  --retry-failed          run failed tasks of the sweep again
  --strict                stop after the sweep if any of its tasks failed; else train on those that did not
  --from STEP             begin at sweep (default), train or validate; what comes before has to be there
  --sweep OPTIONS         options of sbatch for one step, in one word: --sweep '--ntasks=256 --time=12:00:00'
  --train OPTIONS
  --validate OPTIONS
  -h, --help              print this

Defaults of sbatch: 16 tasks and one hour for each step, from jobs/*.sbatch. Variables: see jobs/README.md."

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
export SPIKESWEEP_ALLOW_FAILED=yes # A few points that run away should not cost a night.
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) echo "$usage"; exit 0 ;;
    --) shift; everywhere=("$@"); break ;;
    -o | --output | --from | --sweep | --train | --validate) [ $# -ge 2 ] || fail "$1 lacks its value" ;;&
    -o | --output) output=$2; shift ;;
    --from) first=$2; shift ;;
    --sweep | --train | --validate) own[${1#--}]=$2; shift ;;
    --output=*) output=${1#*=} ;;
    --from=*) first=${1#*=} ;;
    --sweep=* | --train=* | --validate=*) step=${1%%=*}; own[${step#--}]=${1#*=} ;;
    --set)
      [[ ${2:-} =~ ^[A-Za-z0-9_.]+= ]] || fail "--set lacks KEY=VALUE"
      while [[ ${2:-} =~ ^[A-Za-z0-9_.]+= ]]; do settings+=(--set "$2"); shift; done ;;
    --retry-failed) retry=(--retry-failed) ;;
    --strict) SPIKESWEEP_ALLOW_FAILED=no ;;
    -*) fail "no such option: $1 (options of sbatch come after --)" ;;
    *) [ -z "$config" ] || fail "more than one CONFIG: $config, $1"; config=$1 ;;
  esac
  shift
done
[ -n "$config" ] || fail "CONFIG is missing"
[ -n "$output" ] || fail "-o DIR is missing"
case $first in sweep | train | validate) ;; *) fail "--from $first: sweep, train or validate" ;; esac
command -v sbatch >/dev/null || { echo "pipeline.sh: there is no sbatch here: is this a SLURM cluster?" >&2; exit 1; }

jobs=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
mkdir -p "$output"
output=$(cd "$output" && pwd)
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
  # Options of one step are words: the shell is to split them.
  # shellcheck disable=SC2086
  job=$(sbatch --parsable --job-name="$step" --output="$output/%x-%j.log" "${after[@]}" "${everywhere[@]}" \
    ${own[$step]} "$jobs/$step.sbatch" "$config" "${arguments[@]}" "${settings[@]}") || {
    [ ${#submitted[@]} -eq 0 ] || scancel "${submitted[@]}"
    echo "pipeline.sh: sbatch refused the job for $step; nothing is left in the queue" >&2
    exit 1
  }
  job=${job%%;*} # Some clusters add their name.
  submitted+=("$job")
  echo "$step $job"
  # A job that waits for one that has failed would wait for ever.
  after=(--dependency=afterok:"$job" --kill-on-invalid-dep=yes)
done
echo "pipeline.sh: logs in $output; to end it all: scancel ${submitted[*]}" >&2
