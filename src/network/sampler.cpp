#include <algorithm>
#include <utility>

#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/sampler.hpp>

#include "synthetic.hpp"

namespace spikesweep {

namespace {

/// Length of the stretch, after burn-in, over which `volley` measures the mean pool [s].
constexpr double volley_mean_s = 2;

template <class Network>
class task_sampler {
 public:
  task_sampler(const parameters& p, const section_settings& section, const sampling_settings& sampling,
               const task_identity& task, Network net, const std::function<bool()>& poll)
      : p_(p),
        section_(section),
        sampling_(sampling),
        net_(std::move(net)),
        perturbation_(task.seed, purpose::perturbation, task.point, task.replicate),
        poll_(poll) {}

  task_result run() {
    result_.block = transition_block(sampling_.layout, sampling_.transitions);
    double pool_mean = 0;
    bool good = lead_in(pool_mean);
    phase_cutter cutter(section_, p_, pool_mean);
    if (good && section_.kind != section_kind::interval) {
      // The first phase began before we looked: let it end.
      spikes_.clear();
      good = !cutter.run(net_, spikes_, sampling_.max_simulated_s, guard(net_)).unfinished || fail(net_);
    }
    while (good && rows_ < sampling_.transitions) {
      const excursion_kind kind = draw_excursion(sampling_, perturbation_);
      if (kind != excursion_kind::none) {
        good = kind == excursion_kind::perturbed ? excursion(cutter) : synthetic_excursion(cutter);
      }
      good = good && rows_ < sampling_.transitions ? own_phase(cutter) : good;
    }
    return finish(good);
  }

  exact_run follow(double seconds) {
    exact_run run;
    double pool_mean = 0;
    bool good = lead_in(pool_mean);
    run.begin = net_.time();
    phase_cutter cutter(section_, p_, pool_mean);
    const double end = run.begin + seconds;
    while (good) {
      const phase_outcome phase = cutter.run(net_, run.spikes, end, guard(net_));
      if (phase.unfinished || runaway(net_)) {
        good = !runaway(net_) && net_.reached(end);
        break;
      }
      run.phases.push_back(phase);
    }
    if (good) {
      run.state = task_state::done;
    } else {
      fail(net_);
      run.state = result_.state;
    }
    run.events = net_.events();
    return run;
  }

 private:
  /// Everything before the first phase.
  bool lead_in(double& pool_mean) {
    if (!run_until(net_, sampling_.burn_in_s, nullptr, guard(net_))) {
      return fail(net_);
    }
    if (section_.kind != section_kind::volley) {
      return true;
    }
    pool_mean = mean_pool(net_, volley_mean_s, sampling_.max_pending);
    return !runaway(net_) || fail(net_);
  }

  /// One phase of the network's own trajectory.
  bool own_phase(phase_cutter& cutter) {
    phase_outcome phase;
    if (!record(net_, cutter, 0, sampling_.max_simulated_s, phase)) {
      return false;
    }
    auto& s = result_.summary;
    s.simulated_s += phase.duration();
    s.spikes_E += phase.spikes_E;
    s.spikes_I += phase.spikes_I;
    s.phases += phase.kind != phase_kind::quiet;
    s.capped += phase.capped;
    s.empty += phase.spikes_E + phase.spikes_I == 0;
    s.grown += cutter.grown(phase);
    return true;
  }

  /// A few phases of a copy of the network, from a perturbed state.
  bool excursion(const phase_cutter& cutter) {
    Network fork = net_;
    phase_cutter fork_cutter = cutter;
    fork.perturb(perturbation_);
    const std::int64_t events_before = fork.events();
    bool good = true;
    for (int k = 1; good && k <= sampling_.perturb_phases && rows_ < sampling_.transitions; ++k) {
      phase_outcome phase;
      good = record(fork, fork_cutter, k, sampling_.max_simulated_s, phase);
    }
    result_.summary.events += fork.events() - events_before;
    return good;
  }

  /// One phase of a copy of the network, from a synthetic state. One that runs away is left out: other points may.
  bool synthetic_excursion(const phase_cutter& cutter) {
    Network fork = net_;
    phase_cutter fork_cutter = cutter;
    fork.change_parameters(draw_other_parameters(p_, sampling_.swept, perturbation_));
    bool good = run_until(fork, fork.time() + sampling_.synthetic_s, nullptr, guard(fork));
    if (good && !runaway(fork)) {
      fork.change_parameters(p_);
      fork.synthesize(sampling_.layout.state, sampling_.synthetic_modes, perturbation_);
      const double later = fork.time() - net_.time();
      fork_cutter.shift(later);
      phase_outcome phase;
      good = record(fork, fork_cutter, synthetic_mark, sampling_.max_simulated_s + later, phase);
    }
    result_.summary.events += fork.events() - net_.events();
    if (runaway(fork)) {
      result_.state = task_state::pending;
      return true;
    }
    return good;
  }

