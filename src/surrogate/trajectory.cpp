#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/surrogate/trajectory.hpp>

namespace spikesweep {

namespace {

const std::array<std::string, 9> names{"rate_E_hz",       "rate_I_hz",   "phase_rate_hz", "size_mean", "size_cv",
                                       "interval_mean_s", "interval_cv", "fano_E_1ms",    "peak_hz"};
const std::array<std::string, 9> units{"Hz", "Hz", "Hz", "spike", "1", "s", "1", "1", "Hz"};

/// Times closer than this are the same [s].
constexpr double time_tolerance = 1e-9;

/// Where the spikes of a surrogate's steps fall. Single spikes have a stream of their own: whether they are kept
/// changes nothing else.
struct spike_places {
  explicit spike_places(chain& c) : spike_places(c.p, c.stream.word64()) {}

  /// A neuron of a population, drawn if its spike is to be kept.
  int neuron(population q, bool kept) {
    const int first = q == population::E ? 0 : N_E;
    const int size = q == population::E ? N_E : N_I;
    return kept ? first + static_cast<int>(single.below(static_cast<std::uint32_t>(size))) : first;
  }

  random_stream time;    ///< Of spikes whose bin is not certain.
  random_stream single;  ///< Times and neurons of single spikes.
  int N_E;
  int N_I;

 private:
  spike_places(const parameters& p, std::uint64_t seed)
      : time(seed, purpose::spike_times), single(seed, purpose::raster), N_E(p.N_E), N_I(p.N_I) {}
};

/// Collects one trajectory from its phases.
class recorder {
 public:
  recorder(const trajectory_settings& settings, int N_E)
      : settings_(settings), N_E_(N_E), bins_per_s_(1 / settings.bin_s) {
    out_.duration_s = settings.duration_s;
    out_.counts_E.assign(static_cast<std::size_t>(std::llround(settings.duration_s / settings.bin_s)), 0.0);
    out_.batches_E.assign(static_cast<std::size_t>(settings.batches), 0.0);
    out_.batches_I = out_.batches_E;
  }

  /// Time since the start of the run, burn-in included [s].
  double time() const { return time_; }
  bool finished() const { return time_ >= settings_.burn_in_s + settings_.duration_s - time_tolerance; }

  void spike(double time, int neuron) {
    const double t = time - settings_.burn_in_s;
    if (t < 0 || t >= settings_.duration_s) {
      return;
    }
    count_in_batch(neuron < N_E_ ? out_.batches_E : out_.batches_I, t, 1);
    if (neuron < N_E_) {
      ++out_.spikes_E;
      const auto bin = static_cast<std::size_t>(t / settings_.bin_s);
      if (bin < out_.counts_E.size()) {
        out_.counts_E[bin] += 1;
      }
    } else {
      ++out_.spikes_I;
    }
    show(t, neuron);
  }

  /// Spikes of the kernel's step that begins now.
  void step(const chain_step& step, spike_places& places) {
    const double length = step.duration / static_cast<double>(step.times_E.size());
    for (std::size_t i = 0; i < step.times_E.size(); ++i) {
      const double begin = time_ + static_cast<double>(i) * length;
      part(step.times_E[i], population::E, begin, begin + length, places);
      part(step.times_I[i], population::I, begin, begin + length, places);
    }
    phase(step.phase, step.duration, step.spikes_E + step.spikes_I);
  }

  void phase(phase_kind kind, double duration, std::int64_t spikes) {
    const double begin = time_ - settings_.burn_in_s;
    time_ += duration;
    // Sums of durations carry rounding: a phase that begins where recording does belongs to it.
    if (kind == phase_kind::quiet || begin < -time_tolerance || begin >= settings_.duration_s - time_tolerance) {
      return;
    }
    out_.steps = kind == phase_kind::step;
    out_.sizes.push_back(static_cast<double>(spikes));
    if (seen_ && kind != phase_kind::step) {  // Steps are all alike.
      out_.intervals.push_back(begin - last_begin_);
    }
    last_begin_ = begin;
    seen_ = true;
  }

  void run_away() { out_.runaway = true; }

  trajectory take() {
    std::ranges::sort(out_.raster, {}, &spike_record::time);
    return std::move(out_);
  }

 private:
  void show(double t, int neuron) {
    if (t < settings_.raster_s) {
      out_.raster.push_back({t, neuron});
    }
  }

  /// `t`: within the recorded time.
  void count_in_batch(std::vector<double>& batches, double t, int n) const {
    const auto batch = static_cast<std::size_t>(std::max(0.0, t) / settings_.duration_s * settings_.batches);
    batches[std::min(batch, batches.size() - 1)] += n;  // Rounding could reach the end.
  }

