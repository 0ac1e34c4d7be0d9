#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <boost/mpi/collectives.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ifaddrs.h>
#include <mpi.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/parallel/agreement.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/event.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/lost_ranks.hpp>
#include <spikesweep/parallel/pulse.hpp>
#include <spikesweep/parallel/signals.hpp>
#include <spikesweep/parallel/waiting.hpp>

namespace spikesweep {

namespace {

using std::chrono::milliseconds;

constexpr double beat_s = 1;  ///< Between two words of a rank.
/// The last words of the ranks of a lost node are up to a beat apart, and are told as one loss.
constexpr double silent_too_s = short_silence_s - 2 * beat_s;
constexpr milliseconds look_pause{250};
/// Rank 0 answers at once, if words of this kind come through at all; the second one if the first gets lost.
constexpr double longest_answer_s = 2.5;
constexpr milliseconds answer_pause{2};
/// Rank 0 goes on answering for so long, so that the others hear that the job is broken.
constexpr double farewell_s = 3;
/// For a rank that hands over.
constexpr double hand_over_s = 10;

std::atomic<bool> broken{false};
std::atomic<int> hand_overs{0};

/// A datagram, either way. Nobody else knows the cookie of the job.
struct word {
  std::uint64_t cookie = 0;
  std::int32_t rank = 0;       ///< Of the sender.
  std::int32_t is_broken = 0;  ///< From rank 0: end.
  float waited_s = 0;          ///< By the sender, for other ranks, in the call of MPI that it is in [s].
  std::int32_t unused = 0;     ///< No byte of a word is left undefined.
};

/// Where rank 0 listens.
struct listener {
  std::uint64_t cookie = 0;
  std::uint16_t port = 0;  ///< In the order of the network; 0: nowhere.
  double silence_s = 0;
  std::vector<std::uint32_t> addresses;  ///< Of its node.
  std::vector<std::string> hosts;        ///< Of all ranks.

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& cookie& port& silence_s& addresses& hosts;
  }
};

std::vector<std::uint32_t> addresses_of_node() {
  std::vector<std::uint32_t> out;
  ::ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) {
    return out;
  }
  for (const ::ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr != nullptr && at->ifa_addr->sa_family == AF_INET && (at->ifa_flags & IFF_UP) != 0) {
      out.push_back(reinterpret_cast<const ::sockaddr_in*>(at->ifa_addr)->sin_addr.s_addr);
    }
  }
  ::freeifaddrs(all);
  return out;
}

::sockaddr_in address_of(std::uint32_t address, std::uint16_t port) {
  ::sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = address;
  out.sin_port = port;
  return out;
}

std::uint16_t port_of(int socket) {
  ::sockaddr_in own = address_of(INADDR_ANY, 0);
  const bool bound = ::bind(socket, reinterpret_cast<const ::sockaddr*>(&own), sizeof own) == 0;
  ::socklen_t length = sizeof own;
  return bound && ::getsockname(socket, reinterpret_cast<::sockaddr*>(&own), &length) == 0 ? own.sin_port : 0;
}

void send_word(int socket, const word& what, const ::sockaddr_in& to) {
  // What does not go out now is said again in a second.
  ::sendto(socket, &what, sizeof what, MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<const ::sockaddr*>(&to),
           sizeof to);
}

/// Every two nodes exchange a message, through one rank of each. Otherwise two that do not reach each other would be
/// noticed only when MPI needs that way, which may be late.
void meet_every_node(const communicator& ranks, const std::vector<std::string>& hosts) {
  std::vector<int> of_nodes;
  for (std::size_t rank = 0; rank < hosts.size(); ++rank) {
    if (std::ranges::find(hosts, hosts[rank]) - hosts.begin() == static_cast<std::ptrdiff_t>(rank)) {
      of_nodes.push_back(static_cast<int>(rank));
    }
  }
  const std::size_t nodes = of_nodes.size();
  const auto here = static_cast<std::size_t>(std::ranges::find(of_nodes, ranks.rank()) - of_nodes.begin());
  if (here == nodes) {
    return;
  }
  constexpr int tag = 0;
  for (std::size_t far = 1; far < nodes; ++far) {
    const char sent = 0;
    char received = 0;
    // Boost.MPI has no such call.
    MPI_Sendrecv(&sent, 1, MPI_CHAR, of_nodes[(here + far) % nodes], tag, &received, 1, MPI_CHAR,
                 of_nodes[(here + nodes - far) % nodes], tag, ranks, MPI_STATUS_IGNORE);
  }
}

