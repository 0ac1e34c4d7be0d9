#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/seal.hpp>

/// Small owners of HDF5 objects. HDF5 is used in the layer `store` only, and its own header by sources of that layer
/// only.
///
/// A new file gets a seal (seal.hpp) when it is closed, which is checked before HDF5 reads the file. What is read comes
/// from the file itself: links that lead out of their group are not followed, and data in other files are not read.
///
/// Errors name the object, the file and HDF5's own reason: input_error when opening or reading (the file is not what
/// it should be), environment_error when creating or writing. HDF5's own error printing is turned off.
///
/// | call | collective on a file from open_parallel |
/// |---|---|
/// | file::open_parallel, file::close (and its destructor) | yes |
/// | create_*, write_*, attach_scale: anything that changes metadata | not allowed; make metadata in a serial file |
/// | open_*, has, read_*, dataset::write_rows, dataset::read_rows | no: each rank on its own |
namespace spikesweep::hdf5 {

/// HDF5's identifier of an object, its hid_t.
using object_id = std::int64_t;
inline constexpr object_id no_object = -1;
/// Length of a dimension, or a place along it: HDF5's hsize_t.
using length = unsigned long long;

enum class object_kind { file, group, dataset, dataspace, datatype, attribute, property_list };

/// Whether HDF5 failed to close a file, because its disk did. It then tries again when MPI or the program ends in
/// order, by pointers to memory that is gone: leave by std::_Exit.
bool must_not_end_orderly();

/// Closes an object; negative when HDF5 failed to.
int close_object(object_kind kind, object_id id);
/// How often HDF5 failed to close an object of any file, also where a destructor closed it. What an object still had to
/// write is lost then.
std::uint64_t failed_closes();

/// Owns one HDF5 object and closes it.
template <object_kind Kind>
class handle {
 public:
  handle() = default;
  explicit handle(object_id id) : id_(id) {}
  handle(handle&& other) noexcept : id_(std::exchange(other.id_, no_object)) {}
  handle& operator=(handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
  ~handle() { close(); }

  object_id id() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Closes early; negative when HDF5 failed to. Nothing happens if there is nothing to close.
  int close() {
    const object_id id = std::exchange(id_, no_object);
    return id >= 0 ? close_object(Kind, id) : 0;
  }

 private:
  object_id id_ = no_object;
};

using file_handle = handle<object_kind::file>;
using group_handle = handle<object_kind::group>;
using dataset_handle = handle<object_kind::dataset>;
using dataspace_handle = handle<object_kind::dataspace>;
using datatype_handle = handle<object_kind::datatype>;
using attribute_handle = handle<object_kind::attribute>;
using property_handle = handle<object_kind::property_list>;

/// A number that HDF5 stores as it is.
template <class T>
concept number = std::floating_point<T> ||(std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>);

/// The type of a number in memory.
object_id native_type(std::size_t bytes, bool is_floating, bool is_signed);

/// The type of T in memory.
template <number T>
object_id memory_type() {
  static_assert(!std::floating_point<T> || std::same_as<T, float> || sizeof(T) == 8);
  return native_type(sizeof(T), std::floating_point<T>, std::signed_integral<T>);
}

/// The counterpart of a memory type in files: little-endian always.
object_id file_type(object_id memory_type);

/// What every dataset says about itself: attributes `units` ("1" if dimensionless) and `description`.
struct label {
  std::string units = "1";
  std::string description;
};

using extent = std::vector<length>;

/// Where an object is, for messages.
struct place {
  std::string file;
  std::string path;
};

/// Throws input_error or environment_error: "cannot ACTION PATH in FILE: reason of HDF5". `error`: what errno was; its
/// text is added.
[[noreturn]] void fail_input(std::string_view action, const place& where);
[[noreturn]] void fail_environment(std::string_view action, const place& where, int error = 0);

/// One dataset. Rows run along its first dimension.
class dataset {
 public:
  dataset(dataset_handle id, place where) : id_(std::move(id)), where_(std::move(where)) {}

