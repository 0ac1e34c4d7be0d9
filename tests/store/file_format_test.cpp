#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/network/section.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/settings_file.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {

namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using testing::scratch_directory;

const std::filesystem::path fixtures = std::filesystem::path(SPIKESWEEP_SOURCE_DIR) / "tests" / "fixtures";

struct kind_of_file {
  const char* name;
  const file_format* format;
};

constexpr kind_of_file every_kind[] = {
    {"sweep.h5", &sweep_format},           {"model.h5", &model_format},
    {"validation.h5", &validation_format}, {"interrupted.h5.checkpoint", &checkpoint_format},
    {"prediction.h5", &prediction_format}, {"spikes.h5", &spikes_format},
};

/// A file that says a name and a number.
std::filesystem::path file_of(const scratch_directory& scratch, std::string_view name, int number) {
  hdf5::file made = hdf5::file::create(scratch / "f.h5");
  made.root().write_attribute("format", std::string(name));
  made.root().write_attribute("format_version", std::int32_t{number});
  made.root().write_attribute("spikesweep_version", std::string("9.8.7"));
  made.close();
  return scratch / "f.h5";
}

TEST(file_format, of_every_released_version_is_read_by_its_kind_and_by_no_other) {
  for (const kind_of_file& file : every_kind) {
    const hdf5::file opened = hdf5::file::open(fixtures / "0.1.0" / file.name);
    EXPECT_NO_THROW(check_format(opened.root(), *file.format)) << file.name;
    for (const kind_of_file& other : every_kind) {
      if (other.format != file.format) {
        EXPECT_THAT(error_of<input_error>([&] { check_format(opened.root(), *other.format); }),
                    AllOf(HasSubstr(file.name), HasSubstr(std::string(file.format->name)),
                          HasSubstr(std::string(other.format->kind))));
      }
    }
  }
}

TEST(file_format, is_read_back_as_it_was_written) {
  const scratch_directory scratch;
  for (const kind_of_file& file : every_kind) {
    {
      hdf5::file made = hdf5::file::create(scratch / "f.h5");
      write_format(made.root(), *file.format);
      made.close();
    }
    const hdf5::file opened = hdf5::file::open(scratch / "f.h5");
    EXPECT_NO_THROW(check_format(opened.root(), *file.format));
    EXPECT_EQ(maker_of(opened.root()), SPIKESWEEP_VERSION);
  }
}

TEST(file_format, that_is_newer_is_refused_with_what_is_allowed_and_what_to_do) {
  const scratch_directory scratch;
  for (const kind_of_file& file : every_kind) {
    const int newer = file.format->number + 1;
    const hdf5::file opened = hdf5::file::open(file_of(scratch, file.format->name, newer));
    EXPECT_THAT(
        error_of<format_error>([&] { check_format(opened.root(), *file.format); }),
        AllOf(HasSubstr("f.h5"), HasSubstr("format version " + std::to_string(newer)),
              HasSubstr("made by spikesweep 9.8.7"), HasSubstr("up to version " + std::to_string(file.format->number)),
              HasSubstr(std::string(file.format->remedy))));
  }
}

TEST(file_format, from_before_the_first_release_is_read_down_to_the_oldest_number) {
  const scratch_directory scratch;
  for (int number = 1; number <= sweep_format.number; ++number) {
    const hdf5::file opened = hdf5::file::open(file_of(scratch, sweep_format.name, number));
    if (number >= sweep_format.oldest) {
      EXPECT_NO_THROW(check_format(opened.root(), sweep_format)) << number;
    } else {
      EXPECT_THAT(error_of<format_error>([&] { check_format(opened.root(), sweep_format); }),
                  HasSubstr("from version " + std::to_string(sweep_format.oldest)));
    }
  }
}

