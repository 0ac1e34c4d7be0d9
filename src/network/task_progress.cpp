// The rows of a task that leaves its simulator in the middle of its work. They grow and never change, so each is handed
// over once, and comes back at the end.
#include <algorithm>
#include <cstring>
#include <utility>

#include <spikesweep/base/error.hpp>

#include "task_procedure.hpp"

namespace spikesweep {

namespace {

[[noreturn]] void fail_for_other_rows() {
  throw internal_error("a task that was saved has other transitions than it should");
}

}  // namespace

std::vector<std::span<std::byte>> task_procedure::parts_of_rows(std::int64_t first, std::int64_t count) {
  transition_block& block = result_.block;
  std::vector<std::span<std::byte>> parts;
  const auto add = [&](auto* data, std::int64_t of_row) {
    parts.push_back(std::as_writable_bytes(std::span(data + first * of_row, static_cast<std::size_t>(count * of_row))));
  };
  for (count_matrix* of : {&block.before, &block.after, &block.spikes, &block.spike_times_E, &block.spike_times_I}) {
    add(of->data(), of->cols());
  }
  add(block.duration.data(), 1);
  for (auto* of : {&block.phase, &block.perturbed, &block.capped}) {
    add(of->data(), 1);
  }
  return parts;
}

std::vector<std::span<const std::byte>> task_procedure::fresh_rows() {
  const std::int64_t first = std::exchange(rows_handed_over_, rows_);
  rows_fresh_ = rows_ - first;
  std::vector<std::span<const std::byte>> out;
  if (rows_fresh_ > 0) {
    out.push_back(std::as_bytes(std::span(&rows_fresh_, 1)));
    const auto parts = parts_of_rows(first, rows_fresh_);
    out.insert(out.end(), parts.begin(), parts.end());
  }
  return out;
}

void task_procedure::go_on_behind(kept_rows rows) {
  if (rows_ < 0 || rows_ > result_.block.rows()) {
    fail_for_other_rows();
  }
  kept_rows_ = std::move(rows);
  rows_kept_ = rows_handed_over_ = rows_;
  if (rows_ < result_.block.rows()) {
    std::copy(state_.begin(), state_.end(), result_.block.before.row(rows_).data());  // Of the row in hand.
  }
}

void task_procedure::read_kept_rows() {
  std::int64_t taken = 0;
  if (rows_kept_ > 0) {
    kept_rows_([&](const std::string& rows) { taken += read_rows(rows, taken); });
  }
  if (taken < rows_kept_) {
    fail_for_other_rows();
  }
  rows_kept_ = 0;
}

std::int64_t task_procedure::read_rows(std::span<const char> from, std::int64_t first) {
  std::int64_t count = 0;
  const auto take = [&](std::span<std::byte> to) {
    if (from.size() < to.size()) {
      fail_for_other_rows();
    }
    std::memcpy(to.data(), from.data(), to.size());
    from = from.subspan(to.size());
  };
  take(std::as_writable_bytes(std::span(&count, 1)));
  if (count < 1 || count > rows_kept_ - first) {
    fail_for_other_rows();
  }
  for (const std::span<std::byte> part : parts_of_rows(first, count)) {
    take(part);
  }
  if (!from.empty()) {
    fail_for_other_rows();
  }
  return count;
}

}  // namespace spikesweep
