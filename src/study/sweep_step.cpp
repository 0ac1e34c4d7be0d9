#include <fmt/format.h>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/program.hpp>
#include <spikesweep/study/sweep_step.hpp>

namespace spikesweep {

namespace {

/// `transitions`: samples of one finished task.
std::string progress_text(const sweep_progress& progress, std::int64_t transitions) {
  const std::int64_t finished = progress.done + progress.failed;
  const double share = progress.total > 0 ? static_cast<double>(finished) / static_cast<double>(progress.total) : 1;
  std::string text = fmt::format("sweep: {} of {} tasks ({:.0f} %)", finished, progress.total, 100 * share);
  if (progress.failed > 0) {
    text += fmt::format(", {} failed", progress.failed);
  }
  if (progress.ended > 0 && progress.elapsed_s > 0) {
    text += fmt::format(", {} samples, {} events/s, {:.3g} x real time", progress.ended * transitions,
                        readable(static_cast<double>(progress.events) / progress.elapsed_s),
                        progress.simulated_s / progress.elapsed_s);
  }
  text += fmt::format(", {} elapsed", readable_duration(progress.elapsed_s));
  if (finished < progress.total && progress.left_s > 0) {
    text += fmt::format(", {} left", readable_duration(progress.left_s));
  }
  return text + fmt::format(", {} of {} ranks busy", progress.busy_ranks, progress.ranks);
}

/// What the end of the job decides has to be said: nothing may start, and nobody would know why.
void say_end(std::chrono::system_clock::time_point end) {
  const double left_s = std::chrono::duration<double>(end - std::chrono::system_clock::now()).count();
  if (left_s > 0) {
    log_info(fmt::format("SLURM ends this job in {}: no task starts that is not expected to end before",
                         readable_duration(left_s)));
  } else {
    log_warning("SLURM's end of this job (SLURM_JOB_END_TIME) has passed: no task starts");
  }
}

existing_file wanted(const sweep_flags& flags) {
  return flags.fresh ? existing_file::replace : flags.extend ? existing_file::extend : existing_file::resume;
}

}  // namespace

sweep_outcome sweep_with_progress(const rank_context& job, const std::filesystem::path& file,
                                  const sweep_description& description, const sweep_flags& flags,
                                  const std::vector<std::filesystem::path>& made_from_it, tested_tasks* tested) {
  progress_line line(job.progress());
  sweep_options options;
  options.retry_failed = flags.retry_failed;
  options.grace_s = parse_wait(flags.grace);
  options.existing = wanted(flags);
  options.made_from_it = made_from_it;
  options.tested = tested;
  options.quarantine_program = {this_program, quarantine_command};
  if (job.root()) {
    options.end = job_end();
    if (options.end) {
      say_end(*options.end);
    }
  }
  options.progress = [&](const sweep_progress& progress) {
    if (line.due()) {
      line.update(progress_text(progress, description.sampling.transitions));
    }
  };
  const sweep_outcome outcome = run_sweep(job.world, file, description, options);
  sweep_progress last{outcome};
  last.elapsed_s = outcome.wall_s;
  last.ranks = job.world.size();
  line.finish(progress_text(last, description.sampling.transitions));
  if (outcome.damaged > 0) {
    log_warning(fmt::format("{} tasks on disk were damaged; they ran again", outcome.damaged));
  }
  if (outcome.failed > 0) {
    log_warning(
        fmt::format("{} tasks failed; `spikesweep status` lists them, --retry-failed runs them again", outcome.failed));
  }
  if (outcome.interrupted) {
    log_warning(outcome.unsaved
                    ? "interrupted; every finished task is on disk, but not every task in hand could be saved; the "
                      "same command resumes, and goes on with those from where they were saved before, or begins them "
                      "anew"
                    : "interrupted; every finished task is on disk; the same command resumes, and goes on with the "
                      "tasks in hand from where they were saved");
  }
  return outcome;
}

sweep_flags resolved(const rank_context& job, sweep_flags flags) {
  // SLURM starts a job of its queue again with the same arguments. The job must then resume, not start over. Rank 0
  // decides: the variables of SLURM need not reach every rank.
  flags.fresh = on_root(job.world, [&] {
    if (flags.fresh && restarts_of_job() > 0) {
      log_info("this SLURM job was requeued: it resumes, and --fresh has no effect");
      return false;
    }
    return flags.fresh;
  });
  return flags;
}

exit_code exit_code_of(const sweep_outcome& outcome) {
  if (outcome.interrupted) {
    return exit_code::interrupted;
  }
  return outcome.failed > 0 ? exit_code::failed_points : exit_code::done;
}

}  // namespace spikesweep
