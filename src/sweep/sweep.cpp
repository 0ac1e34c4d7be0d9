#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/serialization/map.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/shared_files.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/cost_model.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "master.hpp"
#include "run_log.hpp"
#include "unfinished_work.hpp"
#include "worker.hpp"

namespace spikesweep {

namespace {

/// Time of a network event in the slowest simulator, for a sweep that has not finished a task yet [s].
constexpr double slow_s_per_event = 100e-9;

/// What is left to do, as rank 0 finds it.
struct remaining_work {
  std::vector<std::int64_t> tasks;
  suspect_tasks suspects;                     ///< Others, to be run in quarantine.
  std::vector<std::int64_t> retried;          ///< Of both, the ones that had failed.
  std::vector<std::pair<int, double>> costs;  ///< Point and events of tasks done.
  unfinished_work unfinished;                 ///< How far earlier runs came with those to do.

  std::size_t left() const { return tasks.size() + suspects.tasks.size(); }
  sweep_outcome counts;
};

/// How often the job crashed with the task in hand since the task last came further.
int crashes_of(std::int64_t task, const task_provenance& provenance, const unfinished_work& unfinished) {
  const auto saved = unfinished.tasks.find(task);
  return provenance.attempts - (saved == unfinished.tasks.end() ? 0 : saved->second.attempts);
}

remaining_work find_work(const std::filesystem::path& file, const sweep_description& description,
                         const std::vector<std::int64_t>& damaged, bool retry_failed) {
  const sweep_reader reader(file);
  const std::vector<task_record> records = reader.records();
  const std::vector<task_provenance> provenance = reader.provenance();
  const std::set<std::int64_t> untrusted(damaged.begin(), damaged.end());
  remaining_work work;
  work.unfinished = find_unfinished_work(file, description, records);
  work.counts.total = description.tasks();
  work.counts.damaged = static_cast<std::int64_t>(damaged.size());
  double core_s = 0;
  double events = 0;
  for (std::int64_t task = 0; task < description.tasks(); ++task) {
    const auto at = static_cast<std::size_t>(task);
    const bool trusted = !untrusted.contains(task);
    if (trusted && records[at].state == task_state::done) {
      ++work.counts.done;
      ++work.counts.resumed;
      work.costs.emplace_back(static_cast<int>(description.identity(task).point),
                              static_cast<double>(records[at].summary.events));
      core_s += provenance[at].core_s;
      events += static_cast<double>(records[at].summary.events);
      continue;
    }
    const bool failed = trusted && records[at].state != task_state::pending;
    if (failed && !retry_failed) {
      ++work.counts.failed;
      continue;
    }
    if (failed) {
      work.retried.push_back(task);
    }
    const bool suspect = failed ? records[at].state == task_state::crashed
                                : records[at].state == task_state::pending &&
                                      crashes_of(task, provenance[at], work.unfinished) >= suspect_after;
    (suspect ? work.suspects.tasks : work.tasks).push_back(task);
  }
  work.suspects.s_per_event = core_s > 0 && events > 0 ? core_s / events : slow_s_per_event;
  return work;
}

/// Makes tasks that had failed as good as new. Rank 0 alone has the file open.
void reset_failed(const std::filesystem::path& file, const sweep_description& description,
                  const std::vector<std::int64_t>& tasks) {
  if (tasks.empty()) {
    return;
  }
  sweep_writer alone(self(), file, description);
  for (const std::int64_t task : tasks) {
    alone.reset_task(task);
  }
  alone.close();
}

/// Runs tasks until there are no more. What it returns counts on rank 0 only.
sweep_outcome work_off(const communicator& ranks, task_runner& runner, int width, sweep_writer& writer,
                       const sweep_description& description, const sweep_options& options, const remaining_work& work) {
  if (ranks.rank() != 0) {
    worker(ranks, runner).run();
    return {};
  }
  writer.log(begin_line(ranks.size(), work.left(), work.counts, work.counts.damaged));
  cost_model costs(description);
  for (const auto& [point, events] : work.costs) {
    costs.learn(point, events);
  }
  std::vector<scheduled_task> waiting;
  for (const std::int64_t task : work.tasks) {
    waiting.push_back({task, cost_left(costs, description, work.unfinished, task)});
  }
  scheduler tasks(std::move(waiting), ranks.size(), width);
  const sweep_outcome outcome = [&] {
    const interrupt_note note([&writer] { writer.log(asked_line()); });
    return master(ranks, runner, description, tasks, costs, work.unfinished, work.suspects, options, work.counts).run();
  }();
  writer.log(end_line(outcome));
  return outcome;
}

/// Takes the job down from within a catch, or throws on if this rank is alone.
void abort_if_others_wait(const communicator& ranks, const std::exception& error) {
  if (ranks.size() > 1) {
    abort_job(ranks, error);
  }
}

sweep_outcome simulate(const communicator& ranks, sweep_writer& writer, const sweep_description& description,
                       task_simulator& simulator, const sweep_options& options, remaining_work work) {
  try {
    broadcast(ranks, work.unfinished);
    task_saver saver(work.unfinished, description, ranks.rank(), options.save_every_s);
    task_runner runner(simulator, description, writer, saver, ranks.rank());
    const sweep_outcome outcome = work_off(ranks, runner, simulator.width(), writer, description, options, work);
    writer.close();
    return outcome;
  } catch (const std::exception& error) {
    // Here, while the writer lives: to destroy it is collective, and the others are elsewhere.
    abort_if_others_wait(ranks, error);
    throw;
  }
}

void broadcast_outcome(const communicator& ranks, sweep_outcome& outcome) {
  broadcast_bytes(ranks, outcome);
}

/// Sees to it that the file is there and is of this sweep; true if it may hold finished tasks. Rank 0 alone.
bool prepare_file(const std::filesystem::path& file, const sweep_description& description,
                  const sweep_options& options) {
  std::error_code unknown;
  if (!std::filesystem::exists(file, unknown)) {
    create_sweep_file(file, description);
    return false;
  }
  switch (options.existing) {
    case existing_file::resume:
      // The file is written where it is: its other names may be somebody's backup, and are not locked.
      if (std::filesystem::hard_link_count(file) > 1) {
        throw input_error(file.string() +
                          " has another name (a hard link), under which it would change, too; copy it and remove one");
      }
      break;
    case existing_file::extend:
      check_unused(file);
      extend_sweep_file(file, description, [&file] {
        if (interrupted()) {
          throw interrupted_error("interrupted before " + file.string() +
                                  " was extended; it is as it was, and the same command extends it");
        }
      });
      break;
    case existing_file::replace:
      check_unused(file);
      replace_sweep_file(file, description);
      for (const std::filesystem::path& stale : options.made_from_it) {
        std::filesystem::remove(stale);
      }
      remove_unfinished(unfinished_directory(file));
      return false;
  }
  check_sweep_file(file, description);
  return true;
}

}  // namespace

network_task task_of(const sweep_description& description, std::int64_t task) {
  const task_identity identity = description.identity(task);
  return {parameters_at(description.points, description.base, static_cast<int>(identity.point)), identity, task};
}

sweep_outcome run_sweep(const communicator& communicator_of_caller, const std::filesystem::path& file,
                        const sweep_description& description, task_simulator& simulator, const sweep_options& options) {
  const communicator ranks = duplicate(communicator_of_caller);
  const interrupt_guard guard;
  const auto start = steady_clock::now();
  std::optional<file_lock> lock;
  const bool resumes = on_root(ranks, [&] {
    lock.emplace(file);
    remove_leftovers(file);
    return prepare_file(file, description, options);
  });
  check_shared(ranks, file);
  const auto damaged = resumes ? find_damaged(ranks, file, {}, options.tested) : std::vector<std::int64_t>();
  remaining_work work;
  std::size_t left = on_root(ranks, [&] {
    work = find_work(file, description, damaged, options.retry_failed);
    reset_failed(file, description, work.retried);
    return work.left();
  });
  sweep_outcome outcome = work.counts;
  if (left > 0) {
    sweep_writer writer(ranks, file, description);
    outcome = simulate(ranks, writer, description, simulator, options, std::move(work));
  }
  if (ranks.rank() == 0 && !outcome.interrupted) {
    remove_unfinished(unfinished_directory(file));
  }
  outcome.wall_s = seconds_since(start);
  broadcast_outcome(ranks, outcome);
  return outcome;
}

sweep_outcome run_sweep(const communicator& ranks, const std::filesystem::path& file,
                        const sweep_description& description, const sweep_options& options) {
  const std::unique_ptr<network_simulator> simulator =
      make_simulator(description.base.model, description.section, description.sampling, description.seed);
  return run_sweep(ranks, file, description, *simulator, options);
}

}  // namespace spikesweep
