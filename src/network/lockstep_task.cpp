#include "lockstep_task.hpp"

#include <algorithm>
#include <limits>

namespace spikesweep {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
/// External kicks in a slice: few enough for float time, many enough that slices cost nothing.
constexpr double kicks_in_slice = 4096;
constexpr double longest_slice_s = 1;

double slice_length(const parameters& p) {
  return std::min(longest_slice_s, kicks_in_slice / p.external_kicks());
}

}  // namespace

lane_task::lane_task(lockstep_lanes& lanes, int lane, const network_task& task, const section_settings& section,
                     const sampling_settings& sampling, double follow_s)
    : lanes_(lanes),
      lane_(lane),
      l_(static_cast<std::size_t>(lane)),
      task_(task),
      sampling_(sampling),
      max_pending_(std::min(sampling.max_pending, max_pending_limit)),
      slice_s_(slice_length(task.network)),
      procedure_(*this, task_, section, sampling, follow_s) {
  const auto& layout = sampling_.layout.state;
  for (int v = reversal_potential; v < threshold_potential; ++v) {
    cell_of_[static_cast<std::uint8_t>(v)] = layout.bin_of(v);
    if (layout.target_width > 0) {
      target_cell_of_[static_cast<std::uint8_t>(v)] = layout.target_cell_of(v);
    }
  }
  target_cell_of_[static_cast<std::uint8_t>(lane_refractory_mark)] = std::max(0, layout.target_cells() - 1);
  cell_of_[static_cast<std::uint8_t>(lane_refractory_mark)] = layout.bins();
  lanes_.assign(lane_, task_.network, task_.identity.point, task_.identity.replicate);
}

void lane_task::start(std::uint64_t step) {
  first_step_ = step;
  random_stream initial(task_.identity.seed, purpose::task, task_.identity.point, task_.identity.replicate);
  const int neurons = task_.network.N_E + task_.network.N_I;
  for (int i = 0; i < neurons; ++i) {
    lanes_.potential(lane_, i) = static_cast<lane_potential>(initial.below(threshold_potential));
  }
  lanes_.wake(lane_, task_.network);
  go_on();
}

void lane_task::change_parameters(const parameters& p) {
  lanes_.set_parameters(lane_, p);
  lanes_.wake(lane_, p);
  slice_s_ = slice_length(p);
}

bool lane_task::go_on() {
  switch (procedure_.next()) {
    case wish::run:
      run_to(procedure_.until());
      break;
    case wish::measure_pool:
      pool_sum_ = 0;
      pool_looks_ = 0;
      run_to(time() + mean_pool_every_s);
      break;
    case wish::cut_phase: {
      const double latest = procedure_.cutter().begin(time(), lanes_.count(lane_list::EE, lane_));
      run_to(std::min(latest, procedure_.until()));
      break;
    }
    case wish::nothing:
      return true;
  }
  return false;
}

void lane_task::set_clock(double time) {
  base_ = time;
  lanes_.time[l_] = 0;
}

void lane_task::run_to(double stop) {
  set_clock(time());
  stop_ = stop;
  begin_slice();
}

void lane_task::begin_slice() {
  const double left = stop_ - base_;
  last_slice_ = left <= slice_s_;
  lanes_.slice[l_] = static_cast<float>(last_slice_ ? left : slice_s_);
  set_levels();
}

void lane_task::set_levels() {
  const bool cuts = procedure_.next() == wish::cut_phase;
  const stop_levels levels = cuts ? procedure_.cutter().levels(base_) : stop_levels();
  lanes_.hold[l_] = static_cast<float>(levels.hold);
  lanes_.expire[l_] = static_cast<float>(levels.expire);
  lanes_.low[l_] = static_cast<float>(levels.low);
  lanes_.high[l_] = static_cast<float>(levels.high);
}

void lane_task::fired(int neuron, bool recurrent) {
  if (ran_away()) {
    failed_ = true;
    lanes_.hold[l_] = static_cast<float>(infinity);  // Stops at this very event.
    return;
  }
  if (procedure_.next() != wish::cut_phase) {
    return;
  }
  const double now = time();
  procedure_.spikes().push_back({now, neuron});
  phase_cutter& cutter = procedure_.cutter();
  if (neuron >= task_.network.N_E) {
    cutter.fired_I();
  } else if (cutter.fired_E(now, recurrent ? 1.0 : 0.0, lanes_.count(lane_list::EE, lane_))) {
    set_levels();
  }
}

bool lane_task::reached() {
  ++dropped_;
  if (!last_slice_) {
    set_clock(base_ + static_cast<double>(lanes_.slice[l_]));
    begin_slice();
    return false;
  }
  set_clock(stop_);
  switch (procedure_.next()) {
    case wish::run:
      procedure_.reached();
      break;
    case wish::measure_pool:
      if (!look_at_pool()) {
        return false;
      }
      break;
    case wish::cut_phase:
      if (stop_ < procedure_.cutter().latest_end()) {
        procedure_.limit_reached();
      } else {
        procedure_.ended(procedure_.cutter().end(time(), true));
      }
      break;
    case wish::nothing:
      break;
  }
  return go_on();
}

/// True if the mean is known.
bool lane_task::look_at_pool() {
  pool_sum_ += lanes_.count(lane_list::EE, lane_);
  ++pool_looks_;
  if (static_cast<double>(pool_looks_) * mean_pool_every_s < mean_pool_s - mean_pool_every_s / 2) {
    run_to(time() + mean_pool_every_s);
    return false;
  }
  procedure_.measured(pool_sum_ / static_cast<double>(pool_looks_));
  return true;
}

bool lane_task::stopped() {
  if (failed_) {
    failed_ = false;
    procedure_.ran_away();
  } else {
    procedure_.ended(procedure_.cutter().end(time(), false));
  }
  return go_on();
}

}  // namespace spikesweep
