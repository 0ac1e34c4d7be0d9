#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <spikesweep/store/entry_file.hpp>
#include <spikesweep/store/origin.hpp>

namespace spikesweep {

/// FILE.unfinished of an output, beside the real file. Throws input_error as real_output(). Rank-local.
std::filesystem::path unfinished_file(const std::filesystem::path& output);

/// The finished parts of a result that takes long, in FILE.unfinished beside the real output: the same command goes on
/// from there after an interruption, however it came. Parts are appended, each behind its name and with a digest of its
/// own, so that a part is either whole or not there. Rank-local: rank 0 has it. The caller has the lock of the output.
///
/// The file is internal: only the version that wrote it reads it.
class unfinished_result {
 public:
  /// Takes up the finished parts of the result for `output` if they are of the same origin and version. A file of
  /// another origin is kept aside, which is said, and the result starts afresh. Throws input_error as real_output(),
  /// and environment_error if the file cannot be read.
  unfinished_result(const std::filesystem::path& output, const origin& of);
  unfinished_result(const unfinished_result&) = delete;
  unfinished_result& operator=(const unfinished_result&) = delete;
  /// Keeps the file.
  ~unfinished_result();

  const std::filesystem::path& path() const { return path_; }
  bool has(const std::string& part) const { return places_.contains(part); }
  std::size_t size() const { return places_.size(); }

  /// Appends a part, which is not there yet. The first one makes the file. What was appended is forced to the disk
  /// every few seconds (sweep_writer::sync_every_s). Throws environment_error, which says how many parts are saved.
  void add(const std::string& part, std::string_view bytes);
  /// Throws environment_error if it cannot be read, or is damaged since.
  std::string read(const std::string& part) const;
  /// A part that cannot be used counts as one that is not there.
  void forget(const std::string& part) { places_.erase(part); }
  /// The result is complete and in its place.
  void remove();

 private:
  void take_up();
  void append(std::string_view name, std::string_view bytes);

  std::filesystem::path path_;
  std::string header_;  ///< What the file begins with.
  std::optional<entry_file> file_;
  std::map<std::string, std::uint64_t> places_;  ///< Where the entry of each part begins.
  bool unsynced_ = false;
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
};

}  // namespace spikesweep
