#include "role_rows.hpp"

#include <algorithm>

#include <spikesweep/learning/chunk_plan.hpp>

namespace spikesweep {

role_rows::role_rows(const sweep_reader& file, const std::vector<task_record>& records, point_role role) : file_(file) {
  std::int64_t next = 0;
  for (std::size_t t = 0; t < records.size(); ++t) {
    const auto& record = records[t];
    if (record.state == task_state::done && file.description().points.roles[record.point] == role) {
      tasks_.push_back({static_cast<std::int64_t>(t), static_cast<int>(record.point), next, record.rows});
      next += record.rows;
    }
  }
}

void role_rows::read(const feature_map& features, std::int64_t first, std::int64_t last, dataset& to) const {
  const sweep_description& about = file_.description();
  auto task = std::ranges::upper_bound(tasks_, first, {}, &task_span::first);
  for (std::int64_t row = first; row < last;) {
    const task_span& span = *std::prev(task);
    const std::int64_t end = std::min({last, span.first + span.rows, row + most_block_rows});
    append(to, features, about.sampling.layout, parameters_at(about.points, about.base, span.point),
           values_of(about.points, span.point), file_.rows_of_task(span.task, row - span.first, end - row));
    row = end;
    if (row == span.first + span.rows) {
      ++task;
    }
  }
}

std::vector<double> values_of(const design& points, int point) {
  std::vector<double> values;
  for (Eigen::Index a = 0; a < points.points.cols(); ++a) {
    values.push_back(points.points(point, a));
  }
  return values;
}

}  // namespace spikesweep
