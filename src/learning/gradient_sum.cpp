#include <algorithm>
#include <cmath>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/gradient_sum.hpp>
#include <spikesweep/learning/reduce.hpp>

namespace spikesweep {

namespace {

constexpr double scale = 0x1p40;
/// Largest element of a slice: 64 slices of it stay below 2^63.
constexpr float largest = 1e5F;

}  // namespace

void gradient_sum::clear() {
  std::ranges::fill(sums_, 0);
}

void gradient_sum::add(std::span<const float> gradient) {
  SPIKESWEEP_ASSERT(gradient.size() == total_.size());
  bool good = true;
  for (const float g : gradient) {
    good &= std::abs(g) <= largest;  // False for NaN, too.
  }
  if (!good) {
    ++sums_.back();
    return;
  }
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    sums_[i] += static_cast<std::int64_t>(static_cast<double>(gradient[i]) * scale);
  }
}

std::span<float> gradient_sum::all_reduce(const boost::mpi::communicator& comm) {
  all_reduce_sum(comm, std::span(sums_));
  if (sums_.back() != 0) {
    throw environment_error("training diverged: the gradient is not finite; a lower learning.learning_rate helps");
  }
  for (std::size_t i = 0; i < total_.size(); ++i) {
    total_[i] = static_cast<float>(static_cast<double>(sums_[i]) / scale);
  }
  return total_;
}

}  // namespace spikesweep