/// "rank 2 on n2", "ranks 2, 3 on n2 and 4, 5 on n3".
std::string names_of(const std::vector<int>& ranks, const std::vector<std::string>& hosts) {
  std::vector<std::pair<std::string, std::vector<int>>> by_host;
  for (const int rank : ranks) {
    const std::string& host = hosts.at(static_cast<std::size_t>(rank));
    const auto found = std::ranges::find(by_host, host, [](const auto& entry) { return entry.first; });
    (found != by_host.end() ? *found : by_host.emplace_back(host, std::vector<int>())).second.push_back(rank);
  }
  std::vector<std::string> parts;
  for (const auto& [host, of_host] : by_host) {
    parts.push_back(fmt::format("{} on {}", fmt::join(of_host, ", "), host));
  }
  return fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", fmt::join(parts, " and "));
}

}  // namespace

/// The thread of one rank.
class pulse::watcher {
 public:
  watcher(int rank, listener at, int socket, std::unique_ptr<event> end)
      : rank_(rank),
        at_(std::move(at)),
        socket_(socket),
        end_(std::move(end)),
        silence_s_(at_.hosts.size(), -1),
        waited_s_(at_.hosts.size(), 0),
        thread_(start_without_signals([this] { watch(); })) {}
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;
  ~watcher() {
    end_->happen();
    thread_.join();
  }

  /// Waits a moment until rank 0 has answered: then it has heard this rank.
  void await_answer() const {
    const auto begin = steady_clock::now();
    while (rank_ != 0 && at_.silence_s > 0 && !answered_ && seconds_since(begin) < longest_answer_s) {
      std::this_thread::sleep_for(answer_pause);
    }
  }

 private:
  void watch() {
    auto looked = steady_clock::now();
    double since_beat_s = 0;
    double since_signal_s = 0;
    if (rank_ != 0) {
      beat();
    }
    while (!woken()) {
      const double passed_s = std::min(seconds_since(looked), longest_look_s);
      looked = steady_clock::now();
      since_signal_s = interrupted() ? since_signal_s + passed_s : 0;
      since_beat_s += passed_s;
      note_own_wait(passed_s);
      if (rank_ != 0 && since_beat_s >= beat_s) {
        since_beat_s = 0;
        beat();
      }
      for (double& silence : silence_s_) {
        silence = silence < 0 ? silence : silence + passed_s;
      }
      listen();
      if (!broken && at_.silence_s > 0) {
        const double limit_s = since_signal_s >= short_silence_s ? short_silence_s : at_.silence_s;
        find_lost(limit_s);
        find_standstill(limit_s);
      }
      if (broken) {
        broken_for_s_ += passed_s;
        // Rank 0 first: once one rank has ended, the launcher kills the others.
        if (broken_for_s_ >= (hand_overs > 0 ? hand_over_s : 0) + (rank_ == 0 ? farewell_s : 2 * farewell_s)) {
          ::_exit(static_cast<int>(exit_code::interrupted));  // MPI would wait for the ranks that are lost.
        }
      }
    }
  }

  /// Waits for a word, for the end of this object, or a moment; true at the end.
  bool woken() const {
    std::array<::pollfd, 2> both{::pollfd{socket_.number(), POLLIN, 0}, ::pollfd{end_->number(), POLLIN, 0}};
    ::poll(both.data(), both.size(), static_cast<int>(look_pause.count()));
    return (both[1].revents & POLLIN) != 0;
  }

  void note_own_wait(double passed_s) {
    const std::uint64_t changes = waiting_changes();
    const bool still = changes % 2 == 1 && changes == own_changes_;
    double& waited_s = waited_s_[static_cast<std::size_t>(rank_)];
    waited_s = still ? waited_s + passed_s : 0;
    own_changes_ = changes;
  }

  float own_wait() const { return static_cast<float>(waited_s_[static_cast<std::size_t>(rank_)]); }

  void beat() {
    for (const std::uint32_t address : at_.addresses) {
      send_word(socket_.number(), {at_.cookie, rank_, 0, own_wait()}, address_of(address, at_.port));
    }
  }

