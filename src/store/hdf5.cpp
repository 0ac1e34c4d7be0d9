#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <string_view>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/hdf5.hpp>

#include "hdf5_detail.hpp"

namespace spikesweep::hdf5 {

namespace {

std::atomic<bool> file_stayed_open = false;

// HDF5 pushes the cause first, so the walk upward meets it first: keep that one.
herr_t keep_first(unsigned position, const H5E_error2_t* error, void* text) {
  if (position == 0 && error->desc != nullptr) {
    *static_cast<std::string*>(text) = error->desc;
  }
  return 0;
}

std::string reason() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
  H5Eclear2(H5E_DEFAULT);
  // "file write failed: time = ..., errno = 28, error message = 'No space left on device', buf = ...".
  constexpr std::string_view message = "error message = '";
  if (const auto begin = text.find(message), colon = text.find(": time = "); std::max(begin, colon) < text.size()) {
    const auto words = begin + message.size();
    text = text.substr(0, colon + 2) + text.substr(words, text.find('\'', words) - words);
  }
  return text.empty() ? "HDF5 gives no reason" : text;
}

std::string describe(std::string_view action, const place& where) {
  std::string text = "cannot " + std::string(action) + ' ';
  if (!where.path.empty() && where.path != "/") {
    text += where.path + " in ";
  }
  return text + where.file + ": " + reason();
}

/// Whether the numbers of a type are as we write them. HDF5 converts any others, such as integers of 13 bits, bit by
/// bit with code that hardly any other file makes it use.
bool is_plain_number(hid_t type) {
  const std::size_t bytes = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) && H5Tget_precision(type) == 8 * bytes &&
             H5Tget_offset(type) == 0;
    case H5T_FLOAT:
      return H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F64LE) > 0 ||
             H5Tequal(type, H5T_IEEE_F32BE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0;
    default:
      return false;
  }
}

/// Numbers, strings, or records of numbers.
bool is_readable(hid_t type) {
  if (H5Tget_class(type) == H5T_STRING) {
    return true;
  }
  if (H5Tget_class(type) != H5T_COMPOUND) {
    return is_plain_number(type);
  }
  const int members = H5Tget_nmembers(type);
  bool all = members > 0;
  for (int i = 0; i < members; ++i) {
    const datatype_handle member(H5Tget_member_type(type, static_cast<unsigned>(i)));
    all = all && member.valid() && is_plain_number(member.id());
  }
  return all;
}

herr_t collect_name(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

void fail_input(std::string_view action, const place& where) {
  throw input_error(describe(action, where));
}

void fail_environment(std::string_view action, const place& where, int error) {
  std::string text = describe(action, where);
  const std::string system_says = std::strerror(error);
  if (error != 0 && text.find(system_says) == std::string::npos) {
    text += ": " + system_says;
  }
  throw environment_error(text);
}

static_assert(std::same_as<object_id, hid_t> && std::same_as<length, hsize_t>);

bool must_not_end_orderly() {
  return file_stayed_open;
}

namespace {

int close_any(object_kind kind, object_id id) {
  switch (kind) {
    case object_kind::file:
      if (const int result = H5Fclose(id); result >= 0) {
        return result;
      }
      file_stayed_open = true;
      return -1;
    case object_kind::group:
      return H5Gclose(id);
    case object_kind::dataset:
      return H5Dclose(id);
    case object_kind::dataspace:
      return H5Sclose(id);
    case object_kind::datatype:
      return H5Tclose(id);
    case object_kind::attribute:
      return H5Aclose(id);
    case object_kind::property_list:
      return H5Pclose(id);
  }
  return -1;
}

std::atomic<std::uint64_t> failures{0};

}  // namespace

int close_object(object_kind kind, object_id id) {
  const int result = close_any(kind, id);
  failures += result < 0 ? 1 : 0;
  return result;
}

std::uint64_t failed_closes() {
  return failures;
}

object_id native_type(std::size_t bytes, bool is_floating, bool is_signed) {
  if (is_floating) {
    return bytes == sizeof(float) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
  }
  switch (bytes) {
    case 1:
      return is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
    case 2:
      return is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
    case 4:
      return is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
    default:
      return is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
  }
}

object_id file_type(object_id memory_type) {
  const std::size_t size = H5Tget_size(memory_type);
  if (H5Tget_class(memory_type) == H5T_FLOAT) {
    return size == 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
  }
  const bool is_signed = H5Tget_sign(memory_type) == H5T_SGN_2;
  switch (size) {
    case 1:
      return is_signed ? H5T_STD_I8LE : H5T_STD_U8LE;
    case 2:
      return is_signed ? H5T_STD_I16LE : H5T_STD_U16LE;
    case 4:
      return is_signed ? H5T_STD_I32LE : H5T_STD_U32LE;
    default:
      return is_signed ? H5T_STD_I64LE : H5T_STD_U64LE;
  }
}

datatype_handle string_type(std::size_t size) {
  datatype_handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.id(), size);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  if (size != H5T_VARIABLE) {
    H5Tset_strpad(type.id(), H5T_STR_NULLPAD);
  }
  return type;
}

