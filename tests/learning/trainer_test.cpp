#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

#include <boost/mpi/collectives.hpp>
#include <boost/serialization/vector.hpp>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/store/hdf5.hpp>

#include "store/compare_files.hpp"

namespace spikesweep {
namespace {

namespace mpi = boost::mpi;

/// A small world: two axes' worth of invented transitions, the same on every rank, shared out as the loader does.
struct toy {
  explicit toy(const mpi::communicator& world, int slices = 1) {
    transition_space space;
    space.layout.state.bin_width = 40;
    space.axes = {"S_EE"};
    space.axis_min = {3.5};
    space.axis_max = {4.5};
    m.space = space;
    m.features = feature_map(space);
    m.targets = target_map(space);
    data.plan = {1003, 8, slices};
    const auto first = data.plan.begin(data.plan.first_of(world.rank(), world.size()));
    const auto last = data.plan.begin(data.plan.first_of(world.rank() + 1, world.size()));
    const transition_block all = invent(data.plan.rows + 100);
    fill(all, first, last, data.train);
    const std::int64_t held = 100;
    fill(all, data.plan.rows + held * world.rank() / world.size(),
         data.plan.rows + held * (world.rank() + 1) / world.size(), data.selection);
    data.selection.first -= data.plan.rows;
    statistics_fit fit(data.plan, m.features, m.targets);
    fit.add(data.train);
    fit.fit(world, m.features, m.targets);
    standardise(data.train, m.features);
    add_dispersion_rows(data.train, data.plan, data.dispersion);
    standardise(data.selection, m.features);
    options.settings.hidden = 24;
    options.settings.layers = 2;
    options.settings.components = 3;
    options.settings.batch = 64;
    options.settings.shards = 8;
    options.settings.slices = slices;
    options.settings.epochs = 4;
    m.config_text = "toy";
    prepare_networks(m, options.settings);
  }

  transition_block invent(std::int64_t rows) const {
    const auto& layout = m.space.layout;
    random_stream stream(1, purpose::test, 40);
    transition_block block(layout, rows);
    block.before.setZero();
    block.after.setZero();
    block.spike_times_E.setZero();
    block.spike_times_I.setZero();
    for (std::int64_t i = 0; i < rows; ++i) {
      const int level = static_cast<int>(stream.below(20));
      for (auto* state : {&block.before, &block.after}) {
        (*state)(i, 0) = 300 - level;
        (*state)(i, 1) = level;
        (*state)(i, layout.state.cells()) = 100;
        (*state)(i, layout.state.pending(pool::EE)) = 3 * level + static_cast<int>(stream.below(5));
      }
      block.spikes(i, 0) = level;
      block.spikes(i, 1) = 2 * level;
      block.spike_times_E(i, 0) = level;
      block.spike_times_I(i, 1) = 2 * level;
      block.duration[static_cast<std::size_t>(i)] = 0.005;
    }
    return block;
  }

  void fill(const transition_block& all, std::int64_t first, std::int64_t last, dataset& out) const {
    transition_block part = all;
    const auto n = last - first;
    part.resize(m.space.layout, n);
    part.before = all.before.middleRows(first, n);
    part.after = all.after.middleRows(first, n);
    part.spikes = all.spikes.middleRows(first, n);
    part.spike_times_E = all.spike_times_E.middleRows(first, n);
    part.spike_times_I = all.spike_times_I.middleRows(first, n);
    std::fill(part.duration.begin(), part.duration.end(), 0.005);
    out.first = first;
    append(out, m.features, m.space.layout, parameters(), std::vector<double>{4.0}, part);
  }

