# shellcheck shell=bash
# Functions that the scripts of this folder share. A script sources this file inside a job. The variable `jobs` holds
# the path of this folder. jobs/README.md tells what a job does when it is interrupted.

# How scontrol and scancel know this job. The number alone may mean a whole array.
job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
job=${job:-$SLURM_JOB_ID}

say() {
  echo "spikesweep job: $(date '+%F %T') $*" >&2
}

find_program() {
  spikesweep=${SPIKESWEEP:-$jobs/../build/release/spikesweep}
  if [ ! -x "$spikesweep" ]; then
    say "there is no program $spikesweep: build it (cmake --build --preset release), or set SPIKESWEEP to its path"
    exit 2
  fi
}

find_launcher() {
  launch=${SPIKESWEEP_LAUNCH:-}
  if [ -z "$launch" ]; then
    launch=mpirun
    srun --mpi=list 2>&1 | grep -q pmix && launch="srun --mpi=pmix"
  fi
  read -ra launcher <<<"$launch" # It may have options.
  # Time that mpirun leaves its ranks between SIGTERM and SIGKILL [s]; its own default is 1. It also waits twice this
  # time after a status other than 0.
  export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout:-3}
  # mpirun notices a lost node after 15 + 3 x 3 s, and not after 8 min.
  export OMPI_MCA_oob_tcp_keepalive_time=${OMPI_MCA_oob_tcp_keepalive_time:-15}
  export OMPI_MCA_oob_tcp_keepalive_intvl=${OMPI_MCA_oob_tcp_keepalive_intvl:-3}
  export OMPI_MCA_oob_tcp_keepalive_probes=${OMPI_MCA_oob_tcp_keepalive_probes:-3}
  # Seconds that srun waits for the other ranks once one has ended: a rank that somebody stopped never ends.
  export SLURM_WAIT=${SLURM_WAIT:-15}
}

# spikesweep starts no task that cannot end before the job ends. SLURM before version 23.02 does not tell a job its end.
# The end is by the clock of slurmctld, and spikesweep compares it with the clock of this node: so it is moved by the
# difference of the two.
find_end() {
  local end=${SLURM_JOB_END_TIME:-} controller difference
  if [ -z "$end" ]; then
    end=$(squeue --noheader --jobs="$job" --format=%e 2>/dev/null) &&
      end=$(date --date="$end" +%s 2>/dev/null) || return
  fi
  controller=$(scontrol show config 2>/dev/null | sed -n '1s/^Configuration data as of //p')
  if [ -n "$controller" ] && controller=$(date --date="$controller" +%s 2>/dev/null); then
    difference=$(($(date +%s) - controller))
    if [ "${difference#-}" -gt 1 ]; then
      say "the clock of this node is $difference s ahead of slurmctld's"
      end=$((end + difference))
    fi
  fi
  export SLURM_JOB_END_TIME=$end
}

# Puts the job back into the queue. Fails if it has been there too often. The number of restarts stands at the end of
# the job's comment, "... restarts=N", because the count of SLURM includes preemptions and failed nodes.
put_back() {
  local most=${SPIKESWEEP_RESTARTS:-20} comment count=0
  comment=$(scontrol show job "$job" | sed -n 's/^ *Comment=\(.*[^ ]\) *$/\1/p')
  if [[ $comment =~ ^(.* )?restarts=([0-9]+)$ ]]; then
    comment=${BASH_REMATCH[1]% }
    count=${BASH_REMATCH[2]}
  fi
  if [ "$count" -ge "$most" ]; then
    say "not put back into the queue after $count restarts (SPIKESWEEP_RESTARTS=$most); submit it again to continue"
    return 1
  fi
  say "goes back into the queue: restart $((count + 1)) of at most $most"
  scontrol requeue "$job" || return 1
  requeued=yes
  # This must come after the requeue: SLURM changes nothing of a job that has run out of time, until it is back in the
  # queue.
  if ! scontrol update JobId="$job" Comment="${comment:+$comment }restarts=$((count + 1))"; then
    say "cannot count restarts in the job's comment, so they might never end; cancelled: submit it again"
    scancel "$job"
  fi
}

# shellcheck disable=SC2317 # Called by a trap.
on_usr1() {
  woken=yes
  signalled=yes
  kill -USR1 "$ranks" 2>/dev/null # The launcher forwards it to the ranks.
}

