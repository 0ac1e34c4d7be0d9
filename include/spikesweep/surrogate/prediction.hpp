#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/surrogate/predictor.hpp>

namespace spikesweep {

/// Predicts at all points, which are shared out over the ranks. Rank 0 returns all results in the order given, other
/// ranks an empty list. Every point has id 0, so its bits are those of the point alone, at any rank count. `progress`
/// is called on each rank with its points done and its share. Throws as predictor::predict, and interrupted_error on
/// all ranks after a signal at any (see interrupt_guard). Collective.
std::vector<point_prediction> predict_points(const communicator& comm, const predictor& law,
                                             const std::vector<std::vector<double>>& points,
                                             const prediction_settings& settings,
                                             const std::function<void(int, int)>& progress = {});

/// Writes figures, departures, rates of the members, spectra, phases, return map and rasters under a temporary name and
/// renames the file into place. The predictions need their samples. Throws environment_error.
void save_prediction(const std::filesystem::path& path, const std::vector<point_prediction>& points,
                     const prediction_settings& settings, const model& m, const std::string& model_file);

}  // namespace spikesweep
