// The trainer against PyTorch, which shares nothing with it but the first weights and the batches: tools/bench_train.py
// hands them over, and `tools/bench_train.py parity tests/learning/parity_losses.txt` wrote the losses down.
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <boost/mpi/communicator.hpp>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/trainer.hpp>

#include "learning/real_transitions.hpp"

namespace spikesweep {
namespace {

constexpr int batch = 512;
constexpr int steps = 200;

std::vector<step_record> expected_losses() {
  std::ifstream file(std::string(SPIKESWEEP_SOURCE_DIR) + "/tests/learning/parity_losses.txt");
  std::vector<step_record> out;
  for (step_record record; file >> record.counts >> record.profile;) {
    out.push_back(record);
  }
  return out;
}

/// What tools/bench_train.py exports: 200 epochs of one batch.
std::vector<step_record> our_losses(precision numbers) {
  const boost::mpi::communicator self(MPI_COMM_SELF, boost::mpi::comm_duplicate);
  model m;
  const training_data data = testing::real_transitions(self, batch, 16, m);
  training_options options;
  options.settings.hidden = 128;
  options.settings.layers = 3;
  options.settings.batch = batch;
  options.settings.shards = 16;
  options.settings.epochs = steps;
  options.settings.learning_rate = 2e-4;  // Higher ones learn the batch by heart, where rounding grows without bound.
  options.settings.numbers = numbers;
  std::vector<step_record> out;
  options.step = [&](const step_record& done) { out.push_back(done); };
  prepare_networks(m, options.settings);
  train(self, data, options, m);
  return out;
}

TEST(parity, losses_over_200_steps_are_those_of_pytorch) {
  const auto expected = expected_losses();
  const auto found = our_losses(precision::fp32);
  ASSERT_EQ(expected.size(), static_cast<std::size_t>(steps));
  ASSERT_EQ(found.size(), expected.size());
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i].counts, expected[i].counts, 1e-4 * std::abs(expected[i].counts)) << "step " << i;
    ASSERT_NEAR(found[i].profile, expected[i].profile, 1e-4 * std::abs(expected[i].profile)) << "step " << i;
    worst = std::max(worst, std::abs(found[i].counts / expected[i].counts - 1));
  }
  RecordProperty("largest_relative_difference", std::to_string(worst));
  EXPECT_LT(found.back().counts, found.front().counts - 1) << "nothing was learnt";
}

TEST(parity, bf16_learns_as_well_as_fp32_or_is_refused_in_words) {
  if (!has_bf16()) {
    EXPECT_THROW(our_losses(precision::bf16), input_error);
    return;
  }
  const auto expected = expected_losses();
  const auto found = our_losses(precision::bf16);
  ASSERT_EQ(found.size(), expected.size());
  // The mean over the last steps: single ones differ by their noise.
  constexpr std::size_t last = 20;
  double here = 0;
  double there = 0;
  for (std::size_t i = found.size() - last; i < found.size(); ++i) {
    here += (found[i].counts + found[i].profile) / last;
    there += (expected[i].counts + expected[i].profile) / last;
  }
  EXPECT_NEAR(here, there, 0.01 * std::abs(there));
}

}  // namespace
}  // namespace spikesweep