  extent shape() const;
  /// Throws input_error if the dataset claims to hold more than its file.
  void check_size() const { static_cast<void>(size()); }
  /// Offset of the data in the file and its length [bytes]; contiguous datasets only.
  std::pair<std::uint64_t, std::uint64_t> bytes() const;

  /// Rows [first, first + rows) from or to memory of one row after another.
  void write_rows(length first, length rows, object_id type, const void* data);
  void read_rows(length first, length rows, object_id type, void* data) const;
  template <number T>
  void write_rows(length first, std::span<const T> data) {
    write_rows(first, data.size() / row_size(), memory_type<T>(), data.data());
  }
  template <number T>
  void read_rows(length first, std::span<T> data) const {
    read_rows(first, data.size() / row_size(), memory_type<T>(), data.data());
  }
  /// One number of a 1-D dataset.
  template <number T>
  void write_at(length row, T value) {
    write_rows(row, 1, memory_type<T>(), &value);
  }
  /// The whole dataset, last dimension fastest.
  template <number T>
  std::vector<T> read() const {
    std::vector<T> data(size());
    read_all(memory_type<T>(), data.data());
    return data;
  }
  /// Every string, last dimension fastest, without padding.
  std::vector<std::string> read_strings() const;
  /// Of a compound type, in order. Throws input_error if the type is none.
  std::vector<std::string> member_names() const;

  void write_all(object_id type, const void* data);
  void read_all(object_id type, void* data) const;
  /// Writes attributes `units` and `description`, or those of one of its parts with a suffix to both names.
  void annotate(const label& text, const std::string& suffix = {});
  void name_dimension(unsigned dimension, const std::string& name);
  /// Makes this 1-D dataset a dimension scale called `name`.
  void make_scale(const std::string& name);
  void attach_scale(unsigned dimension, const dataset& scale);

  object_id id() const { return id_.id(); }
  const place& where() const { return where_; }

 private:
  length size() const;
  length row_size() const;

  dataset_handle id_;
  place where_;
};

/// Writes runs of so many rows of a dataset, over and over: keeps what dataset::write_rows() makes anew each time,
/// which takes longer than the writing of a few bytes.
class row_writer {
 public:
  row_writer(dataset target, length rows);

  /// Rows [first, first + rows) from memory of one row after another.
  void write(length first, object_id type, const void* data);
  /// One number of a 1-D dataset, where rows is 1.
  template <number T>
  void write(length row, T value) {
    write(row, memory_type<T>(), &value);
  }
  const dataset& target() const { return target_; }
  /// Closes the dataset; nothing can be written any more.
  void close() { target_ = dataset(dataset_handle(), target_.where()); }

 private:
  dataset target_;
  length most_rows_;  ///< Of the dataset.
  extent start_;
  extent count_;
  dataspace_handle in_file_;
  dataspace_handle in_memory_;
};

/// A group. Names may be paths: missing groups on the way are made.
class group {
 public:
  group(group_handle id, place where) : id_(std::move(id)), where_(std::move(where)) {}

  group create_group(const std::string& name);
  group open_group(const std::string& name) const;
  dataset open_dataset(const std::string& name) const;
  bool has(const std::string& name) const;
  /// Names of the objects in this group, sorted.
  std::vector<std::string> names() const;

  /// A contiguous dataset of fixed size, allocated at once, never filled, without times.
  dataset create_dataset(const std::string& name, object_id type, const extent& shape, const label& text);