  model m;
  training_data data;
  training_options options;
};

class scratch_file {
 public:
  explicit scratch_file(const mpi::communicator& world) {
    std::string name =
        std::filesystem::temp_directory_path() / ("spikesweep_trainer_" + std::to_string(getpid()) + ".h5");
    mpi::broadcast(world, name, 0);
    path = name;
  }
  ~scratch_file() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    std::filesystem::remove(previous_checkpoint(path), ignored);
  }
  std::filesystem::path path;
};

// The losses of one rank; other rank counts have to agree. Without the all-reduce they would be far off.
TEST(trainer, losses_after_an_epoch_do_not_depend_on_the_rank_count) {
  const mpi::communicator world;
  const mpi::communicator alone = world.split(world.rank());
  toy shared(world);
  toy single(alone);
  shared.options.settings.epochs = single.options.settings.epochs = 1;
  train(world, shared.data, shared.options, shared.m);
  train(alone, single.data, single.options, single.m);
  const epoch_record& a = shared.m.surrogate().history.at(0);
  const epoch_record& b = single.m.surrogate().history.at(0);
  EXPECT_NEAR(a.selection_counts, b.selection_counts, 1e-3 * std::abs(b.selection_counts));
  EXPECT_NEAR(a.selection_profile, b.selection_profile, 1e-3 * std::abs(b.selection_profile));
  EXPECT_NEAR(a.train_counts, b.train_counts, 1e-3 * std::abs(b.train_counts));
}

TEST(trainer, slices_make_up_to_as_many_ranks_train_to_the_same_bits) {
  const mpi::communicator world;
  const mpi::communicator alone = world.split(world.rank());
  toy shared(world, 4);
  toy single(alone, 4);
  train(world, shared.data, shared.options, shared.m);
  train(alone, single.data, single.options, single.m);
  EXPECT_EQ(shared.m.surrogate().counts_weights, single.m.surrogate().counts_weights);
  EXPECT_EQ(shared.m.surrogate().profile_weights, single.m.surrogate().profile_weights);
}

TEST(trainer, every_rank_ends_with_the_same_bits) {
  const mpi::communicator world;
  toy t(world);
  train(world, t.data, t.options, t.m);
  std::vector<float> root = t.m.surrogate().counts_weights;
  mpi::broadcast(world, root, 0);
  EXPECT_EQ(root, t.m.surrogate().counts_weights);
}

TEST(trainer, loss_falls_below_that_of_an_unconditional_law) {
  const mpi::communicator world;
  toy t(world);
  t.options.settings.epochs = 30;
  train(world, t.data, t.options, t.m);
  const auto& h = t.m.surrogate().history;
  ASSERT_EQ(h.size(), 30U);
  EXPECT_LT(h.back().train_counts, h.front().train_counts - 1);
  EXPECT_LT(h.back().selection_counts, h.front().selection_counts - 1);
}

model undisturbed(const mpi::communicator& world) {
  toy t(world);
  train(world, t.data, t.options, t.m);
  return t.m;
}

void expect_same_training(const model& one, const model& other) {
  const model_member& a = one.surrogate();
  const model_member& b = other.surrogate();
  EXPECT_EQ(a.counts_weights, b.counts_weights);
  EXPECT_EQ(a.profile_weights, b.profile_weights);
  ASSERT_EQ(a.history.size(), b.history.size());
  for (std::size_t i = 0; i < a.history.size(); ++i) {
    EXPECT_EQ(a.history[i].train_counts, b.history[i].train_counts) << i;
    EXPECT_EQ(a.history[i].selection_profile, b.history[i].selection_profile) << i;
    EXPECT_EQ(a.history[i].learning_rate, b.history[i].learning_rate) << i;
  }
}

TEST(trainer, resuming_from_a_checkpoint_gives_the_same_bits) {
  const mpi::communicator world;
  const scratch_file file(world);
  const model whole = undisturbed(world);

  toy first(world);
  first.options.checkpoint = file.path;
  first.options.progress = [](const epoch_record& epoch, int) {
    if (epoch.epoch == 2) {
      throw std::runtime_error("killed");
    }
  };
  EXPECT_THROW(train(world, first.data, first.options, first.m), std::runtime_error);
  toy second(world);
  second.options.checkpoint = file.path;
  train(world, second.data, second.options, second.m);
  expect_same_training(second.m, whole);
  EXPECT_EQ(second.m.surrogate().history.size(), 4U);

  toy other(world);
  other.options.checkpoint = file.path;
  other.options.settings.learning_rate *= 2;
  EXPECT_THROW(train(world, other.data, other.options, other.m), input_error);
  world.barrier();
}

/// Trains until so many steps are done, or to the end; returns the steps done.
int train_until(const mpi::communicator& world, toy& t, int last) {
  int steps = 0;
  t.options.step = [&](const step_record&) { ++steps; };
  t.options.interrupted = [&] { return steps + 1 == last; };
  try {
    train(world, t.data, t.options, t.m);
  } catch (const interrupted_error& error) {
    EXPECT_NE(std::string(error.what()).find("resumes"), std::string::npos);
  }
  return steps;
}

TEST(trainer, interrupted_within_an_epoch_it_resumes_at_that_step_with_the_same_bits) {
  const mpi::communicator world;
  for (const int slices : {1, 4}) {
    toy whole(world, slices);
    whole.options.settings.ema_decay = 0.9;
    const int all = train_until(world, whole, -1);
    const scratch_file file(world);
    int done = 0;
    for (const int steps : {1, all / whole.options.settings.epochs - 1, 20, 3, -1}) {  // The second: its last one.
      toy part(world, slices);
      part.options.settings.ema_decay = 0.9;
      part.options.checkpoint = file.path;
      done += train_until(world, part, steps);
      if (steps < 0) {
        expect_same_training(part.m, whole.m);
      }
    }
    EXPECT_EQ(done, all) << "steps were lost or repeated";
    world.barrier();
  }
}

TEST(trainer, keeps_its_state_within_an_epoch_for_when_it_is_killed) {
  const mpi::communicator world;
  const scratch_file file(world);
  const model whole = undisturbed(world);
  toy killed(world);
  killed.options.checkpoint = file.path;
  killed.options.checkpoint_every_s = 0;
  int steps = 0;
  killed.options.step = [&](const step_record&) {
    if (++steps == 25) {
      throw std::runtime_error("killed");
    }
  };
  EXPECT_THROW(train(world, killed.data, killed.options, killed.m), std::runtime_error);
  toy resumed(world);
  resumed.options.checkpoint = file.path;
  steps = 0;
  resumed.options.step = [&](const step_record& step) {
    if (++steps == 1) {
      EXPECT_EQ(step.epoch, 2);
      EXPECT_EQ(step.step, 24 - 16) << "it did not go on where the last checkpoint was";
    }
  };
  train(world, resumed.data, resumed.options, resumed.m);
  expect_same_training(resumed.m, whole);
  world.barrier();
}

TEST(trainer, a_damaged_checkpoint_is_replaced_by_the_one_before) {
  const mpi::communicator world;
  const scratch_file file(world);
  const model whole = undisturbed(world);
  toy first(world);
  first.options.checkpoint = file.path;
  train_until(world, first, 40);
  const auto on_rank_0 = [&](const auto& harm, const std::filesystem::path& path) {
    world.barrier();
    if (world.rank() == 0) {
      harm(path);
    }
    world.barrier();
  };
  const auto cut = [](const auto& path) { std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2); };
  // One bit of a weight gives another model, and HDF5 sees nothing.
  const auto flip = [](const auto& path) { testing::flip_bit(path, testing::place_of(path, "counts/weights").first); };
  on_rank_0(flip, file.path);
  toy second(world);
  second.options.checkpoint = file.path;
  EXPECT_GT(train_until(world, second, -1), 0);
  expect_same_training(second.m, whole);
  on_rank_0(cut, file.path);
  on_rank_0(flip, file.path.string() + ".previous");
  toy third(world);
  third.options.checkpoint = file.path;
  EXPECT_THROW(train(world, third.data, third.options, third.m), input_error);
  world.barrier();
}

