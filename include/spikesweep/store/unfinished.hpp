#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <spikesweep/network/task.hpp>
#include <spikesweep/store/description.hpp>
#include <spikesweep/store/entry_file.hpp>

/// Tasks that a sweep has in hand, as they stood a few seconds ago, in files beside the sweep file: what an interrupt
/// or a kill leaves of them. They are no result. Whoever deletes them loses that work, and nothing else.
///
/// The states of all tasks of a rank lie in one file that is replaced at every save; the transitions of a task, which
/// can be many, in a file of its own that grows.
namespace spikesweep {

/// A task in the middle of its work, as files have it.
struct saved_task {
  std::string task;              ///< task_digest(): decides whether it is the task that somebody has to do.
  std::int32_t attempts = 0;     ///< Of the task when it was saved (task_provenance), this one included.
  double core_s = 0;             ///< Core time spent on it so far [s].
  double share_done = 0;         ///< Roughly, of its way, in [0, 1].
  std::int64_t events = 0;       ///< Network events simulated so far.
  std::uint64_t rows_bytes = 0;  ///< Of its rows_file.
  // Where its state is.
  std::string file;          ///< Name in the directory.
  std::uint64_t offset = 0;  ///< Where its entry begins there [bytes].

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& task& attempts& core_s& share_done& events& rows_bytes& file& offset;
  }
};

/// The file of the transitions of one task, open for more. Rank-local.
class rows_file {
 public:
  /// Keeps the first `bytes` of the file, or begins it if `bytes` is 0; makes the directory. Throws environment_error
  /// if the disk fails.
  rows_file(const std::filesystem::path& directory, const std::string& task, std::uint64_t bytes);

  /// Adds rows (task_progress). Throws environment_error if the disk fails.
  void append(std::span<const std::span<const std::byte>> rows);
  std::uint64_t bytes() const { return file_.bytes(); }
  /// Its task ended.
  void remove();

  /// Its name in the directory.
  static std::string name(const std::string& task) { return task + ".rows"; }

 private:
  std::string task_;
  std::filesystem::path path_;
  entry_file file_;
};

/// A digest of everything that decides the samples of a task: its network, identity, section and settings, and the
/// version of the program. So a task is known again in a sweep that has grown.
std::string task_digest(const sweep_description& description, std::int64_t task);

/// The directory of the saved tasks of a sweep file, which lies beside the real file: FILE.unfinished.
std::filesystem::path unfinished_directory(const std::filesystem::path& sweep_file);

/// Writes a file of saved tasks in place of an older one of this name. A reader sees the old file or the new one. Not
/// forced to the disk: a power cut costs no more than the work. `states` belongs to `tasks`, whose `file` and
/// `offset` do not count. Throws environment_error if the disk fails. Rank-local.
void write_unfinished(const std::filesystem::path& directory, const std::string& name,
                      const std::vector<saved_task>& tasks, std::span<const std::string> states);

/// Removes what write_unfinished() and rows_file have left in a directory, but for the files `needed`; then the
/// directory if it is empty. Other files stay, and a link to a directory stays a link. Rank-local.
void remove_unfinished(const std::filesystem::path& directory, const std::set<std::string>& needed = {});

/// All saved tasks of a directory, which need not exist. Files that are damaged count as empty. Rank-local.
std::vector<saved_task> find_unfinished(const std::filesystem::path& directory);

/// The progress of a saved task; null if its bytes are not what they were. Its rows stay in their file, which has to
/// lie there until the task has ended: else they throw environment_error. Rank-local.
std::shared_ptr<const kept_progress> read_progress(const std::filesystem::path& directory, const saved_task& task);

}  // namespace spikesweep
