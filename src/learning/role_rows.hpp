#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

/// A finished task, with the number of its first row in the global order of its role.
struct task_span {
  std::int64_t task = 0;
  int point = 0;
  std::int64_t first = 0;
  std::int64_t rows = 0;
};

/// The rows of all finished tasks at points of one role, in the order of the tasks. This is the global order of the
/// rows of that role.
class role_rows {
 public:
  /// `file` has to outlive it.
  role_rows(const sweep_reader& file, const std::vector<task_record>& records, point_role role);

  const std::vector<task_span>& tasks() const { return tasks_; }
  std::int64_t size() const { return tasks_.empty() ? 0 : tasks_.back().first + tasks_.back().rows; }

  /// Reads rows [first, last) of the global order from the file and appends them to `to`, not standardised. It reads at
  /// most most_block_rows rows at a time, so it needs little memory beside `to`.
  void read(const feature_map& features, std::int64_t first, std::int64_t last, dataset& to) const;

 private:
  const sweep_reader& file_;
  std::vector<task_span> tasks_;
};

/// The values of a point, one for each axis.
std::vector<double> values_of(const design& points, int point);

}  // namespace spikesweep