  void listen() {
    word heard;
    ::sockaddr_in from{};
    ::socklen_t length = sizeof from;
    while (::recvfrom(socket_.number(), &heard, sizeof heard, MSG_DONTWAIT, reinterpret_cast<::sockaddr*>(&from),
                      &length) == sizeof heard) {
      length = sizeof from;
      if (heard.cookie != at_.cookie || heard.rank < 0 || heard.rank >= static_cast<int>(silence_s_.size()) ||
          heard.rank == rank_) {
        continue;
      }
      silence_s_[static_cast<std::size_t>(heard.rank)] = 0;
      waited_s_[static_cast<std::size_t>(heard.rank)] = static_cast<double>(heard.waited_s);
      if (rank_ == 0) {
        send_word(socket_.number(), {at_.cookie, 0, broken ? 1 : 0, own_wait()}, from);
      } else if (heard.is_broken != 0) {
        broken = true;
      } else {
        at_.addresses = {from.sin_addr.s_addr};  // The way that leads there.
        answered_ = true;
      }
    }
  }

  void find_lost(double limit_s) {
    const double longest_s = *std::ranges::max_element(silence_s_);
    if (longest_s < limit_s) {
      return;
    }
    std::vector<int> lost;
    for (std::size_t rank = 0; rank < silence_s_.size(); ++rank) {
      if (silence_s_[rank] >= silent_too_s) {
        lost.push_back(static_cast<int>(rank));
      }
    }
    const bool speaks = std::ranges::find(at_.hosts, at_.hosts[static_cast<std::size_t>(rank_)]) - at_.hosts.begin() ==
                        rank_;  // One rank of a node is enough.
    if (speaks) {
      print_error(fmt::format(
          "{}no word from {} for {:.0f} s: the node is lost or cut off, or the processes were stopped; the job ends "
          "without them, what is finished is saved, and the same command resumes",
          rank_ == 0 ? "" : fmt::format("rank {} on {}: ", rank_, at_.hosts[static_cast<std::size_t>(rank_)]),
          names_of(lost, at_.hosts), longest_s));
    }
    break_job();
  }

  /// Ranks that all wait for each other do so for ever: what one of them has sent does not arrive.
  void find_standstill(double limit_s) {
    const bool all_heard = std::ranges::count_if(silence_s_, [](double s) { return s < 0; }) == 1;  // Rank 0 itself.
    const double waited_s = *std::ranges::min_element(waited_s_);
    if (broken || rank_ != 0 || !all_heard || waited_s < limit_s) {
      return;
    }
    print_error(fmt::format(
        "all ranks wait for each other, for {:.0f} s now: two nodes do not reach each other, although rank 0 "
        "has word from both; the job ends, what is finished is saved, and the same command resumes",
        waited_s));
    break_job();
  }

  void break_job() const {
    broken = true;
    end_launcher_of_broken_job(rank_);
  }

  int rank_;
  listener at_;
  descriptor socket_;
  std::unique_ptr<event> end_;
  std::vector<double> silence_s_;  ///< Of each rank; below 0: it has not been heard yet.
  std::vector<double> waited_s_;   ///< By each rank, as it said last: see word.
  std::uint64_t own_changes_ = 0;  ///< waiting_changes() at the last look.
  double broken_for_s_ = 0;
  std::atomic<bool> answered_{false};
  std::thread thread_;
};

pulse::pulse(const communicator& ranks) {
  if (ranks.size() == 1) {
    return;
  }
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  auto end = std::make_unique<event>();
  std::vector<std::string> hosts;
  boost::mpi::gather(ranks, host_name(), hosts, 0);
  listener at = on_root(ranks, [&] {
    std::random_device random;
    const auto half = [&random] { return static_cast<std::uint64_t>(random()); };
    return listener{half() << 32U | half(), socket < 0 ? std::uint16_t{0} : port_of(socket), silence_limit_s(),
                    addresses_of_node(), hosts};
  });
  const std::vector<std::string> hosts_of_all = at.hosts;
  if (socket >= 0 && end->works() && at.port != 0) {
    watcher_ = std::make_unique<watcher>(ranks.rank(), std::move(at), socket, std::move(end));
    watcher_->await_answer();
  } else {
    const descriptor unused(socket);
  }
  meet_every_node(ranks, hosts_of_all);
  // Who has not been heard by now has no way for such words, and is not missed.
  ranks.barrier();
}

pulse::~pulse() = default;

bool job_is_broken() {
  return broken;
}

hand_over_guard::hand_over_guard() {
  ++hand_overs;
}

hand_over_guard::~hand_over_guard() {
  --hand_overs;
}

void leave_broken_job() {
  hand_overs = 0;
  // The other thread ends the process: of rank 0 only once the other ranks know.
  for (;;) {
    std::this_thread::sleep_for(look_pause);
  }
}

}  // namespace spikesweep
