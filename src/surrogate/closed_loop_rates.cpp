#include <algorithm>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/reduce.hpp>
#include <spikesweep/surrogate/closed_loop_rates.hpp>

namespace spikesweep {

namespace {

constexpr double loop_burn_in_s = 0.3;
/// Points of a rank whose chains go through the networks side by side: enough for fast products, and few enough that a
/// wish to stop is answered soon.
constexpr std::size_t block = 32;

void stop_all_if_asked(const communicator& comm, const std::function<bool()>& stop) {
  bool stops = comm.rank() == 0 && stop();
  broadcast(comm, stops);
  if (stops) {
    throw interrupted_error("interrupted in closed loops; the same command goes on");
  }
}

/// A rate over the measured one. Where no spike was measured, none is right, and one in that time twice too many.
double ratio(double rate, double measured, double one_spike) {
  return measured > 0 ? rate / measured : 1 + rate / one_spike;
}

/// Fills in the rates at the points of these numbers.
void run_block(const predictor& law, std::span<const loop_point> points, std::span<const std::size_t> numbers,
               const rate_settings& settings, loop_rates& rates) {
  std::vector<loop_point> mine;
  for (const std::size_t number : numbers) {
    mine.push_back(points[number]);
  }
  trajectory_settings each;
  each.duration_s = settings.seconds / settings.chains;
  each.burn_in_s = loop_burn_in_s;
  const std::vector<point_runs> runs =
      law.run(mine, {.run = each, .replicates = settings.chains, .seed = settings.seed, .member = settings.member});
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto point = static_cast<Eigen::Index>(numbers[i]);
    const parameters& network = runs[i].network;
    for (std::size_t k = 0; k < runs[i].replicates.size(); ++k) {
      const auto chain = static_cast<Eigen::Index>(k);
      const trajectory& run = runs[i].replicates[k];
      rates.E(point, chain) = static_cast<double>(run.spikes_E) / (network.N_E * each.duration_s);
      rates.I(point, chain) = static_cast<double>(run.spikes_I) / (network.N_I * each.duration_s);
    }
  }
}

}  // namespace

double loop_time_s(std::size_t points, const rate_settings& settings) {
  return static_cast<double>(points) * (settings.seconds + settings.chains * loop_burn_in_s);
}

loop_rates closed_loop_rates(const communicator& comm, const predictor& law, std::span<const loop_point> points,
                             const rate_settings& settings, const std::function<bool()>& stop) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const std::vector<std::size_t> mine = share_of(comm, points.size());
  const auto n = static_cast<Eigen::Index>(points.size());
  loop_rates rates{Eigen::MatrixXd::Zero(n, settings.chains), Eigen::MatrixXd::Zero(n, settings.chains)};
  const std::size_t most = (points.size() + ranks - 1) / ranks;
  for (std::size_t first = 0; first < most; first += block) {
    if (stop) {
      stop_all_if_asked(comm, stop);
    }
    if (first < mine.size()) {
      run_block(law, points, std::span(mine).subspan(first, std::min(block, mine.size() - first)), settings, rates);
    }
  }
  // Every entry is one rank's, and zero on the others, so the sums are exact.
  all_reduce_sum(comm, std::span(rates.E.data(), static_cast<std::size_t>(rates.E.size())));
  all_reduce_sum(comm, std::span(rates.I.data(), static_cast<std::size_t>(rates.I.size())));
  return rates;
}

std::vector<rate_ratios> closed_loop_ratios(const communicator& comm, const predictor& law,
                                            std::span<const measured_point> points, const rate_settings& settings,
                                            const std::function<bool()>& stop) {
  std::vector<loop_point> places;
  for (const measured_point& point : points) {
    places.push_back({point.values, static_cast<std::uint32_t>(point.point)});
  }
  const loop_rates rates = closed_loop_rates(comm, law, places, settings, stop);
  std::vector<rate_ratios> ratios;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    ratios.push_back({ratio(rates.E.row(row).mean(), points[i].rate_E_hz, points[i].one_spike_E_hz),
                      ratio(rates.I.row(row).mean(), points[i].rate_I_hz, points[i].one_spike_I_hz)});
  }
  return ratios;
}

}  // namespace spikesweep
