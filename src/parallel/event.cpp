#include <cerrno>
#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

#include <spikesweep/parallel/event.hpp>

namespace spikesweep {

descriptor::~descriptor() {
  if (number_ >= 0) {
    ::close(number_);
  }
}

event::event() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void event::happen() const noexcept {
  const int error = errno;  // A signal may come between a call and the look at its error.
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(number(), &one, sizeof one);
  errno = error;
}

void event::undo() const noexcept {
  std::uint64_t times = 0;
  [[maybe_unused]] const ssize_t told = ::read(number(), &times, sizeof times);
}

}  // namespace spikesweep
