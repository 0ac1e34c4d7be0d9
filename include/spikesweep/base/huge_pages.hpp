#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#include <sys/mman.h>

namespace spikesweep {

/// Allocates long arrays on huge pages where Linux has some to give, else on ordinary ones: passes over megabytes are
/// then faster, by the misses in the page tables that they save.
template <class T>
struct huge_page_allocator {
  using value_type = T;

  huge_page_allocator() = default;
  template <class U>
  huge_page_allocator(const huge_page_allocator<U>&) {}  // NOLINT(google-explicit-constructor): as allocators do.

  T* allocate(std::size_t n) {
    constexpr std::size_t huge_page = std::size_t{1} << 21;
    const std::size_t bytes = n * sizeof(T);
    const bool is_long = bytes >= huge_page / 2;
    const std::size_t alignment = is_long ? huge_page : 64;
    const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
    void* at = std::aligned_alloc(alignment, whole);
    if (at == nullptr) {
      throw std::bad_alloc();
    }
    if (is_long) {
      madvise(at, whole, MADV_HUGEPAGE);  // Advice: no matter if it is not taken.
    }
    return static_cast<T*>(at);
  }
  void deallocate(T* at, std::size_t) { std::free(at); }

  bool operator==(const huge_page_allocator&) const = default;
};

/// A vector for the long buffers that every training step passes over.
template <class T>
using long_vector = std::vector<T, huge_page_allocator<T>>;

}  // namespace spikesweep