TEST(settings, that_this_version_does_not_know_are_refused) {
  const scratch_directory scratch;
  for (const bool newer : {false, true}) {
    {
      hdf5::file made = hdf5::file::create(scratch / "f.h5");
      write_format(made.root(), sweep_format);
      write_settings(made.root(), "section", section_table(), section_settings());
      if (newer) {
        made.root().write_scalar("section/longest_pause", 3.0, {"ms", "of a later version"});
      }
      made.close();
    }
    const hdf5::file opened = hdf5::file::open(scratch / "f.h5");
    settings_found found;
    section_settings read;
    read_settings(opened.root(), "section", section_table(), read, found);
    if (newer) {
      EXPECT_THAT(error_of<input_error>([&] { found.report(opened.root()); }),
                  AllOf(HasSubstr("/section/longest_pause"), HasSubstr("f.h5"), HasSubstr("does not know")));
    } else {
      EXPECT_NO_THROW(found.report(opened.root()));
    }
  }
}

TEST(file_format, of_nothing_is_refused) {
  const scratch_directory scratch;
  hdf5::file::create(scratch / "f.h5").close();
  const hdf5::file opened = hdf5::file::open(scratch / "f.h5");
  EXPECT_THAT(error_of<input_error>([&] { check_format(opened.root(), model_format); }),
              AllOf(HasSubstr("f.h5"), HasSubstr("not a model file"), HasSubstr("'format' is missing")));
}

TEST(output, replaces_nothing_but_files_of_its_own_format) {
  const scratch_directory scratch;
  for (const kind_of_file& there : every_kind) {
    std::filesystem::copy_file(fixtures / "0.1.0" / there.name, scratch / there.name);
    for (const kind_of_file& wanted : every_kind) {
      if (wanted.format == there.format) {
        EXPECT_NO_THROW(check_output(scratch / there.name, *wanted.format));
      } else {
        EXPECT_THAT(error_of<input_error>([&] { check_output(scratch / there.name, *wanted.format); }),
                    AllOf(HasSubstr("is there already, and is no " + std::string(wanted.format->kind)),
                          HasSubstr("remove it, or name another")));
      }
    }
  }
  std::ofstream(scratch / "config") << "seed = 1\n";
  EXPECT_THROW(check_output(scratch / "config", model_format), input_error);
  std::ofstream(scratch / "empty") << "";
  EXPECT_NO_THROW(check_output(scratch / "empty", model_format));
  EXPECT_NO_THROW(check_output(scratch / "new.h5", model_format));
}

TEST(output, of_a_table_replaces_no_other_table) {
  const scratch_directory scratch;
  EXPECT_NO_THROW(check_output_table(scratch / "new.csv", "a,b\n"));
  std::ofstream(scratch / "same.csv") << "a,b\n1,2\n";
  EXPECT_NO_THROW(check_output_table(scratch / "same.csv", "a,b\n"));
  for (const char* other : {"a,c\n1,2\n", "a", "# a,b\n"}) {
    std::ofstream(scratch / "other.csv") << other;
    EXPECT_THROW(check_output_table(scratch / "other.csv", "a,b\n"), input_error) << other;
  }
}

TEST(output, that_another_job_reads_is_not_replaced) {
  const scratch_directory scratch;
  std::filesystem::copy_file(fixtures / "0.1.0" / "model.h5", scratch / "m.h5");
  const input_lock reader(scratch / "m.h5");
  EXPECT_THAT(error_of<input_error>([&] { check_output(scratch / "m.h5", model_format); }),
              HasSubstr("is being read by another job"));
}

TEST(output, has_a_name_that_leaves_room_for_longer_ones_beside_it) {
  const scratch_directory scratch;
  EXPECT_NO_THROW(check_output(scratch / std::string(200, 'a'), model_format));
  for (const std::size_t length : {201, 300}) {
    EXPECT_THAT(error_of<input_error>([&] { check_output(scratch / std::string(length, 'a'), model_format); }),
                HasSubstr("its name is longer than 200 bytes"));
  }
}

}  // namespace

}  // namespace spikesweep