TEST(trainer, the_moving_average_is_that_of_the_weights_after_each_step) {
  const mpi::communicator world;
  constexpr double decay = 0.8;
  const auto settings = [&](toy& t) {
    t.options.settings.epochs = 1;
    t.options.settings.candidates = 1;
    t.options.settings.ema_decay = decay;
  };
  toy averaged(world);
  settings(averaged);
  const std::vector<float> first = averaged.m.surrogate().counts_weights;
  train(world, averaged.data, averaged.options, averaged.m);
  // The weights after each step are in the checkpoints.
  std::vector<double> expected(first.begin(), first.end());
  for (int step = 1; step <= 16; ++step) {
    const scratch_file file(world);
    toy t(world);
    settings(t);
    t.options.checkpoint = file.path;
    train_until(world, t, step);
    const auto weights = hdf5::file::open(file.path).root().read_array<float>("counts/weights");
    const double keep = std::min(decay, step / (step + 9.0));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = keep * expected[i] + (1 - keep) * static_cast<double>(weights[i]);
    }
    world.barrier();
  }
  ASSERT_EQ(expected.size(), averaged.m.surrogate().counts_weights.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(averaged.m.surrogate().counts_weights[i], expected[i], 1e-6) << i;
  }
}

TEST(trainer, keeps_the_candidate_that_was_best_in_closed_loop) {
  const mpi::communicator world;
  toy t(world);
  t.options.settings.epochs = 10;
  t.options.settings.candidates = 4;
  std::vector<std::vector<float>> seen;
  t.options.score = [&](const model& m) {
    seen.push_back(m.surrogate().counts_weights);
    return closed_loop_score{seen.size() == 2 ? 0.01 : 0.5, 0.1};
  };
  train(world, t.data, t.options, t.m);
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(t.m.surrogate().counts_weights, seen[1]);
  EXPECT_TRUE(t.m.surrogate().candidates[1].chosen);
  EXPECT_FALSE(t.m.surrogate().candidates[3].chosen);
  EXPECT_EQ(t.m.surrogate().candidates[3].epoch, 10);
}

