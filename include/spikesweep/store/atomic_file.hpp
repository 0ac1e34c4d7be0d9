#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace spikesweep {

/// A file that is written under a temporary name beside its own, then renamed into place: a reader sees the old file
/// or the whole new one, never a part. Rank-local.
class atomic_file {
 public:
  /// Chooses the temporary name, `target` with ".partial" appended. Throws environment_error if the directory of
  /// `target` does not exist.
  explicit atomic_file(std::filesystem::path target);
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  /// Removes the temporary file unless it was committed.
  ~atomic_file();

  /// Where to write.
  const std::filesystem::path& path() const { return temporary_; }
  /// Allocates disk for the first `bytes` of the temporary file, which is made if need be, holes included. Throws
  /// environment_error, with the bytes needed and free, if the disk or a quota cannot hold it.
  void reserve(std::uint64_t bytes) const;
  /// Forces the file to disk and renames it into place. Throws environment_error.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

/// Calls `write` with the temporary name, then renames the file into place. Nothing is left behind if `write` throws.
void write_then_rename(const std::filesystem::path& target,
                       const std::function<void(const std::filesystem::path&)>& write);

/// Throws input_error unless `path` can be the name of a new file: its directory exists, and it is no directory itself.
/// Rank-local.
void check_output_file(const std::filesystem::path& path);

}  // namespace spikesweep
