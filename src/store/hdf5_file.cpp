#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

#include <sys/vfs.h>

#include <linux/magic.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/hints.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/trial.hpp>

#include "hdf5_detail.hpp"

namespace spikesweep::hdf5 {

file file::own(object_id id, const std::string& name) {
  file_handle opened(id);
  group_handle root(H5Gopen2(opened.id(), "/", H5P_DEFAULT));
  if (!root.valid()) {
    fail_input("open the root of", {name, ""});
  }
  return {std::move(opened), group(std::move(root), {name, "/"})};
}

namespace {

// HDF5 1.10 locks files by default, which fails on several parallel file systems and keeps readers out while a sweep
// is written; file_lock is the lock that counts. The property rules over the variable HDF5_USE_FILE_LOCKING.
property_handle file_access() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  property_handle access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_file_locking(access.id(), false, true);
  // The superblocks of 1.10 carry a flag "open for writing", which a killed writer would leave set.
  H5Pset_libver_bounds(access.id(), H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
  return access;
}

/// The name of a file for MPI-IO. A part of it before a colon would be taken for a kind of file system by ROMIO, and a
/// name of one letter alone fails in Open MPI's OMPIO: so it is never relative.
std::filesystem::path name_for_mpi(const std::filesystem::path& path) {
  return std::filesystem::absolute(path);
}

/// The same with the kind of file system in front, for ROMIO, which then accepts colons. OMPIO knows no kinds, and
/// needs none. Nothing if the name has no colon.
std::optional<std::filesystem::path> name_with_kind(const std::filesystem::path& path) {
  const std::filesystem::path name = name_for_mpi(path);
  if (name.string().find(':') == std::string::npos) {
    return std::nullopt;
  }
  struct ::statfs about {};
  const bool on_nfs = ::statfs(name.c_str(), &about) == 0 && about.f_type == NFS_SUPER_MAGIC;
  return (on_nfs ? "nfs:" : "ufs:") + name.string();
}

}  // namespace

void check_readable(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw input_error("there is no file " + path.string());
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    throw input_error(path.string() + " is " +
                      (std::filesystem::is_directory(path, error) ? "a directory" : "no regular file") +
                      "; name an HDF5 file");
  }
  if (!std::ifstream(path)) {
    throw input_error("cannot read " + path.string() + ": " + std::strerror(errno));
  }
}

file file::create(const std::filesystem::path& path) {
  if (!std::ofstream(path, std::ios::binary)) {
    throw environment_error("cannot create " + path.string() + ": " + std::strerror(errno));
  }
  constexpr std::size_t grow_by = 1 << 20;  // Bytes.
  const property_handle access = file_access();
  H5Pset_fapl_core(access.id(), grow_by, false);
  file made = create_with(access, path);
  made.in_memory_ = true;
  return made;
}

file file::create_large(const std::filesystem::path& path) {
  const property_handle access = file_access();
  // Without a sieve buffer HDF5 writes numbers at once, and says at once if it could not.
  H5Pset_sieve_buf_size(access.id(), 0);
  return create_with(access, path);
}

file file::create_with(const property_handle& access, const std::filesystem::path& path) {
  const property_handle creation(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_obj_track_times(creation.id(), false);
  H5Pset_userblock(creation.id(), seal_size);
  const hid_t id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id());
  if (id < 0) {
    fail_environment("create", {path.string(), ""});
  }
  file made = own(id, path.string());
  made.is_new_ = true;
  return made;
}

file file::open(const std::filesystem::path& path) {
  check_readable(path);
  check_seal(path);
  try_file(path);
  const property_handle access = file_access();
  // Without a sieve buffer HDF5 reads the rows that are asked for, not 64 KiB around them, and keeps no neighbours that
  // a writer may change meanwhile.
  H5Pset_sieve_buf_size(access.id(), 0);
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id());
  if (id < 0) {
    fail_input("open", {path.string(), ""});
  }
  return own(id, path.string());
}

file file::open_parallel(const std::filesystem::path& path, const communicator& ranks) {
  const property_handle access = file_access();
  // HDF5 duplicates the communicator and frees its copy when the file is closed.
  H5Pset_fapl_mpio(access.id(), ranks, no_hints());
  // To close the file is collective. So a rank that cannot go on does not just leave: all of them do, together.
  file_handle opened = on_every_rank(ranks, [&] {
    file_handle id(H5Fopen(name_for_mpi(path).c_str(), H5F_ACC_RDWR, access.id()));
    const auto other_name = name_with_kind(path);
    if (!id.valid() && other_name) {
      id = file_handle(H5Fopen(other_name->c_str(), H5F_ACC_RDWR, access.id()));
    }
    if (!id.valid()) {
      fail_environment("open for writing", {path.string(), ""});
    }
    return id;
  });
  group_handle root(H5Gopen2(opened.id(), "/", H5P_DEFAULT));
  on_every_rank(ranks, [&] {
    if (!root.valid()) {
      fail_input("open the root of", {path.string(), ""});
    }
  });
  return {std::move(opened), group(std::move(root), {path.string(), "/"})};
}

void file::leave_unsealed(const dataset& data) {
  const auto [first, length] = data.bytes();
  unsealed_.push_back({first, length});
}

void file::close() {
  const place where{root_.where().file, ""};
  root_ = group(group_handle(), where);
  if (in_memory_) {
    write_image();
  }
  errno = 0;
  if (H5Fflush(id_.id(), H5F_SCOPE_GLOBAL) < 0) {
    fail_environment("write", where, errno);
  }
  if (id_.close() < 0) {
    fail_environment("close", where);
  }
  if (failed_closes() != failed_before_) {
    throw environment_error("cannot write all of " + where.file + ": its disk failed for a moment");
  }
  if (is_new_) {
    seal_file(where.file, unsealed_);
  }
}

void file::write_image() const {
  const std::string& name = root_.where().file;
  const ssize_t size = H5Fflush(id_.id(), H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(id_.id(), nullptr, 0);
  // HDF5 gives the bytes behind the place of the seal.
  std::vector<char> image(seal_size + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size < 0 || H5Fget_file_image(id_.id(), image.data() + seal_size, image.size() - seal_size) != size) {
    fail_environment("take the bytes of", {name, ""});
  }
  std::ofstream out(name, std::ios::binary | std::ios::trunc);
  errno = 0;
  if (!out.write(image.data(), static_cast<std::streamsize>(image.size())) || !out.flush()) {
    throw environment_error("cannot write " + name + ": " + std::strerror(errno));
  }
}

std::string library_version() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(release);
}

}  // namespace spikesweep::hdf5
