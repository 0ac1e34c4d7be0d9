#include "columns.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <limits>
#include <string>

#include <spikesweep/base/error.hpp>

namespace spikesweep {

// The rows are hashed and written as they lie in memory.
static_assert(std::endian::native == std::endian::little);

namespace {

int bins(const transition_layout& l) {
  return l.state.bins();
}
int two(const transition_layout&) {
  return 2;
}
int pools(const transition_layout&) {
  return pool_count;
}
int times(const transition_layout& l) {
  return l.time_bins;
}

int cell_E(const transition_layout& l, int k) {
  return l.state.first_cell(population::E) + k;
}
int cell_I(const transition_layout& l, int k) {
  return l.state.first_cell(population::I) + k;
}
int refractory(const transition_layout& l, int k) {
  return l.state.refractory_cell(static_cast<population>(k));
}
int pending(const transition_layout& l, int k) {
  return l.state.first_pending() + k;
}
int target_cells(const transition_layout& l) {
  return pool_count * l.state.target_cells();
}
int target(const transition_layout& l, int k) {
  return l.state.first_target(pool{}) + k;
}
int same(const transition_layout&, int k) {
  return k;
}

using block = transition_block;
using counts = column::counts;

const std::array<column, 17> columns{{
    {"before/histogram_E", cell_type::u16, bins, "voltage", "neurons",
     "non-refractory E neurons in each voltage bin at the start of the phase", counts{&block::before, cell_E}},
    {"before/histogram_I", cell_type::u16, bins, "voltage", "neurons",
     "non-refractory I neurons in each voltage bin at the start of the phase", counts{&block::before, cell_I}},
    {"before/refractory", cell_type::u16, two, "population", "neurons",
     "refractory E and I neurons at the start of the phase", counts{&block::before, refractory}},
    {"before/pending", cell_type::u32, pools, "pool", "kicks",
     "pending kicks EE, IE, EI, II (post, pre) at the start of the phase", counts{&block::before, pending}},
    {"after/histogram_E", cell_type::u16, bins, "voltage", "neurons",
     "non-refractory E neurons in each voltage bin at the end of the phase", counts{&block::after, cell_E}},
    {"after/histogram_I", cell_type::u16, bins, "voltage", "neurons",
     "non-refractory I neurons in each voltage bin at the end of the phase", counts{&block::after, cell_I}},
    {"after/refractory", cell_type::u16, two, "population", "neurons",
     "refractory E and I neurons at the end of the phase", counts{&block::after, refractory}},
    {"after/pending", cell_type::u32, pools, "pool", "kicks",
     "pending kicks EE, IE, EI, II (post, pre) at the end of the phase", counts{&block::after, pending}},
    {"spikes", cell_type::u32, two, "population", "spikes", "E and I spikes of the phase",
     counts{&block::spikes, same}},
    {"spike_times_E", cell_type::u32, times, "time", "spikes", "E spikes in each equal part of the phase",
     counts{&block::spike_times_E, same}},
    {"spike_times_I", cell_type::u32, times, "time", "spikes", "I spikes in each equal part of the phase",
     counts{&block::spike_times_I, same}},
    {"duration", cell_type::f64, nullptr, "", "s", "length of the phase", &block::duration},
    {"phase", cell_type::u8, nullptr, "", "1", "kind of the phase: 0 step, 1 active (MFE or volley), 2 quiet",
     &block::phase},
    {"perturbed", cell_type::u8, nullptr, "", "1",
     "0: on the network's own trajectory; k: k-th phase after a perturbation; 255: from a synthetic state",
     &block::perturbed},
    {"capped", cell_type::u8, nullptr, "", "1", "1: the phase was ended by its cap", &block::capped},
    {"before/targets", cell_type::u32, target_cells, "target", "kicks",
     "pending kicks of each pool on the neurons in each of its target cells at the start of the phase, pool after pool",
     counts{&block::before, target}},
    {"after/targets", cell_type::u32, target_cells, "target", "kicks",
     "pending kicks of each pool on the neurons in each of its target cells at the end of the phase, pool after pool",
     counts{&block::after, target}},
}};

// Calls f with a value of the column's type in the file.
template <class F>
auto with_type(cell_type type, F f) {
  switch (type) {
    case cell_type::u8:
      return f(std::uint8_t{});
    case cell_type::u16:
      return f(std::uint16_t{});
    case cell_type::u32:
      return f(std::uint32_t{});
    case cell_type::f64:
      return f(double{});
  }
  throw internal_error("unknown type of column");
}

/// Where the numbers of a column lie in a row of their matrix.
std::vector<int> places_of(const column& c, const transition_layout& layout) {
  const auto& source = std::get<counts>(c.source);
  std::vector<int> at(c.row_numbers(layout));
  for (int k = 0; k < static_cast<int>(at.size()); ++k) {
    at[static_cast<std::size_t>(k)] = source.index(layout, k);
  }
  return at;
}

// Both go row by row, as the numbers lie in memory: column by column takes some ten times as long.

template <class T>
void pack_counts(const column& c, const transition_layout& layout, const count_matrix& from, std::byte* to) {
  constexpr auto most = static_cast<double>(std::numeric_limits<T>::max());
  const std::vector<int> places = places_of(c, layout);
  for (Eigen::Index row = 0; row < from.rows(); ++row) {
    const std::int32_t* const values = from.row(row).data();
    for (const int at : places) {
      const std::int32_t value = values[at];
      if (value < 0 || value > most) {
        throw internal_error(std::to_string(value) + " does not fit into column " + c.path);
      }
      const auto number = static_cast<T>(value);
      std::memcpy(to, &number, sizeof number);
      to += sizeof number;
    }
  }
}

template <class T>
void unpack_counts(const column& c, const transition_layout& layout, std::span<const std::byte> from,
                   Eigen::Index first, count_matrix& to) {
  const std::vector<int> places = places_of(c, layout);
  const auto rows = static_cast<Eigen::Index>(from.size() / (places.size() * sizeof(T)));
  const std::byte* next = from.data();
  for (Eigen::Index row = first; row < first + rows; ++row) {
    std::int32_t* const values = to.row(row).data();
    for (const int at : places) {
      T number;
      std::memcpy(&number, next, sizeof number);
      values[at] = static_cast<std::int32_t>(number);
      next += sizeof number;
    }
  }
}

}  // namespace

std::vector<column> columns_of(const transition_layout& layout) {
  std::vector<column> out;
  std::ranges::copy_if(columns, std::back_inserter(out), [&](const column& c) { return c.row_numbers(layout) > 0; });
  return out;
}

std::size_t column::row_bytes(const transition_layout& layout) const {
  return with_type(type, [](auto number) { return sizeof number; }) * row_numbers(layout);
}

hdf5::object_id column::memory_type() const {
  return with_type(type, [](auto number) { return hdf5::memory_type<decltype(number)>(); });
}

std::span<const std::byte> pack(const column& c, const transition_layout& layout, const transition_block& from,
                                std::vector<std::byte>& buffer) {
  if (const auto* small = std::get_if<std::vector<std::uint8_t> block::*>(&c.source)) {
    return std::as_bytes(std::span(from.**small));
  }
  if (const auto* real = std::get_if<std::vector<double> block::*>(&c.source)) {
    return std::as_bytes(std::span(from.**real));
  }
  const std::size_t size = c.row_bytes(layout) * static_cast<std::size_t>(from.rows());
  buffer.resize(std::max(buffer.size(), size));
  with_type(c.type, [&](auto number) {
    pack_counts<decltype(number)>(c, layout, from.*(std::get<counts>(c.source).matrix), buffer.data());
  });
  return std::span(buffer).first(size);
}

void unpack(const column& c, const transition_layout& layout, std::span<const std::byte> bytes, std::int64_t first,
            transition_block& to) {
  if (bytes.empty()) {
    return;
  }
  if (const auto* matrix = std::get_if<counts>(&c.source)) {
    with_type(c.type,
              [&](auto number) { unpack_counts<decltype(number)>(c, layout, bytes, first, to.*(matrix->matrix)); });
  } else if (const auto* small = std::get_if<std::vector<std::uint8_t> block::*>(&c.source)) {
    std::memcpy((to.**small).data() + first, bytes.data(), bytes.size());
  } else {
    std::memcpy((to.*std::get<std::vector<double> block::*>(c.source)).data() + first, bytes.data(), bytes.size());
  }
}

}  // namespace spikesweep