  template <number T>
  void write_scalar(const std::string& name, T value, const label& text) {
    create_dataset(name, file_type(memory_type<T>()), {}, text).write_all(memory_type<T>(), &value);
  }
  template <number T>
  dataset write_array(const std::string& name, std::span<const T> data, const extent& shape, const label& text) {
    dataset made = create_dataset(name, file_type(memory_type<T>()), shape, text);
    made.write_all(memory_type<T>(), data.data());
    return made;
  }
  template <number T>
  dataset write_array(const std::string& name, const std::vector<T>& data, const label& text) {
    return write_array<T>(name, std::span<const T>(data), {data.size()}, text);
  }
  /// A scalar string, and an array of strings, of fixed length: as long as the longest.
  void write_string(const std::string& name, std::string_view value, const label& text);
  dataset write_strings(const std::string& name, std::span<const std::string> values, const extent& shape,
                        const label& text);

  template <number T>
  T read_scalar(const std::string& name) const {
    T value{};
    const dataset source = open_dataset(name);
    expect_shape(source, {});
    source.read_all(memory_type<T>(), &value);
    return value;
  }
  template <number T>
  std::vector<T> read_array(const std::string& name) const {
    return open_dataset(name).read<T>();
  }
  std::string read_string(const std::string& name) const;
  std::vector<std::string> read_strings(const std::string& name) const { return open_dataset(name).read_strings(); }

  template <number T>
  void write_attribute(const std::string& name, T value) {
    write_attribute(name, file_type(memory_type<T>()), memory_type<T>(), &value);
  }
  void write_attribute(const std::string& name, const std::string& value);
  template <number T>
  T read_attribute(const std::string& name) const {
    T value{};
    read_attribute(name, memory_type<T>(), &value);
    return value;
  }
  std::string read_string_attribute(const std::string& name) const;
  bool has_attribute(const std::string& name) const;

  object_id id() const { return id_.id(); }
  const place& where() const { return where_; }

 private:
  place inside(const std::string& name) const;
  /// Throws input_error unless every part of the path is an object of the file itself, and not a link elsewhere.
  void check_links(const std::string& name) const;
  attribute_handle open_attribute(const std::string& name) const;
  static void expect_shape(const dataset& source, const extent& shape);
  void write_attribute(const std::string& name, object_id type, object_id memory, const void* value);
  void read_attribute(const std::string& name, object_id memory, void* value) const;

  group_handle id_;
  place where_;
};

/// A file and its root group.
class file {
 public:
  /// A new serial file in place of whatever was there. It is made in memory and written by close(), without which it
  /// stays empty: HDF5 1.10 crashes at the end of a process that could not write a file. Rank-local.
  static file create(const std::filesystem::path& path);
  /// The same, written as it is made, for a file too large for memory. Only where the disk was seen to have room, for
  /// the reason above. Rank-local.
  static file create_large(const std::filesystem::path& path);
  /// An existing file, read by this process alone; another one may be writing its raw data. Rank-local.
  static file open(const std::filesystem::path& path);
  /// An existing file for independent raw-data reads and writes through MPI-IO. Collective.
  static file open_parallel(const std::filesystem::path& path, const communicator& ranks);

  group& root() { return root_; }
  const group& root() const { return root_; }
  /// The numbers of this dataset of a new file are written after the file was made: the seal does not cover them.
  void leave_unsealed(const dataset& data);
  /// Closes the file, seals it if it is new, and reports what the destructor could not. Nothing else may be open in it.
  /// Throws environment_error, with the reason of the system, if the disk is full, and if any object could not be
  /// closed since the file was opened: then something is missing in the file.
  void close();

 private:
  file(file_handle id, group root) : id_(std::move(id)), root_(std::move(root)) {}
  static file own(object_id id, const std::string& name);
  static file create_with(const property_handle& access, const std::filesystem::path& path);

  void write_image() const;

  file_handle id_;
  group root_;
  std::uint64_t failed_before_ = failed_closes();
  bool in_memory_ = false;
  bool is_new_ = false;
  std::vector<byte_range> unsealed_;
};

/// Throws input_error unless there is a regular file of this name that can be read.
void check_readable(const std::filesystem::path& path);

/// HDF5's version, as "1.10.8".
std::string library_version();

}  // namespace spikesweep::hdf5
