#include <fstream>
#include <new>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/digest.hpp>

namespace spikesweep {

namespace {

XXH3_state_t* of(void* state) {
  return static_cast<XXH3_state_t*>(state);
}

}  // namespace

digest::digest() : state_(XXH3_createState()) {
  if (state_ == nullptr) {
    throw std::bad_alloc();
  }
  XXH3_128bits_reset(of(state_));
}

digest::~digest() {
  XXH3_freeState(of(state_));
}

digest& digest::add(std::string_view text) {
  return add_bytes(std::as_bytes(std::span(text)));
}

digest& digest::add_bytes(std::span<const std::byte> bytes) {
  return add_parts({&bytes, 1});
}

digest& digest::add_parts(std::span<const std::span<const std::byte>> parts) {
  std::uint64_t length = 0;
  for (const std::span<const std::byte> bytes : parts) {
    length += bytes.size();
  }
  begin(length);
  for (const std::span<const std::byte> bytes : parts) {
    part(bytes);
  }
  return *this;
}

digest& digest::begin(std::uint64_t length) {
  XXH3_128bits_update(of(state_), &length, sizeof length);
  return *this;
}

digest& digest::part(std::span<const std::byte> bytes) {
  XXH3_128bits_update(of(state_), bytes.data(), bytes.size());
  return *this;
}

std::string digest::text() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(of(state_));
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string file_digest(const std::filesystem::path& path) {
  constexpr std::size_t part_bytes = std::size_t{1} << 20;
  std::ifstream stream(path, std::ios::binary);
  std::vector<char> part(part_bytes);
  digest whole;
  while (stream.read(part.data(), static_cast<std::streamsize>(part.size())) || stream.gcount() > 0) {
    whole.add_bytes(std::as_bytes(std::span(part).first(static_cast<std::size_t>(stream.gcount()))));
  }
  if (!stream.eof()) {
    throw input_error("cannot read '" + path.string() + "'; check its name and its permissions");
  }
  return whole.text();
}

}  // namespace spikesweep
