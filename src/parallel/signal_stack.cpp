#include <array>
#include <csignal>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/signal_stack.hpp>

namespace spikesweep {

void use_signal_stack() {
  stack_t stack{};
  if (sigaltstack(nullptr, &stack) == 0 && (stack.ss_flags & SS_DISABLE) == 0) {
    return;  // It has one, from a sanitizer or an earlier call.
  }
  // A frame with the registers of AVX-512 and AMX takes 12 KiB.
  alignas(64) static thread_local std::array<char, 65536> memory;
  stack = {};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  [[maybe_unused]] const int failed = sigaltstack(&stack, nullptr);
  SPIKESWEEP_ASSERT(failed == 0);
}

}  // namespace spikesweep
