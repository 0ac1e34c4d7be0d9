#include <cmath>

#include <spikesweep/learning/reduce.hpp>
#include <spikesweep/surrogate/selection.hpp>
#include <spikesweep/surrogate/trajectory.hpp>

namespace spikesweep {

namespace {

namespace mpi = boost::mpi;

constexpr double selection_burn_in_s = 0.3;
/// A point's error counts at most this much, so that one runaway does not hide the rest.
constexpr double largest_error = 2;

double relative_error(double value, double truth) {
  return std::min(std::abs(value / truth - 1), largest_error);
}

}  // namespace

std::function<closed_loop_score(const model&)> closed_loop_selection(const mpi::communicator& comm,
                                                                     std::vector<selection_point> points,
                                                                     const learning_settings& settings) {
  return [comm, points = std::move(points), settings](const model& m) {
    std::vector<chain> chains;
    std::vector<std::size_t> mine;
    for (std::size_t i = static_cast<std::size_t>(comm.rank()); i < points.size();
         i += static_cast<std::size_t>(comm.size())) {
      mine.push_back(i);
      for (auto& c : start_chains(m, points[i].values, settings.selection_chains, settings.seed,
                                  static_cast<std::uint32_t>(points[i].point))) {
        chains.push_back(std::move(c));
      }
    }
    std::vector<double> sums(2, 0.0);
    if (!chains.empty()) {
      trajectory_settings run;
      run.duration_s = settings.selection_s / settings.selection_chains;
      run.burn_in_s = selection_burn_in_s;
      const auto runs = run_closed_loop(surrogate_kernel(m, static_cast<int>(chains.size())), chains, run);
      const auto per_point = static_cast<std::size_t>(settings.selection_chains);
      for (std::size_t k = 0; k < mine.size(); ++k) {
        const auto& point = points[mine[k]];
        const parameters p = parameters_at(m.space, point.values);
        double spikes_E = 0;
        double spikes_I = 0;
        for (std::size_t i = k * per_point; i < (k + 1) * per_point; ++i) {
          spikes_E += static_cast<double>(runs[i].spikes_E);
          spikes_I += static_cast<double>(runs[i].spikes_I);
        }
        sums[0] += relative_error(spikes_E / (p.N_E * settings.selection_s), point.rate_E_hz);
        sums[1] += relative_error(spikes_I / (p.N_I * settings.selection_s), point.rate_I_hz);
      }
    }
    all_reduce_sum(comm, std::span(sums));
    const double n = points.empty() ? 1.0 : static_cast<double>(points.size());
    return closed_loop_score{sums[0] / n, sums[1] / n};
  };
}

}  // namespace spikesweep
