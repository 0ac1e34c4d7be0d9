#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

namespace spikesweep {

/// Whether a new file is forced to the disk before it gets its name, and its name after that: then no power cut can
/// take it. To wait for the disk may take seconds.
enum class durability { forced, left_to_system };

/// A file that is written under a temporary name beside its own, then renamed into place: a reader sees the old file
/// or the whole new one, never a part. Rank-local.
class atomic_file {
 public:
  /// Makes the temporary file, empty, with the user's umask. Its name is that of real_output(target) with ".partial"
  /// appended. Throws environment_error if the directory of `target` does not exist or is not writable, and as
  /// real_output().
  explicit atomic_file(const std::filesystem::path& target);
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  /// Removes the temporary file unless it was committed.
  ~atomic_file();

  /// Where to write.
  const std::filesystem::path& path() const { return temporary_; }
  /// Allocates disk for the first `bytes` of the temporary file, holes included. Throws environment_error, with the
  /// bytes needed and free, if the disk or a quota cannot hold it.
  void reserve(std::uint64_t bytes) const;
  /// Renames the file into place. Throws environment_error.
  void commit(durability wanted = durability::forced);

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

/// Gives a file that is about to be replaced the first free name of FILE.old-1, FILE.old-2, ..., and says so. Returns
/// the name; nothing if there is no such file. Rank-local. Throws environment_error.
std::optional<std::filesystem::path> keep_aside(const std::filesystem::path& path);

/// Calls `write` with the temporary name, then renames the file into place. Nothing is left behind if `write` throws.
void write_then_rename(const std::filesystem::path& target,
                       const std::function<void(const std::filesystem::path&)>& write,
                       durability wanted = durability::forced);

/// The file that is written if `path` is named as output: behind all links, so that a link stays a link. Throws
/// input_error if what is there is no regular file: a directory, a pipe or a device is never replaced. Rank-local.
std::filesystem::path real_output(const std::filesystem::path& path);

/// Throws input_error unless `path` can be the name of a file: its directory exists, and it is no directory, pipe or
/// device itself. Rank-local.
void check_output_name(const std::filesystem::path& path);

/// The same for a table, whose first line is `header`: throws input_error too if there is a file of other contents,
/// which is not replaced. Rank-local.
void check_output_table(const std::filesystem::path& path, std::string_view header);

}  // namespace spikesweep