# A second signal ends a grace time: the ranks save their running tasks at once. This is better than a kill: a task
# that was running at two crashes becomes a suspect. Rank 0 decides, and it is on this node. It may not have seen the
# first signal yet.
# shellcheck disable=SC2317 # Called by a trap.
hurry() {
  case $launch in
    *srun*)
      local kill_wait
      kill_wait=$(scontrol show config | sed -n 's/^KillWait *= *\([0-9]*\).*/\1/p')
      kill_wait=${kill_wait:-30}
      sleep "$((kill_wait > 10 ? kill_wait - 5 : 5))"
      kill -USR1 "$ranks" ;;
    *) # After SIGTERM, mpirun forwards no signal.
      for _ in 1 2 3; do
        sleep 0.3
        pkill -USR1 -P "$ranks"
      done ;;
  esac
}

# The job is cancelled, preempted, or out of time. SLURM signals the ranks too, and kills all of them after KillWait.
# shellcheck disable=SC2317 # Called by a trap.
on_term() {
  woken=yes
  signalled=yes
  [ -n "$ending" ] && return
  ending=yes
  hurry 2>/dev/null &
  # SLURM does not put back a job that ran out of time, so do it here.
  scontrol show job "$job" | grep -q 'Reason=TimeLimit' && put_back
}

# Starts the ranks and waits for them.
launch_ranks() {
  say "$launch $spikesweep $*"
  : >"$exit_file"
  "${launcher[@]}" "$spikesweep" "$@" &
  ranks=$!
  while woken=; wait "$ranks"; code=$?; [ -n "$woken" ]; do :; done # A signal ends `wait`, but not the ranks.
}

# run_ranks COMMAND [ARGUMENT...]: runs `spikesweep COMMAND ...` on all ranks of the job. `code` gets its exit status.
# In a job array, %a in an argument stands for the number of the element.
run_ranks() {
  [ -n "${SLURM_ARRAY_TASK_ID:-}" ] && set -- "${@//%a/$SLURM_ARRAY_TASK_ID}"
  find_program
  find_launcher
  find_end
  export OMP_NUM_THREADS=1
  signalled=''
  ending=''
  requeued=''
  exit_file=$(mktemp) || exit 1
  export SPIKESWEEP_EXIT_FILE=$exit_file
  trap on_usr1 USR1
  trap on_term TERM INT
  launch_ranks "$@"
  # Ranks die while MPI starts: over a directory of PMIx that SLURM leaves behind on a node that failed (the next step of
  # the job has another name), or over a race inside MPI. Then there is nothing to lose by another start.
  if { [ "$code" -eq 0 ] || { [ "$code" -gt 128 ] && [ "$code" -le 192 ]; }; } && [ -z "$signalled" ] &&
    [ ! -s "$exit_file" ]; then
    say "the ranks did not start ($code); starting them once more"
    launch_ranks "$@"
  fi
  trap '' USR1 TERM INT # The rest takes a moment, and `scontrol requeue` sends SIGTERM.
  local told # By rank 0: nothing, that all ranks have started, or its exit code.
  told=$(cat "$exit_file")
  if [[ $told =~ ^[0-9]+$ ]]; then
    [ "$code" -eq "$told" ] || say "the launcher ended with $code, but rank 0 with $told, which counts"
    code=$told
  elif [ "$code" -eq 0 ]; then # srun may say so of a step whose node is lost.
    say "the launcher ended with 0, but rank 0 has not ended: a node was lost, or the ranks could not start"
    code=75
  elif [ "$code" -gt 192 ]; then # Neither spikesweep nor a signal: 205 of mpirun, 233 and others of srun.
    say "the launcher ended with $code: it has lost a node, or could not start the ranks on one"
    code=75
  fi
  rm -f "$exit_file"
  if [ "$code" -gt 128 ] && [ -n "$signalled" ]; then
    code=75 # The signal came before there was anything to write, for example while the ranks started.
  fi
  say "spikesweep $1 ended with $code"
}

# Ends the job with `code`. Puts it back into the queue if it was interrupted, unless SLURM is ending it.
end_job() {
  if [ "$code" -eq 75 ] && [ -z "$ending" ]; then
    put_back
  fi
  [ -n "$requeued" ] && code=75
  exit "$code"
}
