#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/unfinished_result.hpp>
#include <spikesweep/surrogate/predictor.hpp>

namespace spikesweep {

/// Takes the prediction at the point of this number, on rank 0.
using prediction_taker = std::function<void(std::size_t point, point_prediction&& prediction)>;

/// Predicts at those of the points that are `wanted`, by their numbers; the ranks share them. The ranks go through
/// their shares in step, some points at a time; then `take` is called on rank 0 for each of these points, one after
/// another, so that rank 0 never holds more than those of one rank. Every point has id 0, so its bits are those of the
/// point alone, at any rank count. `progress` is called on each rank with its points done and its share. Throws as
/// predictor::predict and as `take`, and interrupted_error after a signal at any rank (see interrupt_guard), always on
/// all ranks; what other ranks finished meanwhile is taken before. Collective.
void predict_points(const communicator& comm, const predictor& law, const std::vector<std::vector<double>>& points,
                    const std::vector<std::size_t>& wanted, const prediction_settings& settings,
                    const prediction_taker& take, const std::function<void(int, int)>& progress = {});

/// Adds the prediction at a point to an unfinished result, and reads it from there: where it may be missing, and where
/// it is known to be there. One that cannot be of this model with these settings is forgotten, with a warning. Throws
/// as unfinished_result.
void add_prediction(unfinished_result& to, std::size_t point, const point_prediction& prediction);
std::optional<point_prediction> find_prediction(unfinished_result& from, std::size_t point, const model& m,
                                                const prediction_settings& settings);
point_prediction read_prediction(const unfinished_result& from, std::size_t point);

/// Writes figures, departures, rates of the members, spectra, phases, return map and rasters under a temporary name and
/// renames the file into place. `points` need no samples: `with_samples` gives the prediction at a point, by its
/// number, with its samples, and is called twice for each, so that no two have to be in memory at once. Throws
/// environment_error, and interrupted_error after a signal. Rank-local.
void save_prediction(const std::filesystem::path& path, const std::vector<point_prediction>& points,
                     const std::function<point_prediction(std::size_t point)>& with_samples,
                     const prediction_settings& settings, const model& m, const std::string& model_file);

}  // namespace spikesweep
