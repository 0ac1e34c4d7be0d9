#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <spikesweep/network/statistics.hpp>
#include <spikesweep/store/unfinished_result.hpp>
#include <spikesweep/surrogate/validation.hpp>

namespace spikesweep {

/// Samples of the exact run at one point, which the other runs are compared with.
struct reference_samples {
  std::vector<double> sizes;
  std::vector<double> intervals;
  spectrum power;
};

/// What one stage of a validation found at one point: the part that is saved, and gone on from.
struct validation_part {
  std::vector<run_result> runs;
  bool runaway = false;         ///< Of the stage `surrogate`: see point_result.
  reference_samples reference;  ///< Of the stage `exact`.
};

/// A part with the place of its point in the list of points.
struct placed_part {
  std::size_t place = 0;
  validation_part part;
};

/// Adds the runs of a part to its point.
void append_part(point_result& to, validation_part part);

std::string part_name(const std::string& stage, int point);
std::string bytes_of(const validation_part& part);
/// A part of this stage, with spectra of `frequencies` numbers or with none; nothing if the bytes hold no such part.
std::optional<validation_part> part_of(std::string bytes, const std::string& stage, std::size_t frequencies);
std::string bytes_of(const std::vector<placed_part>& parts);
std::vector<placed_part> parts_of(std::string bytes);

}  // namespace spikesweep
