// The rows of a task that leaves its simulator in the middle of its work, and the bins of its spikes. They grow and
// never change, so each is handed over once, and comes back at the end.
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
  const std::int64_t finished = own_spikes::finished(result_.summary.simulated_s);
  const std::int64_t first = std::exchange(rows_handed_over_, rows_);
  fresh_ = {rows_ - first, 0};
  std::vector<std::span<const std::byte>> out;
  if (rows_ > first) {
    const std::int64_t first_bin = std::exchange(bins_handed_over_, finished);
    fresh_[1] = finished - first_bin;
    out.push_back(std::as_bytes(std::span(fresh_)));
    for (const auto& parts : {parts_of_rows(first, fresh_[0]), own_.parts_of(first_bin, fresh_[1])}) {
      out.insert(out.end(), parts.begin(), parts.end());
    }
  }
  return out;
}

void task_procedure::go_on_behind(kept_rows rows) {
  if (rows_ < 0 || rows_ > result_.block.rows()) {
    fail_for_other_rows();
  }
  kept_rows_ = std::move(rows);
  rows_kept_ = rows_handed_over_ = rows_;
  bins_kept_ = bins_handed_over_ = own_spikes::finished(result_.summary.simulated_s);
  if (rows_ < result_.block.rows()) {
    std::copy(state_.begin(), state_.end(), result_.block.before.row(rows_).data());  // Of the row in hand.
  }
}

void task_procedure::read_kept_rows() {
  std::array<std::int64_t, 2> taken{};
  if (rows_kept_ > 0) {
    kept_rows_([&](const std::string& rows) { read_rows(rows, taken); });
  }
  if (taken != std::array{rows_kept_, bins_kept_}) {
    fail_for_other_rows();
  }
  rows_kept_ = bins_kept_ = 0;
}

void task_procedure::read_rows(std::span<const char> from, std::array<std::int64_t, 2>& taken) {
  std::array<std::int64_t, 2> fresh{};
  const auto take = [&](std::span<std::byte> to) {
    if (from.size() < to.size()) {
      fail_for_other_rows();
    }
    std::memcpy(to.data(), from.data(), to.size());
    from = from.subspan(to.size());
  };
  take(std::as_writable_bytes(std::span(fresh)));
  const auto [rows, bins] = fresh;
  if (rows < 1 || rows > rows_kept_ - taken[0] || bins < 0 || bins > bins_kept_ - taken[1]) {
    fail_for_other_rows();
  }
  std::ranges::for_each(parts_of_rows(taken[0], rows), take);
  std::ranges::for_each(own_.parts_of(taken[1], bins), take);
  if (!from.empty()) {
    fail_for_other_rows();
  }
  taken = {taken[0] + rows, taken[1] + bins};
}

}  // namespace spikesweep
