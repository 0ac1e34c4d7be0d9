#pragma once

#include <string>
#include <vector>

#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

/// Writes points/axis, points/unit and points/values (points x axes).
void write_axis_values(hdf5::group& root, const std::vector<std::string>& axes,
                       const std::vector<std::vector<double>>& values);

/// What `get` takes from each result, for a column of a file.
template <class Result, class Get>
auto over(const std::vector<Result>& results, Get get) {
  std::vector<std::remove_cvref_t<decltype(get(results[0]))>> out;
  for (const auto& result : results) {
    out.push_back(get(result));
  }
  return out;
}

}  // namespace spikesweep
