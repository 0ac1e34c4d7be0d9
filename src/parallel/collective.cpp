#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <utility>

#include <boost/mpi/environment.hpp>
#include <boost/mpi/operations.hpp>
#include <mpi.h>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/waiting.hpp>

namespace spikesweep {

namespace {

constexpr int internal_code = -1;

}  // namespace

root_failure root_failure::of(const std::exception& error) {
  if (const auto* known = dynamic_cast<const spikesweep_error*>(&error)) {
    return {static_cast<int>(known->code), known->what()};
  }
  if (dynamic_cast<const std::logic_error*>(&error) != nullptr) {
    return {internal_code, error.what()};
  }
  return {static_cast<int>(exit_code::failed), error.what()};
}

void root_failure::raise() const {
  if (code == 0) {
    return;
  }
  if (code == internal_code) {
    throw internal_error(message);
  }
  switch (const auto exit = static_cast<exit_code>(code)) {
    case exit_code::bad_input:
      throw input_error(message);
    case exit_code::failed:
      throw environment_error(message);
    case exit_code::interrupted:
      throw interrupted_error(message);
    default:
      throw spikesweep_error(exit, message);
  }
}

void raise_together(const communicator& ranks, root_failure mine) {
  const waiting_for_ranks wait;
  const int none = ranks.size();
  const int first = boost::mpi::all_reduce(ranks, mine.code == 0 ? none : ranks.rank(), boost::mpi::minimum<int>());
  if (first == none) {
    return;
  }
  if (first > 0 && ranks.rank() == first) {
    mine.message = name_of_rank(ranks) + ": " + mine.message;
  }
  boost::mpi::broadcast(ranks, mine, first);
  mine.raise();
}

std::string name_of_rank(const communicator& ranks) {
  return "rank " + std::to_string(ranks.rank()) + " on " + host_name();
}

communicator self() {
  return {MPI_COMM_SELF, boost::mpi::comm_attach};
}

void await_all(const communicator& ranks) {
  const waiting_for_ranks wait;
  ranks.barrier();
}

bool on_any_rank(const communicator& ranks, bool mine) {
  const waiting_for_ranks wait;
  return boost::mpi::all_reduce(ranks, mine, std::logical_or<>());
}

namespace {

template <class Operation>
void reduce_all(const communicator& ranks, std::vector<double>& values, std::size_t longest,
                const Operation& operation) {
  const std::size_t most = std::max<std::size_t>(1, longest / sizeof(double));
  std::vector<double> out(values.size());
  for (std::size_t begin = 0; begin < values.size(); begin += most) {
    const auto count = static_cast<int>(std::min(most, values.size() - begin));
    const waiting_for_ranks wait;
    boost::mpi::all_reduce(ranks, values.data() + begin, count, out.data() + begin, operation);
  }
  values = std::move(out);
}

}  // namespace

void all_reduce_least(const communicator& ranks, std::vector<double>& values, std::size_t longest) {
  reduce_all(ranks, values, longest, boost::mpi::minimum<double>());
}

void all_reduce_largest(const communicator& ranks, std::vector<double>& values, std::size_t longest) {
  reduce_all(ranks, values, longest, boost::mpi::maximum<double>());
}

void check_same_words(const communicator& ranks, const std::vector<std::string>& words, const std::string& what,
                      const std::string& cure) {
  std::vector<std::string> of_root = words;
  broadcast(ranks, of_root);
  std::string difference;
  if (words != of_root) {
    const auto [mine, others] = std::ranges::mismatch(words, of_root);
    const auto word = [](auto place, const std::vector<std::string>& of) {
      return place == of.end() ? std::string("nothing") : '\'' + *place + '\'';
    };
    difference = name_of_rank(ranks) + " has " + what + " than rank 0: " + word(mine, words) + " where rank 0 has " +
                 word(others, of_root);
  }
  collect_bytes(ranks, difference, [&](int /*rank*/, const std::string& of_rank) {
    if (!of_rank.empty()) {
      throw input_error(of_rank + "; " + cure);
    }
  });
}

void broadcast_all(const communicator& ranks, std::span<std::byte> bytes, std::size_t longest) {
  for (std::size_t begin = 0; begin < bytes.size(); begin += longest) {
    const auto part = bytes.subspan(begin, std::min(longest, bytes.size() - begin));
    const waiting_for_ranks wait;
    boost::mpi::broadcast(ranks, reinterpret_cast<char*>(part.data()), static_cast<int>(part.size()), 0);
  }
}

namespace {

constexpr int bytes_tag = 0;

void send_in_pieces(const communicator& ranks, const std::string& bytes, std::size_t longest) {
  for (std::size_t begin = 0; begin < bytes.size(); begin += longest) {
    const waiting_for_ranks wait;
    ranks.send(0, bytes_tag, bytes.data() + begin, static_cast<int>(std::min(longest, bytes.size() - begin)));
  }
}

std::string receive_in_pieces(const communicator& ranks, int from, std::size_t length, std::size_t longest) {
  std::string bytes(length, '\0');
  for (std::size_t begin = 0; begin < length; begin += longest) {
    const waiting_for_ranks wait;
    ranks.recv(from, bytes_tag, bytes.data() + begin, static_cast<int>(std::min(longest, length - begin)));
  }
  return bytes;
}

}  // namespace

void collect_bytes(const communicator& ranks, std::string mine,
                   const std::function<void(int rank, std::string bytes)>& take, std::size_t longest) {
  const std::uint64_t length = mine.size();
  std::vector<std::uint64_t> lengths;
  {
    const waiting_for_ranks wait;
    boost::mpi::gather(ranks, length, lengths, 0);
  }
  root_failure failure;
  if (ranks.rank() != 0) {
    send_in_pieces(ranks, mine, longest);
  }
  for (std::size_t rank = 0; rank < lengths.size(); ++rank) {  // None elsewhere than on rank 0.
    const int from = static_cast<int>(rank);
    std::string bytes = from == 0 ? std::exchange(mine, {}) : receive_in_pieces(ranks, from, lengths[rank], longest);
    if (failure.code != 0) {
      continue;  // The other ranks still have to get rid of theirs.
    }
    try {
      take(from, std::move(bytes));
    } catch (const std::exception& error) {
      failure = root_failure::of(error);
    }
  }
  broadcast(ranks, failure);
  failure.raise();
}

std::vector<std::size_t> share_of(const communicator& ranks, std::size_t count) {
  std::vector<std::size_t> mine;
  for (auto i = static_cast<std::size_t>(ranks.rank()); i < count; i += static_cast<std::size_t>(ranks.size())) {
    mine.push_back(i);
  }
  return mine;
}

std::vector<std::int64_t> all_gather_joined(const communicator& ranks, const std::vector<std::int64_t>& mine,
                                            std::size_t longest) {
  std::vector<std::int64_t> all;
  const auto join = [&all](int, std::string bytes) {
    const auto part = from_bytes<std::vector<std::int64_t>>(std::move(bytes));
    all.insert(all.end(), part.begin(), part.end());
  };
  collect_bytes(ranks, to_bytes(mine), join, longest);
  broadcast(ranks, all, longest);
  return all;
}

void abort_job(const communicator& ranks, const std::exception& error) {
  // One write, so that lines of several ranks do not mix.
  const std::string line = "spikesweep: " + name_of_rank(ranks) + ": " + error.what() + '\n';
  std::cerr << line << std::flush;
  boost::mpi::environment::abort(static_cast<int>(exit_code::failed));
  std::abort();
}

}  // namespace spikesweep
