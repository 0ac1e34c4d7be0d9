#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace spikesweep {

/// Some bytes of a file, one after another.
struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};

/// A file of ours begins with so many bytes for its seal, which HDF5 leaves alone (its user block).
inline constexpr std::size_t seal_size = 4096;

/// Writes the seal: the length of the file, and a digest of all its bytes but those that change after it was made.
/// HDF5 cannot be trusted with a damaged file: it crashes, hangs or gives other numbers. Throws environment_error.
void seal_file(const std::filesystem::path& path, std::vector<byte_range> changing = {});

/// Throws input_error unless the seal of the file holds. A file that starts as a plain HDF5 file has none, as those of
/// 0.1.0: nothing is known of it. Rank-local.
void check_seal(const std::filesystem::path& path);

/// What tells a file by its contents: the digest of its seal, which was tested when the file was opened; without a seal
/// the digest of all its bytes. Bytes that change after the file was made do not count. Rank-local. Throws input_error.
std::string sealed_digest(const std::filesystem::path& path);

}  // namespace spikesweep
