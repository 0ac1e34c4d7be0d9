#include "task_procedure.hpp"

#include <algorithm>
#include <utility>

#include "synthetic.hpp"

namespace spikesweep {

namespace {

constexpr double per_millisecond = 1e-3;
/// Of a phase, before one was seen: about 41 MFEs a second at the canonical set, each with a quiet phase [s].
constexpr double usual_phase_s = 0.012;

}  // namespace

task_procedure::task_procedure(task_network& network, const network_task& task, const section_settings& section,
                               const sampling_settings& sampling, double follow_s)
    : network_(network),
      task_(task),
      section_(section),
      sampling_(sampling),
      follow_s_(follow_s),
      excursions_(task.identity.seed, purpose::perturbation, task.identity.point, task.identity.replicate),
      cutter_(section, task.network),
      own_(task.network.N_E),
      until_(sampling.burn_in_s),
      limit_(sampling.max_simulated_s),
      state_(static_cast<std::size_t>(sampling.layout.state.size())),
      fork_{cutter_, {}} {
  if (follow_s_ == 0) {
    result_.block = transition_block(sampling_.layout, sampling_.transitions);
  }
}

void task_procedure::reached() {
  if (stage_ == stage::other_parameters) {
    begin_synthetic();
  } else if (section_.kind == section_kind::volley) {
    next_ = wish::measure_pool;
  } else {
    begin_phases();
  }
}

void task_procedure::measured(double mean_pool) {
  if (network_.ran_away()) {
    ran_away();
    return;
  }
  cutter_ = phase_cutter(section_, task_.network, mean_pool);
  begin_phases();
}

void task_procedure::begin_phases() {
  if (follow_s_ > 0) {
    stage_ = stage::follow;
    run_.begin = network_.time();
    limit_ = run_.begin + follow_s_;
    begin_phase();
  } else if (section_.kind == section_kind::interval) {
    stage_ = stage::record;
    coarse_grain();
    begin_section();
  } else {
    // The first phase began before we looked: let it end.
    stage_ = stage::settle;
    begin_phase();
  }
}

void task_procedure::begin_phase() {
  if (stage_ != stage::follow) {
    spikes_.clear();
  }
  next_ = wish::cut_phase;
  until_ = limit_;
}

void task_procedure::ended(const phase_record& phase) {
  if (stage_ != stage::settle && network_.ran_away()) {
    ran_away();
    return;
  }
  if (stage_ == stage::follow) {
    run_.phases.push_back(phase);
    begin_phase();
    return;
  }
  coarse_grain();
  if (stage_ == stage::settle) {
    stage_ = stage::record;
    begin_section();
    return;
  }
  record(phase);
  if (mark_ == 0) {
    begin_section();
  } else if (mark_ < sampling_.perturb_phases && rows_ < sampling_.transitions) {
    begin_record(mark_ + 1);
  } else {
    come_back();
  }
}

void task_procedure::limit_reached() {
  end(stage_ == stage::follow ? task_state::done : task_state::time_cap);
}

void task_procedure::ran_away() {
  const bool under_others = stage_ == stage::other_parameters;
  if (!under_others && mark_ == 0) {
    end(task_state::runaway);
    return;
  }
  // The phase in hand is left out, and what the excursion had yielded before stays: it came about without looking
  // ahead. The network itself is sound.
  ++result_.summary.left_out;
  if (under_others) {
    stage_ = stage::record;
    network_.change_parameters(task_.network);
  }
  come_back();
}

void task_procedure::begin_section() {
  if (rows_ == sampling_.transitions) {
    end(task_state::done);
    return;
  }
  switch (draw_excursion(sampling_, excursions_)) {
    case excursion_kind::none:
      begin_record(0);
      break;
    case excursion_kind::perturbed:
      begin_perturbed();
      break;
    case excursion_kind::synthetic:
      begin_other_parameters();
      break;
  }
}

void task_procedure::fork() {
  network_.fork();
  fork_ = {cutter_, state_};
}

void task_procedure::come_back() {
  network_.come_back();
  cutter_ = fork_.cutter;
  state_ = fork_.state;
  limit_ = sampling_.max_simulated_s;
  if (rows_ == sampling_.transitions) {
    end(task_state::done);
  } else {
    begin_record(0);
  }
}

void task_procedure::begin_perturbed() {
  fork();
  network_.perturb(excursions_);
  begin_excursion(1);
}

void task_procedure::begin_other_parameters() {
  fork();
  stage_ = stage::other_parameters;
  network_.change_parameters(draw_other_parameters(task_.network, sampling_.swept, excursions_));
  next_ = wish::run;
  until_ = network_.time() + sampling_.synthetic_s;
}

void task_procedure::begin_synthetic() {
  if (network_.ran_away()) {
    ran_away();
    return;
  }
  stage_ = stage::record;
  network_.change_parameters(task_.network);
  network_.synthesize(excursions_);
  // What the section remembers is as long ago as it was at the fork.
  const double later = network_.put_clock_back();
  cutter_.shift(later);
  limit_ = sampling_.max_simulated_s + later;
  begin_excursion(synthetic_mark);
}

void task_procedure::begin_excursion(int mark) {
  mark_ = mark;
  if (network_.ran_away()) {
    ran_away();
    return;
  }
  coarse_grain();
  begin_record(mark);
}

void task_procedure::begin_record(int mark) {
  mark_ = mark;
  std::copy(state_.begin(), state_.end(), result_.block.before.row(rows_).data());
  begin_phase();
}

void task_procedure::record(const phase_record& phase) {
  transition_block& block = result_.block;
  std::copy(state_.begin(), state_.end(), block.after.row(rows_).data());
  record_spikes(phase);
  const auto i = static_cast<std::size_t>(rows_++);
  // Exactly the interval where it is one: the difference of two times would carry their rounding.
  block.duration[i] = phase.kind == phase_kind::step ? section_.interval_ms * per_millisecond : phase.duration();
  rows_s_ += block.duration[i];
  block.phase[i] = static_cast<std::uint8_t>(phase.kind);
  block.perturbed[i] = static_cast<std::uint8_t>(mark_);
  block.capped[i] = phase.capped;
  if (mark_ == 0) {
    own_.add(result_.summary.simulated_s, phase, spikes_);
    count(phase);
  }
}

void task_procedure::record_spikes(const phase_record& phase) {
  transition_block& block = result_.block;
  const int time_bins = sampling_.layout.time_bins;
  block.spikes(rows_, 0) = static_cast<std::int32_t>(phase.spikes_E);
  block.spikes(rows_, 1) = static_cast<std::int32_t>(phase.spikes_I);
  block.spike_times_E.row(rows_).setZero();
  block.spike_times_I.row(rows_).setZero();
  for (const spike_record& spike : spikes_) {
    const double place = (spike.time - phase.begin) / phase.duration();
    const int bin = std::min(static_cast<int>(place * time_bins), time_bins - 1);
    (spike.neuron < task_.network.N_E ? block.spike_times_E : block.spike_times_I)(rows_, bin) += 1;
  }
}

void task_procedure::count(const phase_record& phase) {
  task_summary& s = result_.summary;
  s.simulated_s += phase.duration();
  s.spikes_E += phase.spikes_E;
  s.spikes_I += phase.spikes_I;
  s.phases += phase.kind != phase_kind::quiet;
  s.capped += phase.capped;
  s.empty += phase.spikes_E + phase.spikes_I == 0;
  s.grown += cutter_.grown(phase);
}

void task_procedure::end(task_state state) {
  result_.state = state;
  next_ = wish::nothing;
}

double task_procedure::lead_in_s() const {
  return spikesweep::lead_in_s(section_, sampling_.burn_in_s);
}

double task_procedure::share_done(double now) const {
  if (follow_s_ > 0) {
    return std::min(1.0, now / (lead_in_s() + follow_s_));
  }
  const bool interval = section_.kind == section_kind::interval;
  const double row_s = rows_ > 0 ? rows_s_ / static_cast<double>(rows_)
                                 : (interval ? section_.interval_ms * per_millisecond : usual_phase_s);
  const double all = lead_in_s() + static_cast<double>(sampling_.transitions) * row_s;
  return std::min(1.0, (std::min(now, lead_in_s()) + rows_s_) / all);
}

task_result task_procedure::take_result(std::int64_t events) {
  result_.summary.events = events;
  if (result_.state == task_state::done) {
    read_kept_rows();
    result_.figures = own_.figures_of(result_.block, result_.summary, task_.network);
  } else {
    result_.block.resize(sampling_.layout, 0);
  }
  return std::move(result_);
}

exact_run task_procedure::take_run(std::int64_t events) {
  run_.state = result_.state;
  run_.spikes = std::move(spikes_);
  run_.events = events;
  return std::move(run_);
}

}  // namespace spikesweep
