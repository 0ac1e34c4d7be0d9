#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/signals.hpp>
#include <spikesweep/store/atomic_file.hpp>

namespace spikesweep {

namespace {

[[noreturn]] void fail(const std::string& action, const std::filesystem::path& path, int error) {
  throw environment_error("cannot " + action + ' ' + path.string() + ": " + std::strerror(error));
}

// A file or directory opened for fsync or allocation.
class descriptor {
 public:
  descriptor(const std::filesystem::path& path, int flags)
      : path_(path), number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (number_ < 0) {
      fail("open", path, errno);
    }
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() { ::close(number_); }
  int number() const { return number_; }
  void sync() const {
    // Some file systems cannot sync a directory and say EINVAL; the rename is as safe there as it gets.
    if (::fsync(number_) != 0 && errno != EINVAL) {
      fail("force to disk", path_, errno);
    }
  }

 private:
  std::filesystem::path path_;
  int number_;
};

std::filesystem::path directory_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

}  // namespace

atomic_file::atomic_file(std::filesystem::path target) : target_(std::move(target)), temporary_(target_) {
  ignore_file_size_signal();
  temporary_ += ".partial";
  std::error_code error;
  if (!std::filesystem::is_directory(directory_of(target_), error)) {
    throw environment_error("cannot write " + target_.string() + ": there is no directory " +
                            directory_of(target_).string());
  }
}

atomic_file::~atomic_file() {
  if (!committed_) {
    std::error_code ignored;  // It may never have been made.
    std::filesystem::remove(temporary_, ignored);
  }
}

void atomic_file::reserve(std::uint64_t bytes) const {
  const descriptor file(temporary_, O_RDWR | O_CREAT);
  if (bytes == 0) {
    return;
  }
  if (const int error = ::posix_fallocate(file.number(), 0, static_cast<off_t>(bytes)); error != 0) {
    std::error_code unknown;
    const auto space = std::filesystem::space(directory_of(target_), unknown);
    std::string message =
        "cannot reserve " + std::to_string(bytes) + " bytes for " + target_.string() + ": " + std::strerror(error);
    if (!unknown) {
      message += " (" + std::to_string(space.available) + " bytes are free there)";
    }
    throw environment_error(message);
  }
}

void atomic_file::commit() {
  descriptor(temporary_, O_RDONLY).sync();
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail("rename into place", target_, errno);
  }
  committed_ = true;
  descriptor(directory_of(target_), O_RDONLY | O_DIRECTORY).sync();
}

void write_then_rename(const std::filesystem::path& target,
                       const std::function<void(const std::filesystem::path&)>& write) {
  atomic_file file(target);
  write(file.path());
  file.commit();
}

void check_output_file(const std::filesystem::path& path) {
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) {
    throw input_error("output '" + path.string() + "' is a directory; name a file");
  }
  const auto parent = std::filesystem::absolute(path).parent_path();
  if (!std::filesystem::is_directory(parent, failure)) {
    throw input_error("output '" + path.string() + "': the directory " + parent.string() +
                      " does not exist; make it, or name another");
  }
}

}  // namespace spikesweep
