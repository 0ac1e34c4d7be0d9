#include "ensemble_task.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "synthetic.hpp"

namespace spikesweep {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double per_millisecond = 1e-3;
/// `volley`: how long, and how often, the EE pool is looked at for its mean [s]; as sample_task() does.
constexpr double mean_pool_s = 2;
constexpr double mean_pool_every_s = 1e-4;
/// External kicks in a slice: few enough for float time, many enough that slices cost nothing.
constexpr double kicks_in_slice = 4096;
constexpr double longest_slice_s = 1;
/// Of a phase, before one was seen: about 41 MFEs a second at the canonical set, each with a quiet phase [s].
constexpr double usual_phase_s = 0.012;

double slice_length(const parameters& p) {
  const double kicks = p.N_E * p.lambda_E + p.N_I * p.lambda_I;
  return std::min(longest_slice_s, kicks_in_slice / kicks);
}

}  // namespace

lane_task::lane_task(ensemble_lanes& lanes, int lane, const ensemble_task& task, const section_settings& section,
                     const sampling_settings& sampling, double follow_s)
    : lanes_(lanes),
      lane_(lane),
      l_(static_cast<std::size_t>(lane)),
      task_(task),
      section_(section),
      sampling_(sampling),
      follow_s_(follow_s),
      max_pending_(static_cast<float>(std::min(sampling.max_pending, max_pending_limit))),
      labels_(section, task.network),
      window_(section.mfe_window * task.network.tau_EE * per_millisecond),
      slice_s_(slice_length(task.network)),
      perturbation_(task.identity.seed, purpose::perturbation, task.identity.point, task.identity.replicate),
      limit_(sampling.max_simulated_s),
      next_(labels_.next()) {
  if (follow_s_ == 0) {
    result_.block = transition_block(sampling_.layout, sampling_.transitions);
  }
  state_.resize(static_cast<std::size_t>(sampling_.layout.state.size()));
  const auto& layout = sampling_.layout.state;
  for (int v = reversal_potential; v < threshold_potential; ++v) {
    cell_of_[static_cast<std::uint8_t>(v)] = layout.bin_of(v);
  }
  cell_of_[static_cast<std::uint8_t>(lane_refractory_mark)] = layout.bins();
  lanes_.assign(lane_, task_.network, task_.identity.point, task_.identity.replicate);
}

void lane_task::set_parameters(const parameters& p) {
  lanes_.set_parameters(lane_, p);
  lanes_.wake(lane_, p);
  slice_s_ = slice_length(p);
}

void lane_task::start(std::uint64_t step) {
  first_step_ = step;
  random_stream initial(task_.identity.seed, purpose::task, task_.identity.point, task_.identity.replicate);
  const int neurons = task_.network.N_E + task_.network.N_I;
  for (int i = 0; i < neurons; ++i) {
    lanes_.potential(lane_, i) = static_cast<lane_potential>(initial.below(threshold_potential));
  }
  lanes_.wake(lane_, task_.network);
  run_to(0, sampling_.burn_in_s);
}

void lane_task::run_to(double begin, double stop) {
  base_ = begin;
  stop_ = stop;
  begin_slice();
}

void lane_task::begin_slice() {
  const double left = stop_ - base_;
  last_slice_ = left <= slice_s_;
  lanes_.time[l_] = 0;
  lanes_.slice[l_] = static_cast<float>(last_slice_ ? left : slice_s_);
  apply_rule();
}

void lane_task::apply_rule() {
  auto& hold = lanes_.hold[l_];
  auto& low = lanes_.low[l_];
  auto& high = lanes_.high[l_];
  auto& expire = lanes_.expire[l_];
  hold = low = -1;
  high = expire = static_cast<float>(infinity);
  if (!in_phases() || next_ == phase_kind::step) {
    return;
  }
  const bool quiet = next_ == phase_kind::quiet;
  if (section_.kind == section_kind::volley) {
    if (quiet) {
      high = static_cast<float>(std::max(1.0, std::ceil(section_.volley_start * mean_pool_)));
    } else {
      low = static_cast<float>(std::floor(section_.volley_end * mean_pool_));
      expire = -1;
    }
    return;
  }
  // The n-th last recurrent spike leaves the window at this time of the slice.
  const auto leaves = [&](int n) {
    const auto count = static_cast<int>(recurrent_.size());
    return count < n ? -1.0 : recurrent_[static_cast<std::size_t>(count - n)] + window_ - base_;
  };
  if (quiet) {
    hold = static_cast<float>(section_.mfe_start < 1 ? infinity : leaves(section_.mfe_start));
  } else {
    low = static_cast<float>(std::ceil(section_.mfe_fanouts * labels_.fanout()) - 1);
    expire = static_cast<float>(leaves(section_.mfe_end + 1));
  }
}

