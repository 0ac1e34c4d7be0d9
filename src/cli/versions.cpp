#include "versions.hpp"

#include <sstream>

#include <CLI/Version.hpp>
#include <Eigen/Core>
#include <boost/version.hpp>
#include <fftw3.h>
#include <fmt/format.h>
#include <hwy/highway.h>
#include <nlohmann/json.hpp>
#include <nlopt.h>
#include <oneapi/dnnl/dnnl.h>
#include <spdlog/version.h>
#include <toml++/toml.h>
#include <xxhash.h>

#include <spikesweep/base/table.hpp>
#include <spikesweep/parallel/session.hpp>
#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

namespace {

std::string dnnl_version_text() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

/// "fftw-3.3.10-sse2-avx"
std::string fftw_version_text() {
  const std::string version = fftw_version;
  const std::size_t begin = version.find('-') + 1;
  return version.substr(begin, version.find('-', begin) - begin);
}

std::string dotted(unsigned long major, unsigned long minor, unsigned long patch) {
  return fmt::format("{}.{}.{}", major, minor, patch);
}

std::string nlopt_version_text() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  nlopt_version(&major, &minor, &patch);
  return fmt::format("{}.{}.{}", major, minor, patch);
}

}  // namespace

std::string version_text() {
  text_table table({"", ""});
  table.add_row({"spikesweep", SPIKESWEEP_VERSION});
  table.add_row({"compiler", SPIKESWEEP_COMPILER});
  table.add_row({"Open MPI", mpi_library_version()});
  table.add_row({"Boost", dotted(BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)});
  table.add_row({"Eigen", dotted(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)});
  table.add_row({"HDF5", hdf5::library_version()});
  table.add_row({"oneDNN", dnnl_version_text()});
  table.add_row({"FFTW", fftw_version_text()});
  table.add_row({"NLopt", nlopt_version_text()});
  table.add_row({"Highway", dotted(HWY_MAJOR, HWY_MINOR, HWY_PATCH)});
  table.add_row({"toml++", dotted(TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH)});
  table.add_row({"CLI11", CLI11_VERSION});
  table.add_row(
      {"nlohmann-json", dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)});
  table.add_row({"spdlog", dotted(SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH)});
  table.add_row({"Random123", SPIKESWEEP_RANDOM123_VERSION});
  const unsigned xxhash = XXH_versionNumber();
  table.add_row({"xxHash", dotted(xxhash / 10000, xxhash / 100 % 100, xxhash % 100)});
  std::ostringstream out;
  table.print(out);
  return out.str();
}

}  // namespace spikesweep
