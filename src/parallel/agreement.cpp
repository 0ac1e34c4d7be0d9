#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <mpi.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/plain_text.hpp>
#include <spikesweep/parallel/agreement.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/waiting.hpp>

namespace spikesweep {

namespace {

using clock = std::chrono::steady_clock;

/// How long a rank that failed waits for the others: ranks that fail for a common reason come within moments.
constexpr std::chrono::seconds grace{10};
/// Between two looks at whether the others have come.
constexpr std::chrono::milliseconds pause{5};
/// Of a message [bytes]; of a longer one its beginning and its ending are printed.
constexpr std::size_t longest_error = 1500;
constexpr std::size_t error_beginning = 1000;
constexpr std::size_t error_ending = 400;

bool failed_outright(int code) {
  return code == static_cast<int>(exit_code::failed) || code == static_cast<int>(exit_code::bad_input);
}

/// The rank whose word counts.
int speaker(const std::vector<int>& codes) {
  const auto failed = std::find_if(codes.begin(), codes.end(), failed_outright);
  return static_cast<int>((failed != codes.end() ? failed : std::max_element(codes.begin(), codes.end())) -
                          codes.begin());
}

}  // namespace

void print_error(const std::string& message) {
  std::string line = "spikesweep: error: ";
  if (message.size() <= longest_error) {
    line += message;
  } else {  // It quotes something that nobody wrote by hand.
    line += plain_text(message.substr(0, error_beginning)) + " [...] " +
            plain_text(message.substr(message.size() - error_ending));
  }
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

int exit_agreement::reach(const rank_exit& mine) const {
  std::vector<int> codes(static_cast<std::size_t>(ranks_.size()));
  MPI_Request request = MPI_REQUEST_NULL;
  // Boost.MPI has no non-blocking collectives.
  MPI_Iallgather(&mine.code, 1, MPI_INT, codes.data(), 1, MPI_INT, ranks_, &request);
  const auto start = clock::now();
  const waiting_for_ranks wait;
  for (int done = 0; done == 0;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done == 0) {
      if (failed_outright(mine.code) && clock::now() - start > grace) {
        print_error(name_of_rank(ranks_) + ": " + mine.message);
        MPI_Abort(ranks_, mine.code);
      }
      std::this_thread::sleep_for(pause);
    }
  }
  // MPI_Test has ended the request, which the checker does not know.
  const int rank = speaker(codes);  // NOLINT(clang-analyzer-optin.mpi.MPI-Checker)
  if (rank == ranks_.rank() && !mine.message.empty()) {
    print_error(mine.message);
  }
  return codes[static_cast<std::size_t>(rank)];
}

}  // namespace spikesweep
