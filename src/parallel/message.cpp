#include <boost/mpi/status.hpp>

#include <spikesweep/parallel/message.hpp>

namespace spikesweep {

std::optional<int> message_from_any(const communicator& ranks, int tag) {
  const auto waiting = ranks.iprobe(boost::mpi::any_source, tag);
  return waiting ? std::optional<int>(waiting->source()) : std::nullopt;
}

bool message_from(const communicator& ranks, int from, int tag) {
  return ranks.iprobe(from, tag).has_value();
}

}  // namespace spikesweep
