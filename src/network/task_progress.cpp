// The rows of a task that leaves its simulator in the middle of its work. They grow and never change, so each is handed
// over once.
#include <algorithm>
#include <string>

#include "progress.hpp"
#include "task_procedure.hpp"

namespace spikesweep {

std::string task_procedure::fresh_rows() {
  const std::int64_t first = std::exchange(rows_handed_over_, rows_);
  const std::int64_t count = rows_ - first;
  if (count == 0) {
    return {};
  }
  return progress_bytes([&](auto& archive) {
    archive << count;
    serialize_rows(archive, first, count);
  });
}

void task_procedure::take_rows(const std::string& rows) {
  progress_stream text(rows.data(), rows.size());
  std::int64_t taken = 0;
  while (taken < rows_) {
    read_progress(text, [&](auto& archive) {
      std::int64_t count = 0;
      archive >> count;
      if (rows_ > result_.block.rows() || count < 1 || count > rows_ - taken) {
        throw internal_error("a task that was saved has other transitions than it should");
      }
      serialize_rows(archive, taken, count);
      taken += count;
    });
  }
  rows_handed_over_ = rows_;
  if (rows_ < result_.block.rows()) {
    std::copy(state_.begin(), state_.end(), result_.block.before.row(rows_).data());  // Of the row in hand.
  }
}

}  // namespace spikesweep