  /// `n` spikes, uniform between two times. Most fall into one bin, and need no times unless they are shown.
  void part(int n, population q, double from, double to, spike_places& places) {
    const double begin = from - settings_.burn_in_s;
    const double end = to - settings_.burn_in_s;
    const bool inside = begin > -time_tolerance && end < settings_.duration_s + time_tolerance;
    const auto bin = inside ? static_cast<std::size_t>((begin + time_tolerance) * bins_per_s_) : 0;
    const bool in_one = q == population::I || (end - time_tolerance) * bins_per_s_ <= static_cast<double>(bin) + 1;
    const bool shown = begin < settings_.raster_s;
    if (!inside || !in_one) {
      for (int i = 0; i < n; ++i) {
        spike(from + places.time.uniform() * (to - from), places.neuron(q, shown));
      }
      return;
    }
    count_in_batch(q == population::E ? out_.batches_E : out_.batches_I, begin, n);
    if (q == population::I) {
      out_.spikes_I += n;
    } else {
      out_.spikes_E += n;
      if (bin < out_.counts_E.size()) {
        out_.counts_E[bin] += n;
      }
    }
    for (int i = 0; i < n && shown; ++i) {
      const double t = std::max(0.0, begin + places.single.uniform() * (end - begin));
      show(t, places.neuron(q, true));
    }
  }