void lane_task::fired(int neuron, bool recurrent) {
  if (runaway()) {
    failed_ = true;
    lanes_.hold[l_] = static_cast<float>(infinity);  // Stops at this very event.
    return;
  }
  if (!in_phases()) {
    return;
  }
  const double time = now();
  spikes_.push_back({time, neuron});
  if (neuron >= task_.network.N_E) {
    ++phase_.spikes_I;
    return;
  }
  ++phase_.spikes_E;
  phase_.pending_peak = std::max(phase_.pending_peak, lanes_.count(lane_list::EE, lane_));
  if (recurrent && section_.kind == section_kind::mfe) {
    recurrent_.push_back(time);
    while (recurrent_.front() < time - window_) {
      recurrent_.pop_front();
    }
    apply_rule();
  }
}

bool lane_task::reached() {
  ++dropped_;
  if (!last_slice_) {
    base_ += static_cast<double>(lanes_.slice[l_]);
    begin_slice();
    return false;
  }
  base_ = stop_;
  lanes_.time[l_] = 0;
  switch (stage_) {
    case stage::burn_in:
      return end_burn_in();
    case stage::mean_pool:
      return end_mean_pool();
    case stage::foreign:
      end_foreign();
      return false;
    default:
      if (stop_ < natural_end_) {
        return end(stage_ == stage::follow ? task_state::done : task_state::time_cap);
      }
      return end_phase(next_ == phase_kind::active);
  }
}

bool lane_task::stopped() {
  return failed_ ? run_away() : end_phase(false);
}

bool lane_task::end_burn_in() {
  if (section_.kind == section_kind::volley) {
    stage_ = stage::mean_pool;
    run_to(base_, base_ + mean_pool_every_s);
    return false;
  }
  if (follow_s_ > 0) {
    begin_follow();
    return false;
  }
  if (section_.kind == section_kind::mfe) {
    // The first phase began before we looked: let it end.
    stage_ = stage::settle;
    begin_phase();
    return false;
  }
  stage_ = stage::record;
  coarse_grain();
  return begin_section();
}

bool lane_task::end_mean_pool() {
  mean_pool_ += lanes_.count(lane_list::EE, lane_);
  if (static_cast<double>(++samples_) * mean_pool_every_s < mean_pool_s - mean_pool_every_s / 2) {
    run_to(base_, base_ + mean_pool_every_s);
    return false;
  }
  mean_pool_ /= static_cast<double>(samples_);
  if (follow_s_ > 0) {
    begin_follow();
    return false;
  }
  stage_ = stage::settle;
  begin_phase();
  return false;
}

void lane_task::begin_follow() {
  stage_ = stage::follow;
  run_.begin = base_;
  limit_ = base_ + follow_s_;
  begin_phase();
}

void lane_task::begin_phase() {
  if (stage_ != stage::follow) {
    spikes_.clear();
  }
  const double begin = now();
  phase_ = phase_outcome();
  phase_.kind = next_;
  phase_.begin = begin;
  phase_.pending_at_start = phase_.pending_peak = lanes_.count(lane_list::EE, lane_);
  natural_end_ = infinity;
  if (next_ == phase_kind::step) {
    natural_end_ = begin + section_.interval_ms * per_millisecond;
  } else if (next_ == phase_kind::active) {
    natural_end_ = begin + section_.cap_ms * per_millisecond;
  }
  run_to(begin, std::min(natural_end_, limit_));
}

