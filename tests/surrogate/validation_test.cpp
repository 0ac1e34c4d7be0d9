// What is found out about a surrogate at its test points.
#include <algorithm>
#include <filesystem>
#include <numeric>

#include <spikesweep/surrogate/calibration.hpp>
#include <spikesweep/surrogate/paper_scheme.hpp>
#include <spikesweep/surrogate/validation.hpp>

#include "small_surrogate.hpp"

namespace spikesweep {
namespace {

class validation : public testing::small_surrogate {};

TEST_P(validation, compares_every_run_at_every_point) {
  validation_settings settings;
  settings.duration_s = 1.5;
  settings.chains = 1;
  std::vector<validation_point> points;
  for (int i = 0; i < about_.points.size(); ++i) {
    if (about_.points.roles[static_cast<std::size_t>(i)] == point_role::test) {
      points.push_back({i, {about_.points.points(i, 0), about_.points.points(i, 1)}});
    }
  }
  std::optional<unfinished_result> saved;
  if (world_.rank() == 0) {
    saved.emplace(directory_ / "validation.h5", origin{"a model", "settings"});
  }
  const validation_result result = validate_model(world_, model_, points, settings, &*file_, saved ? &*saved : nullptr);
  if (world_.rank() != 0) {
    EXPECT_TRUE(result.points.empty());
    return;
  }
  ASSERT_EQ(result.points.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& point = result.points[i];
    EXPECT_EQ(point.point, points[i].point);
    ASSERT_EQ(point.runs.size(), GetParam() == section_kind::interval ? 6U : 8U) << "no hybrids without quiet phases";
    EXPECT_EQ(point.runs[0].run, "exact");
    EXPECT_EQ(point.runs[0].spectrum, 0);
    // Two exact runs of 1.5 s: their E rates differ by a few percent, so by less than 25 %.
    EXPECT_NEAR(point.runs[1].figures.rate_E() / point.runs[0].figures.rate_E(), 1, 0.25);
    EXPECT_NE(point.runs[1].figures["fano_E_1ms"], point.runs[0].figures["fano_E_1ms"]);
    for (const auto& run : point.runs) {
      EXPECT_GT(run.figures.rate_I(), 0) << run.run;
    }
    EXPECT_EQ(read_point(*saved, model_, points[i], result).runs[2].power.size(), result.frequency.size());
    for (const auto& run : point.runs) {
      EXPECT_GE(run.batches_E.batches.size(), 8U);
      EXPECT_NEAR(run.batches_E.mean(), run.figures.rate_E(), 1e-9) << run.run;
      EXPECT_NEAR(run.batches_I.mean(), run.figures.rate_I(), 1e-9) << run.run;
      EXPECT_EQ(run.verdict() == verdict::undefined, run.run == "exact");
    }
  }
  save_validation(
      directory_ / "validation.h5", result,
      [&](std::size_t i) { return read_point(*saved, model_, points[i], result); }, model_, "model.h5",
      {"a digest", "some settings"}, "a table\nof two lines\n");
  EXPECT_EQ(find_validation_table(directory_ / "validation.h5"), "a table\nof two lines\n");
}

/// The steps of the paper's scheme from all states before active phases of the first point that was trained on, and the
/// numbers of E spikes that followed in truth.
struct active_steps {
  std::vector<chain> chains;
  std::vector<chain_step> steps;
  std::vector<double> truth;
};

active_steps steps_of_paper_scheme(const model& m, const sweep_reader& file) {
  const auto& about = file.description();
  const auto first = std::ranges::find(about.points.roles, point_role::train) - about.points.roles.begin();
  const auto task = static_cast<std::int64_t>(first) * about.replicates;
  const transition_block block = file.read_rows(task, task + 1).block;
  active_steps out;
  const parameters p = parameters_at(about.points, about.base, static_cast<int>(first));
  const std::vector<double> values{about.points.points(first, 0), about.points.points(first, 1)};
  for (Eigen::Index i = 0; i < block.before.rows(); ++i) {
    if (static_cast<phase_kind>(block.phase[static_cast<std::size_t>(i)]) == phase_kind::active) {
      const auto row = block.before.row(i);
      out.chains.push_back({p,
                            values,
                            phase_kind::active,
                            {row.data(), row.data() + row.size()},
                            random_stream(3, purpose::test, static_cast<std::uint32_t>(i))});
      out.truth.push_back(block.spikes(i, 0));
    }
  }
  out.steps.resize(out.chains.size());
  paper_scheme(m, file)(out.chains, out.steps);
  return out;
}

TEST_P(validation, the_papers_scheme_gives_the_mean_of_what_follows) {
  if (GetParam() == section_kind::interval) {
    GTEST_SKIP() << "has no active phases";
  }
  const active_steps made = steps_of_paper_scheme(model_, *file_);
  ASSERT_GT(made.truth.size(), 30U);
  const state_layout& layout = model_.space.layout.state;
  double predicted = 0;
  double measured = 0;
  for (std::size_t i = 0; i < made.truth.size(); ++i) {
    predicted += made.steps[i].spikes_E;
    measured += made.truth[i];
    EXPECT_EQ(made.steps[i].phase, phase_kind::active);
    EXPECT_EQ(made.chains[i].phase, phase_kind::quiet);
    EXPECT_GT(made.steps[i].duration, 0);
    EXPECT_EQ(population_size(layout, made.chains[i].state, population::E), made.chains[i].p.N_E);
    EXPECT_EQ(std::accumulate(made.steps[i].times_E.begin(), made.steps[i].times_E.end(), 0), made.steps[i].spikes_E);
  }
  // 30 or more phases whose sizes have a CV of at most 1: their mean is known to 20 %.
  EXPECT_NEAR(predicted / measured, 1, 0.4);
  const active_steps again = steps_of_paper_scheme(model_, *file_);
  for (std::size_t i = 0; i < made.truth.size(); ++i) {
    EXPECT_EQ(again.chains[i].state, made.chains[i].state) << "the same fit, bit by bit";
  }
}

TEST_P(validation, calibration_covers_the_test_points_and_is_the_same_at_any_rank_count) {
  const auto shared = calibrate(world_, model_, *file_, 1);
  const auto alone = calibrate(boost::mpi::communicator(MPI_COMM_SELF, boost::mpi::comm_duplicate), model_, *file_, 1);
  const bool steps_only = GetParam() == section_kind::interval;
  ASSERT_EQ(shared.size(), steps_only ? 10U : 22U) << "outputs of every kind of phase";
  ASSERT_EQ(alone.size(), shared.size());
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < shared.size(); ++i) {
    EXPECT_EQ(shared[i].output, alone[i].output);
    EXPECT_EQ(shared[i].tally.histogram, alone[i].tally.histogram) << shared[i].output;
    EXPECT_EQ(shared[i].tally.sum, alone[i].tally.sum) << shared[i].output;
    rows += shared[i].output == "spikes_E" ? shared[i].tally.rows : 0;
  }
  EXPECT_GT(rows, 100);
  EXPECT_LT(rows, 2 * 120) << "perturbed rows are left out";
}

INSTANTIATE_TEST_SUITE_P(Sections, validation,
                         ::testing::Values(section_kind::interval, section_kind::mfe, section_kind::volley),
                         testing::name_of_section);

}  // namespace
}  // namespace spikesweep
