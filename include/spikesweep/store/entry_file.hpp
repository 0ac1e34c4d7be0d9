#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace spikesweep {

/// A file of entries, one behind the other: a name, bytes, and a digest of both. It grows at its end. Whatever cuts the
/// writing off, an entry is whole or not there. Every function throws environment_error if the disk fails. Rank-local.
class entry_file {
 public:
  struct entry {
    std::string name;
    std::string bytes;
  };
  enum class use {
    read,   ///< A file that is there.
    go_on,  ///< A file that is there, to be appended to.
    begin,  ///< An empty file, made or emptied.
  };

  entry_file(const std::filesystem::path& path, use how);
  entry_file(const entry_file&) = delete;
  entry_file& operator=(const entry_file&) = delete;
  ~entry_file();

  /// Bytes that an entry takes in the file.
  static std::uint64_t bytes_of(std::string_view name, std::uint64_t bytes);

  /// Bytes of the file; the next entry begins there.
  std::uint64_t bytes() const { return bytes_; }
  /// The entry that begins there; nothing if it is not whole.
  std::optional<entry> at(std::uint64_t begin) const;
  /// The end of the entry that begins there; nothing if it is not whole or has another name. Keeps few of its bytes.
  std::optional<std::uint64_t> end_of(std::uint64_t begin, std::string_view name) const;
  /// Appends the bytes of the entry that begins there to `to`, and returns the end of the entry; nothing, and `to` is
  /// as it was, if the entry is not whole or has another name.
  std::optional<std::uint64_t> append_to(std::string& to, std::uint64_t begin, std::string_view name) const;
  /// Whether the file holds the beginning of an entry of this name and these bytes, and no more: its writer was
  /// disturbed.
  bool is_beginning_of(std::string_view name, std::string_view bytes) const;

  void append(std::string_view name, std::string_view bytes);
  /// The bytes are the parts, one behind the other.
  void append(std::string_view name, std::span<const std::span<const std::byte>> parts);
  /// Keeps the first `bytes` of the file.
  void cut(std::uint64_t bytes);
  /// Forces everything to the disk, where the file system can.
  void sync();

 private:
  struct place;
  /// Where the parts of the entry that begins there are; nothing if the file is too short for it.
  std::optional<place> place_of(std::uint64_t begin) const;
  std::string name_at(const place& of) const;
  /// Whether the entry has this digest.
  bool has_digest(const place& of, const std::string& sum) const;
  /// Appends the bytes of the entry of this name to `to`; false, and `to` is as it was, if they are damaged.
  bool append_bytes(std::string& to, const place& of, std::string_view name) const;

  std::filesystem::path path_;
  int descriptor_;
  std::uint64_t bytes_;
};

}  // namespace spikesweep
