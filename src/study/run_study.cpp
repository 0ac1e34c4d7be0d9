#include <optional>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/study/refine.hpp>
#include <spikesweep/study/report.hpp>
#include <spikesweep/study/run_directory.hpp>
#include <spikesweep/study/run_study.hpp>
#include <spikesweep/study/train_step.hpp>
#include <spikesweep/study/validate_step.hpp>
#include <spikesweep/study/validation_text.hpp>

#include "step_record.hpp"

namespace spikesweep {

namespace {

void make_directory(const run_directory& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory.path, failure);
  if (failure && !std::filesystem::is_directory(directory.path)) {
    throw input_error("output directory '" + directory.path.string() + "' cannot be made: " + failure.message() +
                      "; name another with -o");
  }
}

/// Removes the checkpoints that are older than the sweep file: they learnt from other data.
void drop_stale_checkpoints(const run_directory& directory) {
  for (const std::filesystem::path& checkpoint : directory.checkpoints()) {
    std::error_code failure;
    const auto saved = std::filesystem::last_write_time(checkpoint, failure);
    if (!failure && saved < std::filesystem::last_write_time(directory.sweep())) {
      log_info("train: starts afresh, the sweep has changed since " + checkpoint.string());
      std::filesystem::remove(checkpoint);
    }
  }
}

void check_study(const rank_context& job, const configuration& config) {
  if (config.design.test_points == 0 && config.design.test_at.empty()) {
    throw input_error(config.source +
                      ": key 'design.test_points' = 0 leaves nothing to validate at; allowed: at least 1, or points in "
                      "'design.test_at'");
  }
  check_precision(job, config);
}

/// One call of run_study. Every function is collective.
class study_run {
 public:
  study_run(const rank_context& job, const configuration& config, const run_directory& directory,
            const study_hooks& hooks)
      : job_(job), config_(config), directory_(directory), hooks_(hooks) {}

  const step_times& times() const { return times_; }

  sweep_outcome sweep(const sweep_description& description, const sweep_flags& flags) {
    const sweep_outcome outcome =
        sweep_with_progress(job_, directory_.sweep(), description, flags, directory_.made_from_sweep());
    if (!outcome.interrupted) {
      times_.add("sweep", outcome.wall_s);
      on_root(job_.world, [&] {
        write_text(directory_.config(), config_.text);
        drop_stale_checkpoints(directory_);
      });
    }
    return outcome;
  }

  void train() {
    const std::string settings = settings_text(config_, {config_group::sweep, config_group::learning});
    step("train", directory_.model(), directory_.sweep(), settings, [&] {
      const model m = train_surrogate(job_, config_, directory_.sweep(), directory_.model());
      on_root(job_.world, [&] {
        if (hooks_.trained) {
          hooks_.trained(m);
        }
      });
    });
  }

  /// Adds the points of one more round to the description.
  void refine(sweep_description& description) {
    const auto begin = steady_clock::now();
    add_round(job_, config_, directory_.model(), description);
    times_.add("refine", seconds_since(begin));
  }

  /// True if it ran: its result was not up to date.
  bool validate() {
    const std::string settings =
        settings_text(config_, {config_group::sweep, config_group::learning, config_group::validation});
    return step("validate", directory_.validation(), directory_.model(), settings, [&] {
      const validation_result result =
          validate_surrogate(job_, config_, directory_.sweep(), directory_.model(), directory_.validation());
      on_root(job_.world, [&] {
        std::ostringstream table;
        print_validation(result, table);
        write_text(directory_.table(), table.str());
      });
    });
  }

 private:
  /// Runs a step unless its result is up to date. Returns whether it ran.
  template <class Step>
  bool step(const std::string& name, const std::filesystem::path& result, const std::filesystem::path& from,
            const std::string& settings, Step run) {
    if (on_root(job_.world, [&] { return is_up_to_date(result, from, settings); })) {
      log_info(fmt::format("{}: {} is up to date", name, result.string()));
      return false;
    }
    const auto begin = steady_clock::now();
    run();
    on_root(job_.world, [&] { write_text(run_directory::settings_of(result), settings); });
    times_.add(name, seconds_since(begin));
    return true;
  }

  const rank_context& job_;
  const configuration& config_;
  const run_directory& directory_;
  const study_hooks& hooks_;
  step_times times_;
};

}  // namespace

sweep_outcome run_study(const rank_context& job, const configuration& config, const std::filesystem::path& path,
                        const sweep_flags& flags, const std::string& command, const study_hooks& hooks) {
  check_study(job, config);
  const interrupt_guard guard;  // A signal between two steps counts, too.
  const run_directory directory{path};
  sweep_flags counting = resolved(flags);
  sweep_description description = describe_sweep(config, directory.sweep(), counting);
  std::optional<file_lock> lock;  // For the steps after the sweep: the sweep has a lock of its own.
  on_root(job.world, [&] {
    make_directory(directory);
    lock.emplace(directory.path / "");
  });
  report_launch(job.world);

  study_run study(job, config, directory, hooks);
  sweep_outcome swept;
  for (;;) {
    swept = study.sweep(description, counting);
    if (swept.interrupted) {
      return swept;
    }
    study.train();
    if (rounds_of(description.points) >= config.refine.rounds) {
      break;
    }
    study.refine(description);
    counting.fresh = counting.retry_failed = false;
    counting.extend = true;
  }
  const bool validated = study.validate();
  on_root(job.world, [&] {
    if (validated) {
      write_run_record(directory, command, job.ranks(), study.times());
    }
    log_info("report: drawing");
    write_report(directory.path);
  });
  return swept;
}

}  // namespace spikesweep
