#include <algorithm>
#include <limits>

#include <spikesweep/network/phases.hpp>

namespace spikesweep {

namespace {

constexpr double per_millisecond = 1e-3;
/// Events of the oracle between two calls of `poll`.
constexpr std::int64_t events_between_polls = 4096;
/// Between times that are compared in steps: half of this is rounding, and far less than a step [s].
constexpr double time_tolerance = 1e-9;
/// An MFE has grown when it lasts longer than this (DESIGN section 1).
constexpr double grown_duration = 4e-3;
/// ... and its pending E-to-E kicks rise by more than this many fan-outs.
constexpr double grown_fanouts = 2;

/// Simulates up to the next thing to look at, and calls fired(neuron, recurrence) for each spike. False if `limit` came
/// first.
template <class Fired>
bool advance(oracle& net, double limit, const Fired& fired) {
  const network_event event = net.step(limit);
  if (event.what == network_event::kind::spike) {
    fired(event.neuron, event.recurrent ? 1.0 : 0.0);
  }
  return event.what != network_event::kind::reached;
}

template <class Network, class Fired>
bool advance(Network& net, double limit, const Fired& fired) {
  if (!net.step(limit)) {
    return false;
  }
  for (const step_spike& spike : net.spikes()) {
    fired(spike.neuron, spike.recurrence);
  }
  return true;
}

template <class Network>
constexpr std::int64_t between_polls = Network::steps_between_polls;
template <>
constexpr std::int64_t between_polls<oracle> = events_between_polls;

}  // namespace

std::string_view name_of(section_kind kind) {
  switch (kind) {
    case section_kind::interval:
      return "interval";
    case section_kind::mfe:
      return "mfe";
    case section_kind::volley:
      return "volley";
  }
  return "?";
}

phase_cutter::phase_cutter(const section_settings& section, const parameters& p, double mean_pool)
    : section_(section),
      next_(section.kind == section_kind::interval ? phase_kind::step : phase_kind::quiet),
      least_recurrence_(0),
      start_count_(section.mfe_start),
      end_count_(section.mfe_end),
      window_(section.mfe_window * p.tau_EE * per_millisecond),
      cap_(section.cap_ms * per_millisecond),
      least_growth_(grown_duration),
      fanout_(p.P_EE * p.N_E),
      start_level_(section.volley_start * mean_pool),
      end_level_(section.volley_end * mean_pool) {
  end_pending_ = section.mfe_fanouts * fanout_;
  if (p.model == network_model::discrete && section.kind == section_kind::mfe) {
    least_recurrence_ = section.discrete_current;
    start_count_ = section.discrete_spikes + 1;
    end_count_ = section.discrete_spikes;
    end_pending_ = std::numeric_limits<double>::infinity();
    window_ = section.discrete_window_ms * per_millisecond - time_tolerance;
    cap_ = section.discrete_cap_ms * per_millisecond;
    least_growth_ = 0;  // Its MFEs are over in 4 ms, large ones too.
  }
}

bool phase_cutter::grown(const phase_outcome& phase) const {
  return phase.kind == phase_kind::active && phase.duration() > least_growth_ &&
         phase.pending_peak - phase.pending_at_start > grown_fanouts * fanout_;
}

bool phase_cutter::ended(double time, int pending) {
  if (section_.kind == section_kind::volley) {
    return next_ == phase_kind::quiet ? pending >= start_level_ && pending > 0 : pending <= end_level_;
  }
  while (!recurrent_.empty() && recurrent_.front() < time - window_) {
    recurrent_.pop_front();
  }
  const auto count = static_cast<int>(recurrent_.size());
  if (next_ == phase_kind::quiet) {
    return count >= start_count_;
  }
  return count <= end_count_ && pending < end_pending_;
}

void phase_cutter::shift(double seconds) {
  for (double& time : recurrent_) {
    time += seconds;
  }
}

template <class Network>
phase_outcome phase_cutter::run(Network& net, std::vector<spike_record>& spikes, double limit,
                                const std::function<bool()>& poll) {
  phase_outcome phase;
  phase.kind = next_;
  phase.begin = net.time();
  phase.pending_at_start = phase.pending_peak = net.pending(pool::EE);
  double natural_end = std::numeric_limits<double>::infinity();
  if (next_ == phase_kind::step) {
    natural_end = phase.begin + section_.interval_ms * per_millisecond;
  } else if (next_ == phase_kind::active) {
    natural_end = phase.begin + cap_;
  }
  const double stop = std::min(natural_end, limit);
  const auto fired = [&](int neuron, double recurrence) {
    spikes.push_back({net.time(), neuron});
    if (net.population_of(neuron) == population::E) {
      ++phase.spikes_E;
      phase.pending_peak = std::max(phase.pending_peak, net.pending(pool::EE));
      if (recurrence > least_recurrence_ && section_.kind == section_kind::mfe) {
        recurrent_.push_back(net.time());
      }
    } else {
      ++phase.spikes_I;
    }
  };
  for (std::int64_t n = 1;; ++n) {
    if (!advance(net, stop, fired)) {
      phase.unfinished = stop < natural_end;
      phase.capped = !phase.unfinished && next_ == phase_kind::active;
      break;
    }
    if (next_ != phase_kind::step && ended(net.time(), net.pending(pool::EE))) {
      break;
    }
    if (n % between_polls<Network> == 0 && poll && !poll()) {
      phase.unfinished = true;
      break;
    }
  }
  phase.end = net.time();
  if (!phase.unfinished && next_ != phase_kind::step) {
    next_ = next_ == phase_kind::quiet ? phase_kind::active : phase_kind::quiet;
  }
  return phase;
}

template <class Network>
bool run_until(Network& net, double end, std::vector<spike_record>* spikes, const std::function<bool()>& poll) {
  const auto fired = [&](int neuron, double) {
    if (spikes != nullptr) {
      spikes->push_back({net.time(), neuron});
    }
  };
  for (std::int64_t n = 1;; ++n) {
    if (!advance(net, end, fired)) {
      return true;
    }
    if (n % between_polls<Network> == 0 && poll && !poll()) {
      return false;
    }
  }
}

template <class Network>
double mean_pool(Network& net, double seconds, std::int64_t max_pending) {
  constexpr double sample_every = 1e-4;  // [s]; far below the delays that move the pool
  const double begin = net.time();
  double sum = 0;
  std::int64_t samples = 0;
  while (net.time() < begin + seconds && net.pending() <= max_pending) {
    run_until(net, begin + static_cast<double>(samples + 1) * sample_every, nullptr);
    sum += net.pending(pool::EE);
    ++samples;
  }
  return samples > 0 ? sum / static_cast<double>(samples) : 0;
}

template phase_outcome phase_cutter::run(oracle&, std::vector<spike_record>&, double, const std::function<bool()>&);
template phase_outcome phase_cutter::run(leaping_network&, std::vector<spike_record>&, double,
                                         const std::function<bool()>&);
template phase_outcome phase_cutter::run(discrete_network&, std::vector<spike_record>&, double,
                                         const std::function<bool()>&);
template bool run_until(oracle&, double, std::vector<spike_record>*, const std::function<bool()>&);
template bool run_until(leaping_network&, double, std::vector<spike_record>*, const std::function<bool()>&);
template bool run_until(discrete_network&, double, std::vector<spike_record>*, const std::function<bool()>&);
template double mean_pool(oracle&, double, std::int64_t);
template double mean_pool(leaping_network&, double, std::int64_t);
template double mean_pool(discrete_network&, double, std::int64_t);

}  // namespace spikesweep
