#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// The settings that member `member` of an ensemble is trained with, as if it were alone: of seed + member.
learning_settings member_settings(const learning_settings& settings, int member);

/// Where the training of each member that there can be keeps its state, member 0 in `first`. A file of its own for
/// each, so that what a finished member has learnt is there until the whole ensemble is, whenever the training dies.
std::vector<std::filesystem::path> member_checkpoints(const std::filesystem::path& first);

/// Every file that such trainings may leave behind.
std::vector<std::filesystem::path> checkpoint_files(const std::filesystem::path& first);

/// Trains the members of a model one after another on the same data, `members` of them, at least 1. The model needs its
/// space and its scales; its networks are made here. While member k is trained and tuned, it is the surrogate of the
/// model; at the end m.members holds all of them in order. `options_of` gives the options of a member, with its
/// settings and its own checkpoint: a member whose checkpoint says that it is finished is not trained again.
/// Collective; the same on every rank. Throws interrupted_error as train() does, and between two members.
void train_members(const communicator& comm, const training_data& data, int members,
                   const std::function<training_options(int member)>& options_of, model& m);

}  // namespace spikesweep
