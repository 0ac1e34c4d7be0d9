#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/origin.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/study/design_points.hpp>
#include <spikesweep/study/grown_sweep.hpp>
#include <spikesweep/study/refine.hpp>
#include <spikesweep/study/report.hpp>
#include <spikesweep/study/run_directory.hpp>
#include <spikesweep/study/run_record.hpp>
#include <spikesweep/study/run_study.hpp>
#include <spikesweep/study/train_step.hpp>
#include <spikesweep/study/training_check.hpp>
#include <spikesweep/study/validate_step.hpp>
#include <spikesweep/surrogate/validation.hpp>
#include <spikesweep/sweep/status.hpp>

#include "settings_text.hpp"

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

/// Keeps files aside that this run would write and no run has written. Rank 0 alone.
void keep_foreign_files(const run_directory& directory) {
  if (!read_run_record(directory.record()).empty()) {
    return;
  }
  for (const auto& file : {directory.record(), directory.config(), directory.table(), directory.report()}) {
    keep_aside(file);
  }
}

void check_study(const rank_context& job, const configuration& config, const sweep_description& description) {
  if (std::ranges::count(description.points.roles, point_role::test) == 0) {
    throw input_error(config.source +
                      ": key 'design.test_points' = 0 leaves nothing to validate at; allowed: at least 1, or points in "
                      "'design.test_at'");
  }
  check_precision(job, config);
  check_training(config.learning, description, job.ranks());
}

/// One call of run_study. Every function is collective.
class study_run {
 public:
  study_run(const rank_context& job, const configuration& config, const run_directory& directory,
            const std::string& command, const study_hooks& hooks, bool read_only)
      : job_(job), config_(config), directory_(directory), hooks_(hooks), read_only_(read_only) {
    std::vector<std::string> nodes = node_names(job.world);
    on_root(job.world, [&] {
      if (!read_only) {
        record_.emplace(directory, this_call(command, std::move(nodes)));
      }
    });
  }

  /// Calls `steps`, and keeps in run.json how they ended.
  sweep_outcome recorded(const std::function<sweep_outcome()>& steps) {
    const auto note = [this](const std::function<void(run_record&)>& end) {
      try {
        record([&end](run_record& r) { end(r); });
      } catch (const std::exception& error) {
        log_warning(error.what());  // What ended the call counts.
      }
    };
    const interrupt_note asked([&note] { note([](run_record& r) { r.ask(); }); });
    try {
      const sweep_outcome outcome = steps();
      if (outcome.interrupted) {
        note([](run_record& r) { r.end(call_state::interrupted); });
      }
      return outcome;
    } catch (const interrupted_error&) {
      note([](run_record& r) { r.end(call_state::interrupted); });
      throw;
    } catch (const input_error& error) {
      note([&error](run_record& r) { r.refuse(error.what()); });
      throw;
    } catch (const std::exception& error) {
      note([&error](run_record& r) { r.end(call_state::failed, error.what()); });
      throw;
    }
  }

  sweep_outcome sweep(const sweep_description& description, const sweep_flags& flags) {
    if (read_only_) {
      return finished_sweep(description);
    }
    on_root(job_.world, [&] { record([](run_record& r) { r.begin_step("sweep"); }); });
    const sweep_outcome outcome =
        sweep_with_progress(job_, directory_.sweep(), description, flags, directory_.made_from_sweep(), &tested_);
    on_root(job_.world, [&] {
      record([&](run_record& r) {
        r.end_step(outcome.ended > 0 || outcome.interrupted);
        if (flags.fresh) {
          r.forget_earlier();
        }
      });
      if (!outcome.interrupted) {
        write_config();
      }
    });
    return outcome;
  }

  void train(const sweep_description& description) {
    // The directory may have been moved meanwhile, and another sweep may lie in its place.
    on_root(job_.world, [&] { check_sweep_file(directory_.sweep(), description); });
    step(
        "train", directory_.model(), [this] { return model_origin(); },
        [&] {
          const model m = train_surrogate(job_, config_, directory_.sweep(), directory_.model(),
                                          foreign_checkpoint::keep_aside, &tested_);
          on_root(job_.world, [&] {
            if (hooks_.trained) {
              hooks_.trained(m);
            }
          });
        });
  }

  /// Adds the points of one more round to the description.
  void refine(sweep_description& description) {
    on_root(job_.world, [&] { record([](run_record& r) { r.begin_step("refine"); }); });
    add_round(job_, config_, directory_.model(), description);
    on_root(job_.world, [&] { record([](run_record& r) { r.end_step(); }); });
  }

  void validate() {
    // Another training may have put its model there meanwhile. From now on it is refused.
    const input_lock model_in_use(directory_.model());
    on_root(job_.world, [&] {
      if (origin_of(directory_.model()) != model_origin()) {
        throw input_error(
            directory_.model().string() +
            " was replaced while this run was at work, by a model of other settings or another sweep; the "
            "same command trains again");
      }
    });
    const auto wanted = [&] { return validation_origin(config_, directory_.model()); };
    step("validate", directory_.validation(), wanted, [&] {
      validate_surrogate(job_, config_, directory_.sweep(), directory_.model(), directory_.validation(), &tested_);
    });
    on_root(job_.world, [&] {
      // An interrupt, or `validate` on its own, may have left the table of another validation.
      const auto table = find_validation_table(directory_.validation());
      if (!read_only_ && table && find_text(directory_.table()) != table) {
        write_text(directory_.table(), *table);
      }
    });
  }

