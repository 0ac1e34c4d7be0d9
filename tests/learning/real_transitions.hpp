#pragma once

#include <array>
#include <vector>

#include <boost/mpi/communicator.hpp>

#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/network/lockstep.hpp>

namespace spikesweep::testing {

/// Training data of real transitions at eight points about the canonical network, in equal parts, one after another;
/// the same bits on every machine. Every rank holds its shards. The model gets its space and scales, but no weights.
inline training_data real_transitions(const boost::mpi::communicator& ranks, std::int64_t rows, int shards, model& m) {
  constexpr int points = 8;
  transition_space space;
  space.axes = {"S_EE", "S_EI"};
  space.axis_min = {3.5, 1.8};
  space.axis_max = {4.2, 2.5};
  space.section.interval_ms = 5;  // The losses of test_parity are of these settings.
  space.layout.time_bins = 5;
  m.space = space;
  m.features = feature_map(space);
  m.targets = target_map(space);
  training_data data;
  data.plan = {rows, shards};
  sampling_settings sampling;
  sampling.transitions = rows / points;
  sampling.burn_in_s = 0.1;
  sampling.layout = space.layout;
  sampling.perturb_share = 0.15;
  std::vector<task_result> tasks(points);
  const auto values = [](int point) {
    return std::vector<double>{3.5 + 0.1 * point, 1.8 + 0.1 * ((3 * point) % points)};
  };
  int next = 0;
  lockstep_simulator simulator(space.section, sampling, 5);
  simulator.run(
      [&]() -> std::optional<network_task> {
        const int point = next++;
        return point < points
                   ? std::optional(network_task{
                         parameters_at(space, values(point)), {5, static_cast<std::uint32_t>(point), 0}, point})
                   : std::nullopt;
      },
      [&](const network_task& task, task_result&& result) {
        tasks[static_cast<std::size_t>(task.label)] = std::move(result);
      });
  const auto first = data.plan.begin(data.plan.first_of(ranks.rank(), ranks.size()));
  const auto last = data.plan.begin(data.plan.first_of(ranks.rank() + 1, ranks.size()));
  dataset all;
  for (int point = 0; point < points; ++point) {
    append(all, m.features, space.layout, parameters_at(space, values(point)), values(point),
           tasks[static_cast<std::size_t>(point)].block);
  }
  const auto take = [&](const auto& from, auto& to, std::int64_t width) {
    to.assign(from.begin() + first * width, from.begin() + last * width);
  };
  data.train.first = first;
  data.train.rows = last - first;
  data.train.features = all.features;
  take(all.inputs, data.train.inputs, all.features);
  take(all.counts, data.train.counts, count_dims);
  take(all.duration, data.train.duration, 1);
  take(all.phase, data.train.phase, 1);
  take(all.profile, data.train.profile, m.targets.profile_size());
  data.selection.features = all.features;
  statistics_fit fit(data.plan, m.features, m.targets);
  fit.add(data.train);
  fit.fit(ranks, m.features, m.targets);
  standardise(data.train, m.features);
  add_dispersion_rows(data.train, data.plan, data.dispersion);
  return data;
}

}  // namespace spikesweep::testing
