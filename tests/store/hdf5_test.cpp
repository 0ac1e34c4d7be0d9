#include <fstream>

#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/hdf5.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::scratch_directory;

TEST(hdf5, gives_back_every_type_that_was_written) {
  const scratch_directory scratch;
  const auto path = scratch / "types.h5";
  {
    hdf5::file file = hdf5::file::create(path);
    hdf5::group& root = file.root();
    root.write_scalar("a/f64", 1.5, {"s", "x"});
    root.write_scalar("a/i64", std::int64_t{-5000000000}, {});
    root.write_array("a/f32", std::vector<float>{1.25F, -2}, {});
    root.write_array("a/u8", std::vector<std::uint8_t>{0, 255}, {});
    root.write_array("a/i32", std::vector<std::int32_t>{-7, 7}, {});
    root.write_array<std::uint16_t>("a/u16", std::vector<std::uint16_t>{1, 2, 3, 4, 5, 65535}, {2, 3}, {});
    root.write_array("a/none", std::vector<double>{}, {});
    root.write_string("a/text", "pi \xcf\x80", {});
    root.write_string("a/empty", "", {});
    root.write_strings("a/texts", std::vector<std::string>{"one", "", "three"}, {3}, {});
    root.write_attribute("count", std::uint64_t{18446744073709551615ULL});
    root.write_attribute("name", std::string("spikes"));
    file.close();
  }
  const hdf5::file file = hdf5::file::open(path);
  const hdf5::group a = file.root().open_group("a");
  EXPECT_EQ(a.read_scalar<double>("f64"), 1.5);
  EXPECT_EQ(a.read_scalar<std::int64_t>("i64"), -5000000000);
  EXPECT_THAT(a.read_array<float>("f32"), ElementsAre(1.25F, -2.0F));
  EXPECT_THAT(a.read_array<std::uint8_t>("u8"), ElementsAre(0, 255));
  EXPECT_THAT(a.read_array<std::int32_t>("i32"), ElementsAre(-7, 7));
  EXPECT_THAT(a.read_array<std::uint16_t>("u16"), ElementsAre(1, 2, 3, 4, 5, 65535));
  EXPECT_THAT(a.open_dataset("u16").shape(), ElementsAre(2U, 3U));
  EXPECT_TRUE(a.read_array<double>("none").empty());
  EXPECT_EQ(a.read_string("text"), "pi \xcf\x80");
  EXPECT_EQ(a.read_string("empty"), "");
  EXPECT_THAT(a.read_strings("texts"), ElementsAre("one", "", "three"));
  EXPECT_EQ(file.root().read_attribute<std::uint64_t>("count"), 18446744073709551615ULL);
  EXPECT_EQ(file.root().read_string_attribute("name"), "spikes");
  EXPECT_TRUE(file.root().has("a/f64"));
  EXPECT_FALSE(file.root().has("b/f64"));
  EXPECT_EQ(a.names().size(), 10U);
}

