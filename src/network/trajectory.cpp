#include <algorithm>
#include <cmath>
#include <optional>

#include <spikesweep/network/statistics.hpp>
#include <spikesweep/network/trajectory.hpp>

namespace spikesweep {

namespace {

/// Times closer than this are the same [s].
constexpr double time_tolerance = 1e-9;
/// Longer than any phase of a law that means something [s].
constexpr double longest_phase_s = 1e6;
/// Batches that tell a standard error to a fifth of it.
constexpr int enough_batches = 16;
/// Some dozen periods of a gamma rhythm [s].
constexpr double shortest_batch_s = 0.5;

}  // namespace

int batches_of(int runs, double run_s) {
  const int wanted = (enough_batches + runs - 1) / runs;
  const double fitting = std::floor(run_s / shortest_batch_s + time_tolerance);
  return std::max(1, static_cast<int>(std::min<double>(wanted, fitting)));
}

trajectory_recorder::trajectory_recorder(const trajectory_settings& settings, int N_E)
    : settings_(settings),
      N_E_(N_E),
      bins_(static_cast<std::size_t>(std::llround(settings.duration_s / settings.bin_s))),
      bins_per_s_(1 / settings.bin_s) {
  out_.duration_s = settings.duration_s;
  out_.counts_E.reserve(bins_);
  out_.counts_I.reserve(bins_);
  out_.batches_E.assign(static_cast<std::size_t>(settings.batches), 0.0);
  out_.batches_I = out_.batches_E;
}

bool trajectory_recorder::finished() const {
  return out_.runaway || time_ >= settings_.burn_in_s + settings_.duration_s - time_tolerance;
}

void trajectory_recorder::spike(double time, int neuron) {
  const double t = time - settings_.burn_in_s;
  if (t < 0 || t >= settings_.duration_s) {
    return;
  }
  const bool is_E = neuron < N_E_;
  count_in_batch(is_E ? out_.batches_E : out_.batches_I, t, 1);
  ++(is_E ? out_.spikes_E : out_.spikes_I);
  auto& counts = is_E ? out_.counts_E : out_.counts_I;
  count_in_bin(counts, static_cast<std::size_t>(t / settings_.bin_s), 1);
  show(t, neuron);
}

void trajectory_recorder::step(phase_kind kind, double duration, std::int64_t spikes,
                               std::span<const std::int32_t> times_E, std::span<const std::int32_t> times_I,
                               spike_places& places) {
  if (!(duration > 0 && duration <= longest_phase_s)) {  // Not a number is no length, too.
    run_away();
    return;
  }
  const double length = duration / static_cast<double>(times_E.size());
  for (std::size_t i = 0; i < times_E.size(); ++i) {
    const double begin = time_ + static_cast<double>(i) * length;
    part(times_E[i], population::E, begin, begin + length, places);
    part(times_I[i], population::I, begin, begin + length, places);
  }
  phase(kind, duration, spikes);
}

void trajectory_recorder::phase(phase_kind kind, double duration, std::int64_t spikes) {
  const double begin = time_ - settings_.burn_in_s;
  time_ += duration;
  out_.steps = kind == phase_kind::step;
  // Sums of durations carry rounding: a phase that begins where recording does belongs to it.
  if (kind == phase_kind::quiet || begin < -time_tolerance || begin >= settings_.duration_s - time_tolerance) {
    return;
  }
  out_.sizes.push_back(static_cast<double>(spikes));
  out_.begins.push_back(begin);
  if (seen_ && kind != phase_kind::step) {  // Steps are all alike.
    out_.intervals.push_back(begin - last_begin_);
  }
  last_begin_ = begin;
  seen_ = true;
}

trajectory trajectory_recorder::take() {
  std::ranges::sort(out_.raster, {}, &spike_record::time);
  out_.counts_E.resize(bins_);
  out_.counts_I.resize(bins_);
  return std::move(out_);
}

void trajectory_recorder::show(double t, int neuron) {
  if (t < settings_.raster_s) {
    out_.raster.push_back({t, neuron});
  }
}

/// A series is as long as the run has become. Its memory is asked for at the start, and used only where the run has
/// been: to clear all of it for many long runs takes longer than a signal may wait for its answer.
void trajectory_recorder::count_in_bin(std::vector<double>& counts, std::size_t bin, int n) const {
  if (bin >= counts.size()) {
    if (bin >= bins_) {  // Rounding could reach the end.
      return;
    }
    counts.resize(std::min(bins_, std::max(bin + 1, 2 * counts.size())));
  }
  counts[bin] += n;
}

/// `t`: within the recorded time.
void trajectory_recorder::count_in_batch(std::vector<double>& batches, double t, int n) const {
  const auto batch = static_cast<std::size_t>(std::max(0.0, t) / settings_.duration_s * settings_.batches);
  batches[std::min(batch, batches.size() - 1)] += n;  // Rounding could reach the end.
}

/// `n` spikes, uniform between two times. Most fall into one bin, and need no times unless they are shown.
void trajectory_recorder::part(int n, population q, double from, double to, spike_places& places) {
  const double begin = from - settings_.burn_in_s;
  const double end = to - settings_.burn_in_s;
  const bool inside = begin > -time_tolerance && end < settings_.duration_s + time_tolerance;
  const auto bin = inside ? static_cast<std::size_t>((begin + time_tolerance) * bins_per_s_) : 0;
  const bool in_one = (end - time_tolerance) * bins_per_s_ <= static_cast<double>(bin) + 1;
  const bool shown = begin < settings_.raster_s;
  // The times of I spikes that are inside come from a stream of their own: those of E spikes are as they always were.
  if (!inside || (!in_one && q == population::E)) {
    for (int i = 0; i < n; ++i) {
      spike(from + places.time.uniform() * (to - from), places.neuron(q, shown));
    }
    return;
  }
  count_in_batch(q == population::E ? out_.batches_E : out_.batches_I, begin, n);
  (q == population::E ? out_.spikes_E : out_.spikes_I) += n;
  if (in_one) {
    count_in_bin(q == population::E ? out_.counts_E : out_.counts_I, bin, n);
  } else {
    bins_I(n, begin, end, places);
  }
  for (int i = 0; i < n && shown; ++i) {
    const double t = std::max(0.0, begin + places.single.uniform() * (end - begin));
    show(t, places.neuron(q, true));
  }
}

/// The bins of `n` I spikes, uniform between two times of the record.
void trajectory_recorder::bins_I(int n, double begin, double end, spike_places& places) {
  for (int i = 0; i < n; ++i) {
    const double t = std::max(0.0, begin + places.bin_I.uniform() * (end - begin));
    count_in_bin(out_.counts_I, static_cast<std::size_t>(t * bins_per_s_), 1);
  }
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
  const auto simulator =
      make_simulator(networks.front().network.model, section, sampling, networks.front().identity.seed);
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
        trajectory_recorder to(settings, task.network.N_E);
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

trajectory trajectory_of(std::vector<spike_record> spikes, const parameters& p, double begin, double end, double bin_s,
                         int batches) {
  trajectory out;
  out.phases = false;
  out.every_spike = true;
  out.duration_s = end - begin;
  out.raster_begin_s = begin;
  std::vector<double> times_E;
  std::vector<double> times_I;
  for (const spike_record& spike : spikes) {
    (spike.neuron < p.N_E ? times_E : times_I).push_back(spike.time);
  }
  out.spikes_E = static_cast<std::int64_t>(times_E.size());
  out.spikes_I = static_cast<std::int64_t>(times_I.size());
  const auto bins = static_cast<std::int64_t>(std::llround(out.duration_s / bin_s));
  out.counts_E = bin_times(times_E, begin, bin_s, bins);
  out.counts_I = bin_times(times_I, begin, bin_s, bins);
  out.batches_E = bin_times(times_E, begin, out.duration_s / batches, batches);
  out.batches_I = bin_times(times_I, begin, out.duration_s / batches, batches);
  out.raster = std::move(spikes);
  return out;
}

}  // namespace spikesweep
