#include <atomic>

#include <spikesweep/parallel/waiting.hpp>

namespace spikesweep {

namespace {

std::atomic<std::uint64_t> changes{0};

}  // namespace

waiting_for_ranks::waiting_for_ranks() {
  changes.fetch_add(1, std::memory_order_relaxed);
}

waiting_for_ranks::~waiting_for_ranks() {
  changes.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t waiting_changes() {
  return changes.load(std::memory_order_relaxed);
}

}  // namespace spikesweep
