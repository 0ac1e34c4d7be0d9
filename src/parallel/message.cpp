#include <utility>

#include <boost/mpi/status.hpp>

#include <spikesweep/parallel/message.hpp>

namespace spikesweep {

outbox::~outbox() {
  if (under_way() > 0) {
    // After an error only. MPI may read them until the process ends, which is soon.
    static_cast<void>(new std::list<letter>(std::move(letters_)));
  }
}

void outbox::send_bytes(int to, int tag, std::vector<char> bytes) {
  under_way();
  letter& next = letters_.emplace_back();
  next.bytes = std::move(bytes);
  next.sent = ranks_.isend(to, tag, next.bytes.data(), static_cast<int>(next.bytes.size()));
}

std::size_t outbox::under_way() {
  std::erase_if(letters_, [](letter& each) { return each.sent.test().has_value(); });
  return letters_.size();
}

std::optional<int> message_from_any(const communicator& ranks, int tag) {
  const auto waiting = ranks.iprobe(boost::mpi::any_source, tag);
  return waiting ? std::optional<int>(waiting->source()) : std::nullopt;
}

bool message_from(const communicator& ranks, int from, int tag) {
  return ranks.iprobe(from, tag).has_value();
}

}  // namespace spikesweep
