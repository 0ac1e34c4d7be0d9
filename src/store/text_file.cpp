#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <poll.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/text_file.hpp>

namespace spikesweep {

namespace {

/// A file that is open for reading.
class open_input {
 public:
  // To open a pipe waits for somebody who writes into it; with O_NONBLOCK the waiting is left to poll().
  open_input(const std::string& name, std::string what)
      : what_(std::move(what)), descriptor_(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor_ < 0) {
      fail(std::strerror(errno));
    }
  }
  open_input(const open_input&) = delete;
  open_input& operator=(const open_input&) = delete;
  ~open_input() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }

  /// The next bytes; none at the end.
  std::string_view next(std::chrono::milliseconds patience) {
    for (;;) {
      ::pollfd wait{descriptor_, POLLIN, 0};
      const int ready = ::poll(&wait, 1, static_cast<int>(patience.count()));
      if (ready == 0) {
        fail(fmt::format("nothing came through this pipe for {} s; name a file, or a pipe that something writes into",
                         std::chrono::duration<double>(patience).count()));
      }
      const ssize_t bytes = ready > 0 ? ::read(descriptor_, part_.data(), part_.size()) : -1;
      if (bytes >= 0) {
        return {part_.data(), static_cast<std::size_t>(bytes)};
      }
      if (errno != EINTR && errno != EAGAIN) {
        fail(std::strerror(errno));
      }
    }
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw input_error(fmt::format("{} cannot be read: {}", what_, why));
  }

  std::string what_;
  int descriptor_;
  std::array<char, 65536> part_{};
};

}  // namespace

std::optional<std::string> find_text(const std::filesystem::path& path) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) {
    return std::nullopt;
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

std::optional<std::string> read_input(const std::string& name, const std::string& what, std::size_t largest,
                                      std::chrono::milliseconds patience) {
  std::error_code failure;
  const std::filesystem::path path(name);
  const std::string shown = fmt::format("{} '{}'", what, name);
  if (!std::filesystem::exists(path, failure)) {
    throw input_error(fmt::format("{} does not exist{}", shown, failure ? " (" + failure.message() + ")" : ""));
  }
  if (!std::filesystem::is_regular_file(path, failure) && !std::filesystem::is_fifo(path, failure)) {
    throw input_error(shown + " is not a file");
  }
  open_input input(name, shown);
  std::string text;
  for (std::string_view part = input.next(patience); !part.empty(); part = input.next(patience)) {
    text += part;
    if (text.size() > largest) {
      return std::nullopt;
    }
  }
  return text;
}

void write_text(const std::filesystem::path& path, const std::string& text, durability wanted) {
  write_then_rename(
      path,
      [&](const std::filesystem::path& temporary) {
        std::ofstream stream(temporary, std::ios::binary);
        if (!(stream << text).flush()) {
          throw environment_error("cannot write " + path.string() + "; check the free space of its disk");
        }
      },
      wanted);
}

}  // namespace spikesweep
