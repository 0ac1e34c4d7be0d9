#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/signals.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/store/entry_file.hpp>

#include "file_bytes.hpp"

namespace spikesweep {

namespace {

/// What an entry begins with: the lengths of its name and of its bytes. Its digest comes last.
using entry_lengths = std::array<std::uint64_t, 2>;
constexpr std::uint64_t digest_length = 32;
/// Bytes that are checked at once: few enough to stay in a processor's cache.
constexpr std::uint64_t checked_at_once = std::uint64_t{1} << 18;

int open_file(const std::filesystem::path& path, entry_file::use how) {
  constexpr std::array<int, 3> flags{O_RDONLY, O_RDWR, O_RDWR | O_CREAT | O_TRUNC};
  if (how != entry_file::use::read) {
    ignore_file_size_signal();
  }
  // A pipe of this name would make the opening wait for its other end.
  const int descriptor =
      ::open(path.c_str(), flags.at(static_cast<std::size_t>(how)) | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0666);
  if (descriptor < 0) {
    fail_file(how == entry_file::use::begin ? "make" : "open", path);
  }
  struct ::stat about {};
  if (::fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
    ::close(descriptor);
    throw environment_error("cannot use " + path.string() + ": it is no regular file; remove it");
  }
  return descriptor;
}

std::uint64_t size_of(int descriptor) {
  struct ::stat about {};
  return ::fstat(descriptor, &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

}  // namespace

entry_file::entry_file(const std::filesystem::path& path, use how)
    : path_(path), descriptor_(open_file(path, how)), bytes_(size_of(descriptor_)) {}

entry_file::~entry_file() {
  ::close(descriptor_);
}

std::uint64_t entry_file::bytes_of(std::string_view name, std::uint64_t bytes) {
  return sizeof(entry_lengths) + name.size() + bytes + digest_length;
}

struct entry_file::place {
  std::uint64_t name = 0;
  std::uint64_t bytes = 0;
  std::uint64_t digest = 0;
};

std::optional<entry_file::place> entry_file::place_of(std::uint64_t begin) const {
  entry_lengths lengths{};
  const std::string head = read_at(descriptor_, path_, begin, sizeof lengths);
  if (head.size() < sizeof lengths) {
    return std::nullopt;
  }
  std::memcpy(lengths.data(), head.data(), sizeof lengths);
  const std::uint64_t head_end = begin + sizeof lengths;
  const std::uint64_t size = size_of(descriptor_);
  const std::uint64_t left = size > head_end ? size - head_end : 0;
  if (lengths[0] > left || lengths[1] > left - lengths[0] || digest_length > left - lengths[0] - lengths[1]) {
    return std::nullopt;
  }
  return place{head_end, head_end + lengths[0], head_end + lengths[0] + lengths[1]};
}

std::optional<entry_file::entry> entry_file::at(std::uint64_t begin) const {
  const auto found = place_of(begin);
  if (!found) {
    return std::nullopt;
  }
  entry out{name_at(*found), {}};
  return append_bytes(out.bytes, *found, out.name) ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::uint64_t> entry_file::append_to(std::string& to, std::uint64_t begin, std::string_view name) const {
  const auto found = place_of(begin);
  if (!found || name_at(*found) != name || !append_bytes(to, *found, name)) {
    return std::nullopt;
  }
  return found->digest + digest_length;
}

std::optional<std::uint64_t> entry_file::end_of(std::uint64_t begin, std::string_view name) const {
  const auto found = place_of(begin);
  if (!found || name_at(*found) != name) {
    return std::nullopt;
  }
  digest sum;
  sum.add(name).begin(found->digest - found->bytes);
  std::string part;
  for (std::uint64_t at = found->bytes; at < found->digest; at += part.size()) {
    part.clear();
    append_from(descriptor_, path_, at, std::min(checked_at_once, found->digest - at), part);
    if (part.empty()) {
      return std::nullopt;  // Somebody has cut the file.
    }
    sum.part(std::as_bytes(std::span(part)));
  }
  return has_digest(*found, sum.text()) ? std::optional(found->digest + digest_length) : std::nullopt;
}

bool entry_file::has_digest(const place& of, const std::string& sum) const {
  return read_at(descriptor_, path_, of.digest, digest_length) == sum;
}

std::string entry_file::name_at(const place& of) const {
  return read_at(descriptor_, path_, of.name, of.bytes - of.name);
}

bool entry_file::append_bytes(std::string& to, const place& of, std::string_view name) const {
  const std::size_t before = to.size();
  append_from(descriptor_, path_, of.bytes, of.digest - of.bytes, to);
  if (!has_digest(of, digest().add(name).add(std::string_view(to).substr(before)).text())) {
    to.resize(before);
    return false;
  }
  return true;
}

bool entry_file::is_beginning_of(std::string_view name, std::string_view bytes) const {
  const entry_lengths lengths{name.size(), bytes.size()};
  std::string whole(sizeof lengths, '\0');
  std::memcpy(whole.data(), lengths.data(), sizeof lengths);
  whole.append(name).append(bytes).append(digest().add(name).add(bytes).text());
  return size_of(descriptor_) < whole.size() && whole.starts_with(read_at(descriptor_, path_, 0, whole.size()));
}

void entry_file::append(std::string_view name, std::string_view bytes) {
  const std::span<const std::byte> whole = std::as_bytes(std::span(bytes));
  append(name, {&whole, 1});
}

void entry_file::append(std::string_view name, std::span<const std::span<const std::byte>> parts) {
  entry_lengths lengths{name.size(), 0};
  for (const std::span<const std::byte> part : parts) {
    lengths[1] += part.size();
  }
  std::uint64_t end = bytes_;
  const auto write = [&](std::span<const std::byte> bytes) {
    write_at(descriptor_, path_, end, bytes);
    end += bytes.size();
  };
  write(std::as_bytes(std::span(lengths)));
  write(std::as_bytes(std::span(name)));
  std::ranges::for_each(parts, write);
  const std::string sum = digest().add(name).add_parts(parts).text();
  write(std::as_bytes(std::span(sum)));  // Last: an entry that has it is whole.
  bytes_ = end;
}

void entry_file::cut(std::uint64_t bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) {
    fail_file("shorten", path_);
  }
  bytes_ = bytes;
}

void entry_file::sync() {
  force_to_disk(descriptor_, path_);
}

}  // namespace spikesweep
