#include "figure_records.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/figures.hpp>

#include "hdf5_detail.hpp"

namespace spikesweep {

namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view error_suffix = "_standard_error";

std::vector<double>& part_of(task_figures& figures, bool is_standard_error) {
  return is_standard_error ? figures.standard_errors : figures.values;
}

}  // namespace

figure_members::figure_members() {
  const figure_list rows = predicted_figures();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto place = static_cast<std::ptrdiff_t>(i);
    members_.push_back({rows[i].get().name, place, false});
    members_.push_back({rows[i].get().name + std::string(error_suffix), place, true});
  }
}

figure_members::figure_members(const hdf5::dataset& figures) {
  const std::vector<member> known = figure_members().members_;
  for (const std::string& name : figures.member_names()) {
    const auto found = std::ranges::find(known, name, &member::name);
    members_.push_back(found == known.end() ? member{name, -1, false} : *found);
  }
}

hdf5::datatype_handle figure_members::type() const {
  hdf5::datatype_handle type(H5Tcreate(H5T_COMPOUND, bytes()));
  std::size_t offset = 0;
  for (const member& m : members_) {
    if (H5Tinsert(type.id(), m.name.c_str(), offset, H5T_IEEE_F64LE) < 0) {
      throw internal_error("HDF5 makes no member " + m.name);
    }
    offset += sizeof(double);
  }
  return type;
}

std::vector<std::byte> figure_members::pack(const task_figures& figures) const {
  std::vector<std::byte> packed(bytes());
  std::byte* to = packed.data();
  for (const member& m : members_) {
    const std::vector<double>& from = m.is_standard_error ? figures.standard_errors : figures.values;
    const auto place = static_cast<std::size_t>(m.figure);
    const double value = m.figure >= 0 && place < from.size() ? from[place] : undefined;
    // Every undefined number has the same bits.
    std::memcpy(to, value == value ? &value : &undefined, sizeof value);
    to += sizeof value;
  }
  return packed;
}

task_figures figure_members::unpack(std::span<const std::byte> packed) const {
  if (packed.size() != bytes()) {
    throw internal_error(std::to_string(packed.size()) + " bytes are not the figures of a task");
  }
  task_figures out;
  out.values.assign(predicted_figures().size(), undefined);
  out.standard_errors = out.values;
  const std::byte* from = packed.data();
  for (const member& m : members_) {
    if (m.figure >= 0) {
      std::memcpy(&part_of(out, m.is_standard_error)[static_cast<std::size_t>(m.figure)], from, sizeof(double));
    }
    from += sizeof(double);
  }
  return out;
}

void figure_members::annotate(hdf5::dataset& figures) const {
  const figure_list rows = predicted_figures();
  for (const member& m : members_) {
    if (m.figure >= 0) {
      const figure& f = rows[static_cast<std::size_t>(m.figure)];
      figures.annotate({f.unit, m.is_standard_error ? "standard error of " + f.name : f.definition}, "_" + m.name);
    }
  }
}

void create_figures(hdf5::file& file, std::int64_t tasks) {
  const figure_members members;
  const hdf5::datatype_handle type = members.type();
  const auto count = static_cast<hdf5::length>(tasks);
  hdf5::dataset made = file.root().create_dataset(
      figures_dataset, type.id(), {count},
      {"of each member: see units_MEMBER",
       "figures of each task's own trajectory, without its excursions; of each member: description_MEMBER"});
  file.leave_unsealed(made);
  made.name_dimension(0, "task");
  members.annotate(made);
  constexpr hdf5::length block = 4096;  // Tasks.
  const std::vector<std::byte> nothing = members.pack({});
  std::vector<std::byte> packed;
  for (hdf5::length i = 0; i < std::min(block, count); ++i) {
    packed.insert(packed.end(), nothing.begin(), nothing.end());
  }
  for (hdf5::length first = 0; first < count; first += block) {
    made.write_rows(first, std::min(block, count - first), type.id(), packed.data());
  }
}

}  // namespace spikesweep
