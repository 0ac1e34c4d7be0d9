#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// The settings that member `member` of an ensemble is trained with. Only the seed differs: it is seed + member.
learning_settings member_settings(const learning_settings& settings, int member);

/// The checkpoint files of all members that an ensemble can have; member 0 uses `first`. Each member has its own file,
/// which stays until the whole ensemble is trained. So a finished member is not lost when the training of a later one
/// dies.
std::vector<std::filesystem::path> member_checkpoints(const std::filesystem::path& first);

/// Every checkpoint file that the training of an ensemble may leave behind.
std::vector<std::filesystem::path> checkpoint_files(const std::filesystem::path& first);

/// Trains the members of a model one after another on the same data, `members` of them, at least 1. The model needs its
/// space and its scales; its networks are made here. While member k is trained and tuned, it is the surrogate of the
/// model; at the end m.members holds all of them in order. `options_of` gives the options of a member, with its
/// settings and its own checkpoint: a member whose checkpoint says that it is finished is not trained again.
/// Collective; the same on every rank. Throws interrupted_error as train() does, and between two members.
void train_members(const communicator& comm, const training_data& data, int members,
                   const std::function<training_options(int member)>& options_of, model& m);

}  // namespace spikesweep