TEST(hdf5, writes_the_same_bytes_at_any_time) {
  const scratch_directory scratch;
  const auto write = [](const std::filesystem::path& path) {
    hdf5::file file = hdf5::file::create(path);
    file.root().write_array("x", std::vector<double>{1, 2}, {"mV", "y"});
    file.close();
  };
  const auto read = [](const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  write(scratch / "a.h5");
  ::sleep(2);  // Times in HDF5 are whole seconds.
  write(scratch / "b.h5");
  EXPECT_EQ(read(scratch / "a.h5"), read(scratch / "b.h5"));
}

TEST(hdf5, errors_name_object_file_and_reason) {
  const scratch_directory scratch;
  const auto path = scratch / "small.h5";
  hdf5::file::create(path).close();
  const hdf5::file file = hdf5::file::open(path);
  EXPECT_THAT(error_of<input_error>([&] { file.root().open_dataset("tasks/state"); }),
              AllOf(HasSubstr("/tasks/state"), HasSubstr("small.h5"), HasSubstr("tasks")));
  EXPECT_THAT(error_of<input_error>([&] { hdf5::file::open(scratch / "missing.h5"); }),
              AllOf(HasSubstr("missing.h5"), HasSubstr("there is no file")));
  EXPECT_THAT(error_of<environment_error>([&] { hdf5::file::create("/proc/x.h5"); }), HasSubstr("/proc/x.h5"));
}

TEST(hdf5, reads_nothing_from_another_file_or_place) {
  const scratch_directory scratch;
  const std::string path = scratch / "links.h5";
  const std::string other = scratch / "other.h5";
  const std::string raw = scratch / "raw.bin";
  std::ofstream(raw) << std::string(80, 'x');
  {
    const hid_t elsewhere = H5Fcreate(other.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(elsewhere, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(elsewhere);
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hsize_t size = 10;
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    const hid_t outside = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(outside, raw.c_str(), 0, 80);
    H5Dclose(H5Dcreate2(file, "raw", H5T_IEEE_F64LE, space, H5P_DEFAULT, outside, H5P_DEFAULT));
    H5Dclose(H5Dcreate2(file, "here", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Lcreate_soft("/here", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external(other.c_str(), "/g", file, "external", H5P_DEFAULT, H5P_DEFAULT);
    H5Aclose(H5Acreate2(file, "ten", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT));
    H5Pclose(outside);
    H5Sclose(space);
    H5Fclose(file);
  }
  const hdf5::file file = hdf5::file::open(path);
  EXPECT_EQ(file.root().open_dataset("here").shape().size(), 1U);
  EXPECT_THAT(error_of<input_error>([&] { file.root().open_dataset("soft"); }),
              AllOf(HasSubstr("/soft in"), HasSubstr("links.h5"), HasSubstr("link to another place")));
  EXPECT_THAT(error_of<input_error>([&] { file.root().open_group("external"); }), HasSubstr("link to another place"));
  EXPECT_THAT(error_of<input_error>([&] { file.root().open_dataset("external/x"); }),
              AllOf(HasSubstr("/external in"), HasSubstr("link to another place")));
  EXPECT_THAT(error_of<input_error>([&] { file.root().open_dataset("raw"); }), HasSubstr("data in another file"));
  EXPECT_THAT(error_of<input_error>([&] { file.root().read_attribute<double>("ten"); }),
              AllOf(HasSubstr("ten"), HasSubstr("not a single value")));
}

TEST(hdf5, reports_a_full_disk_and_lives_on) {
  const scratch_directory scratch;
  // The file-size limit of the process stands in for a full disk: it works for any user.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{4096, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  const auto write = [](const std::filesystem::path& path) {
    hdf5::file file = hdf5::file::create(path);
    file.root().write_array("x", std::vector<double>(100000, 1.0), {"1", "too much"});
    file.close();
  };
  const std::string message = error_of<environment_error>([&] { write_then_rename(scratch / "model.h5", write); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(message, AllOf(HasSubstr("model.h5"), HasSubstr("File too large")));
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
  EXPECT_EQ(H5close(), 0);  // Used to crash over what it could not write.
}

TEST(hdf5, reports_a_disk_that_fails_for_a_moment_while_a_large_file_is_made) {
  const scratch_directory scratch;
  hdf5::file file = hdf5::file::create_large(scratch / "large.h5");
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{4096, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  EXPECT_THROW(file.root().write_array("x", std::vector<double>(1000, 1.0), {"1", "more than there is room"}),
               environment_error);
  ::setrlimit(RLIMIT_FSIZE, &before);
}

TEST(hdf5, does_not_end_a_file_of_which_something_could_not_be_closed) {
  const scratch_directory scratch;
  hdf5::file file = hdf5::file::create_large(scratch / "large.h5");
  const hid_t space = H5Screate(H5S_SCALAR);
  {
    hdf5::dataset_handle handle(
        H5Dcreate2(file.root().id(), "x", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Dclose(handle.id());  // So the destructor fails.
  }
  H5Sclose(space);
  EXPECT_THAT(error_of<environment_error>([&] { file.close(); }), HasSubstr("cannot write all of"));
}

TEST(hdf5, reads_and_writes_runs_of_rows) {
  const scratch_directory scratch;
  hdf5::file file = hdf5::file::create(scratch / "rows.h5");
  hdf5::dataset data = file.root().create_dataset("d", hdf5::file_type(hdf5::memory_type<std::int32_t>()), {4, 2}, {});
  data.write_rows<std::int32_t>(0, std::vector<std::int32_t>(8, 9));
  data.write_rows<std::int32_t>(1, std::vector<std::int32_t>{1, 2, 3, 4});
  std::vector<std::int32_t> row(2);
  data.read_rows<std::int32_t>(2, row);
  EXPECT_THAT(row, ElementsAre(3, 4));
  EXPECT_THAT(data.read<std::int32_t>(), ElementsAre(9, 9, 1, 2, 3, 4, 9, 9));
  EXPECT_THROW(data.write_rows<std::int32_t>(3, std::vector<std::int32_t>(4)), internal_error);
}

TEST(atomic_file, appears_whole_or_not_at_all) {
  const scratch_directory scratch;
  const auto target = scratch / "model";
  write_then_rename(target, [](const auto& path) { std::ofstream(path) << "first"; });
  EXPECT_THROW(write_then_rename(target,
                                 [](const auto& path) {
                                   std::ofstream(path) << "half of the sec";
                                   throw environment_error("lost");
                                 }),
               environment_error);
  std::string text;
  std::ifstream(target) >> text;
  EXPECT_EQ(text, "first");
  const auto entries = std::filesystem::directory_iterator(scratch.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "a temporary file was left behind";
}

TEST(atomic_file, names_the_directory_that_is_missing) {
  EXPECT_THAT(error_of<environment_error>([] { atomic_file file("/nowhere/at/all/model.h5"); }),
              HasSubstr("/nowhere/at/all"));
}

}  // namespace
}  // namespace spikesweep
