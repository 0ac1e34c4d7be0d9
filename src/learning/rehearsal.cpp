#include <algorithm>
#include <span>
#include <utility>

#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/learning/adamw.hpp>
#include <spikesweep/learning/gradient_sum.hpp>
#include <spikesweep/learning/rehearsal.hpp>
#include <spikesweep/learning/shard_plan.hpp>

#include "batch.hpp"

namespace spikesweep {

namespace {

/// More rows at a time are not faster, and would take long with large networks.
constexpr int most_rows = 512;

void add_starts(const point_transitions& point, start_states& starts) {
  const Eigen::Index row = starts.states.rows();
  starts.states.conservativeResize(row + 1, point.block.before.cols());
  starts.states.row(row) = point.block.before.row(point.block.rows() - 1);
  starts.phase.push_back(point.block.phase.back());
  starts.values.push_back(point.values);
}

/// Any scatter costs as much as that of the data.
profile_dispersion plain_dispersion(std::size_t cells) {
  cell_dispersion plain;
  plain.variance.assign(cells, 1.0);
  plain.factor.assign(cells * cells, 0.0);
  for (std::size_t i = 0; i < cells; ++i) {
    plain.factor[i * (cells + 1)] = 1;
  }
  profile_dispersion all;
  all.fill(plain);
  return all;
}

/// A kind of phase that the transitions lack gets the bounds of one that they have: closed loops come to all kinds.
void complete_bounds(target_map& targets) {
  auto bounds = targets.bounds();
  const auto met =
      std::ranges::find_if(bounds, [](const target_map::extremes& e) { return e.lowest.front() <= e.highest.front(); });
  const target_map::extremes usual = *met;
  for (target_map::extremes& e : bounds) {
    if (e.lowest.front() > e.highest.front()) {
      e = usual;
    }
  }
  targets.set_statistics(targets.statistics(), bounds);
}

/// Batches of the rows, one after another, without end.
class rehearsed_batches {
 public:
  rehearsed_batches(const model& m, const dataset& rows, const learning_settings& settings, int size)
      : rows_(rows),
        settings_(settings),
        counts_(m.surrogate().counts_weights),
        profile_(m.surrogate().profile_weights),
        batch_(m, size, true, settings.numbers == precision::bf16 && has_bf16() ? precision::bf16 : precision::fp32),
        gradient_(counts_.size() + profile_.size()),
        sum_(settings.slices > 1 ? gradient_.size() : 0, std::max(2, settings.slices)),
        counts_update_({}, counts_.size()),
        profile_update_({}, profile_.size()) {}

  void gradient() {
    for (int slot = 0; slot < batch_.rows(); ++slot) {
      batch_.fill(slot, rows_, next_, 1.0F / static_cast<float>(batch_.rows()), settings_.seed, 1);
      next_ = (next_ + 1) % rows_.rows;
    }
    const auto all = std::span(gradient_);
    batch_.differentiate(all.first(counts_.size()), all.subspan(counts_.size()));
    if (settings_.slices > 1) {
      sum_.add(all);
    }
  }

  void update() {
    sum_.clear();
    const auto all = std::span(std::as_const(gradient_));
    const auto take = [this](adamw& rule, std::span<float> weights, std::span<const float> gradient) {
      rule.step(weights, gradient, rate, clipping_scale(gradient_norm(gradient), settings_.gradient_clip));
    };
    take(counts_update_, counts_, all.first(counts_.size()));
    take(profile_update_, profile_, all.subspan(counts_.size()));
    batch_.set_weights(counts_, profile_);
  }

 private:
  static constexpr double rate = 1e-6;  ///< So low that nothing diverges.

  const dataset& rows_;
  const learning_settings& settings_;
  std::vector<float> counts_;
  std::vector<float> profile_;
  law_batch batch_;
  long_vector<float> gradient_;
  gradient_sum sum_;
  adamw counts_update_;
  adamw profile_update_;
  std::int64_t next_ = 0;
};

}  // namespace

model rehearsal_model(const transition_space& space, const std::vector<point_transitions>& transitions,
                      const learning_settings& settings, dataset& rows) {
  model m;
  m.space = space;
  m.features = feature_map(space);
  m.targets = target_map(space);
  for (const point_transitions& point : transitions) {
    if (point.block.rows() > 0) {
      append(rows, m.features, space.layout, point.network, point.values, point.block);
      add_starts(point, m.starts);
    }
  }
  statistics_fit fit({rows.rows, 1, 1}, m.features, m.targets);
  fit.add(rows);
  fit.finish(m.features, m.targets);
  complete_bounds(m.targets);
  standardise(rows, m.features);
  prepare_networks(m, settings);
  m.surrogate().dispersion = plain_dispersion(static_cast<std::size_t>(m.targets.profile_size()));
  return m;
}

training_pace time_training(const model& m, const dataset& rows, const learning_settings& settings, double budget_s) {
  const int size = std::clamp(settings.batch / std::max(1, settings.slices), 1, most_rows);
  rehearsed_batches work(m, rows, settings, size);
  work.update();
  work.gradient();  // The first one also fills caches and pages.
  double rows_s = 0;
  double updates_s = 0;
  int batches = 0;
  do {
    {
      const stopwatch watch(updates_s);
      work.update();
    }
    const stopwatch watch(rows_s);
    work.gradient();
    ++batches;
  } while (rows_s + updates_s < budget_s || batches < 2);
  return {rows_s / (static_cast<double>(batches) * size), updates_s / batches};
}

}  // namespace spikesweep