  trajectory_settings settings_;
  int N_E_;
  double bins_per_s_;
  double time_ = 0;
  double last_begin_ = 0;
  bool seen_ = false;  ///< A phase has been recorded.
  trajectory out_;
};

run_figures undefined_figures() {
  return run_figures::of(std::vector<double>(names.size(), std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace

std::span<const std::string> figure_names() {
  return names;
}

std::span<const std::string> figure_units() {
  return units;
}

std::vector<double> run_figures::values() const {
  return {rate_E_hz, rate_I_hz, phase_rate_hz, size_mean, size_cv, interval_mean_s, interval_cv, fano_E_1ms, peak_hz};
}

run_figures run_figures::of(std::span<const double> v) {
  SPIKESWEEP_ASSERT(v.size() == names.size());
  return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
}

std::vector<trajectory> run_closed_loop(const kernel& step, std::vector<chain>& chains,
                                        const trajectory_settings& settings) {
  std::vector<recorder> recorders;
  std::vector<spike_places> places;
  for (auto& c : chains) {
    recorders.emplace_back(settings, c.p.N_E);
    places.emplace_back(c);
  }
  std::vector<chain_step> steps(chains.size());
  // Chains that are done go on unrecorded until all are, so that the batch keeps its shape.
  while (!std::ranges::all_of(recorders, &recorder::finished)) {
    step(chains, steps);
    for (std::size_t i = 0; i < chains.size(); ++i) {
      if (!recorders[i].finished()) {
        recorders[i].step(steps[i], places[i]);
      }
    }
  }
  std::vector<trajectory> out;
  for (auto& r : recorders) {
    out.push_back(r.take());
  }
  return out;
}

std::vector<trajectory> run_exact(std::span<const network_task> networks, const section_settings& section,
                                  const simulation_settings& simulation, const trajectory_settings& settings,
                                  const std::function<bool()>& poll) {
  std::vector<trajectory> out(networks.size());
  if (networks.empty()) {
    return out;
  }
  sampling_settings sampling;
  sampling.simulation = simulation;
  sampling.max_pending = max_pending_limit;
  // Only the measurement of the mean pool needs a burn-in: what is recorded has one of its own.
  sampling.burn_in_s = section.kind == section_kind::volley ? settings.burn_in_s : 0;
  const network_task& first = networks.front();
  const auto simulator = make_simulator(first.network.model, section, sampling, first.identity.seed);
  std::size_t next = 0;
  // Past the end by less than an event, so that rounding does not cut the last step.
  const double length = settings.burn_in_s + settings.duration_s + 1e3 * time_tolerance;
  const bool all = simulator->follow(
      length,
      [&]() -> std::optional<network_task> {
        if (next == networks.size()) {
          return std::nullopt;
        }
        network_task task = networks[next];
        task.label = static_cast<std::int64_t>(next++);
        return task;
      },
      [&](const network_task& task, exact_run&& run) {
        recorder to(settings, task.network.N_E);
        for (const auto& spike : run.spikes) {
          to.spike(spike.time - run.begin, spike.neuron);
        }
        for (const auto& phase : run.phases) {
          to.phase(phase.kind, phase.duration(), phase.spikes_E + phase.spikes_I);
        }
        if (run.state == task_state::runaway) {
          to.run_away();
        }
        out[static_cast<std::size_t>(task.label)] = to.take();
      },
      poll);
  return all ? out : std::vector<trajectory>();
}

namespace {

template <class Network>
trajectory follow_hybrid(const model& m, const kernel& step, chain start, Network net,
                         const trajectory_settings& settings) {
  const state_layout& layout = m.space.layout.state;
  std::vector<chain> chains{std::move(start)};
  chain& c = chains[0];
  // The law is not looked up where tuning says: that is for loops of the law alone.
  for (std::size_t a = 0; a < c.values.size(); ++a) {
    c.values[a] = get_parameter(c.p, find_parameter(m.space.axes[a]));
  }
  std::vector<chain_step> steps(1);
  net.draw_from(layout, c.state);
  double pool_mean = 0;
  if (m.space.section.kind == section_kind::volley) {
    Network probe = net;
    pool_mean = mean_pool(probe, max_pending_limit);
  }
  recorder out(settings, c.p.N_E);
  spike_places places(c);
  std::vector<spike_record> spikes;
  while (!out.finished()) {
    // The window of the start rule is empty after a jump: what fired in the MFE has passed.
    phase_cutter cutter(m.space.section, c.p, pool_mean);
    spikes.clear();
    const double shift = out.time() - net.time();
    const double limit = net.time() + settings.burn_in_s + settings.duration_s - out.time();
    const phase_record quiet = cutter.run(net, spikes, limit, [&] { return net.pending() <= max_pending_limit; });
    for (const auto& spike : spikes) {
      out.spike(spike.time + shift, spike.neuron);
    }
    out.phase(phase_kind::quiet, quiet.duration(), quiet.spikes_E + quiet.spikes_I);
    if (quiet.unfinished) {
      if (net.pending() > max_pending_limit) {
        out.run_away();
      }
      break;
    }
    net.coarse_grain(layout, c.state);
    c.phase = phase_kind::active;
    step(chains, steps);
    out.step(steps[0], places);
    net.draw_from(layout, c.state);
  }
  return out.take();
}

}  // namespace

trajectory run_hybrid(const model& m, const kernel& step, chain start, const trajectory_settings& settings) {
  if (m.space.section.kind == section_kind::interval) {
    throw input_error("a hybrid run needs a model of section 'mfe' or 'volley': with 'interval' no phase is quiet");
  }
  const parameters p = start.p;
  const random_stream stream(m.seed, purpose::validation, start.stream.word(), start.stream.word());
  return with_network(p, m.space.simulation, stream,
                      [&](auto net) { return follow_hybrid(m, step, std::move(start), std::move(net), settings); });
}

spectrum rate_spectrum(std::span<const trajectory> runs, const parameters& p, double bin_s, double segment_s) {
  std::vector<std::vector<double>> series;
  for (const auto& run : runs) {
    series.push_back(run.counts_E);
    for (auto& count : series.back()) {
      count /= p.N_E * bin_s;
    }
  }
  return welch(series, bin_s, std::llround(segment_s / bin_s));
}

run_figures figures_of(std::span<const trajectory> runs, const parameters& p, double bin_s, double segment_s) {
  double seconds = 0;
  std::int64_t spikes_E = 0;
  std::int64_t spikes_I = 0;
  std::vector<double> sizes;
  std::vector<double> intervals;
  std::vector<double> counts;
  for (const auto& run : runs) {
    if (run.runaway) {
      return undefined_figures();
    }
    seconds += run.duration_s;
    spikes_E += run.spikes_E;
    spikes_I += run.spikes_I;
    sizes.insert(sizes.end(), run.sizes.begin(), run.sizes.end());
    intervals.insert(intervals.end(), run.intervals.begin(), run.intervals.end());
    counts.insert(counts.end(), run.counts_E.begin(), run.counts_E.end());
  }
  run_figures f;
  f.rate_E_hz = static_cast<double>(spikes_E) / (p.N_E * seconds);
  f.rate_I_hz = static_cast<double>(spikes_I) / (p.N_I * seconds);
  f.phase_rate_hz =
      runs.front().steps ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(sizes.size()) / seconds;
  f.size_mean = mean(sizes);
  f.size_cv = coefficient_of_variation(sizes);
  f.interval_mean_s = mean(intervals);
  f.interval_cv = coefficient_of_variation(intervals);
  f.fano_E_1ms = fano_factor(counts);
  f.peak_hz = peak_frequency(rate_spectrum(runs, p, bin_s, segment_s));
  return f;
}

}  // namespace spikesweep
