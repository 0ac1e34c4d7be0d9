#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include <spikesweep/parallel/event.hpp>

namespace spikesweep {

/// A file or directory that is open until the end. Throws environment_error if it cannot be opened.
class opened_file {
 public:
  /// `flags`: of POSIX.
  opened_file(std::filesystem::path path, int flags);
  int number() const { return file_.number(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  descriptor file_;
};

/// Bytes of an open file, from place `begin` on. All throw environment_error; `path` is for its message alone.

/// Appends up to `size` bytes to a text; fewer at the end of the file.
void append_from(int descriptor, const std::filesystem::path& path, std::uint64_t begin, std::uint64_t size,
                 std::string& to);
std::string read_at(int descriptor, const std::filesystem::path& path, std::uint64_t begin, std::uint64_t size);
void write_at(int descriptor, const std::filesystem::path& path, std::uint64_t begin, std::span<const std::byte> bytes);

/// Forces what was written to the disk, where the file system can do that.
void force_to_disk(int descriptor, const std::filesystem::path& path);

/// "cannot ACTION PATH: " and what errno says.
[[noreturn]] void fail_file(const char* action, const std::filesystem::path& path);

}  // namespace spikesweep
