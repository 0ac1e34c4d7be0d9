#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <spikesweep/store/sweep_file.hpp>

#include "store/columns.hpp"
#include "store/create.hpp"
#include "store/figure_records.hpp"
#include "store/records.hpp"

namespace spikesweep::testing {

/// Writes a sweep file without reserving its disk, in which the first `done` tasks are done. Their rows are holes of
/// the file, which are read as zeros, and their checksums hold. So a file of any size takes next to no disk.
inline void make_sparse_sweep(const std::filesystem::path& path, const sweep_description& description,
                              std::int64_t done) {
  hdf5::file made = write_layout(path, description);
  std::vector<task_record> records = planned_records(description);
  std::size_t bytes = 0;
  for (const column& c : columns_of(description.sampling.layout)) {
    bytes += c.row_bytes(description.sampling.layout) * static_cast<std::size_t>(description.sampling.transitions);
  }
  const std::vector<std::byte> rows(bytes);
  for (std::int64_t task = 0; task < done; ++task) {
    task_record& record = records[static_cast<std::size_t>(task)];
    record.state = task_state::done;
    record.rows = static_cast<std::uint32_t>(description.sampling.transitions);
    record.summary.simulated_s = 1;
    record.summary.spikes_E = 1;
    record.summary.events = 1;
    record_hash hash;
    hash.add(rows);
    hash.add(figure_members().pack({}));
    record.checksum = hash.finish(record);
  }
  write_records(made.root(), records);
  made.close();
}

}  // namespace spikesweep::testing