  void report() {
    on_root(job_.world, [&] {
      if (read_only_) {
        return;
      }
      // The report shows the record, and no result depends on the report: so the call is done before.
      record([](run_record& r) { r.end(call_state::done); });
      log_info("report: drawing");
      write_report(directory_.path);
    });
  }

 private:
  /// What the model of this run is made from. Rank 0 alone.
  origin model_origin() const {
    return {sweep_reader(directory_.sweep()).digest(),
            settings_text(config_, {config_group::sweep, config_group::learning})};
  }

  /// The config in force, and its points beside it. In between the old config has the new points. With these it is not
  /// the config of the sweep that is here, so a run with it is refused, and the same command as before writes both
  /// again. Rank 0 alone.
  void write_config() const {
    if (config_.design.first.size() > 0) {
      const std::string points = points_text(config_.design.first);
      const auto there = find_text(directory_.points());
      if (there != points) {
        if (!there || !points.starts_with(*there)) {  // Points that a run has extended begin like the earlier ones.
          keep_aside(directory_.points());
        }
        write_text(directory_.points(), points);
      }
    }
    write_text(directory_.config(), config_.text);
  }

  run_call this_call(const std::string& command, std::vector<std::string> nodes) const {
    run_call call;
    call.command = command;
    call.host = host_name();
    call.nodes = std::move(nodes);
    call.version = SPIKESWEEP_VERSION;
    call.process = ::getpid();
    call.ranks = job_.ranks();
    call.learning = config_.learning;
    call.refine_rounds = config_.refine.rounds;
    return call;
  }

  /// On rank 0, unless the directory can only be read.
  void record(const std::function<void(run_record&)>& change) {
    const std::lock_guard alone(record_access_);
    if (record_) {
      change(*record_);
    }
  }

  /// The outcome of a sweep that has to be done: nothing can be written.
  sweep_outcome finished_sweep(const sweep_description& description) const {
    sweep_outcome outcome;
    on_root(job_.world, [&] {
      check_sweep_file(directory_.sweep(), description);
      const sweep_status status = read_status(directory_.sweep());
      if (status.pending > 0) {
        refuse_to_write("its sweep is not finished");
      }
      outcome.total = status.total;
      outcome.done = outcome.resumed = status.done;
      outcome.failed = status.failed();
    });
    broadcast_bytes(job_.world, outcome);
    return outcome;
  }

  [[noreturn]] void refuse_to_write(const std::string& why) const {
    throw environment_error(fmt::format("'{}' cannot be written, and {}; get the right to write, or copy it",
                                        directory_.path.string(), why));
  }

  /// Runs a step unless its result is up to date: made from what it would be made from now. What is not is kept aside.
  /// `wanted` is called on rank 0.
  template <class Step>
  void step(const std::string& name, const std::filesystem::path& result, const std::function<origin()>& wanted,
            Step run) {
    const bool up_to_date = on_root(job_.world, [&] {
      const bool same = origin_of(result) == wanted();
      if (!same && read_only_) {
        refuse_to_write(result.filename().string() + " is not up to date");
      }
      if (!same) {
        keep_aside(result);
        record([&name](run_record& r) { r.begin_step(name); });
      }
      return same;
    });
    if (up_to_date) {
      log_info(fmt::format("{}: {} is up to date", name, result.string()));
      return;
    }
    run();
    on_root(job_.world, [&] { record([](run_record& r) { r.end_step(); }); });
  }

  const rank_context& job_;
  const configuration& config_;
  const run_directory& directory_;
  const study_hooks& hooks_;
  bool read_only_;
  std::mutex record_access_;  ///< A signal is noted by another thread.
  std::optional<run_record> record_;
  tested_tasks tested_;  ///< Of the sweep: each step needs it sound, and one reading of its rows shows that.
};

}  // namespace

sweep_outcome run_study(const rank_context& job, const configuration& given, const std::filesystem::path& path,
                        const sweep_flags& flags, const std::string& command, const study_hooks& hooks) {
  const interrupt_guard guard;  // A signal between two steps counts, too.
  const run_directory directory{path};
  sweep_flags counting = resolved(job, flags);
  const configuration config = config_of_sweep(job.world, given, directory.sweep(), counting);
  sweep_description description = describe_sweep(job.world, config, directory.sweep(), counting);
  check_study(job, config, description);
  std::optional<file_lock> lock;  // For the steps after the sweep: the sweep has a lock of its own.
  const bool read_only = on_root(job.world, [&] {
    make_directory(directory);
    // Somebody who may only read the results of others can still ask whether they are up to date, and for the table.
    if (::access(directory.path.c_str(), W_OK) != 0 && !flags.fresh && !flags.extend) {
      log_info(directory.path.string() + " can only be read: nothing in it is changed");
      return true;
    }
    lock.emplace(directory.path / "");
    keep_foreign_files(directory);
    return false;
  });
  report_launch(job.world);

  study_run study(job, config, directory, command, hooks, read_only);
  return study.recorded([&] {
    for (;;) {
      const sweep_outcome swept = study.sweep(description, counting);
      if (swept.interrupted) {
        return swept;
      }
      study.train(description);
      if (rounds_of(description.points) >= config.refine.rounds) {
        study.validate();
        study.report();
        return swept;
      }
      study.refine(description);
      counting.fresh = counting.retry_failed = false;
      counting.extend = true;
    }
  });
}

}  // namespace spikesweep
