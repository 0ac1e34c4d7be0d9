// Training on a sweep file that the buffer does not hold, beside training on the same file held in memory.
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include <boost/mpi/collectives.hpp>
#include <boost/serialization/string.hpp>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/parallel/collective.hpp>

#include "learning/row_source.hpp"
#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

namespace mpi = boost::mpi;

/// Four training points of two tasks, one of selection: three buffers full of made-up rows.
class streaming : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const mpi::communicator world;
    std::string name = std::filesystem::temp_directory_path() / ("spikesweep_streaming_" + std::to_string(getpid()));
    mpi::broadcast(world, name, 0);
    directory_ = name;
    on_root(world, [] {
      std::filesystem::create_directories(directory_);
      const sweep_description d = testing::small_sweep(6, 2, 600);
      testing::make_file(sweep_file(), d, {0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11});
    });
  }

  static void TearDownTestSuite() {
    const mpi::communicator world;
    world.barrier();
    on_root(world, [] { std::filesystem::remove_all(directory_); });
  }

  static std::filesystem::path sweep_file() { return directory_ / "sweep.h5"; }

  /// One training, up to the point where the trainer takes over.
  struct training {
    training(const mpi::communicator& ranks, int buffer_MiB) {
      options.settings.hidden = 16;
      options.settings.layers = 1;
      options.settings.components = 2;
      options.settings.batch = 64;
      options.settings.shards = 8;
      options.settings.slices = 4;  // The same bits on every rank count.
      options.settings.epochs = 3;
      options.settings.buffer_MiB = buffer_MiB;
      data = load_training_data(ranks, sweep_file(), options.settings, m);
      prepare_networks(m, options.settings);
      m.config_text = "made up";
    }

    model m;
    training_data data;
    training_options options;
  };

  mpi::communicator world_;
  inline static std::filesystem::path directory_;
};

constexpr int small = 1;  // MiB
constexpr int large = 4096;

TEST_F(streaming, scales_and_rows_have_the_bits_of_those_held_in_memory) {
  training streamed(world_, small);
  training held(world_, large);
  ASSERT_TRUE(streamed.data.chunks.streams());
  ASSERT_FALSE(held.data.chunks.streams());
  EXPECT_EQ(streamed.data.train.rows, 0);
  EXPECT_GE(held.data.plan.rows * row_bytes(held.m.features, held.m.targets), 3 << 20);
  EXPECT_EQ(streamed.m.features.statistics().mean, held.m.features.statistics().mean);
  EXPECT_EQ(streamed.m.features.statistics().deviation, held.m.features.statistics().deviation);
  EXPECT_EQ(streamed.m.targets.statistics().mean, held.m.targets.statistics().mean);
  EXPECT_EQ(streamed.m.targets.statistics().deviation, held.m.targets.statistics().deviation);
  for (std::size_t phase = 0; phase < phase_kind_count; ++phase) {
    EXPECT_EQ(streamed.m.targets.bounds()[phase].lowest, held.m.targets.bounds()[phase].lowest);
    EXPECT_EQ(streamed.m.targets.bounds()[phase].highest, held.m.targets.bounds()[phase].highest);
  }
  EXPECT_EQ(streamed.data.dispersion.inputs, held.data.dispersion.inputs);
  EXPECT_EQ(streamed.data.dispersion.numbers, held.data.dispersion.numbers);
  EXPECT_EQ(streamed.data.selection.inputs, held.data.selection.inputs);

  dataset all;
  const dataset& expected = held.data.train;
  streamed.data.read(expected.first, expected.first + expected.rows, all);
  EXPECT_EQ(all.inputs, expected.inputs);
  EXPECT_EQ(all.counts, expected.counts);
  EXPECT_EQ(all.duration, expected.duration);
  EXPECT_EQ(all.phase, expected.phase);
  EXPECT_EQ(all.profile, expected.profile);
}

TEST_F(streaming, the_chunks_of_all_ranks_together_fit_into_the_buffer) {
  const training t(world_, small);
  const chunk_plan& chunks = t.data.chunks;
  EXPECT_LE(std::int64_t{2} * t.data.plan.shards * chunks.rows * row_bytes(t.m.features, t.m.targets), small << 20);
  EXPECT_GE(chunks.chunks(t.data.plan), 6);
}

