#include <cstdint>
#include <cstdio>
#include <set>
#include <tuple>

#include <sys/stat.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/parallel/child_process.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/trial.hpp>

#include "hdf5_detail.hpp"

namespace spikesweep {

namespace {

/// Data that HDF5 has to look for by an index of the file are read too, up to this length [bytes].
constexpr std::uint64_t most_indexed_bytes = std::uint64_t{64} << 20;

/// A trial waits at most so many times as long as it may compute: for the file system, or for a busy or stopped
/// machine.
constexpr double patience = 15;

/// A signal may wait so long for an answer: the trial of a sound file is over by then [s].
constexpr double answer_s = 1;

using contents = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;

struct trials {
  std::vector<std::string> program;
  double longest_s = 0;
  std::set<contents> passed;
};

trials& of_this_process() {
  static trials own;
  return own;
}

/// What changes with the contents of a file.
contents contents_of(const std::filesystem::path& path) {
  struct ::stat about {};
  if (::stat(path.c_str(), &about) != 0) {
    return {};
  }
  return {about.st_dev, about.st_ino, about.st_size, about.st_mtim.tv_sec, about.st_mtim.tv_nsec};
}

/// Opens everything in a file and reads what readers of ours read before they look at numbers. Failures do not matter:
/// what counts is that they are failures, and no crash.
class structure_walk {
 public:
  void file(const std::string& path) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const hdf5::property_handle access(H5Pcreate(H5P_FILE_ACCESS));
    H5Pset_file_locking(access.id(), false, true);
    const hdf5::file_handle opened(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()));
    if (opened.valid()) {
      object(opened.id(), "/");
    }
  }

 private:
  static herr_t link(hid_t group, const char* name, const H5L_info_t* info, void* walk) {
    if (info->type == H5L_TYPE_HARD) {
      static_cast<structure_walk*>(walk)->object(group, name);
    }
    return 0;
  }

  static herr_t attribute(hid_t object, const char* name, const H5A_info_t*, void*) {
    const hdf5::attribute_handle opened(H5Aopen(object, name, H5P_DEFAULT));
    const hdf5::datatype_handle type(H5Aget_type(opened.id()));
    const hdf5::dataspace_handle space(H5Aget_space(opened.id()));
    if (H5Sget_simple_extent_npoints(space.id()) != 1) {
      return 0;
    }
    if (H5Tis_variable_str(type.id()) > 0) {
      char* text = nullptr;
      H5Aread(opened.id(), hdf5::string_type(H5T_VARIABLE).id(), &text);
      H5free_memory(text);
    } else if (H5Tget_class(type.id()) == H5T_INTEGER) {
      std::int64_t number = 0;
      H5Aread(opened.id(), H5T_NATIVE_INT64, &number);
    }
    return 0;
  }

  void object(hid_t from, const char* name) {
    H5O_info_t info{};
    // Links may lead back to where the walk comes from.
    if (H5Oget_info_by_name(from, name, &info, H5P_DEFAULT) < 0 || !seen_.insert(info.addr).second) {
      return;
    }
    if (info.type == H5O_TYPE_GROUP) {
      const hdf5::group_handle group(H5Gopen2(from, name, H5P_DEFAULT));
      attributes(group.id());
      H5Literate(group.id(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, link, this);
    } else if (info.type == H5O_TYPE_DATASET) {
      const hdf5::dataset_handle dataset(H5Dopen2(from, name, H5P_DEFAULT));
      attributes(dataset.id());
      data(dataset.id());
    }
  }

  void attributes(hid_t object) { H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, attribute, this); }

  void data(hid_t dataset) {
    const hdf5::datatype_handle type(H5Dget_type(dataset));
    const hdf5::dataspace_handle space(H5Dget_space(dataset));
    const hdf5::property_handle made(H5Dget_create_plist(dataset));
    const bool indexed = H5Pget_layout(made.id()) == H5D_CHUNKED;
    const auto numbers = H5Sget_simple_extent_npoints(space.id());
    const std::uint64_t bytes = H5Tget_size(type.id());
    if (indexed && numbers > 0 && bytes > 0 && static_cast<std::uint64_t>(numbers) <= most_indexed_bytes / bytes &&
        H5Tdetect_class(type.id(), H5T_VLEN) == 0 && H5Tis_variable_str(type.id()) == 0) {
      std::vector<char> read(static_cast<std::size_t>(numbers) * bytes);
      H5Dread(dataset, type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, read.data());
    }
  }

  std::set<haddr_t> seen_;
};

}  // namespace

void try_files_with(std::vector<std::string> program, double longest_s) {
  of_this_process().program = std::move(program);
  of_this_process().longest_s = longest_s;
}

void try_file(const std::filesystem::path& path) {
  trials& own = of_this_process();
  const contents now = contents_of(path);
  if (own.program.empty() || own.passed.contains(now)) {
    return;
  }
  child_process trial(own.program, path.string());
  const auto begin = steady_clock::now();
  auto news = child_process::news::nothing;
  while (!trial.next()) {
    if (news == child_process::news::end) {
      throw input_error(fmt::format(
          "{} is damaged: HDF5 does not survive the reading of it ({}); restore it from a copy, or make it again",
          path.string(), trial.end()));
    }
    if (trial.used_s() > own.longest_s) {
      throw input_error(
          fmt::format("{} is damaged: HDF5 is not through with it after {} s; restore it from a copy, or make it again",
                      path.string(), own.longest_s));
    }
    if (seconds_since(begin) > answer_s && interrupted()) {
      throw interrupted_error("interrupted while HDF5 tried to read " + path.string());
    }
    if (seconds_since(begin) > patience * own.longest_s) {
      throw environment_error(
          fmt::format("{} could not be read within {} s: its file system or this machine is too slow; try again later",
                      path.string(), patience * own.longest_s));
    }
    news = trial.receive();
  }
  own.passed.insert(now);
}

void serve_trial() {
  const parent_link parent;
  // The C library says there why it ends the process. The parent says it in its own words.
  static_cast<void>(std::freopen("/dev/null", "w", stderr));
  structure_walk().file(parent.input());
  parent.send("read");
}

}  // namespace spikesweep
