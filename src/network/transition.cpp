#include <spikesweep/network/transition.hpp>

namespace spikesweep {

transition_block::transition_block(const transition_layout& layout, std::int64_t rows) {
  resize(layout, rows);
}

void transition_block::resize(const transition_layout& layout, std::int64_t rows) {
  before.conservativeResize(rows, layout.state.size());
  after.conservativeResize(rows, layout.state.size());
  spikes.conservativeResize(rows, 2);
  spike_times_E.conservativeResize(rows, layout.time_bins);
  spike_times_I.conservativeResize(rows, layout.time_bins);
  const auto n = static_cast<std::size_t>(rows);
  duration.resize(n);
  phase.resize(n);
  perturbed.resize(n);
  capped.resize(n);
}

}  // namespace spikesweep
