#include <algorithm>

#include <spikesweep/learning/reduce.hpp>
#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/trajectory.hpp>

namespace spikesweep {

namespace {

constexpr double loop_burn_in_s = 0.3;
/// Chains that go through the networks at a time: enough for the products' speed, few enough for the caches.
constexpr int most_rows = 256;

}  // namespace

std::vector<rate_ratios> closed_loop_rates(const boost::mpi::communicator& comm, const model& m,
                                           std::span<const measured_point> points, const loop_settings& settings) {
  std::vector<chain> chains;
  std::vector<std::size_t> mine;
  for (auto i = static_cast<std::size_t>(comm.rank()); i < points.size(); i += static_cast<std::size_t>(comm.size())) {
    mine.push_back(i);
    for (auto& c : start_chains(m, points[i].values, settings.chains, settings.seed,
                                static_cast<std::uint32_t>(points[i].point))) {
      chains.push_back(std::move(c));
    }
  }
  std::vector<std::int64_t> spikes(2 * points.size(), 0);  // Whole numbers: their sums are exact in any order.
  if (!chains.empty()) {
    trajectory_settings run;
    run.duration_s = settings.seconds / settings.chains;
    run.burn_in_s = loop_burn_in_s;
    const int rows = std::min(most_rows, static_cast<int>(chains.size()));
    const auto runs = run_closed_loop(surrogate_kernel(m, rows), chains, run);
    const auto per_point = static_cast<std::size_t>(settings.chains);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      spikes[2 * mine[i / per_point]] += runs[i].spikes_E;
      spikes[2 * mine[i / per_point] + 1] += runs[i].spikes_I;
    }
  }
  all_reduce_sum(comm, std::span(spikes));
  std::vector<rate_ratios> ratios;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const parameters p = parameters_at(m.space, points[i].values);
    ratios.push_back({static_cast<double>(spikes[2 * i]) / (p.N_E * settings.seconds * points[i].rate_E_hz),
                      static_cast<double>(spikes[2 * i + 1]) / (p.N_I * settings.seconds * points[i].rate_I_hz)});
  }
  return ratios;
}

}  // namespace spikesweep
