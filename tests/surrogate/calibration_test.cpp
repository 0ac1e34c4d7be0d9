// Laws that are known, and observed values drawn from them: PITs are uniform. Laws that are wrong are found out.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include <boost/mpi/communicator.hpp>
#include <gtest/gtest.h>

#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/learning/law.hpp>
#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/surrogate/calibration.hpp>

namespace spikesweep {
namespace {

/// One sample of the mixture of a row of raw outputs, drawn plainly: a component by its logit, then L (y - m) = z.
void mixture_sample(const mixture_shape& shape, std::span<const float> raw, random_stream& stream,
                    std::span<double> out) {
  const auto n = static_cast<std::size_t>(shape.components);
  double total = 0;
  for (std::size_t c = 0; c < n; ++c) {
    total += std::exp(static_cast<double>(raw[c]));
  }
  double left = stream.uniform() * total;
  std::size_t chosen = 0;
  for (; chosen + 1 < n && left >= std::exp(static_cast<double>(raw[chosen])); ++chosen) {
    left -= std::exp(static_cast<double>(raw[chosen]));
  }
  const auto mean = [&](std::size_t d) { return static_cast<double>(raw[(1 + d) * n + chosen]); };
  const auto factor = [&](std::size_t i, std::size_t j) {
    return static_cast<double>(raw[(1 + out.size() + i * (i + 1) / 2 + j) * n + chosen]);
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    double rest = stream.normal();
    for (std::size_t j = 0; j < i; ++j) {
      rest -= factor(i, j) * (out[j] - mean(j));
    }
    out[i] = mean(i) + rest * std::exp(-bounded_log_diagonal(factor(i, i)));
  }
}

/// Chi-squared of a flat histogram: 19 degrees of freedom, mean 19, below 43.8 with probability 0.999.
double chi_squared(const pit_tally& tally) {
  const double expected = static_cast<double>(tally.rows) / pit_bins;
  double sum = 0;
  for (const std::int64_t n : tally.histogram) {
    sum += (static_cast<double>(n) - expected) * (static_cast<double>(n) - expected) / expected;
  }
  return sum;
}
constexpr double chi_squared_bound = 43.8;

void expect_calibrated(const pit_tally& tally, const std::string& what) {
  EXPECT_LT(chi_squared(tally), chi_squared_bound) << what;
  EXPECT_LT(std::abs(tally.bias()), 4) << what;
  for (std::size_t k = 0; k < coverage_levels.size(); ++k) {
    const double level = coverage_levels[k];
    EXPECT_NEAR(tally.coverage(k), level, 4 * std::sqrt(level * (1 - level) / static_cast<double>(tally.rows))) << what;
  }
}

/// Few spikes, so that the atoms of the counts are large, and tight bounds, so that samples are held within them.
target_map tight_targets(const transition_space& space) {
  target_map targets(space, false);
  column_statistics statistics;
  statistics.mean = {1, 1.2, 2, 3, 4, 5, -5};
  statistics.deviation = {0.6, 0.7, 0.8, 1, 1, 1, 0.5};
  std::array<target_map::extremes, phase_kind_count> bounds;
  bounds.fill({{0, 0, 0, 1, 2, 3, -6}, {5, 6, 10, 20, 30, 60, -4.5}});
  targets.set_statistics(statistics, bounds);
  return targets;
}

/// PITs of counts and durations drawn from mixtures, each output's in a tally; the law is told with its means shifted.
std::vector<pit_tally> pits_of_samples(double shift, double log_factor) {
  transition_space space;
  space.section.kind = section_kind::mfe;
  const target_map targets = tight_targets(space);
  const mixture_shape shape{targets.dims(), 3};
  const auto outputs = static_cast<std::size_t>(shape.outputs());
  const auto dims = static_cast<std::size_t>(shape.dims);
  std::vector<pit_tally> tallies(dims);
  random_stream stream(1, purpose::test);
  constexpr int rows = 20000;
  for (int row = 0; row < rows; ++row) {
    std::vector<float> raw(outputs);
    for (float& x : raw) {
      x = static_cast<float>(0.5 * stream.normal());
    }
    std::vector<double> y(dims);
    std::array<std::int32_t, count_dims> counts{};
    mixture_sample(shape, raw, stream, y);
    const double duration = targets.decode(phase_kind::active, y, counts);
    for (std::size_t i = 0; i < dims * 3; ++i) {
      raw[3 + i] += static_cast<float>(shift);
    }
    for (std::size_t i = 0; i < dims; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        raw[(1 + dims + i * (i + 1) / 2 + i) * 3 + c] += static_cast<float>(log_factor);
      }
    }
    const auto law = marginals_of(shape, raw);
    for (std::size_t k = 0; k < dims; ++k) {
      const double observed = k < count_dims ? counts[k] : duration;
      tallies[k].add(law_pit(targets, law, phase_kind::active, static_cast<int>(k), observed, stream.uniform()));
    }
  }
  return tallies;
}

TEST(calibration, of_the_law_that_drew_the_outcomes_is_flat) {
  const auto tallies = pits_of_samples(0, 0);
  ASSERT_EQ(tallies.size(), 7U);
  for (std::size_t k = 0; k < tallies.size(); ++k) {
    expect_calibrated(tallies[k], "output " + std::to_string(k));
  }
}

TEST(calibration, of_a_law_that_predicts_too_much_shows_in_the_mean) {
  for (const pit_tally& tally : pits_of_samples(0.1, 0)) {
    EXPECT_LT(tally.bias(), -5) << "a tenth of a deviation over 20000 rows";
    EXPECT_GT(chi_squared(tally), chi_squared_bound);
  }
}

TEST(calibration, of_a_law_that_is_too_sure_shows_in_the_coverage) {
  const auto tallies = pits_of_samples(0, 0.3);
  for (std::size_t k = 3; k < count_dims; ++k) {  // Outputs of large counts, of which bounds cut off little.
    EXPECT_LT(tallies[k].coverage(0), 0.48);
    EXPECT_LT(tallies[k].coverage(1), 0.77);
  }
}

TEST(marginals, have_the_cumulative_frequencies_of_samples) {
  const mixture_shape shape{3, 4};
  random_stream stream(2, purpose::test);
  std::vector<float> raw(static_cast<std::size_t>(shape.outputs()));
  for (float& x : raw) {
    x = static_cast<float>(0.8 * stream.normal());
  }
  const auto law = marginals_of(shape, raw);
  constexpr int samples = 40000;
  const std::array<double, 4> at{-1.0, 0.0, 0.5, 2.0};
  std::array<std::array<int, 4>, 3> below{};
  for (int n = 0; n < samples; ++n) {
    std::array<double, 3> y{};
    mixture_sample(shape, raw, stream, y);
    for (std::size_t d = 0; d < 3; ++d) {
      for (std::size_t i = 0; i < at.size(); ++i) {
        below[d][i] += y[d] <= at[i] ? 1 : 0;
      }
    }
  }
  for (std::size_t d = 0; d < 3; ++d) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      const double p = law.below(static_cast<int>(d), at[i]);
      // 4.5 standard errors.
      EXPECT_NEAR(below[d][i], samples * p, 4.5 * std::sqrt(samples * p * (1 - p)) + 1) << d << ' ' << at[i];
    }
  }
}

