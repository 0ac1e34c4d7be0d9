#include <algorithm>

#include <sys/stat.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/sweep/damage.hpp>

namespace spikesweep {

void tested_tasks::of(const std::filesystem::path& file) {
  struct ::stat about {};
  std::pair<std::uint64_t, std::uint64_t> now{};
  if (::stat(file.c_str(), &about) == 0) {
    now = {about.st_dev, about.st_ino};
  }
  if (now != file_) {
    checksum_.clear();
    file_ = now;
  }
}

bool tested_tasks::has(std::int64_t task, const task_record& record) const {
  const auto found = checksum_.find(task);
  return found != checksum_.end() && found->second == record.checksum;
}

void tested_tasks::add(std::int64_t task, const task_record& record) {
  checksum_[task] = record.checksum;
}

std::vector<std::int64_t> find_damaged(const communicator& ranks, const std::filesystem::path& file,
                                       const std::function<void(std::int64_t done, std::int64_t share)>& progress,
                                       tested_tasks* tested) {
  constexpr std::int64_t polled_every = 16;  // Tasks between two calls of `progress`.
  constexpr std::int64_t block = 1024;       // Tasks whose records are read together.
  const auto mine = on_every_rank(ranks, [&] {
    tested_tasks local;
    tested_tasks& known = tested != nullptr ? *tested : local;
    known.of(file);
    const sweep_reader reader(file);
    const std::int64_t tasks = reader.description().tasks();
    const std::int64_t first = tasks * ranks.rank() / ranks.size();
    const std::int64_t last = tasks * (ranks.rank() + 1) / ranks.size();
    std::vector<task_record> records;  // Of the block.
    std::vector<std::int64_t> found;
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t in_block = (task - first) % block;
      if (in_block == 0) {
        records = reader.records(task, std::min(task + block, last));
      }
      if (in_block % polled_every == 0) {
        if (interrupted()) {
          throw interrupted_error("interrupted while the checksums of " + file.string() +
                                  " were tested; the same command tests them again");
        }
        if (progress) {
          progress(task - first, last - first);
        }
      }
      const task_record& record = records[static_cast<std::size_t>(in_block)];
      if (record.state == task_state::pending || known.has(task, record)) {
        continue;
      }
      if (!reader.is_sound(task, record)) {
        found.push_back(task);
      } else if (tested != nullptr) {
        known.add(task, record);
      }
    }
    if (progress && first < last) {
      progress(last - first, last - first);
    }
    return found;
  });
  return all_gather_joined(ranks, mine);
}

void check_undamaged(const communicator& ranks, const std::filesystem::path& file, tested_tasks* tested) {
  if (const auto damaged = find_damaged(ranks, file, {}, tested); !damaged.empty()) {
    throw input_error(
        fmt::format("{}: {} finished tasks are damaged: their checksums do not hold; the command that made "
                    "the sweep runs them again, and 'spikesweep verify' lists them",
                    file.string(), damaged.size()));
  }
}

}  // namespace spikesweep
