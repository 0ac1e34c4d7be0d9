#include "own_spikes.hpp"

#include <cmath>

#include <spikesweep/network/figures.hpp>

namespace spikesweep {

namespace {

const double bin_s = figure_settings{}.bin_s;

}  // namespace

std::int64_t own_spikes::bin_of(double seconds) {
  constexpr double late = 1e-6;  // Bins.
  return static_cast<std::int64_t>(std::floor(std::max(0.0, seconds) / bin_s + late));
}

void own_spikes::add(double begin_s, const phase_record& phase, std::span<const spike_record> spikes) {
  for (const spike_record& spike : spikes) {
    const auto bin = static_cast<std::size_t>(bin_of(begin_s + std::max(0.0, spike.time - phase.begin)));
    std::vector<std::uint32_t>& bins = spike.neuron < N_E_ ? E_ : I_;
    bins.resize(std::max(bins.size(), bin + 1));
    ++bins[bin];
  }
}

std::vector<std::span<std::byte>> own_spikes::parts_of(std::int64_t first, std::int64_t count) {
  std::vector<std::span<std::byte>> parts;
  for (auto* bins : {&E_, &I_}) {
    bins->resize(std::max(bins->size(), static_cast<std::size_t>(first + count)));
    parts.push_back(std::as_writable_bytes(
        std::span(*bins).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count))));
  }
  return parts;
}

trajectory own_spikes::run_of(const transition_block& rows, const task_summary& summary) const {
  trajectory_settings settings;
  settings.duration_s = summary.simulated_s;
  settings.burn_in_s = 0;
  settings.bin_s = bin_s;
  settings.batches = batches_of(1, summary.simulated_s);
  trajectory_recorder recorder(settings, N_E_);
  for (std::int64_t row = 0; row < rows.rows(); ++row) {
    const auto i = static_cast<std::size_t>(row);
    if (rows.perturbed[i] == 0) {
      recorder.phase(static_cast<phase_kind>(rows.phase[i]), rows.duration[i],
                     rows.spikes(row, 0) + rows.spikes(row, 1));
    }
  }
  trajectory out = recorder.take();
  out.spikes_E = summary.spikes_E;
  out.spikes_I = summary.spikes_I;
  const auto keep = [&](const std::vector<std::uint32_t>& bins, std::vector<double>& counts,
                        std::vector<double>& batches) {
    counts.assign(static_cast<std::size_t>(bin_of(summary.simulated_s)), 0.0);  // Whole bins alone.
    for (std::size_t bin = 0; bin < bins.size(); ++bin) {
      if (bin < counts.size()) {
        counts[bin] = bins[bin];
      }
      const double share = static_cast<double>(bin) * bin_s / summary.simulated_s;
      const auto batch = static_cast<std::size_t>(share * settings.batches);
      batches[std::min(batch, batches.size() - 1)] += bins[bin];
    }
  };
  keep(E_, out.counts_E, out.batches_E);
  keep(I_, out.counts_I, out.batches_I);
  return out;
}

task_figures own_spikes::figures_of(const transition_block& rows, const task_summary& summary,
                                    const parameters& p) const {
  const trajectory run = run_of(rows, summary);
  figure_settings settings;
  settings.segment_s = std::min(settings.segment_s, summary.simulated_s);
  const kept_runs kept(std::span(&run, 1), p, settings);
  const run_figures values = spikesweep::figures_of(kept);
  const run_figures errors = standard_errors_of(kept);
  task_figures out;
  for (const figure& f : predicted_figures()) {
    out.values.push_back(values[f]);
    out.standard_errors.push_back(errors[f]);
  }
  return out;
}

}  // namespace spikesweep
