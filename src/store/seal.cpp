#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/store/seal.hpp>

namespace spikesweep {

namespace {

// "spikesweep seal 1", the digest, "bytes N" and one "changing FIRST LENGTH" a range, a line each; zeros to the end.
constexpr std::string_view seal_name = "spikesweep seal 1\n";
constexpr std::size_t digest_length = 32;
constexpr std::size_t covered_from = seal_name.size() + digest_length + 1;
constexpr std::string_view hdf5_name = "\x89HDF\r\n\x1a\n";

using seal_block = std::array<char, seal_size>;

struct seal {
  std::string digest;
  std::uint64_t bytes = 0;
  std::vector<byte_range> changing;
};

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw input_error(path.string() + " is damaged: " + why + "; restore it from a copy, or make it again");
}

std::vector<byte_range> joined(std::vector<byte_range> ranges) {
  std::erase_if(ranges, [](const byte_range& r) { return r.length == 0; });
  std::ranges::sort(ranges, {}, &byte_range::first);
  std::vector<byte_range> out;
  for (const byte_range& r : ranges) {
    if (!out.empty() && out.back().first + out.back().length >= r.first) {
      out.back().length = std::max(out.back().length, r.first + r.length - out.back().first);
    } else {
      out.push_back(r);
    }
  }
  return out;
}

std::string settings_of(const seal& s) {
  std::string text = fmt::format("bytes {}\n", s.bytes);
  for (const byte_range& r : s.changing) {
    text += fmt::format("changing {} {}\n", r.first, r.length);
  }
  return text;
}

/// The seal in a block that begins with the name. Throws input_error.
seal parse(const std::filesystem::path& path, const seal_block& block) {
  const std::string_view text(block.data(), block.size());
  seal s;
  s.digest = text.substr(seal_name.size(), digest_length);
  const std::string_view settings = text.substr(covered_from);
  std::istringstream lines{std::string(settings.substr(0, settings.find('\0')))};
  std::string word;
  lines >> word >> s.bytes;
  bool sound = lines && word == "bytes" && block[covered_from - 1] == '\n';
  std::uint64_t end = seal_size;
  for (byte_range r; sound && lines >> word;) {
    // In order, apart from each other and inside the file: so the loops over them end.
    sound = word == "changing" && lines >> r.first >> r.length && r.first >= end && r.first <= s.bytes &&
            r.length <= s.bytes - r.first;
    end = r.first + r.length;
    s.changing.push_back(r);
  }
  if (!sound) {
    refuse(path, "its seal, the first lines of the file, cannot be read");
  }
  return s;
}

/// The digest of the block behind the digest's own line, and of what does not change in the rest of the file.
std::string contents_digest(std::ifstream& file, const std::filesystem::path& path, const seal_block& block,
                            const seal& s) {
  constexpr std::uint64_t part_bytes = std::uint64_t{1} << 20;
  digest whole;
  whole.add_bytes(std::as_bytes(std::span(block)).subspan(covered_from));
  std::vector<char> part(part_bytes);
  std::uint64_t at = seal_size;
  const auto add_up_to = [&](std::uint64_t end) {
    file.seekg(static_cast<std::streamoff>(at));
    while (at < end) {
      const std::uint64_t length = std::min(part_bytes, end - at);
      errno = 0;
      if (!file.read(part.data(), static_cast<std::streamsize>(length))) {
        throw input_error("cannot read " + path.string() + ": " +
                          (errno != 0 ? std::strerror(errno) : "it is cut off"));
      }
      whole.add_bytes(std::as_bytes(std::span(part).first(length)));
      at += length;
    }
  };
  for (const byte_range& r : s.changing) {
    add_up_to(r.first);
    at = r.first + r.length;
  }
  add_up_to(s.bytes);
  return whole.text();
}

}  // namespace

void seal_file(const std::filesystem::path& path, std::vector<byte_range> changing) {
  const seal s{{}, std::filesystem::file_size(path), joined(std::move(changing))};
  const std::string settings = settings_of(s);
  if (covered_from + settings.size() > seal_size) {
    throw internal_error("the seal of " + path.string() + " has no room for " + std::to_string(s.changing.size()) +
                         " ranges");
  }
  seal_block block{};
  std::ranges::copy(settings, block.begin() + covered_from);
  std::ifstream file(path, std::ios::binary);
  const std::string text = std::string(seal_name) + contents_digest(file, path, block, s) + '\n';
  std::ranges::copy(text, block.begin());
  std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
  errno = 0;
  if (!out.write(block.data(), block.size()) || !out.flush()) {
    throw environment_error("cannot write " + path.string() + ": " + std::strerror(errno));
  }
}

void check_seal(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  seal_block block{};
  std::array<char, hdf5_name.size()> behind{};
  if (!file.read(block.data(), block.size()) || !file.read(behind.data(), behind.size())) {
    return;  // Too short for a sealed file: HDF5 says what it thinks of it.
  }
  if (!std::string_view(block.data(), block.size()).starts_with(seal_name)) {
    if (std::string_view(behind.data(), behind.size()) == hdf5_name) {
      refuse(path, "its first bytes are not a seal of spikesweep");
    }
    return;
  }
  const seal s = parse(path, block);
  std::error_code unknown;
  const std::uint64_t bytes = std::filesystem::file_size(path, unknown);
  if (!unknown && bytes != s.bytes) {
    refuse(path, fmt::format("it has {} bytes and was made with {}", bytes, s.bytes));
  }
  if (contents_digest(file, path, block, s) != s.digest) {
    refuse(path, "its contents are not those that were written, their checksum does not hold");
  }
}

std::string sealed_digest(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  seal_block block{};
  const bool sealed =
      file.read(block.data(), block.size()) && std::string_view(block.data(), block.size()).starts_with(seal_name);
  return sealed ? parse(path, block).digest : file_digest(path);
}

}  // namespace spikesweep
