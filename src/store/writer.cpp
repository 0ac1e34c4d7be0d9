#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/signals.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "columns.hpp"
#include "figure_records.hpp"
#include "file_bytes.hpp"
#include "hdf5_detail.hpp"
#include "records.hpp"

namespace spikesweep {

namespace {

/// The lines of the log.
class log_text {
 public:
  log_text(const opened_file& file, const hdf5::dataset& lines) : file_(file), begin_(lines.bytes().first) {
    if (lines.bytes().second != all_bytes) {  // Then they have no place either.
      throw input_error(lines.where().path + " in " + lines.where().file +
                        " does not lie there as spikesweep made it; another program has changed the file: restore it");
    }
  }

  /// May be called by any thread.
  void add(const std::string& line) {
    const std::lock_guard alone(access_);
    const std::string all = read_at(file_.number(), file_.path(), begin_, all_bytes);
    std::size_t at = 0;
    while (at + 1 < sweep_writer::log_lines && at * width < all.size() && all[at * width] != '\0') {
      ++at;
    }
    std::array<char, width> text{};
    std::copy_n(line.begin(), std::min(line.size(), text.size()), text.begin());
    write_at(file_.number(), file_.path(), begin_ + at * width, std::as_bytes(std::span(text)));
  }

 private:
  static constexpr std::size_t width = sweep_writer::log_width;
  static constexpr std::uint64_t all_bytes = width * sweep_writer::log_lines;

  const opened_file& file_;
  std::uint64_t begin_;  ///< Place of the first one in the file [bytes].
  std::mutex access_;
};

/// The figures of tasks in the file.
struct figure_rows {
  explicit figure_rows(hdf5::dataset figures) : members(figures), type(members.type()), rows(std::move(figures), 1) {}

  figure_members members;
  hdf5::datatype_handle type;
  hdf5::row_writer rows;
};

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

struct sweep_writer::impl {
  /// Opens what is in the file; not collective. Leaves the file itself to its owner.
  impl(const std::filesystem::path& file_path, const hdf5::group& root, const sweep_description& d)
      : disk(file_path, O_RDWR),
        layout(d.sampling.layout),
        transitions(d.sampling.transitions),
        description(d),
        tasks(d.tasks()),
        state(root.open_dataset(states_dataset), 1),
        record(root.open_dataset(records_dataset), 1),
        type_of_record(record_type()),
        members(record.target()),
        figures(figures_of(root)),
        core_s(provenance(root, "core_s"), 1),
        rank(provenance(root, "rank"), 1),
        attempts(provenance(root, "attempts"), 1),
        finished_at(provenance(root, "finished_at"), 1),
        log(disk, provenance(root, "log")),
        states(state.target().read<std::uint8_t>()),
        attempts_so_far(attempts.target().read<std::uint8_t>()),
        rank_of(rank.target().read<std::int32_t>()) {
    table = columns_of(layout);
    for (const column& c : table) {
      columns.emplace_back(root.open_dataset(std::string(transitions_group) + '/' + c.path),
                           static_cast<hdf5::length>(transitions));
    }
  }

  /// Files of older formats have no room for them.
  static std::optional<figure_rows> figures_of(const hdf5::group& root) {
    return root.has(figures_dataset) ? std::optional<figure_rows>(root.open_dataset(figures_dataset)) : std::nullopt;
  }

  static hdf5::dataset provenance(const hdf5::group& root, const std::string& name) {
    return root.open_dataset(std::string(provenance_group) + '/' + name);
  }

  std::size_t at(std::int64_t task) const {
    if (task < 0 || task >= tasks) {
      throw internal_error("no task " + std::to_string(task) + " in a sweep of " + std::to_string(tasks));
    }
    return static_cast<std::size_t>(task);
  }

  void set_state(std::size_t task, task_state to) {
    states[task] = static_cast<std::uint8_t>(to);
    state.write(task, states[task]);
  }
  void set_attempts(std::size_t task, int to) {
    attempts_so_far[task] = static_cast<std::uint8_t>(std::clamp(to, 0, 255));
    attempts.write(task, attempts_so_far[task]);
  }

  void sync() {
    const stopwatch watch(io_s);
    force_to_disk(disk.number(), disk.path());
    unsynced = false;
    synced = steady_clock::now();
  }

