// The rows of a task that leaves its simulator in the middle of its work, and the bins of its spikes. They grow and
// never change, so each is handed over once.
#include <algorithm>
#include <sstream>
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
  const std::int64_t finished = own_spikes::finished(result_.summary.simulated_s);
  const std::int64_t first_bin = std::exchange(bins_handed_over_, finished);
  const std::int64_t bins = finished - first_bin;
  return progress_bytes([&](auto& archive) {
    archive << count << bins;
    serialize_rows(archive, first, count);
    own_.serialize(archive, first_bin, bins);
  });
}

void task_procedure::take_rows(const std::string& rows) {
  std::istringstream text(rows);
  const std::int64_t finished = own_spikes::finished(result_.summary.simulated_s);
  std::int64_t taken = 0;
  std::int64_t taken_bins = 0;
  while (taken < rows_) {
    read_progress(text, [&](auto& archive) {
      std::int64_t count = 0;
      std::int64_t bins = 0;
      archive >> count >> bins;
      if (rows_ > result_.block.rows() || count < 1 || count > rows_ - taken || bins < 0 ||
          bins > finished - taken_bins) {
        throw internal_error("a task that was saved has other transitions than it should");
      }
      serialize_rows(archive, taken, count);
      own_.serialize(archive, taken_bins, bins);
      taken += count;
      taken_bins += bins;
    });
  }
  rows_handed_over_ = rows_;
  bins_handed_over_ = finished;
  if (rows_ < result_.block.rows()) {
    std::copy(state_.begin(), state_.end(), result_.block.before.row(rows_).data());  // Of the row in hand.
  }
}

}  // namespace spikesweep
