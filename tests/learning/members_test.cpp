#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include <boost/mpi/collectives.hpp>
#include <boost/serialization/string.hpp>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/members.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/seal.hpp>

#include "real_transitions.hpp"

namespace spikesweep {
namespace {

namespace mpi = boost::mpi;

class members : public ::testing::Test {
 protected:
  members() {
    settings_.hidden = 16;
    settings_.layers = 2;
    settings_.components = 3;
    settings_.batch = 64;
    settings_.shards = 8;
    settings_.epochs = 3;
    settings_.candidates = 1;
    settings_.seed = 11;
    data_ = testing::real_transitions(world_, 512, settings_.shards, untrained_);
    const state_layout& layout = untrained_.space.layout.state;
    untrained_.starts.states = count_matrix::Zero(1, layout.size());
    untrained_.starts.states(0, layout.first_cell(population::E)) = untrained_.space.base.N_E;
    untrained_.starts.states(0, layout.first_cell(population::I)) = untrained_.space.base.N_I;
    untrained_.starts.phase = {0};
    untrained_.starts.values = {{4.0, 2.2}};
    std::string name = std::filesystem::temp_directory_path() / ("spikesweep_members_" + std::to_string(getpid()));
    mpi::broadcast(world_, name, 0);
    directory_ = name;
    on_root(world_, [&] { std::filesystem::create_directories(directory_); });
  }
  ~members() override {
    world_.barrier();
    if (world_.rank() == 0) {
      std::filesystem::remove_all(directory_);
    }
  }

  /// Options of a member that count its epochs, and are interrupted when `most` epochs have been done in all.
  training_options options(int member, int most = 1000) {
    training_options own;
    own.settings = member_settings(settings_, member);
    own.progress = [this, member](const epoch_record&, int) { epochs_.push_back(member); };
    own.interrupted = [this, most] { return static_cast<int>(epochs_.size()) >= most; };
    return own;
  }

  model ensemble(int count, int most = 1000, bool checkpoints = false) {
    epochs_.clear();
    model m = untrained_;
    const auto options_of = [&](int member) {
      training_options own = options(member, most);
      if (checkpoints) {
        own.checkpoint = member_checkpoints(directory_ / "checkpoint")[static_cast<std::size_t>(member)];
      }
      return own;
    };
    train_members(world_, data_, count, options_of, m);
    return m;
  }

  static void expect_same(const model_member& a, const model_member& b) {
    EXPECT_EQ(a.seed, b.seed);
    EXPECT_EQ(a.counts_weights, b.counts_weights);
    EXPECT_EQ(a.profile_weights, b.profile_weights);
    for (std::size_t k = 0; k < a.dispersion.size(); ++k) {
      EXPECT_EQ(a.dispersion[k].variance, b.dispersion[k].variance);
      EXPECT_EQ(a.dispersion[k].factor, b.dispersion[k].factor);
    }
  }

  mpi::communicator world_;
  learning_settings settings_;
  model untrained_;
  training_data data_;
  std::filesystem::path directory_;
  std::vector<int> epochs_;  ///< The member of each epoch that was done.
};

TEST_F(members, are_the_models_that_their_seeds_give_alone) {
  const model all = ensemble(3);
  ASSERT_EQ(all.members.size(), 3U);
  for (int k = 0; k < 3; ++k) {
    model alone = untrained_;
    const training_options own = options(k);
    prepare_networks(alone, own.settings);
    train(world_, data_, own, alone);
    EXPECT_EQ(alone.surrogate().seed, 11U + static_cast<std::uint64_t>(k));
    expect_same(all.members[static_cast<std::size_t>(k)], alone.surrogate());
  }
  EXPECT_NE(all.members[1].counts_weights, all.members[2].counts_weights);
  EXPECT_EQ(all.members[2].history.size(), 3U);
}

TEST_F(members, interrupted_in_the_second_go_on_there_and_end_with_the_same_bits) {
  const model whole = ensemble(3);
  EXPECT_EQ(epochs_, (std::vector<int>{0, 0, 0, 1, 1, 1, 2, 2, 2}));
  EXPECT_THROW(ensemble(3, 4, true), interrupted_error);
  const model resumed = ensemble(3, 1000, true);
  EXPECT_EQ(epochs_, (std::vector<int>{1, 1, 2, 2, 2})) << "member 0 was finished";
  expect_same(resumed.surrogate(), whole.surrogate());
  ASSERT_EQ(resumed.members.size(), 3U);
  expect_same(resumed.members[1], whole.members[1]);
  expect_same(resumed.members[2], whole.members[2]);
  EXPECT_EQ(resumed.surrogate().history.size(), 3U);
}

TEST_F(members, interrupted_between_two_do_not_begin_the_next) {
  std::string message;
  try {
    ensemble(2, 3, true);
  } catch (const interrupted_error& error) {
    message = error.what();
  }
  EXPECT_EQ(message, "training interrupted after member 0; the same command resumes it");
  EXPECT_EQ(epochs_, (std::vector<int>{0, 0, 0}));
}

TEST_F(members, are_all_in_one_file_and_come_back_the_same) {
  const model all = ensemble(3);
  const auto path = directory_ / "model.h5";
  on_root(world_, [&] { save_model(path, all); });
  const model loaded = load_model(path);
  ASSERT_EQ(loaded.members.size(), 3U);
  expect_same(loaded.surrogate(), all.surrogate());
  expect_same(loaded.members[1], all.members[1]);
  expect_same(loaded.members[2], all.members[2]);
  const hdf5::file file = hdf5::file::open(path);
  EXPECT_EQ(file.root().open_group("members").names(), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(file.root().read_array<int>("members/2/training/epoch"), (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(file.root().has("members/1/starts")) << "what members share is there once";
}

TEST_F(members, of_one_model_alone_leave_no_trace_in_the_file) {
  const auto path = directory_ / "model.h5";
  const model alone = ensemble(1);
  on_root(world_, [&] { save_model(path, alone); });
  EXPECT_FALSE(hdf5::file::open(path).root().has("members"));
  EXPECT_EQ(load_model(path).members.size(), 1U);
}

TEST_F(members, of_other_dimensions_than_the_first_are_refused) {
  const auto path = directory_ / "model.h5";
  const auto other = directory_ / "smaller.h5";
  const model all = ensemble(2);
  settings_.hidden = 8;
  const model smaller = ensemble(2);
  on_root(world_, [&] {
    save_model(path, all);
    save_model(other, smaller);
    const hid_t to = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t from = H5Fopen(other.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    H5Ldelete(to, "members/1", H5P_DEFAULT);
    EXPECT_GE(H5Ocopy(from, "members/1", to, "members/1", H5P_DEFAULT, H5P_DEFAULT), 0);
    H5Fclose(from);
    H5Fclose(to);
    seal_file(path);
  });
  std::string message;
  try {
    load_model(path);
  } catch (const input_error& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("the networks of /members/1 are of other dimensions"), std::string::npos) << message;
}

}  // namespace
}  // namespace spikesweep
