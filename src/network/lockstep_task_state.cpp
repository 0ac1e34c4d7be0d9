// What a task reads from, and does to, the microscopic state of its lane.
#include <algorithm>
#include <cmath>
#include <vector>

#include "lockstep_task.hpp"
#include "synthetic.hpp"

namespace spikesweep {

void lane_task::coarse_grain(std::span<std::int32_t> state) const {
  const auto& layout = sampling_.layout.state;
  const int N_E = task_.network.N_E;
  std::fill(state.begin(), state.end(), 0);
  for (int i = 0; i < N_E + task_.network.N_I; ++i) {
    const int cell = cell_of_[static_cast<std::uint8_t>(lanes_.potential(lane_, i))];
    ++state[static_cast<std::size_t>(layout.first_cell(i < N_E ? population::E : population::I) + cell)];
  }
  for (int k = 0; k < pool_count; ++k) {
    const auto kind = static_cast<pool>(k);
    const std::int32_t count = lanes_.count(list_of(kind), lane_);
    state[static_cast<std::size_t>(layout.pending(kind))] = count;
    if (layout.target_width > 0) {
      const std::uint16_t* targets = lanes_.list(list_of(kind), lane_);
      std::int32_t* out = state.data() + layout.first_target(kind);
      for (std::int32_t i = 0; i < count; ++i) {
        ++out[target_cell_of_[static_cast<std::uint8_t>(lanes_.potential(lane_, targets[i]))]];
      }
    }
  }
}

void lane_task::fork() {
  fork_network_ = lanes_.save(lane_);
  fork_time_ = time();
}

void lane_task::come_back() {
  lanes_.restore(lane_, fork_network_);
  set_clock(fork_time_);
}

double lane_task::put_clock_back() {
  set_clock(fork_time_);
  return 0;
}

void lane_task::insert(lane_list k, int neuron, random_stream& stream) {
  const std::int32_t n = lanes_.count(k, lane_);
  lanes_.reserve(k, lane_, n + 1);
  std::uint16_t* list = lanes_.list(k, lane_);
  const std::uint32_t place = stream.below(static_cast<std::uint32_t>(n + 1));
  list[n] = list[place];
  list[place] = static_cast<std::uint16_t>(neuron);
  lanes_.size[static_cast<std::size_t>(k)][l_] = static_cast<float>(n + 1);
}

void lane_task::scale_pool(pool k, double factor, random_stream& stream) {
  const parameters& p = task_.network;
  const bool to_E = k == pool::EE || k == pool::EI;
  const std::int64_t now = lanes_.count(list_of(k), lane_);
  // One more than the bound is enough to run away; the kernel cannot address many more.
  const std::int64_t most = now + std::max<std::int64_t>(0, max_pending_ + 1 - lanes_.pending(lane_));
  const auto wanted =
      static_cast<std::int64_t>(std::min(std::floor(static_cast<double>(now) * factor), static_cast<double>(most)));
  // The last entries are uniform members.
  lanes_.size[static_cast<std::size_t>(list_of(k))][l_] = static_cast<float>(std::min(now, wanted));
  for (std::int64_t n = now; n < wanted; ++n) {
    const auto target = static_cast<int>(stream.below(static_cast<std::uint32_t>(to_E ? p.N_E : p.N_I)));
    insert(list_of(k), (to_E ? 0 : p.N_E) + target, stream);
  }
}

void lane_task::perturb(random_stream& stream) {
  lanes_.size[static_cast<std::size_t>(lane_list::refractory)][l_] = 0;
  std::vector<lane_potential> potentials = lanes_.potentials_of(lane_);
  perturb_network(
      task_.network, stream, potentials.data(), lane_refractory_mark,
      [&](pool k, double factor) { scale_pool(k, factor, stream); },
      [&](int neuron) { insert(lane_list::refractory, neuron, stream); });
  lanes_.set_potentials(lane_, potentials);
}

void lane_task::synthesize(random_stream& stream) {
  std::vector<lane_potential> potentials = lanes_.potentials_of(lane_);
  synthesize_network(task_.network, sampling_.layout.state, sampling_.synthetic_modes, stream, potentials.data(),
                     lane_refractory_mark, [&](pool k, double factor) { scale_pool(k, factor, stream); });
  lanes_.set_potentials(lane_, potentials);
}

}  // namespace spikesweep
