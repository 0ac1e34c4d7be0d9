#include <algorithm>
#include <limits>

#include <spikesweep/network/phases.hpp>

namespace spikesweep {

namespace {

constexpr double per_millisecond = 1e-3;
constexpr std::int64_t events_between_polls = 4096;
/// An MFE has grown when it lasts longer than this (DESIGN section 1).
constexpr double grown_duration = 4e-3;
/// ... and its pending E-to-E kicks rise by more than this many fan-outs.
constexpr double grown_fanouts = 2;

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
      window_(section.mfe_window * p.tau_EE * per_millisecond),
      fanout_(p.P_EE * p.N_E),
      start_level_(section.volley_start * mean_pool),
      end_level_(section.volley_end * mean_pool) {}

bool phase_cutter::grown(const phase_outcome& phase) const {
  return phase.kind == phase_kind::active && phase.duration() > grown_duration &&
         phase.pending_peak - phase.pending_at_start > grown_fanouts * fanout_;
}

bool phase_cutter::ended(const oracle& net) {
  const int pending = net.pending(pool::EE);
  if (section_.kind == section_kind::volley) {
    return next_ == phase_kind::quiet ? pending >= start_level_ && pending > 0 : pending <= end_level_;
  }
  while (!recurrent_.empty() && recurrent_.front() < net.time() - window_) {
    recurrent_.pop_front();
  }
  const auto count = static_cast<int>(recurrent_.size());
  if (next_ == phase_kind::quiet) {
    return count >= section_.mfe_start;
  }
  return count <= section_.mfe_end && pending < section_.mfe_fanouts * fanout_;
}

phase_outcome phase_cutter::run(oracle& net, std::vector<spike_record>& spikes, double limit,
                                const std::function<bool()>& poll) {
  phase_outcome phase;
  phase.kind = next_;
  phase.begin = net.time();
  phase.pending_at_start = phase.pending_peak = net.pending(pool::EE);
  double natural_end = std::numeric_limits<double>::infinity();
  if (next_ == phase_kind::step) {
    natural_end = phase.begin + section_.interval_ms * per_millisecond;
  } else if (next_ == phase_kind::active) {
    natural_end = phase.begin + section_.cap_ms * per_millisecond;
  }
  const double stop = std::min(natural_end, limit);
  for (std::int64_t n = 1;; ++n) {
    const network_event event = net.step(stop);
    if (event.what == network_event::kind::reached) {
      phase.unfinished = stop < natural_end;
      phase.capped = !phase.unfinished && next_ == phase_kind::active;
      break;
    }
    if (event.what == network_event::kind::spike) {
      spikes.push_back({net.time(), event.neuron});
      if (net.population_of(event.neuron) == population::E) {
        ++phase.spikes_E;
        phase.pending_peak = std::max(phase.pending_peak, net.pending(pool::EE));
        if (event.recurrent && section_.kind == section_kind::mfe) {
          recurrent_.push_back(net.time());
        }
      } else {
        ++phase.spikes_I;
      }
    }
    if (next_ != phase_kind::step && ended(net)) {
      break;
    }
    if (n % events_between_polls == 0 && poll && !poll()) {
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

bool run_until(oracle& net, double end, std::vector<spike_record>* spikes, const std::function<bool()>& poll) {
  for (std::int64_t n = 1;; ++n) {
    const network_event event = net.step(end);
    if (event.what == network_event::kind::reached) {
      return true;
    }
    if (spikes != nullptr && event.what == network_event::kind::spike) {
      spikes->push_back({net.time(), event.neuron});
    }
    if (n % events_between_polls == 0 && poll && !poll()) {
      return false;
    }
  }
}

double mean_pool(oracle& net, double seconds, std::int64_t max_pending) {
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

}  // namespace spikesweep
