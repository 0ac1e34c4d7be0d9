#include <algorithm>
#include <cmath>
#include <numbers>

#include <spikesweep/learning/schedule.hpp>

namespace spikesweep {

double warmup_cosine(double peak, std::int64_t step, std::int64_t warmup, std::int64_t total) {
  if (step < warmup) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  }
  const double share =
      static_cast<double>(step - warmup) / static_cast<double>(std::max<std::int64_t>(1, total - warmup));
  return 0.5 * peak * (1 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

}  // namespace spikesweep
