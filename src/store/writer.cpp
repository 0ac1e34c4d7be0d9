#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "columns.hpp"
#include "hdf5_detail.hpp"
#include "records.hpp"

namespace spikesweep {

namespace {

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

struct sweep_writer::impl {
  impl(MPI_Comm communicator, const std::filesystem::path& path, const sweep_description& d)
      : file(hdf5::file::open_parallel(path, communicator)),
        layout(d.sampling.layout),
        transitions(d.sampling.transitions),
        replicates(d.replicates),
        tasks(d.tasks()),
        state(file.root().open_dataset(std::string(tasks_group) + "/state")),
        checksum(file.root().open_dataset(std::string(tasks_group) + "/checksum")),
        core_s(file.root().open_dataset(std::string(provenance_group) + "/core_s")),
        rank(file.root().open_dataset(std::string(provenance_group) + "/rank")),
        attempts(file.root().open_dataset(std::string(provenance_group) + "/attempts")),
        finished_at(file.root().open_dataset(std::string(provenance_group) + "/finished_at")),
        log(file.root().open_dataset(std::string(provenance_group) + "/log")) {
    for (const column& c : column_table()) {
      columns.push_back(file.root().open_dataset(std::string(transitions_group) + '/' + c.path));
    }
    for (const record_field& field : record_table()) {
      fields.push_back(file.root().open_dataset(std::string(tasks_group) + '/' + field.name));
    }
  }

  hsize_t at(std::int64_t task) const {
    if (task < 0 || task >= tasks) {
      throw internal_error("no task " + std::to_string(task) + " in a sweep of " + std::to_string(tasks));
    }
    return static_cast<hsize_t>(task);
  }

  std::uint8_t attempts_of(std::int64_t task) const {
    std::uint8_t count = 0;
    attempts.read_rows(at(task), 1, hdf5::memory_type<std::uint8_t>(), &count);
    return count;
  }

  hdf5::file file;
  transition_layout layout;
  std::int64_t transitions;
  int replicates;
  std::int64_t tasks;
  hdf5::dataset state;
  hdf5::dataset checksum;
  hdf5::dataset core_s;
  hdf5::dataset rank;
  hdf5::dataset attempts;
  hdf5::dataset finished_at;
  hdf5::dataset log;
  std::vector<hdf5::dataset> columns;
  std::vector<hdf5::dataset> fields;
};

sweep_writer::sweep_writer(MPI_Comm communicator, const std::filesystem::path& path,
                           const sweep_description& description)
    : impl_(std::make_unique<impl>(communicator, path, description)) {}

sweep_writer::~sweep_writer() = default;

void sweep_writer::begin_task(std::int64_t task, int rank) {
  const std::uint8_t before = impl_->attempts_of(task);
  impl_->attempts.write_at(impl_->at(task), static_cast<std::uint8_t>(std::min(before + 1, 255)));
  impl_->rank.write_at(impl_->at(task), static_cast<std::int32_t>(rank));
}

void sweep_writer::abandon_task(std::int64_t task) {
  const std::uint8_t before = impl_->attempts_of(task);
  impl_->attempts.write_at(impl_->at(task), static_cast<std::uint8_t>(before > 0 ? before - 1 : 0));
}

void sweep_writer::reset_task(std::int64_t task) {
  impl_->state.write_at(impl_->at(task), static_cast<std::uint8_t>(task_state::pending));
  impl_->attempts.write_at(impl_->at(task), std::uint8_t{0});
}

void sweep_writer::write_task(std::int64_t task, const task_result& result, double core_s) {
  impl& to = *impl_;
  const hsize_t at = to.at(task);
  const std::int64_t rows = result.state == task_state::done ? result.block.rows() : 0;
  if (result.state == task_state::pending || (result.state == task_state::done && rows != to.transitions)) {
    throw internal_error("task " + std::to_string(task) + " ended with " + std::to_string(result.block.rows()) +
                         " transitions instead of " + std::to_string(to.transitions));
  }
  task_record record;
  record.state = result.state;
  record.point = static_cast<std::uint32_t>(task / to.replicates);
  record.replicate = static_cast<std::uint32_t>(task % to.replicates);
  record.first_row = at * static_cast<std::uint64_t>(to.transitions);
  record.rows = static_cast<std::uint32_t>(rows);
  record.summary = result.summary;

  // An older record of this task must not be trusted while it is being replaced.
  to.state.write_at(at, static_cast<std::uint8_t>(task_state::pending));
  record_hash hash;
  for (std::size_t i = 0; i < to.columns.size() && rows > 0; ++i) {
    const column& c = column_table()[i];
    const std::vector<std::byte> bytes = pack(c, to.layout, result.block);
    hash.add(bytes);
    to.columns[i].write_rows(record.first_row, static_cast<hsize_t>(rows), c.memory_type(), bytes.data());
  }
  for (std::size_t i = 0; i < to.fields.size(); ++i) {
    const record_field& field = record_table()[i];
    to.fields[i].write_rows(at, 1, field.memory_type(), field.at(record));
  }
  to.core_s.write_at(at, core_s);
  to.finished_at.write_at(at, seconds_since_1970());
  to.checksum.write_at(at, hash.finish(record));
  to.state.write_at(at, static_cast<std::uint8_t>(record.state));
}

void sweep_writer::log(const std::string& line) {
  const std::vector<std::string> lines = impl_->log.read_strings();
  const auto first_empty = std::find(lines.begin(), lines.end(), std::string());
  const auto at = std::min<std::ptrdiff_t>(first_empty - lines.begin(), log_lines - 1);
  std::array<char, log_width> text{};
  std::copy_n(line.begin(), std::min(line.size(), text.size()), text.begin());
  const hdf5::datatype_handle type = hdf5::string_type(log_width);
  impl_->log.write_rows(static_cast<hsize_t>(at), 1, type.id(), text.data());
}

void sweep_writer::close() {
  impl& from = *impl_;
  from.columns.clear();
  from.fields.clear();
  for (hdf5::dataset* open :
       {&from.state, &from.checksum, &from.core_s, &from.rank, &from.attempts, &from.finished_at, &from.log}) {
    *open = hdf5::dataset(hdf5::dataset_handle(), open->where());
  }
  from.file.close();
}

}  // namespace spikesweep
