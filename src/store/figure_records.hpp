#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <spikesweep/network/transition.hpp>
#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

/// The figures of tasks in a sweep file: one compound value a task.
inline constexpr const char* figures_dataset = "tasks/figures";

/// The members of such a value: of each figure its own value and its standard error. Figures that a file lacks, because
/// an older version made it, are undefined; those that it has beside ours are not read.
class figure_members {
 public:
  /// All of this version.
  figure_members();
  /// Those of a file.
  explicit figure_members(const hdf5::dataset& figures);

  /// In memory and in the file: members without gaps.
  hdf5::datatype_handle type() const;
  std::size_t bytes() const { return members_.size() * sizeof(double); }
  /// Figures as they lie in the file. Those of a task that failed are all undefined.
  std::vector<std::byte> pack(const task_figures& figures) const;
  /// The figures of this version; undefined where the file has none.
  task_figures unpack(std::span<const std::byte> packed) const;
  /// Says in the attributes of the dataset what its members are.
  void annotate(hdf5::dataset& figures) const;

 private:
  struct member {
    std::string name;
    std::ptrdiff_t figure = -1;      ///< Place among predicted_figures(); -1: none of this version.
    bool is_standard_error = false;  ///< Not the value itself.
  };

  std::vector<member> members_;  ///< In the order of the file.
};

/// Room for the figures of that many tasks, all undefined so far. Serial.
void create_figures(hdf5::file& file, std::int64_t tasks);

}  // namespace spikesweep
