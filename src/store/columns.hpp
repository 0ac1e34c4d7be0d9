#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include <spikesweep/network/transition.hpp>
#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

/// What one number of a column is in the file.
enum class cell_type { u8, u16, u32, f64 };

/// One dataset below /transitions: a row a transition.
struct column {
  const char* path;
  cell_type type;
  /// Numbers of a row; null: one, and the dataset has one dimension.
  int (*width)(const transition_layout&);
  const char* across;  ///< Name of the second dimension.
  const char* units;
  const char* description;
  /// Where a block keeps the column: its k-th number is at column index(layout, k) of the matrix.
  struct counts {
    count_matrix transition_block::*matrix;
    int (*index)(const transition_layout&, int k);
  };
  std::variant<counts, std::vector<std::uint8_t> transition_block::*, std::vector<double> transition_block::*> source;

  std::size_t row_numbers(const transition_layout& layout) const {
    return width != nullptr ? static_cast<std::size_t>(width(layout)) : 1;
  }
  std::size_t row_bytes(const transition_layout& layout) const;
  hdf5::object_id memory_type() const;
};

/// Every column that files with this layout have, in the order of creation, writing, checksums and reading.
std::vector<column> columns_of(const transition_layout& layout);

/// The column of every row of a block, as bytes of its type. They lie in the block itself or in `buffer`, which grows
/// as needed and is to be used again: fresh memory takes longer than the packing. Throws internal_error if a number
/// does not fit.
std::span<const std::byte> pack(const column& c, const transition_layout& layout, const transition_block& block,
                                std::vector<std::byte>& buffer);

/// The inverse: fills rows [first, first + n) of a block from n rows of bytes.
void unpack(const column& c, const transition_layout& layout, std::span<const std::byte> bytes, std::int64_t first,
            transition_block& block);

}  // namespace spikesweep