  /// The file once more: HDF5 and MPI-IO force it to the disk only with all ranks together, and one thread alone may
  /// use them.
  opened_file disk;
  bool unsynced = false;  ///< Something was written after the last sync.
  steady_clock::time_point synced = steady_clock::now();
  std::optional<hdf5::file> file;  ///< Declared first, so that it is closed last.
  transition_layout layout;
  std::int64_t transitions;
  sweep_description description;
  std::int64_t tasks;
  hdf5::row_writer state;
  hdf5::row_writer record;
  hdf5::datatype_handle type_of_record;
  record_members members;
  std::optional<figure_rows> figures;
  hdf5::row_writer core_s;
  hdf5::row_writer rank;
  hdf5::row_writer attempts;
  hdf5::row_writer finished_at;
  log_text log;
  std::vector<column> table;
  std::vector<hdf5::row_writer> columns;      ///< As in table.
  std::vector<std::byte> packed;              ///< Of one column, to be written.
  std::vector<std::uint8_t> states;           ///< As they were at the start, and as this rank has set them since.
  std::vector<std::uint8_t> attempts_so_far;  ///< Likewise.
  std::vector<std::int32_t> rank_of;          ///< Likewise.
  double io_s = 0;
  double root_ahead_s = 0;  ///< Of rank 0's clock, to this rank's [s].
};

sweep_writer::sweep_writer(const communicator& ranks, const std::filesystem::path& path,
                           const sweep_description& description) {
  ignore_file_size_signal();
  hdf5::file file = hdf5::file::open_parallel(path, ranks);
  // Clocks of nodes differ: the times in the file are all by rank 0's.
  await_all(ranks);
  double root_clock = seconds_since_1970();
  const double own_clock = root_clock;
  broadcast(ranks, root_clock);
  impl_ = on_every_rank(ranks, [&] { return std::make_unique<impl>(path, file.root(), description); });
  impl_->file.emplace(std::move(file));
  impl_->root_ahead_s = root_clock - own_clock;
}

sweep_writer::~sweep_writer() = default;

double sweep_writer::io_s() const {
  return impl_->io_s;
}

void sweep_writer::begin_task(std::int64_t task, int rank) {
  const std::size_t at = impl_->at(task);
  const stopwatch watch(impl_->io_s);
  impl_->set_attempts(at, impl_->attempts_so_far[at] + 1);
  if (impl_->rank_of[at] != rank) {
    impl_->rank_of[at] = rank;
    impl_->rank.write(at, impl_->rank_of[at]);
  }
}

void sweep_writer::abandon_task(std::int64_t task) {
  const std::size_t at = impl_->at(task);
  const stopwatch watch(impl_->io_s);
  impl_->set_attempts(at, impl_->attempts_so_far[at] - 1);
}

int sweep_writer::attempts(std::int64_t task) const {
  return impl_->attempts_so_far[impl_->at(task)];
}

void sweep_writer::reset_task(std::int64_t task) {
  const std::size_t at = impl_->at(task);
  impl_->set_state(at, task_state::pending);
  impl_->set_attempts(at, 0);
}

void sweep_writer::write_task(std::int64_t task, const task_result& result, double core_s) {
  impl& to = *impl_;
  const std::size_t at = to.at(task);
  const std::int64_t rows = result.state == task_state::done ? result.block.rows() : 0;
  if (result.state == task_state::pending || (result.state == task_state::done && rows != to.transitions)) {
    throw internal_error("task " + std::to_string(task) + " ended with " + std::to_string(result.block.rows()) +
                         " transitions instead of " + std::to_string(to.transitions));
  }
  task_record record = planned_record(to.description, task);
  record.state = result.state;
  record.rows = static_cast<std::uint32_t>(rows);
  record.summary = result.summary;
  if (to.states[at] != static_cast<std::uint8_t>(task_state::pending)) {
    to.set_state(at, task_state::pending);  // The older record must not be trusted meanwhile.
  }
  record_hash hash;
  for (std::size_t i = 0; i < to.columns.size() && rows > 0; ++i) {
    const column& c = to.table[i];
    const std::span<const std::byte> packed = pack(c, to.layout, result.block, to.packed);
    hash.add(packed);
    const stopwatch watch(to.io_s);
    to.columns[i].write(record.first_row, c.memory_type(), packed.data());
  }
  if (to.figures) {
    const std::vector<std::byte> packed = to.figures->members.pack(result.figures);
    hash.add(packed);
    const stopwatch watch(to.io_s);
    to.figures->rows.write(at, to.figures->type.id(), packed.data());
  }
  record.checksum = hash.finish(record, to.members);
  const std::vector<std::byte> packed = pack_records({&record, 1});
  const stopwatch watch(to.io_s);
  to.core_s.write(at, core_s);
  to.finished_at.write(at, seconds_since_1970() + to.root_ahead_s);
  to.record.write(at, to.type_of_record.id(), packed.data());
  to.set_state(at, record.state);
  to.unsynced = true;
}

void sweep_writer::sync_if_due() {
  if (impl_->unsynced && seconds_since(impl_->synced) >= sync_every_s) {
    impl_->sync();
  }
}

void sweep_writer::log(const std::string& line) {
  impl_->log.add(line);
}

void sweep_writer::close() {
  impl& from = *impl_;
  if (from.unsynced) {
    from.sync();
  }
  // HDF5 closes a file once its last object is closed.
  from.columns.clear();
  for (hdf5::row_writer* open :
       {&from.state, &from.record, &from.core_s, &from.rank, &from.attempts, &from.finished_at}) {
    open->close();
  }
  from.figures.reset();
  from.file->close();
}

}  // namespace spikesweep