TEST_F(streaming, training_ends_with_the_same_bits_on_any_rank_count) {
  const mpi::communicator alone = world_.split(world_.rank());
  training shared(world_, small);
  training single(alone, small);
  train(world_, shared.data, shared.options, shared.m);
  train(alone, single.data, single.options, single.m);
  EXPECT_EQ(shared.m.surrogate().counts_weights, single.m.surrogate().counts_weights);
  EXPECT_EQ(shared.m.surrogate().profile_weights, single.m.surrogate().profile_weights);
  ASSERT_EQ(shared.m.surrogate().history.size(), 3U);
  EXPECT_NEAR(shared.m.surrogate().history.back().train_counts, single.m.surrogate().history.back().train_counts, 1e-6);
}

TEST_F(streaming, learns_as_much_as_training_on_the_same_rows_in_memory) {
  training streamed(world_, small);
  training held(world_, large);
  train(world_, streamed.data, streamed.options, streamed.m);
  train(world_, held.data, held.options, held.m);
  EXPECT_NE(streamed.m.surrogate().counts_weights, held.m.surrogate().counts_weights)
      << "the order of rows is that in memory";
  EXPECT_LT(streamed.m.surrogate().history.back().train_counts, streamed.m.surrogate().history.front().train_counts);
  const double here = streamed.m.surrogate().history.back().selection_counts;
  const double there = held.m.surrogate().history.back().selection_counts;
  EXPECT_NEAR(here, there, 0.02 * std::abs(there));
}

TEST_F(streaming, resuming_from_a_checkpoint_gives_the_same_bits) {
  training whole(world_, small);
  train(world_, whole.data, whole.options, whole.m);

  const std::filesystem::path checkpoint = directory_ / "checkpoint.h5";
  training first(world_, small);
  first.options.checkpoint = checkpoint;
  int epochs = 0;
  first.options.progress = [&](const epoch_record&, int) { ++epochs; };
  first.options.interrupted = [&] { return epochs == 2; };
  EXPECT_THROW(train(world_, first.data, first.options, first.m), interrupted_error);
  training second(world_, small);
  second.options.checkpoint = checkpoint;
  train(world_, second.data, second.options, second.m);
  EXPECT_EQ(second.m.surrogate().counts_weights, whole.m.surrogate().counts_weights);
  EXPECT_EQ(second.m.surrogate().profile_weights, whole.m.surrogate().profile_weights);

  // Another order of rows is another training; another buffer that holds all rows is not.
  training other(world_, large);
  other.options.checkpoint = checkpoint;
  EXPECT_THROW(train(world_, other.data, other.options, other.m), input_error);
  world_.barrier();
  on_root(world_, [&] {
    std::filesystem::remove(checkpoint);
    std::filesystem::remove(previous_checkpoint(checkpoint));
  });
  train(world_, other.data, other.options, other.m);
  training larger(world_, large + 1);
  larger.options.checkpoint = checkpoint;
  EXPECT_NO_THROW(train(world_, larger.data, larger.options, larger.m));
  EXPECT_EQ(larger.m.surrogate().counts_weights, other.m.surrogate().counts_weights);
  world_.barrier();
}

TEST_F(streaming, a_row_that_cannot_be_read_fails_the_training_in_words) {
  const mpi::communicator alone = world_.split(world_.rank());
  training t(alone, small);
  const auto read = t.data.read;
  std::int64_t left = 2 * t.data.plan.rows;  // Of two epochs.
  t.data.read = [&](std::int64_t first, std::int64_t last, dataset& to) {
    left -= last - first;
    if (left < 0) {
      throw input_error("cannot read rows");
    }
    read(first, last, to);
  };
  EXPECT_THROW(train(alone, t.data, t.options, t.m), input_error);
  EXPECT_EQ(t.m.surrogate().history.size(), 2U) << "the epochs whose rows were read";
}

}  // namespace
}  // namespace spikesweep
