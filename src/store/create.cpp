#include "create.hpp"

#include <array>
#include <filesystem>
#include <string>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "columns.hpp"
#include "description_file.hpp"
#include "figure_records.hpp"
#include "hdf5_detail.hpp"
#include "records.hpp"

namespace spikesweep {

namespace {

/// Names the second dimension of every column, with the lower edges of the voltage bins as a dimension scale.
void create_columns(hdf5::file& file, const sweep_description& d) {
  const transition_layout& layout = d.sampling.layout;
  hdf5::group group = file.root().create_group(transitions_group);
  std::vector<std::int32_t> edges;
  for (int bin = 0; bin < layout.state.bins(); ++bin) {
    edges.push_back(layout.state.bin_begin(bin));
  }
  hdf5::dataset voltage = group.write_array("voltage", edges, {"kicks", "lowest potential of each voltage bin"});
  voltage.make_scale("voltage");
  for (const column& c : columns_of(layout)) {
    hdf5::extent shape{static_cast<hdf5::length>(d.rows())};
    if (c.width != nullptr) {
      shape.push_back(c.row_numbers(layout));
    }
    hdf5::dataset made =
        group.create_dataset(c.path, hdf5::file_type(c.memory_type()), shape, {c.units, c.description});
    file.leave_unsealed(made);
    made.name_dimension(0, "row");
    if (c.width != nullptr) {
      made.name_dimension(1, c.across);
      if (std::string(c.across) == "voltage") {
        made.attach_scale(1, voltage);
      }
    }
  }
}

/// One dataset of a number a task.
void create_per_task(hdf5::file& file, const std::string& path, hdf5::object_id type, std::int64_t tasks,
                     const hdf5::label& text) {
  hdf5::dataset made = file.root().create_dataset(path, type, {static_cast<hdf5::length>(tasks)}, text);
  file.leave_unsealed(made);
  made.name_dimension(0, "task");
}

void create_records(hdf5::file& file, const sweep_description& d) {
  create_per_task(file, states_dataset, H5T_STD_U8LE, d.tasks(),
                  {"1", "0 pending, 1 done, 2 failed: runaway, 3 failed: time cap, 4 failed: crashed"});
  const hdf5::datatype_handle type = record_type();
  create_per_task(
      file, records_dataset, type.id(), d.tasks(),
      {"of each member: see units_MEMBER", "what is known of each task; of each member: description_MEMBER"});
  hdf5::dataset records = file.root().open_dataset(records_dataset);
  for (const record_field& field : record_table()) {
    records.annotate({field.units, field.description}, std::string("_") + field.name);
  }
  write_records(file.root(), planned_records(d));
}

/// The only part of the file that may differ between two runs of one sweep.
void create_provenance(hdf5::file& file, const sweep_description& d) {
  const std::string group = std::string(provenance_group) + '/';
  create_per_task(file, group + "core_s", H5T_IEEE_F64LE, d.tasks(),
                  {"s", "core time of the task's last attempt, of those side by side an equal share"});
  create_per_task(file, group + "rank", H5T_STD_I32LE, d.tasks(), {"1", "MPI rank that simulated the task"});
  create_per_task(file, group + "attempts", H5T_STD_U8LE, d.tasks(), {"1", "times the task was started"});
  create_per_task(file, group + "finished_at", H5T_IEEE_F64LE, d.tasks(),
                  {"s", "when the task's record was written, since 1970-01-01 UTC; 0 if never"});
  const hdf5::datatype_handle line = hdf5::string_type(sweep_writer::log_width);
  file.leave_unsealed(file.root().create_dataset(group + "log", line.id(), {sweep_writer::log_lines},
                                                 {"1", "when the sweep was started and ended"}));
}

}  // namespace

hdf5::file write_layout(const std::filesystem::path& path, const sweep_description& description) {
  hdf5::file made = hdf5::file::create_large(path);
  write_description(made.root(), description);
  create_columns(made, description);
  create_records(made, description);
  create_figures(made, description.tasks());
  create_provenance(made, description);
  return made;
}

void write_new_sweep_file(const atomic_file& target, const sweep_description& description) {
  target.reserve(sweep_file_bytes(description));  // Only to see whether it fits: HDF5 starts from an empty file.
  write_layout(target.path(), description).close();
  target.reserve(std::filesystem::file_size(target.path()));
}

void create_sweep_file(const std::filesystem::path& path, const sweep_description& description) {
  atomic_file target(path);
  write_new_sweep_file(target, description);
  target.commit();
}

void replace_sweep_file(const std::filesystem::path& path, const sweep_description& description) {
  check_is_sweep_file(path);
  create_sweep_file(std::filesystem::canonical(path), description);  // A link stays a link.
}

std::uint64_t sweep_file_bytes(const sweep_description& d) {
  // Measured: headers, names and attributes take 40 to 60 KB.
  constexpr std::uint64_t metadata = std::uint64_t{64} * 1024;
  std::uint64_t row = 0;
  for (const column& c : columns_of(d.sampling.layout)) {
    row += c.row_bytes(d.sampling.layout);
  }
  std::uint64_t task = sizeof(std::uint8_t) + record_size();  // state, record
  task += figure_members().bytes();
  task += 2 * sizeof(double) + sizeof(std::int32_t) + sizeof(std::uint8_t);  // provenance
  const auto points = static_cast<std::uint64_t>(d.points.points.size()) * sizeof(double);
  constexpr std::uint64_t log = std::uint64_t{sweep_writer::log_lines} * sweep_writer::log_width;
  return static_cast<std::uint64_t>(d.rows()) * row + static_cast<std::uint64_t>(d.tasks()) * task + points + log +
         metadata + d.config_text.size();
}

}  // namespace spikesweep