TEST(trainer, stops_early_when_the_selection_loss_no_longer_falls) {
  const mpi::communicator world;
  toy t(world);
  t.options.settings.epochs = 400;
  t.options.settings.patience = 3;
  t.options.settings.learning_rate = 2e-2;
  train(world, t.data, t.options, t.m);
  EXPECT_LT(t.m.surrogate().history.size(), 400U);
}

TEST(trainer, goes_back_and_halves_the_rate_when_it_diverges) {
  const mpi::communicator world;
  toy t(world);
  t.options.settings.learning_rate = 512;
  std::vector<step_record> steps;
  t.options.step = [&](const step_record& step) { steps.push_back(step); };
  train(world, t.data, t.options, t.m);
  ASSERT_EQ(t.m.surrogate().history.size(), 4U);
  EXPECT_TRUE(std::isfinite(t.m.surrogate().history.back().train_counts));
  // The first step of the last time that epoch 1 was begun, beside the very first step.
  const auto again =
      std::find_if(steps.rbegin(), steps.rend(), [](const step_record& s) { return s.epoch == 1 && s.step == 0; });
  const double slower = steps.front().learning_rate / again->learning_rate;
  EXPECT_TRUE(slower == 2 || slower == 4 || slower == 8) << slower;
  EXPECT_EQ(again->counts, steps.front().counts) << "it did not begin where it had begun";
}

TEST(trainer, gives_up_when_it_diverges_a_fourth_time) {
  const mpi::communicator world;
  toy t(world);
  t.options.settings.learning_rate = 8192;
  std::string message;
  try {
    train(world, t.data, t.options, t.m);
  } catch (const environment_error& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("diverged"), std::string::npos) << message;
  EXPECT_NE(message.find("given up at the fourth time"), std::string::npos) << message;
}

}  // namespace
}  // namespace spikesweep
