#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace spikesweep {

/// A digest of contents, which names a result: XXH3 with 128 bits. What is added counts with its length, so that parts
/// do not run into each other.
class digest {
 public:
  digest();
  digest(const digest&) = delete;
  digest& operator=(const digest&) = delete;
  ~digest();

  digest& add(std::string_view text);
  digest& add_bytes(std::span<const std::byte> bytes);
  /// The parts one behind the other, as one text.
  digest& add_parts(std::span<const std::span<const std::byte>> parts);
  /// Bytes that come one after another: add_bytes() is begin() with their number, and part() with each part of them.
  digest& begin(std::uint64_t length);
  digest& part(std::span<const std::byte> bytes);
  /// 32 hexadecimal digits.
  std::string text() const;

 private:
  void* state_;
};

/// The digest of all bytes of a file. Throws input_error if it cannot be read. Rank-local.
std::string file_digest(const std::filesystem::path& path);

}  // namespace spikesweep
