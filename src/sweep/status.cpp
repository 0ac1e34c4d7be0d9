#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/status.hpp>

namespace spikesweep {

namespace {

/// Sums of the done tasks of a point.
struct point_sums {
  double spikes_E = 0;
  double spikes_I = 0;
  double active = 0;
  double capped = 0;
  double empty = 0;
};

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

void count_done(const task_record& record, double core_s, sweep_status& status, point_status& point, point_sums& sums) {
  ++status.done;
  ++point.done;
  status.samples += record.rows;
  status.core_s += core_s;
  status.simulated_s += record.summary.simulated_s;
  point.simulated_s += record.summary.simulated_s;
  sums.spikes_E += static_cast<double>(record.summary.spikes_E);
  sums.spikes_I += static_cast<double>(record.summary.spikes_I);
  sums.active += static_cast<double>(record.summary.phases);
  sums.capped += static_cast<double>(record.summary.capped);
  sums.empty += static_cast<double>(record.summary.empty);
}

void count_other(const task_record& record, const task_provenance& provenance, sweep_status& status,
                 point_status& point) {
  switch (record.state) {
    case task_state::runaway:
      ++status.runaway;
      break;
    case task_state::time_cap:
      ++status.time_cap;
      break;
    case task_state::crashed:
      ++status.crashed;
      break;
    default:
      ++status.pending;
      ++point.pending;
      status.started += provenance.attempts > 0 ? 1 : 0;
      return;
  }
  ++point.failed;
}

}  // namespace

sweep_status read_status(const std::filesystem::path& file) {
  const sweep_reader reader(file);
  const sweep_description& d = reader.description();
  const std::vector<task_record> records = reader.records();
  const std::vector<task_provenance> provenance = reader.provenance();
  sweep_status status;
  status.version = reader.version();
  status.log = reader.log();
  status.total = d.tasks();
  status.points.resize(static_cast<std::size_t>(d.points.size()));
  std::vector<point_sums> sums(status.points.size());
  for (std::size_t task = 0; task < records.size(); ++task) {
    const std::size_t at = d.identity(static_cast<std::int64_t>(task)).point;
    if (records[task].state == task_state::done) {
      count_done(records[task], provenance[task].core_s, status, status.points[at], sums[at]);
    } else {
      count_other(records[task], provenance[task], status, status.points[at]);
    }
  }
  for (int i = 0; i < d.points.size(); ++i) {
    point_status& point = status.points[static_cast<std::size_t>(i)];
    const point_sums& sum = sums[static_cast<std::size_t>(i)];
    const parameters p = parameters_at(d.points, d.base, i);
    point.rate_E = ratio(sum.spikes_E, point.simulated_s * p.N_E);
    point.rate_I = ratio(sum.spikes_I, point.simulated_s * p.N_I);
    point.capped_share = ratio(sum.capped, sum.active);
    // Active and quiet phases alternate, and only the active ones are counted; a step is both.
    point.empty_share = ratio(sum.empty, d.section.kind == section_kind::interval ? sum.active : 2 * sum.active);
    (point.failed > 0    ? status.failed_points
     : point.pending > 0 ? status.pending_points
                         : status.done_points)
        .push_back(i);
  }
  return status;
}

}  // namespace spikesweep
