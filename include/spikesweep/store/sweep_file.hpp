#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <spikesweep/network/transition.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/description.hpp>

/// The sweep file: every transition of a sweep, one record a task, and the settings that they were made with. Every
/// dataset says its unit and its meaning in its attributes.
///
/// | call | collective |
/// |---|---|
/// | create_sweep_file, replace_sweep_file, extend_sweep_file, check_sweep_file, sweep_reader | no: one rank alone |
/// | sweep_writer: constructor, close | yes, on its communicator |
/// | sweep_writer: every other member | no: independent writes to rows that no other rank has |
namespace spikesweep {

/// A task that was in hand at so many crashes of the job, without having come any further in between, may have been
/// their cause: from then on it is run in a process
/// of its own, and set aside as crashed if that one dies too; so one point cannot block a sweep.
inline constexpr int suspect_after = 2;

/// What the file keeps of a task beside its rows. Written after the rows, `state` last.
struct task_record {
  task_state state = task_state::pending;
  std::uint32_t point = 0;
  std::uint32_t replicate = 0;
  std::uint64_t first_row = 0;
  std::uint32_t rows = 0;      ///< Rows in use; 0 if the task failed.
  std::uint64_t checksum = 0;  ///< XXH3-64 of the rows, the figures and every other field of the record.
  task_summary summary;
};

/// How a task ran. Differs between runs, and never decides a sample.
struct task_provenance {
  double core_s = 0;          ///< Core time of the last attempt: time is divided evenly among the tasks in hand [s].
  std::int32_t rank = 0;      ///< Rank that simulated it.
  std::uint8_t attempts = 0;  ///< Times it was started since it was new or retried.
  double finished_at = 0;     ///< When its record was written; 0 if never [s since 1970].
};

/// Transitions of several tasks.
struct sweep_rows {
  transition_block block;
  std::vector<std::int32_t> point;  ///< The point of each row.
};

/// Writes a file without a finished task, reserves its disk, and renames it into place; so the metadata is complete
/// before the first task and never changes. Throws environment_error if the disk cannot hold the whole sweep or the
/// directory cannot be written.
/// Deliberately serial although many ranks write the samples: one writer makes the bytes the same for any rank count.
void create_sweep_file(const std::filesystem::path& path, const sweep_description& description);

/// The same in place of a sweep file of any settings, format version and contents. The old file is lost when the new
/// one is complete, and not before. Throws input_error if what is there is no sweep file.
void replace_sweep_file(const std::filesystem::path& path, const sweep_description& description);

/// Grows a sweep to more points or replicates: writes the file of `description` under a temporary name, copies into it
/// every finished task whose checksum holds and the whole provenance, and renames it into place. The outcome, once
/// swept, has the bytes of a sweep of `description` from scratch. False, and nothing happens, if the file is of
/// `description` already. Until the rename the old file stays as it is, whatever happens; both have to fit on the disk.
/// `poll` is called often, and may throw to give up; may be empty.
/// Throws input_error, naming what differs, unless the old tasks are among the new ones: the old points come first with
/// equal values, no replicate is missing, all settings but those of the design agree. Roles are those of `description`.
bool extend_sweep_file(const std::filesystem::path& path, const sweep_description& description,
                       const std::function<void()>& poll);

/// Throws input_error unless the file is a sweep file, of any format version.
void check_is_sweep_file(const std::filesystem::path& path);

/// Throws input_error, naming every key that differs with both values, unless the file holds this very sweep; also if
/// the file is truncated, of a format version that this version does not read, or no sweep file at all.
void check_sweep_file(const std::filesystem::path& path, const sweep_description& description);

/// Bytes of the file that create_sweep_file would make, to a few kilobytes.
std::uint64_t sweep_file_bytes(const sweep_description& description);

/// Writes finished tasks through MPI-IO.
class sweep_writer {
 public:
  /// Collective. Opens an existing file that check_sweep_file accepts.
  sweep_writer(const communicator& ranks, const std::filesystem::path& path, const sweep_description& description);
  sweep_writer(const sweep_writer&) = delete;
  sweep_writer& operator=(const sweep_writer&) = delete;
  /// Collective.
  ~sweep_writer();

