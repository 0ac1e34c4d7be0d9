#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

/// The finished tasks of one sweep file that this rank has tested and found sound. A call that uses a sweep several
/// times hands it on, so that the rows are read once. It never hides what another program did: a task that was written
/// again has another record, and a file that was replaced is another file.
class tested_tasks {
 public:
  /// Forgets everything unless this is the very file that it knows tasks of.
  void of(const std::filesystem::path& file);
  /// Whether the task was tested, and had this very record.
  bool has(std::int64_t task, const task_record& record) const;
  void add(std::int64_t task, const task_record& record);

 private:
  std::pair<std::uint64_t, std::uint64_t> file_{};            ///< Device and inode.
  std::unordered_map<std::int64_t, std::uint64_t> checksum_;  ///< Of the tested tasks. It covers the state too.
};

/// The finished tasks of a sweep file whose checksum does not hold. Each rank reads an equal share, and calls
/// `progress` now and then with its tasks done and its share. Reads the rows of the tasks that `tested` lacks, and adds
/// the sound ones to it. Collective; the same on every rank, if `tested` is what an earlier call on the same ranks
/// left. Throws input_error if this is no sweep file.
std::vector<std::int64_t> find_damaged(const communicator& ranks, const std::filesystem::path& file,
                                       const std::function<void(std::int64_t done, std::int64_t share)>& progress = {},
                                       tested_tasks* tested = nullptr);

/// Throws input_error on every rank if find_damaged() finds a task: nothing may be learnt from it. Collective.
void check_undamaged(const communicator& ranks, const std::filesystem::path& file, tested_tasks* tested = nullptr);

}  // namespace spikesweep