TEST(rank_pit, of_one_more_draw_is_uniform) {
  random_stream stream(3, purpose::test);
  pit_tally fair;
  pit_tally biased;
  for (int row = 0; row < 10000; ++row) {
    std::array<std::int32_t, 50> draws{};
    for (auto& x : draws) {
      x = static_cast<std::int32_t>(stream.below(4));  // Many ties.
    }
    const auto observed = static_cast<std::int32_t>(stream.below(4));
    fair.add(rank_pit(draws, observed, stream.uniform()));
    biased.add(rank_pit(draws, std::max(observed, 1), stream.uniform()));
  }
  expect_calibrated(fair, "draws");
  EXPECT_GT(biased.bias(), 5);
}

TEST(rank_pit, counts_draws_below_and_splits_ties) {
  const std::vector<std::int32_t> draws{1, 2, 2, 3};
  EXPECT_NEAR(rank_pit(draws, 0, 0.5), 0.1, 1e-12);
  EXPECT_NEAR(rank_pit(draws, 2, 0.5), (1 + 1.5) / 5, 1e-12);
  EXPECT_NEAR(rank_pit(draws, 9, 0.5), 0.9, 1e-12);
}

/// Transitions of the canonical network, and a model of its space whose weights are the first ones.
class calibrator : public testing::Test {
 protected:
  calibrator() {
    model_.space.axes = {"S_EE"};
    model_.space.axis_min = {3.5};
    model_.space.axis_max = {4.5};
    sampling_settings sampling;
    sampling.transitions = 600;
    sampling.burn_in_s = 0.1;
    bool given = false;
    lockstep_simulator simulator(model_.space.section, sampling, 5);
    simulator.run(
        [&]() -> std::optional<network_task> {
          return std::exchange(given, true) ? std::nullopt : std::optional(network_task{network_, {5, 0, 0}, 0});
        },
        [&](const network_task&, task_result&& result) { block_ = std::move(result.block); });
    model_.features = feature_map(model_.space);
    model_.targets = target_map(model_.space);
    dataset data;
    append(data, model_.features, model_.space.layout, network_, values_, block_);
    const shard_plan plan{data.rows, 1};
    statistics_fit fit(plan, model_.features, model_.targets);
    fit.add(data);
    fit.fit(world_, model_.features, model_.targets);
    learning_settings settings;
    settings.hidden = 16;
    settings.layers = 1;
    settings.components = 2;
    prepare_networks(model_, settings);
  }

