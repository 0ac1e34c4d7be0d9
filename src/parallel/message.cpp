#include <utility>

#include <boost/mpi/status.hpp>

#include <spikesweep/parallel/message.hpp>

namespace spikesweep {

outbox::~outbox() {
  try {
    if (under_way() > 0) {
      // After an error only. MPI may read them until the process ends, which is soon.
      static std::list<std::list<letter>> abandoned;
      abandoned.push_back(std::move(letters_));
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch): the job is about to be taken down.
  }
}

void outbox::send_bytes(int to, int tag, std::vector<char> bytes) {
  under_way();
  letter& next = letters_.emplace_back();
  next.bytes = std::move(bytes);
  // Boost.MPI would do the same; under_way() tests the request.
  MPI_Isend(next.bytes.data(), static_cast<int>(next.bytes.size()), MPI_CHAR, to, tag, ranks_, &next.sent);
}  // NOLINT(clang-analyzer-optin.mpi.MPI-Checker)

std::size_t outbox::under_way() {
  std::erase_if(letters_, [](letter& each) {
    int done = 0;
    MPI_Test(&each.sent, &done, MPI_STATUS_IGNORE);
    return done != 0;
  });
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
