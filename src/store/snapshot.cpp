#include <type_traits>
#include <utility>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/store/shared_files.hpp>
#include <spikesweep/store/snapshot.hpp>

namespace spikesweep {

namespace {

template <class Number>
void add_numbers(digest& to, std::span<const Number> numbers) {
  to.add_bytes(std::as_bytes(numbers));
}

void add_description(digest& to, const sweep_description& d) {
  for (const auto& [key, value] : d.settings) {
    to.add(key).add(value);
  }
  for (const std::string& axis : d.points.axes) {
    to.add(axis);
  }
  add_numbers(to, std::span<const double>(d.points.points.data(), static_cast<std::size_t>(d.points.points.size())));
  add_numbers(to, std::span<const point_role>(d.points.roles));
  add_numbers(to, std::span<const int>(d.points.rounds));
  add_numbers(to, std::span<const std::uint64_t>(&d.seed, 1));
  add_numbers(to, std::span<const int>(&d.replicates, 1));
}

}  // namespace

std::string sweep_digest(const sweep_description& description, std::span<const task_record> records) {
  digest whole;
  add_description(whole, description);
  for (const task_record& record : records) {
    const auto state = static_cast<std::uint64_t>(record.state);
    const std::uint64_t finished[2] = {state, record.state == task_state::pending ? 0 : record.checksum};
    add_numbers(whole, std::span<const std::uint64_t>(finished));
  }
  return whole.text();
}

sweep_reader open_snapshot(const communicator& ranks, const std::filesystem::path& path) {
  static_assert(std::is_trivially_copyable_v<task_record>);
  sweep_reader file = on_every_rank(ranks, [&] { return sweep_reader(path); });
  digest mine;
  add_description(mine, file.description());
  // A node may have another file of this name, and a sweep that is extended is replaced.
  check_same_contents(ranks, path, mine.text());
  std::vector<task_record> records(static_cast<std::size_t>(file.description().tasks()));
  on_root(ranks, [&] { records = file.records(); });
  broadcast_all(ranks, std::as_writable_bytes(std::span(records)));
  file.pin(std::move(records));
  return file;
}

}  // namespace spikesweep
