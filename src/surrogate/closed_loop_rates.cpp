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

/// Each chain of a point.
trajectory_settings run_of(const rate_settings& settings) {
  trajectory_settings each;
  each.duration_s = settings.seconds / settings.chains;
  each.burn_in_s = loop_burn_in_s;
  return each;
}

/// Takes what ran at the point of this number.
using runs_taker = std::function<void(Eigen::Index point, const point_runs& runs)>;

/// Runs the points of this rank's share, a block of them at a time. Collective.
void run_share(const communicator& comm, const predictor& law, std::span<const loop_point> points,
               const rate_settings& settings, const std::function<bool()>& stop, const runs_taker& take) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const std::vector<std::size_t> mine = share_of(comm, points.size());
  const std::size_t most = (points.size() + ranks - 1) / ranks;
  for (std::size_t first = 0; first < most; first += block) {
    if (stop) {
      stop_all_if_asked(comm, stop);
    }
    std::vector<loop_point> places;
    for (std::size_t i = first; i < std::min(first + block, mine.size()); ++i) {
      places.push_back(points[mine[i]]);
    }
    const std::vector<point_runs> runs = law.run(places, {.run = run_of(settings),
                                                          .replicates = settings.chains,
                                                          .seed = settings.seed,
                                                          .member = settings.member});
    for (std::size_t i = 0; i < runs.size(); ++i) {
      take(static_cast<Eigen::Index>(mine[first + i]), runs[i]);
    }
  }
}

/// Every entry is one rank's, and zero on the others, so the sums are exact.
void share_out(const communicator& comm, Eigen::MatrixXd& numbers) {
  all_reduce_sum(comm, std::span(numbers.data(), static_cast<std::size_t>(numbers.size())));
}

}  // namespace

double loop_time_s(std::size_t points, const rate_settings& settings) {
  return static_cast<double>(points) * (settings.seconds + settings.chains * loop_burn_in_s);
}

loop_rates closed_loop_rates(const communicator& comm, const predictor& law, std::span<const loop_point> points,
                             const rate_settings& settings, const std::function<bool()>& stop) {
  const auto n = static_cast<Eigen::Index>(points.size());
  loop_rates rates{Eigen::MatrixXd::Zero(n, settings.chains), Eigen::MatrixXd::Zero(n, settings.chains)};
  const double seconds = run_of(settings).duration_s;
  run_share(comm, law, points, settings, stop, [&](Eigen::Index point, const point_runs& runs) {
    for (Eigen::Index chain = 0; chain < settings.chains; ++chain) {
      const trajectory& run = runs.replicates[static_cast<std::size_t>(chain)];
      rates.E(point, chain) = static_cast<double>(run.spikes_E) / (runs.network.N_E * seconds);
      rates.I(point, chain) = static_cast<double>(run.spikes_I) / (runs.network.N_I * seconds);
    }
  });
  share_out(comm, rates.E);
  share_out(comm, rates.I);
  return rates;
}

Eigen::MatrixXd closed_loop_figures(const communicator& comm, const predictor& law, std::span<const loop_point> points,
                                    const figure_list& figures, const rate_settings& settings,
                                    const std::function<bool()>& stop) {
  Eigen::MatrixXd found =
      Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(points.size()), static_cast<Eigen::Index>(figures.size()));
  const trajectory_settings each = run_of(settings);
  const figure_settings look{each.bin_s, std::min(usual_segment_s, each.duration_s), settings.peak_band};
  run_share(comm, law, points, settings, stop, [&](Eigen::Index point, const point_runs& runs) {
    const kept_runs kept(runs.replicates, runs.network, look);
    for (std::size_t f = 0; f < figures.size(); ++f) {
      found(point, static_cast<Eigen::Index>(f)) = figure_of(kept, figures[f]);
    }
  });
  share_out(comm, found);
  return found;
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