bool lane_task::end_phase(bool capped) {
  phase_.end = now();
  phase_.capped = capped;
  if (next_ != phase_kind::step) {
    next_ = next_ == phase_kind::quiet ? phase_kind::active : phase_kind::quiet;
  }
  if (stage_ == stage::follow) {
    run_.phases.push_back(phase_);
    begin_phase();
    return false;
  }
  coarse_grain();
  if (stage_ == stage::settle) {
    stage_ = stage::record;
    return begin_section();
  }
  if (runaway()) {
    return run_away();
  }
  end_record();
  return perturbed_ > 0 ? end_excursion() : begin_section();
}

bool lane_task::begin_section() {
  if (rows_ == sampling_.transitions) {
    return end(task_state::done);
  }
  switch (draw_excursion(sampling_, perturbation_)) {
    case excursion_kind::none:
      begin_record(0);
      break;
    case excursion_kind::perturbed:
      begin_excursion();
      break;
    case excursion_kind::synthetic:
      begin_foreign();
      break;
  }
  return false;
}

void lane_task::begin_record(int perturbed) {
  perturbed_ = perturbed;
  std::copy(state_.begin(), state_.end(), result_.block.before.row(rows_).data());
  begin_phase();
}

void lane_task::end_record() {
  auto& block = result_.block;
  const int time_bins = sampling_.layout.time_bins;
  std::copy(state_.begin(), state_.end(), block.after.row(rows_).data());
  block.spikes(rows_, 0) = static_cast<std::int32_t>(phase_.spikes_E);
  block.spikes(rows_, 1) = static_cast<std::int32_t>(phase_.spikes_I);
  block.spike_times_E.row(rows_).setZero();
  block.spike_times_I.row(rows_).setZero();
  for (const auto& spike : spikes_) {
    const double place = (spike.time - phase_.begin) / phase_.duration();
    const int bin = std::min(static_cast<int>(place * time_bins), time_bins - 1);
    (spike.neuron < task_.network.N_E ? block.spike_times_E : block.spike_times_I)(rows_, bin) += 1;
  }
  const auto i = static_cast<std::size_t>(rows_++);
  // Exactly the interval where it is one: the difference of two times would carry their rounding.
  block.duration[i] = phase_.kind == phase_kind::step ? section_.interval_ms * per_millisecond : phase_.duration();
  rows_s_ += block.duration[i];
  block.phase[i] = static_cast<std::uint8_t>(phase_.kind);
  block.perturbed[i] = static_cast<std::uint8_t>(perturbed_);
  block.capped[i] = phase_.capped;
  if (perturbed_ > 0) {
    return;
  }
  auto& s = result_.summary;
  s.simulated_s += phase_.duration();
  s.spikes_E += phase_.spikes_E;
  s.spikes_I += phase_.spikes_I;
  s.phases += phase_.kind != phase_kind::quiet;
  s.capped += phase_.capped;
  s.empty += phase_.spikes_E + phase_.spikes_I == 0;
  s.grown += labels_.grown(phase_);
}

bool lane_task::end(task_state state) {
  result_.state = state;
  return true;
}

double lane_task::share_done() const {
  const double lead_in = sampling_.burn_in_s + (section_.kind == section_kind::volley ? mean_pool_s : 0);
  if (follow_s_ > 0) {
    return std::min(1.0, now() / (lead_in + follow_s_));
  }
  const bool interval = section_.kind == section_kind::interval;
  const double row_s = rows_ > 0 ? rows_s_ / static_cast<double>(rows_)
                                 : (interval ? section_.interval_ms * per_millisecond : usual_phase_s);
  const double all = lead_in + static_cast<double>(sampling_.transitions) * row_s;
  return std::min(1.0, (std::min(now(), lead_in) + rows_s_) / all);
}

task_result lane_task::take_result(std::uint64_t step) {
  result_.summary.events = static_cast<std::int64_t>(step - first_step_) - dropped_;
  if (result_.state != task_state::done) {
    result_.block.resize(sampling_.layout, 0);
  }
  return std::move(result_);
}

exact_run lane_task::take_run(std::uint64_t step) {
  run_.state = result_.state;
  run_.spikes = std::move(spikes_);
  run_.events = static_cast<std::int64_t>(step - first_step_) - dropped_;
  return std::move(run_);
}

}  // namespace spikesweep
