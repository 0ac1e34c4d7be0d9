#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <spikesweep/learning/assessment.hpp>
#include <spikesweep/learning/cloud.hpp>
#include <spikesweep/learning/dispersion.hpp>
#include <spikesweep/learning/emulator.hpp>
#include <spikesweep/learning/features.hpp>
#include <spikesweep/learning/input_shift.hpp>
#include <spikesweep/learning/mixture.hpp>
#include <spikesweep/learning/mlp.hpp>
#include <spikesweep/learning/settings.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/origin.hpp>

namespace spikesweep {

/// How synchronous the E population fires at a selection point. The selection points are sorted by the Fano factor
/// (variance over mean) of the E spikes of their phases; the regime says in which third a point is.
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
  double learning_rate = 0;  ///< The rate at the end of the epoch.
  double train_counts = 0;
  double train_profile = 0;
  double selection_counts = 0;
  double selection_profile = 0;
  double wall_s = 0;
  std::vector<group_loss> selection_groups{};  ///< Groups that have rows; checkpoints and models do not keep them.
};

/// An epoch whose weights were tried in closed loop, with the mean relative errors of the rates over the selection
/// points.
struct candidate_record {
  int epoch = 0;
  double error_E = 0;
  double error_I = 0;
  bool chosen = false;
};

/// States of the exact network from which closed loops start.
struct start_states {
  count_matrix states;                      ///< n x state size
  std::vector<std::uint8_t> phase;          ///< The phase that follows each state: phase_kind.
  std::vector<std::vector<double>> values;  ///< Axis values of the point at which each state occurred.
};

/// What one training leaves. Members of one model differ in their seed alone, and with it in what they have learnt.
struct model_member {
  std::vector<float> counts_weights;  ///< The flat plain buffer of mlp_shape::parameter_count().
  std::vector<float> profile_weights;
  profile_dispersion dispersion;  ///< Scatter of the cells about the expected profile.
  input_shift shift;              ///< Where closed loops evaluate the law.
  std::vector<epoch_record> history;
  std::vector<candidate_record> candidates;
  std::uint64_t seed = 0;
};

/// Everything that a surrogate needs to predict: what its members share (the scales of inputs and targets, the range
/// of the training, states to start from), and the members, each with weights of its own.
struct model {
  transition_space space;
  feature_map features;
  target_map targets;
  mixture_shape mixture;
  mlp_shape counts_network;   ///< features -> mixture
  mlp_shape profile_network;  ///< features and standardised targets -> profile
  start_states starts;
  Eigen::MatrixXd training_points;  ///< points x axes; none in models of version 0.1.0
  training_cloud cloud;             ///< The region of the states that the exact network went through.
  spikesweep::emulator emulator;    ///< Regressions of the figures of the sweep; empty in models of older versions.
  double lowest_rate_E_hz = 0;      ///< The lowest E rate of a training point.
  double highest_rate_E_hz = 0;     ///< The highest E rate of a training point.
  std::string data_file;            ///< The path of the sweep file it was trained on, as the user gave it.
  origin made_from;                 ///< The digest of that sweep, and the settings; empty in models of version 0.1.0.
  std::string config_text;
  std::optional<assessment> assessed;  ///< By the last validation, if there was one.
  /// All trained on the same data; never empty. The first one is the surrogate, more are an ensemble.
  std::vector<model_member> members = std::vector<model_member>(1);

  model_member& surrogate() { return members.front(); }
  const model_member& surrogate() const { return members.front(); }
};

/// One member of a model together with what all members share: what is needed to run it. Only refers to both, so they
/// have to outlive it, and `members` must not change meanwhile. A model can stand for the view of its surrogate.
struct member_view {
  member_view(const model& m) : shared(m), own(m.surrogate()) {}  // NOLINT(google-explicit-constructor)
  member_view(const model& m, const model_member& member) : shared(m), own(member) {}

  const model& shared;
  const model_member& own;
};

/// How far the nearest point is that the model was trained on: Euclidean, each axis in units of its trained range. Not
/// a number if the model does not know its points.
double distance_to_nearest_point(const model& m, std::span<const double> values);

/// Sets the shapes of the networks of a model that is still to be trained, and the first weights of its surrogate,
/// which are a function of settings.seed.
void prepare_networks(model& m, const learning_settings& settings);

/// Writes the model under a temporary name and renames it into place. Throws environment_error.
void save_model(const std::filesystem::path& path, const model& m);

/// Reads a model. Throws input_error if the file is missing, truncated or no model file, or if its parts do not fit
/// together.
model load_model(const std::filesystem::path& path);

/// The same on every rank. Throws input_error on every rank unless all have read the same file: a node may have another
/// of this name, and a training may be replacing it. Collective.
model load_model(const communicator& ranks, const std::filesystem::path& path);

}  // namespace spikesweep
