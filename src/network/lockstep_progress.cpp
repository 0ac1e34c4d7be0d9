// How a task leaves its lane in the middle of its work, and how it goes on in another one.
#include <utility>

#include "lockstep_task.hpp"
#include "progress.hpp"

namespace spikesweep {

template <class Archive>
void lane_task::serialize(Archive& archive) {
  lanes_.serialize_lane(archive, lane_);
  archive& slice_s_& dropped_& base_& stop_& last_slice_& failed_& pool_sum_& pool_looks_& fork_network_& fork_time_;
  archive& procedure_;
}

unfinished_task lane_task::save(std::uint64_t step) {
  unfinished_task out{task_.label, share_done(), events(step), {}};
  out.progress.state = progress_bytes([&](auto& archive) {
    const std::uint64_t steps = step - first_step_;
    const lane_snapshot network = lanes_.save(lane_);
    archive << steps << network;
    serialize(archive);
  });
  out.progress.rows = procedure_.fresh_rows();
  return out;
}

void lane_task::resume(std::uint64_t step) {
  lanes_.wake(lane_, task_.network);
  const auto from = std::exchange(task_.progress, nullptr);
  read_progress(from->state, [&](auto& archive) {
    std::uint64_t steps = 0;
    lane_snapshot network;
    archive >> steps >> network;
    first_step_ = step - steps;
    lanes_.restore(lane_, network);
    serialize(archive);
  });
  procedure_.go_on_behind(from->rows);
}

}  // namespace spikesweep
