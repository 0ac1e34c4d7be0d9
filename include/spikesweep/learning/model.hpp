#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <spikesweep/learning/cloud.hpp>
#include <spikesweep/learning/dispersion.hpp>
#include <spikesweep/learning/features.hpp>
#include <spikesweep/learning/input_shift.hpp>
#include <spikesweep/learning/mixture.hpp>
#include <spikesweep/learning/mlp.hpp>
#include <spikesweep/learning/settings.hpp>

namespace spikesweep {

/// How regular the E population's spikes are at a point, among the selection points: in which third it is by the Fano
/// factor (variance over mean) of the E spikes of its phases.
enum class regime : std::uint8_t { asynchronous, intermediate, synchronous };
inline constexpr int regime_count = 3;
constexpr const char* name_of(regime r) {
  return r == regime::asynchronous ? "asynchronous" : r == regime::intermediate ? "intermediate" : "synchronous";
}

/// Mean losses over the selection rows of one phase kind and regime [nat].
struct group_loss {
  phase_kind phase{};
  regime points{};
  std::int64_t rows = 0;
  double counts = 0;
  double profile = 0;
};

/// One epoch of training; losses are means over rows [nat].
struct epoch_record {
  int epoch = 0;             ///< Counted from 1.
  double learning_rate = 0;  ///< At the end of the epoch.
  double train_counts = 0;
  double train_profile = 0;
  double selection_counts = 0;
  double selection_profile = 0;
  double wall_s = 0;
  std::vector<group_loss> selection_groups{};  ///< Those with rows; not kept in checkpoints and models.
};

/// An epoch that was tried in closed loop: mean relative errors of the rates over the selection points.
struct candidate_record {
  int epoch = 0;
  double error_E = 0;
  double error_I = 0;
  bool chosen = false;
};

/// States of the exact network from which closed loops start.
struct start_states {
  count_matrix states;                      ///< n x state size
  std::vector<std::uint8_t> phase;          ///< The phase that follows: phase_kind.
  std::vector<std::vector<double>> values;  ///< Axis values of the point that each was met at.
};

/// What one training leaves, from weights of its own seed.
struct model_member {
  std::vector<float> counts_weights;  ///< Flat and plain: per layer W (outputs x inputs), then b.
  std::vector<float> profile_weights;
  profile_dispersion dispersion;  ///< Scatter of the cells about the profile's expectation.
  input_shift shift;              ///< Where closed loops look the law up.
  std::vector<epoch_record> history;
  std::vector<candidate_record> candidates;
  std::uint64_t seed = 0;
};

/// Everything that a surrogate needs to predict: the law with its weights, its inputs' and targets' scales, where it
/// was trained, and how that went. It is its own member 0, and that is the surrogate.
struct model : model_member {
  transition_space space;
  feature_map features;
  target_map targets;
  mixture_shape mixture;
  mlp_shape counts_network;   ///< features -> mixture
  mlp_shape profile_network;  ///< features and standardised counts -> profile
  start_states starts;
  training_cloud cloud;         ///< Where the network's own states lie.
  double lowest_rate_E_hz = 0;  ///< Extremes of the E rate over the training points.
  double highest_rate_E_hz = 0;
  std::string data_file;  ///< The sweep it was trained on, as given.
  std::string config_text;
  std::vector<model_member> others;  ///< Members 1, 2, ... of an ensemble, trained on the same data.
};

/// Shapes and scales of a model that is still to be trained, with its first weights (a function of settings.seed).
void prepare_networks(model& m, const learning_settings& settings);

/// Writes the model under a temporary name and renames it into place. Throws environment_error.
void save_model(const std::filesystem::path& path, const model& m);

/// Throws input_error if the file is missing, foreign, truncated, or its parts do not fit together.
model load_model(const std::filesystem::path& path);

}  // namespace spikesweep
