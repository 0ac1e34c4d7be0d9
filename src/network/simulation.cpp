#include <spikesweep/network/simulation.hpp>

namespace spikesweep {

std::string_view name_of(simulator_kind kind) {
  return kind == simulator_kind::exact ? "exact" : "tau_leaping";
}

}  // namespace spikesweep
