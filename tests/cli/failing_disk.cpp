// A library that stands before the C library and makes the disk of one rank fail, for tests. Of the files whose path
// has FAILING_PATH in it, rank FAILING_RANK writes FAILING_AFTER bytes. From then on each call that writes to them, or
// that makes, renames or syncs one, fails with the error number FAILING_ERROR. With FAILING_WAIT_S nothing fails, but
// each call that writes 1000 bytes or more takes so many seconds longer: a disk that is busy.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <dlfcn.h>

namespace {

std::string setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

template <class F>
F* original(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

bool concerns(const char* path) {
  static const std::string part = setting("FAILING_PATH", "");
  static const bool rank = setting("FAILING_RANK", "0") == setting("OMPI_COMM_WORLD_RANK", "0");
  return rank && !part.empty() && std::strstr(path, part.c_str()) != nullptr;
}

bool concerns(int descriptor) {
  char path[4096] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  return ::readlink(link.c_str(), path, sizeof path - 1) > 0 && concerns(path);
}

/// Whether a call that writes so many bytes fails. It may take a while.
bool fails(std::uint64_t bytes) {
  static std::atomic<std::uint64_t> written = 0;
  static const std::uint64_t after = std::stoull(setting("FAILING_AFTER", "0"));
  if (written.fetch_add(bytes) + bytes <= after) {
    return false;
  }
  static const std::string wait_s = setting("FAILING_WAIT_S", "");
  if (!wait_s.empty()) {
    constexpr std::uint64_t many = 1000;
    std::this_thread::sleep_for(std::chrono::duration<double>(bytes >= many ? std::stod(wait_s) : 0));
    return false;
  }
  errno = std::stoi(setting("FAILING_ERROR", "28"));
  return true;
}

std::uint64_t bytes_of(const iovec* parts, int count) {
  std::uint64_t bytes = 0;
  for (int i = 0; i < count; ++i) {
    bytes += parts[i].iov_len;
  }
  return bytes;
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* data, size_t size) {
  return concerns(file) && fails(size) ? -1 : original<ssize_t(int, const void*, size_t)>("write")(file, data, size);
}

ssize_t writev(int file, const iovec* parts, int count) {
  return concerns(file) && fails(bytes_of(parts, count))
             ? -1
             : original<ssize_t(int, const iovec*, int)>("writev")(file, parts, count);
}

ssize_t pwrite(int file, const void* data, size_t size, off_t at) {
  return concerns(file) && fails(size)
             ? -1
             : original<ssize_t(int, const void*, size_t, off_t)>("pwrite")(file, data, size, at);
}

ssize_t pwrite64(int file, const void* data, size_t size, off64_t at) {
  return pwrite(file, data, size, at);
}

ssize_t pwritev(int file, const iovec* parts, int count, off_t at) {
  return concerns(file) && fails(bytes_of(parts, count))
             ? -1
             : original<ssize_t(int, const iovec*, int, off_t)>("pwritev")(file, parts, count, at);
}

ssize_t pwritev64(int file, const iovec* parts, int count, off64_t at) {
  return pwritev(file, parts, count, at);
}

int fsync(int file) {
  return concerns(file) && fails(0) ? -1 : original<int(int)>("fsync")(file);
}

int fdatasync(int file) {
  return concerns(file) && fails(0) ? -1 : original<int(int)>("fdatasync")(file);
}

int rename(const char* from, const char* to) noexcept {
  return concerns(to) && fails(0) ? -1 : original<int(const char*, const char*)>("rename")(from, to);
}

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
    if (concerns(path) && fails(0)) {
      return -1;
    }
  }
  return original<int(const char*, int, ...)>("open")(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return open(path, flags | O_LARGEFILE, mode);
}

}  // extern "C"
