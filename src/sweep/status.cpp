#include <algorithm>
#include <limits>
#include <map>

#include <spikesweep/network/simulators.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/cost_model.hpp>
#include <spikesweep/sweep/status.hpp>

#include "unfinished_work.hpp"

namespace spikesweep {

namespace {

/// Clocks of two hosts, and the second to which the log counts, may differ by this much [s].
constexpr double clock_tolerance_s = 5;

/// Until a sync that is due has ended, on a slow disk [s].
constexpr double sync_takes_s = 5;

/// Sums of the done tasks of a point.
struct point_sums {
  double spikes_E = 0;
  double spikes_I = 0;
  double active = 0;
  double capped = 0;
  double empty = 0;
};

/// What became of a task.
enum class fate { waiting, started, done, runaway, time_cap, crashed };

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : std::numeric_limits<double>::quiet_NaN();
}

fate fate_of(const task_record& record, const task_provenance& provenance) {
  switch (record.state) {
    case task_state::done:
      return fate::done;
    case task_state::runaway:
      return fate::runaway;
    case task_state::time_cap:
      return fate::time_cap;
    case task_state::crashed:
      return fate::crashed;
    case task_state::pending:
      break;
  }
  return provenance.attempts > 0 ? fate::started : fate::waiting;
}

void count_done(const task_record& record, double core_s, sweep_status& status, point_status& point, point_sums& sums) {
  ++status.done;
  ++point.done;
  status.samples += record.rows;
  status.core_s += core_s;
  status.simulated_s += record.summary.simulated_s;
  point.simulated_s += record.summary.simulated_s;
  point.left_out += record.summary.left_out;
  sums.spikes_E += static_cast<double>(record.summary.spikes_E);
  sums.spikes_I += static_cast<double>(record.summary.spikes_I);
  sums.active += static_cast<double>(record.summary.phases);
  sums.capped += static_cast<double>(record.summary.capped);
  sums.empty += static_cast<double>(record.summary.empty);
}

void count_left(bool started, sweep_status& status, point_status& point) {
  ++status.pending;
  ++point.pending;
  status.started += started ? 1 : 0;
}

void count_failed(fate end, int attempts, sweep_status& status, point_status& point) {
  ++(end == fate::runaway ? status.runaway : end == fate::time_cap ? status.time_cap : status.crashed);
  ++(end == fate::runaway ? point.runaway : end == fate::time_cap ? point.time_cap : point.crashed);
  point.attempts = std::max(point.attempts, attempts);
}

void add_figures(const sweep_description& d, const parameters& p, const point_sums& sum, point_status& point) {
  point.rate_E = ratio(sum.spikes_E, point.simulated_s * p.N_E);
  point.rate_I = ratio(sum.spikes_I, point.simulated_s * p.N_I);
  point.capped_share = ratio(sum.capped, sum.active);
  // Active and quiet phases alternate, and only the active ones are counted; a step is both.
  point.empty_share = ratio(sum.empty, d.section.kind == section_kind::interval ? sum.active : 2 * sum.active);
}

void sort_points(sweep_status& status) {
  for (int i = 0; i < status.swept.size(); ++i) {
    const point_status& point = status.points[static_cast<std::size_t>(i)];
    (point.failed() > 0  ? status.failed_points
     : point.pending > 0 ? status.pending_points
                         : status.done_points)
        .push_back(i);
  }
}

/// Counts one task; gives what the pace rests on.
paced_task count_task(const task_record& record, const task_provenance& provenance, sweep_status& status,
                      point_status& point, point_sums& sums) {
  const fate end = fate_of(record, provenance);
  const bool left = end == fate::waiting || end == fate::started;
  if (end == fate::done) {
    count_done(record, provenance.core_s, status, point, sums);
  } else if (left) {
    count_left(end == fate::started, status, point);
  } else {
    count_failed(end, provenance.attempts, status, point);
  }
  // What a process that died took says nothing of what others will.
  return {0, left, provenance.core_s, end == fate::crashed ? 0 : provenance.finished_at};
}

/// Whether a run that has not ended in good order may not have forced this task to the disk at `now`.
bool is_unsynced(double finished_at, const std::optional<sweep_run>& run, double now) {
  return run && !run->ended && finished_at >= run->started_at &&
         finished_at > now - sweep_writer::sync_every_s - sync_takes_s;
}

std::vector<paced_task> count_tasks(const sweep_reader& reader, const std::vector<task_record>& records,
                                    const std::map<std::int64_t, saved_task>& saved, double now, sweep_status& status) {
  const sweep_description& d = reader.description();
  const std::vector<task_provenance> provenance = reader.provenance();
  std::vector<point_sums> sums(status.points.size());
  std::vector<double> costs;
  costs.reserve(status.points.size());
  for (int i = 0; i < d.points.size(); ++i) {
    costs.push_back(expected_events(d, i));
  }
  std::vector<paced_task> paced;
  paced.reserve(records.size());
  for (std::size_t task = 0; task < records.size(); ++task) {
    const std::size_t at = d.identity(static_cast<std::int64_t>(task)).point;
    paced.push_back(count_task(records[task], provenance[task], status, status.points[at], sums[at]));
    const auto in_hand = saved.find(static_cast<std::int64_t>(task));
    paced.back().cost = costs[at] * (in_hand == saved.end() ? 1 : share_left(in_hand->second));
    if (!paced.back().left && is_unsynced(provenance[task].finished_at, status.run, now)) {
      ++status.unsynced;
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    add_figures(d, parameters_at(d.points, d.base, static_cast<int>(i)), sums[i], status.points[i]);
  }
  return paced;
}

sweep_activity activity_of(const lock_holder& job, const std::optional<sweep_run>& run) {
  const bool may_be_at_work = run && !run->ended;
  switch (job.state) {
    case lock_state::held:
      // Without a word of this job in the log yet, what is there is of an earlier one.
      return may_be_at_work && run->started_at + clock_tolerance_s >= job.since ? sweep_activity::running
                                                                                : sweep_activity::preparing;
    case lock_state::unknown:
      return may_be_at_work ? sweep_activity::unknown : sweep_activity::stopped;
    case lock_state::free:
      break;
  }
  return sweep_activity::stopped;
}

}  // namespace

sweep_status read_status(const std::filesystem::path& file, std::chrono::system_clock::time_point now) {
  sweep_status status;
  status.job = find_lock_holder(file);
  const sweep_reader reader(file);
  const sweep_description& d = reader.description();
  status.version = reader.version();
  status.log = reader.log();
  status.run = last_run(status.log);
  status.activity = activity_of(status.job, status.run);
  status.total = d.tasks();
  status.swept = d.points;
  status.points.resize(static_cast<std::size_t>(d.points.size()));
  const double now_s = clock_of(status.job, std::chrono::duration<double>(now.time_since_epoch()).count());
  const std::vector<task_record> records = reader.records();
  const auto saved = find_saved_tasks(unfinished_directory(file), d, records);
  status.saved = static_cast<std::int64_t>(saved.size());
  const std::vector<paced_task> paced = count_tasks(reader, records, saved, now_s, status);
  status.pace = pace_of(paced, status.run, simulator_of_tasks(d.base.model, d.sampling.simulation).width, now_s);
  if (status.activity == sweep_activity::stopped || status.activity == sweep_activity::preparing) {
    status.pace.left_s = std::numeric_limits<double>::quiet_NaN();
  }
  sort_points(status);
  return status;
}

}  // namespace spikesweep