  std::vector<output_calibration> calibrate() {
    law_calibrator of_model(model_);
    random_stream stream(6, purpose::test);
    of_model.add(network_, values_, block_, 2, stream);
    return of_model.gather(world_);
  }

  /// Puts observed values drawn from the model in place of the network's.
  void draw_transitions() {
    law_sampler sampler(model_, 1);
    random_stream stream(7, purpose::test);
    for (std::int64_t row = 0; row < block_.rows(); ++row) {
      const auto span_of = [row](count_matrix& m) {
        return std::span(m.row(row).data(), static_cast<std::size_t>(m.cols()));
      };
      std::vector<law_query> query{{&network_, values_, phase_kind::step, span_of(block_.before), &stream}};
      std::vector<law_sample> sample{
          {span_of(block_.after), span_of(block_.spike_times_E), span_of(block_.spike_times_I)}};
      sampler.sample(query, sample);
      block_.spikes(row, 0) = sample[0].spikes_E;
      block_.spikes(row, 1) = sample[0].spikes_I;
    }
  }

  boost::mpi::communicator world_;
  parameters network_;
  std::vector<double> values_{4.0};
  transition_block block_;
  model model_;
};

TEST_F(calibrator, finds_a_model_calibrated_on_what_it_drew_itself_in_every_output) {
  draw_transitions();
  const auto outputs = calibrate();
  ASSERT_EQ(outputs.size(), 10U) << "six counts, four aggregates, no duration";
  const auto unperturbed = std::ranges::count(block_.perturbed, 0);
  ASSERT_LT(unperturbed, block_.rows());
  for (const output_calibration& o : outputs) {
    const bool aggregate = o.output.starts_with("high") || o.output.starts_with("refractory");
    EXPECT_EQ(o.tally.rows, aggregate ? (unperturbed + 1) / 2 : unperturbed) << o.output;
    EXPECT_EQ(std::accumulate(o.tally.histogram.begin(), o.tally.histogram.end(), std::int64_t{0}), o.tally.rows);
    expect_calibrated(o.tally, o.output);
  }
}

TEST_F(calibrator, finds_an_untrained_model_miscalibrated_on_the_network_itself) {
  const auto outputs = calibrate();
  ASSERT_EQ(outputs.size(), 10U);
  double worst = 0;
  for (const output_calibration& o : outputs) {
    worst = std::max(worst, chi_squared(o.tally));
  }
  EXPECT_GT(worst, chi_squared_bound);
}

}  // namespace
}  // namespace spikesweep