  /// Simulates a phase into the next row, if it ends by `limit` [s].
  bool record(Network& net, phase_cutter& cutter, int perturbed, double limit, phase_outcome& phase) {
    auto& block = result_.block;
    const auto& layout = sampling_.layout;
    const auto width = static_cast<std::size_t>(layout.state.size());
    net.coarse_grain(layout.state, {block.before.row(rows_).data(), width});
    spikes_.clear();
    phase = cutter.run(net, spikes_, limit, guard(net));
    if (phase.unfinished || runaway(net)) {
      return fail(net, limit);
    }
    net.coarse_grain(layout.state, {block.after.row(rows_).data(), width});
    block.spikes(rows_, 0) = static_cast<std::int32_t>(phase.spikes_E);
    block.spikes(rows_, 1) = static_cast<std::int32_t>(phase.spikes_I);
    block.spike_times_E.row(rows_).setZero();
    block.spike_times_I.row(rows_).setZero();
    for (const auto& spike : spikes_) {
      const double place = (spike.time - phase.begin) / phase.duration();
      const int bin = std::min(static_cast<int>(place * layout.time_bins), layout.time_bins - 1);
      (spike.neuron < p_.N_E ? block.spike_times_E : block.spike_times_I)(rows_, bin) += 1;
    }
    const auto i = static_cast<std::size_t>(rows_++);
    // Exactly the interval where it is one: the difference of two times would carry their rounding.
    block.duration[i] = phase.kind == phase_kind::step ? section_.interval_ms * 1e-3 : phase.duration();
    block.phase[i] = static_cast<std::uint8_t>(phase.kind);
    block.perturbed[i] = static_cast<std::uint8_t>(perturbed);
    block.capped[i] = phase.capped;
    return true;
  }

  bool runaway(const Network& net) const { return net.pending() > sampling_.max_pending; }

  std::function<bool()> guard(const Network& net) const {
    return [this, &net] { return !runaway(net) && (!poll_ || poll_()); };
  }

  /// Notes why the task ended early; a task that the caller abandoned stays pending. Returns false.
  bool fail(const Network& net) { return fail(net, sampling_.max_simulated_s); }
  bool fail(const Network& net, double limit) {
    if (runaway(net)) {
      result_.state = task_state::runaway;
    } else if (net.reached(limit)) {
      result_.state = task_state::time_cap;
    }
    return false;
  }

  task_result finish(bool good) {
    result_.summary.events += net_.events();
    if (good) {
      result_.state = task_state::done;
    } else {
      result_.block.resize(sampling_.layout, 0);
    }
    return std::move(result_);
  }

  const parameters p_;
  const section_settings section_;
  const sampling_settings sampling_;
  Network net_;
  random_stream perturbation_;
  const std::function<bool()>& poll_;
  std::vector<spike_record> spikes_;
  std::int64_t rows_ = 0;
  task_result result_;
};

/// Calls work(sampler) with the sampler of the task's network.
template <class Work>
auto with_sampler(const parameters& p, const section_settings& section, const sampling_settings& sampling,
                  const task_identity& task, const std::function<bool()>& poll, const Work& work) {
  const random_stream stream(task.seed, purpose::task, task.point, task.replicate);
  const simulation_settings& simulation = sampling.simulation;
  if (p.model == network_model::discrete) {
    return work(task_sampler(p, section, sampling, task, discrete_network(p, simulation.dt_ms, stream), poll));
  }
  if (simulation.simulator == simulator_kind::tau_leaping) {
    return work(task_sampler(p, section, sampling, task, leaping_network(p, simulation.dt_ms, stream), poll));
  }
  return work(task_sampler(p, section, sampling, task, oracle(p, stream), poll));
}

}  // namespace

task_result sample_task(const parameters& p, const section_settings& section, const sampling_settings& sampling,
                        const task_identity& task, const std::function<bool()>& poll) {
  return with_sampler(p, section, sampling, task, poll, [](auto sampler) { return sampler.run(); });
}

exact_run follow_task(const parameters& p, const section_settings& section, const sampling_settings& sampling,
                      const task_identity& task, double seconds, const std::function<bool()>& poll) {
  return with_sampler(p, section, sampling, task, poll, [seconds](auto sampler) { return sampler.follow(seconds); });
}

}  // namespace spikesweep
