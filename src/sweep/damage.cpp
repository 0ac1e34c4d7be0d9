#include <algorithm>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {

std::vector<std::int64_t> find_damaged(const communicator& ranks, const std::filesystem::path& file,
                                       const std::function<void(std::int64_t done, std::int64_t share)>& progress) {
  constexpr std::int64_t block = 16;  // Tasks between two calls of `progress`.
  const auto mine = on_every_rank(ranks, [&] {
    sweep_reader reader(file);
    reader.pin(reader.records());  // Read once, not for every block.
    const std::int64_t tasks = reader.description().tasks();
    const std::int64_t first = tasks * ranks.rank() / ranks.size();
    const std::int64_t last = tasks * (ranks.rank() + 1) / ranks.size();
    std::vector<std::int64_t> found;
    for (std::int64_t begin = first; begin < last; begin += block) {
      if (interrupted()) {
        throw interrupted_error("interrupted while the checksums of " + file.string() +
                                " were tested; the same command tests them again");
      }
      const std::int64_t end = std::min(begin + block, last);
      const auto damaged = reader.damaged_tasks(begin, end);
      found.insert(found.end(), damaged.begin(), damaged.end());
      if (progress) {
        progress(end - first, last - first);
      }
    }
    return found;
  });
  return all_gather_joined(ranks, mine);
}

void check_undamaged(const communicator& ranks, const std::filesystem::path& file) {
  if (const auto damaged = find_damaged(ranks, file); !damaged.empty()) {
    throw input_error(
        fmt::format("{}: {} finished tasks are damaged: their checksums do not hold; the command that made "
                    "the sweep runs them again, and 'spikesweep verify' lists them",
                    file.string(), damaged.size()));
  }
}

}  // namespace spikesweep