dataspace_handle space_of(const extent& shape) {
  return dataspace_handle(shape.empty() ? H5Screate(H5S_SCALAR)
                                        : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
}

place group::inside(const std::string& name) const {
  return {where_.file, (where_.path == "/" ? "/" : where_.path + "/") + name};
}

group group::create_group(const std::string& name) {
  const property_handle links(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(links.id(), 1);
  const property_handle creation(H5Pcreate(H5P_GROUP_CREATE));
  H5Pset_obj_track_times(creation.id(), false);
  group_handle made(H5Gcreate2(id(), name.c_str(), links.id(), creation.id(), H5P_DEFAULT));
  if (!made.valid()) {
    fail_environment("create group", inside(name));
  }
  return {std::move(made), inside(name)};
}

void group::check_links(const std::string& name) const {
  // HDF5 takes "/" at the beginning for the root of the file.
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    H5L_info_t link{};
    if (H5Lget_info(id(), part.c_str(), &link, H5P_DEFAULT) < 0) {
      return;  // To open it fails, and says why.
    }
    if (link.type != H5L_TYPE_HARD) {
      throw input_error(inside(part).path + " in " + where_.file +
                        " is a link to another place, which is not followed; copy there what it leads to");
    }
    if (end == std::string::npos) {
      return;
    }
  }
}

group group::open_group(const std::string& name) const {
  check_links(name);
  group_handle opened(H5Gopen2(id(), name.c_str(), H5P_DEFAULT));
  if (!opened.valid()) {
    fail_input("open group", inside(name));
  }
  return {std::move(opened), inside(name)};
}

dataset group::open_dataset(const std::string& name) const {
  check_links(name);
  dataset_handle opened(H5Dopen2(id(), name.c_str(), H5P_DEFAULT));
  if (!opened.valid()) {
    fail_input("open dataset", inside(name));
  }
  const property_handle made(H5Dget_create_plist(opened.id()));
  if (!made.valid()) {
    fail_input("open dataset", inside(name));
  }
  if (H5Pget_external_count(made.id()) != 0 || H5Pget_layout(made.id()) == H5D_VIRTUAL) {
    throw input_error(inside(name).path + " in " + where_.file +
                      " keeps its data in another file, which is not read; copy the data into this one");
  }
  const datatype_handle type(H5Dget_type(opened.id()));
  if (!type.valid() || !is_readable(type.id())) {
    H5Eclear2(H5E_DEFAULT);
    throw input_error(inside(name).path + " in " + where_.file +
                      " holds neither numbers nor strings of the kinds that are read; the file is damaged: restore it");
  }
  return {std::move(opened), inside(name)};
}

bool group::has(const std::string& name) const {
  // Every part of a path has to be asked for by itself: H5Lexists fails when an earlier one is missing.
  for (std::size_t end = name.find('/');; end = name.find('/', end + 1)) {
    if (H5Lexists(id(), name.substr(0, end).c_str(), H5P_DEFAULT) <= 0) {
      H5Eclear2(H5E_DEFAULT);
      return false;
    }
    if (end == std::string::npos) {
      return true;
    }
  }
}

std::vector<std::string> group::names() const {
  std::vector<std::string> found;
  if (H5Literate(id(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect_name, &found) < 0) {
    fail_input("list group", where_);
  }
  std::sort(found.begin(), found.end());
  return found;
}

dataset group::create_dataset(const std::string& name, hid_t type, const extent& shape, const label& text) {
  const property_handle links(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(links.id(), 1);
  const property_handle creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_layout(creation.id(), H5D_CONTIGUOUS);
  H5Pset_alloc_time(creation.id(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(creation.id(), H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(creation.id(), false);
  const dataspace_handle space = space_of(shape);
  dataset_handle made(H5Dcreate2(id(), name.c_str(), type, space.id(), links.id(), creation.id(), H5P_DEFAULT));
  if (!made.valid()) {
    fail_environment("create dataset", inside(name));
  }
  dataset result(std::move(made), inside(name));
  result.annotate(text);
  return result;
}

void group::write_string(const std::string& name, std::string_view value, const label& text) {
  // Never of length 0, which HDF5 cannot store; the padding is cut off when read.
  const std::string padded = value.empty() ? std::string(1, '\0') : std::string(value);
  const datatype_handle type = string_type(padded.size());
  create_dataset(name, type.id(), {}, text).write_all(type.id(), padded.data());
}

dataset group::write_strings(const std::string& name, std::span<const std::string> values, const extent& shape,
                             const label& text) {
  std::size_t width = 1;
  for (const std::string& value : values) {
    width = std::max(width, value.size());
  }
  std::string packed(width * values.size(), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::copy(values[i].begin(), values[i].end(), packed.begin() + static_cast<std::ptrdiff_t>(i * width));
  }
  const datatype_handle type = string_type(width);
  dataset made = create_dataset(name, type.id(), shape, text);
  made.write_all(type.id(), packed.data());
  return made;
}

void group::expect_shape(const dataset& source, const extent& shape) {
  if (source.shape() != shape) {
    throw input_error(source.where().path + " in " + source.where().file + " does not have the expected shape");
  }
}

std::string group::read_string(const std::string& name) const {
  const dataset source = open_dataset(name);
  expect_shape(source, {});
  return source.read_strings().at(0);
}

bool group::has_attribute(const std::string& name) const {
  return H5Aexists(id(), name.c_str()) > 0;
}

void group::write_attribute(const std::string& name, hid_t type, hid_t memory, const void* value) {
  const dataspace_handle space = space_of({});
  const attribute_handle attribute(H5Acreate2(id(), name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute.valid() || H5Awrite(attribute.id(), memory, value) < 0) {
    fail_environment("write attribute", {where_.file, inside(name).path});
  }
}

void group::write_attribute(const std::string& name, const std::string& value) {
  const datatype_handle type = string_type(H5T_VARIABLE);
  const char* text = value.c_str();
  write_attribute(name, type.id(), type.id(), &text);
}

attribute_handle group::open_attribute(const std::string& name) const {
  attribute_handle attribute(H5Aopen(id(), name.c_str(), H5P_DEFAULT));
  if (!attribute.valid()) {
    fail_input("read attribute", inside(name));
  }
  const dataspace_handle space(H5Aget_space(attribute.id()));
  if (H5Sget_simple_extent_npoints(space.id()) != 1) {
    throw input_error("attribute " + inside(name).path + " in " + where_.file + " is not a single value");
  }
  return attribute;
}

void group::read_attribute(const std::string& name, hid_t memory, void* value) const {
  const attribute_handle attribute = open_attribute(name);
  if (H5Aread(attribute.id(), memory, value) < 0) {
    fail_input("read attribute", inside(name));
  }
}

std::string group::read_string_attribute(const std::string& name) const {
  const attribute_handle attribute = open_attribute(name);
  const datatype_handle stored(H5Aget_type(attribute.id()));
  if (H5Tis_variable_str(stored.id()) <= 0) {
    throw input_error("attribute " + inside(name).path + " in " + where_.file + " is not a string");
  }
  const datatype_handle type = string_type(H5T_VARIABLE);
  char* text = nullptr;
  if (H5Aread(attribute.id(), type.id(), &text) < 0) {
    fail_input("read attribute", inside(name));
  }
  std::string value = text != nullptr ? text : "";
  H5free_memory(text);
  return value;
}

}  // namespace spikesweep::hdf5