  /// Counts an attempt, before the task starts.
  void begin_task(std::int64_t task, int rank);
  /// Takes the attempt back: the task was abandoned in good order.
  void abandon_task(std::int64_t task);
  /// How often the task was started, as this rank knows it.
  int attempts(std::int64_t task) const;
  /// Makes a failed task as good as new. No other rank may have the file open: it would not notice.
  void reset_task(std::int64_t task);
  /// Writes rows, record, checksum and state, in that order. The state of `result` must not be pending, and a done task
  /// must have exactly sampling.transitions rows. Throws environment_error if the disk fails.
  void write_task(std::int64_t task, const task_result& result, double core_s);
  /// Forces what this rank has written to the disk, if it wrote anything since and the last time is `sync_every_s` ago:
  /// so a power cut takes no more than that. To be called often.
  void sync_if_due();
  /// Time spent in the file by begin_task, abandon_task, write_task and sync_if_due so far [s].
  double io_s() const;
  /// Adds a line to /provenance/log, which holds log_lines lines of log_width bytes; rank 0 only. Longer ones are cut;
  /// when it is full the last line is replaced.
  void log(const std::string& line);
  /// Collective. Closes the file and throws environment_error if that fails.
  void close();

  static constexpr double sync_every_s = 5;
  static constexpr int log_lines = 256;
  static constexpr int log_width = 160;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Reads a sweep file, also while a sweep is writing it.
class sweep_reader {
 public:
  /// Throws input_error if the file is missing, truncated, of a format version that this version does not read, or no
  /// sweep file.
  explicit sweep_reader(const std::filesystem::path& path);
  sweep_reader(sweep_reader&&) noexcept;
  sweep_reader& operator=(sweep_reader&&) noexcept;
  ~sweep_reader();

  const sweep_description& description() const;
  /// The version of spikesweep that made the file.
  const std::string& version() const;
  /// One a task, as they are now, or as they were pinned. Not checked: see damaged_tasks.
  std::vector<task_record> records() const;
  /// Those of the tasks [first_task, last_task) alone.
  std::vector<task_record> records(std::int64_t first_task, std::int64_t last_task) const;
  /// The figures of the tasks [first_task, last_task), as they are now; undefined if the task is not done. Empty in
  /// files of formats up to 5, which keep none.
  std::vector<task_figures> figures(std::int64_t first_task, std::int64_t last_task) const;
  /// From now on these are the records, whatever happens to the file.
  void pin(std::vector<task_record> records);
  /// The digest of the sweep, of these records: see sweep_digest.
  std::string digest() const;
  std::vector<task_provenance> provenance() const;
  std::vector<std::string> log() const;
  /// The transitions of the done tasks among [first_task, last_task), in order of tasks.
  sweep_rows read_rows(std::int64_t first_task, std::int64_t last_task) const;
  /// Rows [first, first + rows) of a task that is known to be done, by records(), which are not read again for it.
  transition_block rows_of_task(std::int64_t task, std::int64_t first, std::int64_t rows) const;
  /// Whether this record, which is of this task, and the rows of the task are as they were written: whether the
  /// checksum holds. A pending task is sound.
  bool is_sound(std::int64_t task, const task_record& record) const;
  /// The part of this that needs no rows: whether a record of a finished task can be the one of this task.
  bool is_in_place(std::int64_t task, const task_record& record) const;
  /// The finished tasks among [first_task, last_task) whose checksum does not hold.
  std::vector<std::int64_t> damaged_tasks(std::int64_t first_task, std::int64_t last_task) const;
  /// The same over the whole file.
  std::vector<std::int64_t> damaged_tasks() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace spikesweep
