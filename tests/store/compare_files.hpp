#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <spikesweep/store/hdf5.hpp>

namespace spikesweep::testing {

inline std::vector<char> bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Where and how long a dataset is in a file [bytes].
inline std::pair<std::uint64_t, std::uint64_t> place_of(const std::filesystem::path& file, const std::string& name) {
  return hdf5::file::open(file).root().open_dataset(name).bytes();
}

/// The bytes of a sweep file with those of /provenance, which may differ between runs, set to zero.
inline std::vector<char> lasting_bytes(const std::filesystem::path& path) {
  std::vector<char> bytes = bytes_of(path);
  const hdf5::file file = hdf5::file::open(path);
  const hdf5::group provenance = file.root().open_group("provenance");
  for (const std::string& name : provenance.names()) {
    const auto [offset, length] = provenance.open_dataset(name).bytes();
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), length, '\0');
  }
  return bytes;
}

/// Turns over the lowest bit of one byte.
inline void flip_bit(const std::filesystem::path& path, std::uint64_t at) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

}  // namespace spikesweep::testing
