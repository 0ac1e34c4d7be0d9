#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <spikesweep/surrogate/baselines.hpp>
#include <spikesweep/surrogate/predictor.hpp>
#include <spikesweep/surrogate/validation.hpp>

#include "validation_parts.hpp"

namespace spikesweep {

/// A point at which nothing was run yet.
point_result empty_result(const model& m, const validation_point& point);

/// What one rank does at its points, which are meant by their place in its share. Every stage throws interrupted_error
/// after a signal (see interrupt_guard). Rank-local.
class validator {
 public:
  /// Keeps references to the model and the settings.
  validator(const model& m, const validation_settings& settings, const std::vector<validation_point>& points);

  /// Adds what a stage found; those of the exact runs come first, because all others are compared with them.
  void apply(std::size_t i, validation_part part);

  validation_part exact_twice(std::size_t i) const;
  /// One part for each of the points.
  std::vector<validation_part> surrogate(std::span<const std::size_t> own, const predictor& law) const;
  std::vector<validation_part> of_baseline(std::span<const std::size_t> own, const baseline& other) const;
  /// What the regressions of the figures say: figures and standard errors, and no run.
  std::vector<validation_part> emulated(std::span<const std::size_t> own) const;
  /// Quiet phases simulated exactly, active ones drawn from the law, at one point.
  validation_part hybrid(std::size_t i, const predictor& law) const;
  /// The same with active phases from paper_scheme().
  validation_part of_paper_scheme(std::size_t i, const kernel& step) const;

 private:
  int hybrid_parts() const;
  trajectory_settings follow(int chains, double duration_s) const;
  bool ran_away(std::size_t i, const trajectory& run) const;
  kept_runs kept_of(const parameters& p, std::span<const trajectory> runs) const;
  run_result measure(std::size_t i, const std::string& name, std::span<const trajectory> runs, double wall,
                     bool keep_power) const;
  run_result measure(std::size_t i, std::span<const run_result> done, const reference_samples& reference,
                     const std::string& name, std::span<const trajectory> runs, double wall, bool keep_power) const;
  void compare_with_exact(std::span<const run_result> done, run_result& r, std::span<const trajectory> runs,
                          const parameters& p) const;

  const model& m_;
  const validation_settings& settings_;
  std::vector<point_result> results_;          ///< Of the stages so far.
  std::vector<reference_samples> references_;  ///< One a point.
};

}  // namespace spikesweep
