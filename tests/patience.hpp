#pragma once

#include <cstdlib>

namespace spikesweep::testing {

/// How many times as long as usual things may take: sanitizers make programs slower.
inline int patience() {
  const char* times = std::getenv("SPIKESWEEP_TEST_PATIENCE");
  return times != nullptr ? std::atoi(times) : 1;
}

}  // namespace spikesweep::testing
