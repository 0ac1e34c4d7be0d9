#include "learning_work.hpp"

#include <algorithm>

#include <spikesweep/learning/chunk_plan.hpp>
#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/learning/emulator.hpp>
#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/study/training_check.hpp>
#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/tuning.hpp>

namespace spikesweep {

closed_loop_work loops_of_training(const learning_settings& settings, const design& points) {
  const auto count = [&points](point_role role) {
    return static_cast<std::size_t>(std::ranges::count(points.roles, role));
  };
  const std::size_t tuned = std::min(count(point_role::train), most_emulated_points);
  return {loop_time_s(count(point_role::selection), {settings.selection_s, settings.selection_chains}),
          settings.tuning_s > 0 ? tuning_time_s(points.axes.size(), tuned, settings.tuning_s) : 0};
}

double candidates_after(const learning_settings& settings, int epoch) {
  const double late = std::max(1.0, candidate_share * settings.epochs);
  const double share = std::clamp((settings.epochs - epoch) / late, 0.0, 1.0);
  return share * std::min(settings.candidates, settings.epochs);
}

void check_training(const learning_settings& settings, const sweep_description& d, int ranks) {
  const std::int64_t tasks = std::ranges::count(d.points.roles, point_role::train) * d.replicates;
  const std::int64_t rows = tasks * d.sampling.transitions;
  check_shards(rows, ranks, settings);
  const transition_space space = space_of(d);
  plan_chunks({rows, settings.shards, settings.slices}, row_bytes(feature_map(space), target_map(space)),
              d.sampling.transitions, settings);
}

}  // namespace spikesweep
