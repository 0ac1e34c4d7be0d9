#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/parallel/signals.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/store/unfinished_result.hpp>

namespace spikesweep {

namespace {

/// The name of the entry that every file begins with: its bytes say what the parts are of.
constexpr std::string_view header_name = "spikesweep unfinished result 1";

/// An entry: the lengths of its name and of its bytes, both, and the text of their digest.
using entry_lengths = std::array<std::uint64_t, 2>;
constexpr std::uint64_t digest_length = 32;

std::string entry_digest(std::string_view name, std::string_view bytes) {
  return digest().add(name).add(bytes).text();
}

std::uint64_t entry_size(std::string_view name, std::uint64_t bytes) {
  return sizeof(entry_lengths) + name.size() + bytes + digest_length;
}

/// Reads up to so many bytes; fewer at the end of the file.
std::string read_at(int descriptor, const std::filesystem::path& path, std::uint64_t begin, std::uint64_t size) {
  std::string bytes(size, '\0');
  std::uint64_t done = 0;
  while (done < size) {
    const ssize_t part = ::pread(descriptor, bytes.data() + done, size - done, static_cast<off_t>(begin + done));
    if (part < 0 && errno != EINTR) {
      throw environment_error("cannot read " + path.string() + ": " + std::strerror(errno));
    }
    if (part == 0) {
      break;
    }
    done += part > 0 ? static_cast<std::uint64_t>(part) : 0;
  }
  bytes.resize(done);
  return bytes;
}

/// Returns 0 or an error number.
int write_at(int descriptor, std::uint64_t begin, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t part = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(begin));
    if (part < 0 && errno != EINTR) {
      return errno;
    }
    const std::size_t done = part > 0 ? static_cast<std::size_t>(part) : 0;
    bytes.remove_prefix(done);
    begin += done;
  }
  return 0;
}

struct unfinished_entry {
  std::string name;
  std::string bytes;
};

/// The entry that begins at a place of a file of `size` bytes; nothing if it is not whole.
std::optional<unfinished_entry> entry_at(int descriptor, const std::filesystem::path& path, std::uint64_t begin,
                                         std::uint64_t size) {
  entry_lengths lengths{};
  const std::string head = read_at(descriptor, path, begin, sizeof lengths);
  if (head.size() < sizeof lengths) {
    return std::nullopt;
  }
  std::memcpy(lengths.data(), head.data(), sizeof lengths);
  const std::uint64_t head_end = begin + sizeof lengths;
  const std::uint64_t left = size > head_end ? size - head_end : 0;
  if (lengths[0] > left || lengths[1] > left - lengths[0] || digest_length > left - lengths[0] - lengths[1]) {
    return std::nullopt;
  }
  const std::uint64_t name_end = head_end + lengths[0];
  const std::uint64_t bytes_end = name_end + lengths[1];
  unfinished_entry found;
  found.name = read_at(descriptor, path, head_end, lengths[0]);
  found.bytes = read_at(descriptor, path, name_end, lengths[1]);
  const std::string digest = read_at(descriptor, path, bytes_end, digest_length);
  return digest == entry_digest(found.name, found.bytes) ? std::optional(std::move(found)) : std::nullopt;
}

std::uint64_t size_of_file(int descriptor) {
  struct ::stat about {};
  return ::fstat(descriptor, &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

}  // namespace

std::filesystem::path unfinished_file(const std::filesystem::path& output) {
  return real_output(output) += ".unfinished";
}

unfinished_result::unfinished_result(const std::filesystem::path& output, const origin& of)
    : path_(unfinished_file(output)),
      header_(fmt::format("version {}\nmade from {}\n{}", SPIKESWEEP_VERSION, of.from, of.settings)) {
  ignore_file_size_signal();
  take_up();
}

unfinished_result::~unfinished_result() {
  if (descriptor_ >= 0) {
    if (unsynced_) {
      ::fdatasync(descriptor_);  // It may fail: nobody relies on it.
    }
    ::close(descriptor_);
  }
}

void unfinished_result::take_up() {
  std::error_code unknown;
  if (!std::filesystem::exists(path_, unknown)) {
    return;
  }
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0) {
    throw environment_error("cannot open " + path_.string() + ": " + std::strerror(errno) +
                            "; get the right to write it, or name another output");
  }
  const std::uint64_t size = size_of_file(descriptor_);
  const auto header = entry_at(descriptor_, path_, 0, size);
  if (!header || header->name != header_name || header->bytes != header_) {
    ::close(descriptor_);
    descriptor_ = -1;
    if (size == 0) {
      std::filesystem::remove(path_, unknown);
    } else {
      keep_aside(path_);
    }
    return;
  }
  end_ = entry_size(header_name, header_.size());
  while (const auto part = entry_at(descriptor_, path_, end_, size)) {
    places_[part->name] = {end_, part->bytes.size()};
    end_ += entry_size(part->name, part->bytes.size());
  }
  if (end_ < size) {
    log_info(fmt::format("{}: the last {} bytes are no whole part, and are dropped", path_.string(), size - end_));
    if (::ftruncate(descriptor_, static_cast<off_t>(end_)) != 0) {
      throw environment_error("cannot shorten " + path_.string() + ": " + std::strerror(errno));
    }
  }
}

void unfinished_result::append(std::string_view name, std::string_view bytes) {
  const entry_lengths lengths{name.size(), bytes.size()};
  std::string head(sizeof lengths, '\0');
  std::memcpy(head.data(), lengths.data(), sizeof lengths);
  std::uint64_t next = end_;
  const auto put = [&](std::string_view part) {
    if (const int error = write_at(descriptor_, next, part); error != 0) {
      throw environment_error(
          fmt::format("cannot write {}: {}; {} parts of the result are saved; make room, and the same command goes on",
                      path_.string(), std::strerror(error), places_.size()));
    }
    next += part.size();
  };
  put(head.append(name));
  put(bytes);
  put(entry_digest(name, bytes));  // Last: an entry that has it is whole.
  end_ = next;
  unsynced_ = true;
}

void unfinished_result::add(const std::string& part, std::string_view bytes) {
  if (has(part)) {
    throw internal_error("part '" + part + "' of " + path_.string() + " is finished already");
  }
  if (descriptor_ < 0) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
      throw environment_error("cannot make " + path_.string() + ": " + std::strerror(errno));
    }
    append(header_name, header_);
  }
  const std::uint64_t begin = end_;
  append(part, bytes);
  places_[part] = {begin, bytes.size()};
  if (seconds_since(synced_) >= sweep_writer::sync_every_s) {
    sync();
  }
}

void unfinished_result::sync() {
  // Not every file system can sync, and says so with EINVAL.
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) {
    throw environment_error("cannot force to disk " + path_.string() + ": " + std::strerror(errno));
  }
  unsynced_ = false;
  synced_ = steady_clock::now();
}

std::string unfinished_result::read(const std::string& part) const {
  const auto found = places_.find(part);
  if (found == places_.end()) {
    throw internal_error("no part '" + part + "' in " + path_.string());
  }
  auto entry = entry_at(descriptor_, path_, found->second.begin, size_of_file(descriptor_));
  if (!entry || entry->name != part) {
    throw environment_error(path_.string() +
                            " has changed while it was in use; remove it, and start the command again");
  }
  return std::move(entry->bytes);
}

void unfinished_result::remove() {
  if (descriptor_ < 0) {
    return;
  }
  ::close(descriptor_);
  descriptor_ = -1;
  unsynced_ = false;
  places_.clear();
  std::error_code ignored;  // It is of no use any more, and of no harm.
  std::filesystem::remove(path_, ignored);
}

}  // namespace spikesweep
