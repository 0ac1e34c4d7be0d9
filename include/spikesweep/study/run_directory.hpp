#pragma once

#include <filesystem>
#include <utility>
#include <vector>

#include <spikesweep/learning/members.hpp>
#include <spikesweep/store/unfinished_result.hpp>
#include <spikesweep/study/design_points.hpp>

namespace spikesweep {

/// Names of the files that `spikesweep run` keeps in its directory.
struct run_directory {
  std::filesystem::path path;

  std::filesystem::path config() const { return path / "config.toml"; }  ///< The config in force.
  std::filesystem::path points() const { return path / points_copy; }    ///< Its points, if they are of a file.
  std::filesystem::path sweep() const { return path / "sweep.h5"; }
  std::filesystem::path model() const { return path / "model.h5"; }
  /// Every name that a checkpoint of an unfinished training may have.
  std::vector<std::filesystem::path> checkpoints() const { return checkpoint_files(path / "model.h5.checkpoint"); }
  std::filesystem::path training_log() const { return path / "model.h5.log.jsonl"; }
  std::filesystem::path validation() const { return path / "validation.h5"; }
  /// What is finished of a validation that was interrupted.
  std::filesystem::path unfinished_validation() const { return unfinished_file(validation()); }
  std::filesystem::path table() const { return path / "validation.txt"; }  ///< The validation table.
  std::filesystem::path report() const { return path / "report.html"; }
  std::filesystem::path record() const { return path / "run.json"; }  ///< The calls of `run`: see run_record.
  /// Every file that depends on the sweep file. Later results stand first.
  std::vector<std::filesystem::path> made_from_sweep() const {
    std::vector<std::filesystem::path> all{report(), table(),       validation(), unfinished_validation(),
                                           model(),  training_log()};
    for (auto& checkpoint : checkpoints()) {
      all.push_back(std::move(checkpoint));
    }
    return all;
  }
};

}  // namespace spikesweep
