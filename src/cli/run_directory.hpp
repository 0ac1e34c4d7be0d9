#pragma once

#include <filesystem>

namespace spikesweep {

/// Names of the files that `spikesweep run` keeps in its directory.
struct run_directory {
  std::filesystem::path path;

  std::filesystem::path sweep() const { return path / "sweep.h5"; }
  std::filesystem::path model() const { return path / "model.h5"; }
  std::filesystem::path checkpoint() const { return path / "checkpoint.h5"; }
  std::filesystem::path validation() const { return path / "validation.h5"; }
  std::filesystem::path config() const { return path / "config.toml"; }
};

}  // namespace spikesweep
