# shellcheck shell=bash
# What the scripts of this folder share. They source it inside a job, with this folder in `jobs`; README.md here says
# what a job does when it is interrupted.

say() {
  echo "spikesweep job: $(date '+%F %T') $*" >&2
}

find_program() {
  spikesweep=${SPIKESWEEP:-$jobs/../build/release/spikesweep}
  if [ ! -x "$spikesweep" ]; then
    say "no program $spikesweep: build it (cmake --build --preset release), or set SPIKESWEEP to where it is"
    exit 2
  fi
}

find_launcher() {
  launch=${SPIKESWEEP_LAUNCH:-}
  if [ -z "$launch" ]; then
    launch=mpirun
    srun --mpi=list 2>&1 | grep -q pmix && launch="srun --mpi=pmix"
  fi
  # What mpirun leaves ranks between SIGTERM and SIGKILL [s], by default 1. It waits as long, twice, after a status
  # other than 0.
  export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout:-3}
}

# spikesweep starts no task that cannot end before the job does. SLURM before 23.02 does not tell jobs when that is.
find_end() {
  [ -n "${SLURM_JOB_END_TIME:-}" ] && return
  local end
  end=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%e 2>/dev/null) &&
    end=$(date --date="$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME=$end
}

# Puts the job back into the queue unless it has been there too often; fails if it does not. Restarts are counted at the
# end of the job's comment, "... restarts=N": SLURM's own count includes preemptions and failed nodes.
put_back() {
  local most=${SPIKESWEEP_RESTARTS:-20} comment count=0
  comment=$(scontrol show job "$SLURM_JOB_ID" | sed -n 's/^ *Comment=\(.*[^ ]\) *$/\1/p')
  if [[ $comment =~ ^(.* )?restarts=([0-9]+)$ ]]; then
    comment=${BASH_REMATCH[1]% }
    count=${BASH_REMATCH[2]}
  fi
  if [ "$count" -ge "$most" ]; then
    say "not put back into the queue: $count restarts, and SPIKESWEEP_RESTARTS=$most; submit it again to go on"
    return 1
  fi
  say "goes back into the queue: restart $((count + 1)) of at most $most"
  scontrol requeue "$SLURM_JOB_ID" || return 1
  requeued=yes
  # Only now: SLURM changes nothing of a job that has run out of time, until it is put back.
  if ! scontrol update JobId="$SLURM_JOB_ID" Comment="${comment:+$comment }restarts=$((count + 1))"; then
    say "cannot note that in the job's comment, and uncounted restarts might never end: cancelled; submit it again"
    scancel "$SLURM_JOB_ID"
  fi
}

# shellcheck disable=SC2317 # Called by a trap.
on_usr1() {
  woken=yes
  signalled=yes
  kill -USR1 "$ranks" 2>/dev/null # The launcher passes it on to the ranks.
}

# A second signal makes the ranks drop what they have in hand, which is better than being killed with it: tasks that
# were in hand at two crashes become suspects. Rank 0 decides, and is on this node. It need not have seen the first yet.
# shellcheck disable=SC2317 # Called by a trap.
hurry() {
  case $launch in
    *srun*)
      local kill_wait
      kill_wait=$(scontrol show config | sed -n 's/^KillWait *= *\([0-9]*\).*/\1/p')
      kill_wait=${kill_wait:-30}
      sleep "$((kill_wait > 10 ? kill_wait - 5 : 5))"
      kill -USR1 "$ranks" ;;
    *) # mpirun passes nothing on once it has SIGTERM.
      for _ in 1 2 3; do
        sleep 0.3
        pkill -USR1 -P "$ranks"
      done ;;
  esac
}

# The job is being cancelled, preempted, or out of time: SLURM signals the ranks as well, and kills all after KillWait.
# shellcheck disable=SC2317 # Called by a trap.
on_term() {
  woken=yes
  signalled=yes
  [ -n "$ending" ] && return
  ending=yes
  hurry 2>/dev/null &
  # SLURM does not put back a job that ran out of time.
  scontrol show job "$SLURM_JOB_ID" | grep -q 'Reason=TimeLimit' && put_back
}

# run_ranks COMMAND [ARGUMENT...]: runs `spikesweep COMMAND ...` on all ranks of the job; `code` gets its exit status.
run_ranks() {
  find_program
  find_launcher
  find_end
  export OMP_NUM_THREADS=1
  signalled=''
  ending=''
  requeued=''
  trap on_usr1 USR1
  trap on_term TERM INT
  say "$launch $spikesweep $*"
  # shellcheck disable=SC2086 # The launcher may have options.
  $launch "$spikesweep" "$@" &
  ranks=$!
  while woken=; wait "$ranks"; code=$?; [ -n "$woken" ]; do :; done # A signal ends `wait`, not the ranks.
  trap '' USR1 TERM INT # What is left takes a moment, and `scontrol requeue` sends SIGTERM.
  if [ "$code" -gt 128 ] && [ -n "$signalled" ]; then
    code=75 # The signal came where there was nothing to hand over yet, as while the ranks start.
  fi
  say "spikesweep $1 ended with $code"
}

# Ends the job with `code`; puts it back into the queue if it was interrupted, and nobody else decides on it.
end_job() {
  if [ "$code" -eq 75 ] && [ -z "$ending" ]; then
    put_back
  fi
  [ -n "$requeued" ] && code=75
  exit "$code"
}
