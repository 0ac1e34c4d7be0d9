#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <limits>
#include <numeric>

#include <hdf5_hl.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/hdf5.hpp>

#include "hdf5_detail.hpp"

namespace spikesweep::hdf5 {

namespace {

/// Writes, or throws environment_error. MPI-IO does not hand on what the system said; errno still has it.
void write_part(const dataset& target, hid_t type, hid_t in_memory, hid_t in_file, const void* data) {
  errno = 0;
  if (H5Dwrite(target.id(), type, in_memory, in_file, H5P_DEFAULT, data) < 0) {
    fail_environment("write", target.where(), errno);
  }
}

// The file's and the memory's selection of a run of rows.
std::pair<dataspace_handle, dataspace_handle> select_rows(const dataset& source, hsize_t first, hsize_t rows) {
  extent count = source.shape();
  if (count.empty() || first + rows > count[0]) {
    throw internal_error("rows outside " + source.where().path + " in " + source.where().file);
  }
  extent start(count.size(), 0);
  start[0] = first;
  count[0] = rows;
  dataspace_handle space(H5Dget_space(source.id()));
  H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  return {std::move(space), space_of(count)};
}

void write_text_attribute(const dataset& target, const std::string& name, const std::string& value) {
  const datatype_handle type = string_type(H5T_VARIABLE);
  const dataspace_handle space = space_of({});
  const attribute_handle made(H5Acreate2(target.id(), name.c_str(), type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT));
  const char* text = value.c_str();
  if (!made.valid() || H5Awrite(made.id(), type.id(), &text) < 0) {
    fail_environment("write attribute '" + name + "' of", target.where());
  }
}

}  // namespace

std::vector<std::string> dataset::member_names() const {
  const datatype_handle type(H5Dget_type(id()));
  if (H5Tget_class(type.id()) != H5T_COMPOUND) {
    fail_input("find the members of", where_);
  }
  std::vector<std::string> names;
  const int members = H5Tget_nmembers(type.id());
  for (int i = 0; i < members; ++i) {
    char* const name = H5Tget_member_name(type.id(), static_cast<unsigned>(i));
    names.emplace_back(name == nullptr ? "" : name);
    H5free_memory(name);
  }
  return names;
}

extent dataset::shape() const {
  const dataspace_handle space(H5Dget_space(id()));
  const int dimensions = H5Sget_simple_extent_ndims(space.id());
  if (dimensions < 0) {
    fail_input("read the shape of", where_);
  }
  extent sizes(static_cast<std::size_t>(dimensions));
  H5Sget_simple_extent_dims(space.id(), sizes.data(), nullptr);
  return sizes;
}

std::pair<std::uint64_t, std::uint64_t> dataset::bytes() const {
  return {H5Dget_offset(id()), H5Dget_storage_size(id())};
}

hsize_t dataset::size() const {
  // In a damaged file the shape may be anything. No dataset of ours holds more than its file.
  const datatype_handle type(H5Dget_type(id()));
  std::error_code unknown;
  hsize_t in_file = std::filesystem::file_size(where_.file, unknown);
  if (unknown || in_file == 0) {
    in_file = std::numeric_limits<hsize_t>::max();  // The file is being made in memory.
  }
  const hsize_t most = in_file / std::max<std::size_t>(1, H5Tget_size(type.id()));
  hsize_t size = 1;
  for (const hsize_t length : shape()) {
    if (length != 0 && size > most / length) {
      throw input_error(where_.path + " in " + where_.file +
                        " claims to hold more than the whole file; the file is damaged: restore it");
    }
    size *= length;
  }
  return size;
}

hsize_t dataset::row_size() const {
  const extent sizes = shape();
  return sizes.empty() ? 1 : std::accumulate(sizes.begin() + 1, sizes.end(), hsize_t{1}, std::multiplies<>());
}

void dataset::write_rows(hsize_t first, hsize_t rows, hid_t type, const void* data) {
  const auto [in_file, in_memory] = select_rows(*this, first, rows);
  write_part(*this, type, in_memory.id(), in_file.id(), data);
}

row_writer::row_writer(dataset target, hsize_t rows)
    : target_(std::move(target)), count_(target_.shape()), in_file_(H5Dget_space(target_.id())) {
  if (count_.empty()) {
    throw internal_error("no rows in " + target_.where().path + " in " + target_.where().file);
  }
  most_rows_ = count_[0];
  count_[0] = rows;
  start_.assign(count_.size(), 0);
  in_memory_ = space_of(count_);
}

void row_writer::write(hsize_t first, hid_t type, const void* data) {
  if (first + count_[0] > most_rows_) {
    throw internal_error("rows outside " + target_.where().path + " in " + target_.where().file);
  }
  start_[0] = first;
  H5Sselect_hyperslab(in_file_.id(), H5S_SELECT_SET, start_.data(), nullptr, count_.data(), nullptr);
  write_part(target_, type, in_memory_.id(), in_file_.id(), data);
}

void dataset::read_rows(hsize_t first, hsize_t rows, hid_t type, void* data) const {
  const auto [in_file, in_memory] = select_rows(*this, first, rows);
  if (H5Dread(id(), type, in_memory.id(), in_file.id(), H5P_DEFAULT, data) < 0) {
    fail_input("read", where_);
  }
}

void dataset::write_all(hid_t type, const void* data) {
  // HDF5 refuses a null pointer even where there is nothing to write.
  const char nothing = 0;
  write_part(*this, type, H5S_ALL, H5S_ALL, data != nullptr ? data : &nothing);
}

void dataset::read_all(hid_t type, void* data) const {
  char nothing = 0;
  if (H5Dread(id(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data != nullptr ? data : &nothing) < 0) {
    fail_input("read", where_);
  }
}

std::vector<std::string> dataset::read_strings() const {
  const datatype_handle stored(H5Dget_type(id()));
  if (H5Tget_class(stored.id()) != H5T_STRING || H5Tis_variable_str(stored.id()) != 0) {
    throw input_error(where_.path + " in " + where_.file + " does not hold strings of fixed length");
  }
  const std::size_t width = H5Tget_size(stored.id());
  const std::size_t count = size();
  std::string packed(width * count, '\0');
  read_all(stored.id(), packed.data());
  std::vector<std::string> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = packed.substr(i * width, width);
    values[i].erase(values[i].find_last_not_of('\0') + 1);
  }
  return values;
}

void dataset::annotate(const label& text, const std::string& suffix) {
  write_text_attribute(*this, "units" + suffix, text.units);
  write_text_attribute(*this, "description" + suffix, text.description);
}

void dataset::name_dimension(unsigned dimension, const std::string& name) {
  if (H5DSset_label(id(), dimension, name.c_str()) < 0) {
    fail_environment("name a dimension of", where_);
  }
}

void dataset::make_scale(const std::string& name) {
  if (H5DSset_scale(id(), name.c_str()) < 0) {
    fail_environment("make a dimension scale of", where_);
  }
}

void dataset::attach_scale(unsigned dimension, const dataset& scale) {
  if (H5DSattach_scale(id(), scale.id(), dimension) < 0) {
    fail_environment("attach a dimension scale to", where_);
  }
}

}  // namespace spikesweep::hdf5
