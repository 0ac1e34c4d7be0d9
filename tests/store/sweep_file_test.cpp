#include <array>
#include <cmath>
#include <fstream>
#include <functional>

#include <fcntl.h>
#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/seal.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using testing::flip_bit;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::made_up_task;
using testing::make_file;
using ::testing::Not;
using testing::place_of;
using testing::same_numbers;
using testing::scratch_directory;
using testing::small_sweep;

TEST(sweep_file, gives_back_the_description) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  create_sweep_file(scratch / "s.h5", d);
  const sweep_reader reader(scratch / "s.h5");
  const sweep_description& r = reader.description();
  EXPECT_EQ(r.base, d.base);
  EXPECT_EQ(r.section, d.section);
  EXPECT_EQ(r.sampling.layout, d.sampling.layout);
  EXPECT_EQ(r.sampling.transitions, d.sampling.transitions);
  EXPECT_EQ(r.sampling.perturb_phases, d.sampling.perturb_phases);
  EXPECT_EQ(r.sampling.synthetic_share, d.sampling.synthetic_share);
  EXPECT_EQ(r.sampling.synthetic_s, d.sampling.synthetic_s);
  EXPECT_EQ(r.sampling.synthetic_modes, d.sampling.synthetic_modes);
  EXPECT_EQ(r.sampling.max_pending, d.sampling.max_pending);
  EXPECT_EQ(r.points.axes, d.points.axes);
  EXPECT_EQ(r.points.points, d.points.points);
  EXPECT_EQ(r.points.roles, d.points.roles);
  EXPECT_EQ(r.replicates, d.replicates);
  EXPECT_EQ(r.seed, d.seed);
  EXPECT_EQ(r.config_text, d.config_text);
  EXPECT_EQ(r.settings, d.settings);
  EXPECT_EQ(reader.version(), SPIKESWEEP_VERSION);
}

TEST(sweep_file, starts_with_every_task_pending_and_no_row) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  create_sweep_file(scratch / "s.h5", d);
  const sweep_reader reader(scratch / "s.h5");
  for (const task_record& record : reader.records()) {
    EXPECT_EQ(record.state, task_state::pending);
  }
  EXPECT_EQ(reader.read_rows(0, d.tasks()).block.rows(), 0);
  EXPECT_THAT(reader.damaged_tasks(), IsEmpty());
}

TEST(sweep_file, gives_back_rows_records_figures_and_provenance) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  make_file(scratch / "s.h5", d, {7, 2, 3});
  const sweep_reader reader(scratch / "s.h5");
  EXPECT_THAT(reader.damaged_tasks(), IsEmpty());
  const sweep_rows rows = reader.read_rows(0, d.tasks());
  ASSERT_EQ(rows.block.rows(), 3 * d.sampling.transitions);
  std::int64_t first = 0;
  for (const std::int64_t task : {2, 3, 7}) {
    const task_result expected = made_up_task(d, static_cast<int>(task / 2), static_cast<int>(task % 2));
    const auto part = testing::part_of(rows.block, d.sampling.layout, first, d.sampling.transitions);
    EXPECT_TRUE(testing::same_block(part, expected.block)) << "task " << task;
    EXPECT_EQ(rows.point[static_cast<std::size_t>(first)], task / 2);
    const task_record record = reader.records()[static_cast<std::size_t>(task)];
    EXPECT_EQ(record.state, task_state::done);
    EXPECT_EQ(record.summary.simulated_s, expected.summary.simulated_s);
    EXPECT_EQ(record.summary.events, expected.summary.events);
    EXPECT_EQ(record.first_row, static_cast<std::uint64_t>(task * d.sampling.transitions));
    const task_figures figures = reader.figures(task, task + 1).front();
    EXPECT_TRUE(same_numbers(figures.values, expected.figures.values)) << "task " << task;
    EXPECT_TRUE(same_numbers(figures.standard_errors, expected.figures.standard_errors)) << "task " << task;
    first += d.sampling.transitions;
  }
  EXPECT_EQ(reader.read_rows(3, 4).block.rows(), d.sampling.transitions);
  EXPECT_EQ(reader.provenance()[7].rank, 3);
  EXPECT_EQ(reader.provenance()[7].attempts, 1);
  EXPECT_EQ(reader.provenance()[7].core_s, 0.5);
}

TEST(sweep_file, gives_back_part_of_a_task) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  make_file(scratch / "s.h5", d, {3});
  const sweep_reader reader(scratch / "s.h5");
  const auto expected = testing::part_of(made_up_task(d, 1, 1).block, d.sampling.layout, 4, 9);
  EXPECT_TRUE(testing::same_block(reader.rows_of_task(3, 4, 9), expected));
  EXPECT_EQ(reader.rows_of_task(3, d.sampling.transitions, 0).rows(), 0);
  EXPECT_THROW(reader.rows_of_task(3, 12, d.sampling.transitions - 11), internal_error) << "rows of the next task";
  EXPECT_THROW(reader.rows_of_task(d.tasks(), 0, 1), internal_error);
}

TEST(sweep_file, keeps_failed_tasks_without_rows) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  create_sweep_file(scratch / "s.h5", d);
  sweep_writer writer(self(), scratch / "s.h5", d);
  task_result failed;
  failed.state = task_state::runaway;
  failed.summary.events = 12;
  writer.write_task(5, failed, 1);
  EXPECT_THROW(writer.write_task(6, task_result{}, 1), internal_error) << "a pending task has nothing to write";
  failed.state = task_state::done;
  EXPECT_THROW(writer.write_task(6, failed, 1), internal_error) << "a done task needs all its rows";
  writer.close();
  const sweep_reader reader(scratch / "s.h5");
  EXPECT_EQ(reader.records()[5].state, task_state::runaway);
  EXPECT_EQ(reader.records()[5].summary.events, 12);
  const task_figures none = reader.figures(5, 6).front();
  for (const double value : none.values) {
    EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_EQ(reader.read_rows(0, d.tasks()).block.rows(), 0);
  EXPECT_THAT(reader.damaged_tasks(), IsEmpty());
}

TEST(sweep_file, is_read_while_it_is_written) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  create_sweep_file(scratch / "s.h5", d);
  sweep_writer writer(self(), scratch / "s.h5", d);
  const sweep_reader reader(scratch / "s.h5");
  EXPECT_EQ(reader.records()[0].state, task_state::pending);
  writer.write_task(0, made_up_task(d, 0, 0), 1);
  EXPECT_EQ(reader.records()[0].state, task_state::done);
  EXPECT_EQ(reader.read_rows(0, 1).block.before, made_up_task(d, 0, 0).block.before);
}

TEST(sweep_file, keeps_its_seal_while_tasks_are_written_and_loses_it_with_one_wrong_bit_elsewhere) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  const auto path = scratch / "s.h5";
  create_sweep_file(path, d);
  EXPECT_NO_THROW(check_seal(path));
  {
    sweep_writer writer(self(), path, d);
    writer.begin_task(0, 3);
    writer.write_task(0, made_up_task(d, 0, 0), 1);
    writer.log("begun");
    EXPECT_NO_THROW(check_seal(path));
    writer.close();
  }
  EXPECT_NO_THROW(check_seal(path));
  for (const char* name : {"design/points", "network/N_E", "sampling/transitions", "transitions/voltage"}) {
    const std::uint64_t at = place_of(path, name).first;
    flip_bit(path, at);
    EXPECT_THAT(error_of<input_error>([&] { sweep_reader{path}; }), AllOf(HasSubstr("s.h5"), HasSubstr("damaged")))
        << name;
    flip_bit(path, at);
  }
  EXPECT_NO_THROW(check_seal(path));
}

TEST(sweep_file, finds_one_wrong_bit_in_any_dataset_of_rows_records_or_figures) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep(3, 1, 10);
  const auto path = scratch / "s.h5";
  make_file(path, d, {0, 1, 2});
  std::vector<std::string> names;
  {
    const hdf5::file file = hdf5::file::open(path);
    for (const std::string group : {"transitions", "transitions/before", "transitions/after", "tasks"}) {
      for (const std::string& name : file.root().open_group(group).names()) {
        if (name != "before" && name != "after" && name != "voltage") {
          names.push_back(group + '/' + name);
        }
      }
    }
  }
  ASSERT_EQ(names.size(), 15U + 3U);
  for (const std::string& name : names) {
    const auto [offset, length] = place_of(path, name);
    const std::uint64_t in_second_task = offset + length / 3;
    flip_bit(path, in_second_task);
    const auto damaged = sweep_reader(path).damaged_tasks();
    if (name == "tasks/state") {
      EXPECT_THAT(damaged, IsEmpty()) << "the lowest bit of `done` makes it pending, which claims nothing";
    } else {
      EXPECT_THAT(damaged, ElementsAre(1)) << name;
    }
    flip_bit(path, in_second_task);
  }
  const auto [records, length] = place_of(path, "tasks/records");
  for (std::uint64_t byte = records + length / 3; byte < records + 2 * length / 3; ++byte) {
    flip_bit(path, byte);
    EXPECT_THAT(sweep_reader(path).damaged_tasks(), ElementsAre(1)) << "byte " << byte - records << " of the records";
    flip_bit(path, byte);
  }
  EXPECT_THAT(sweep_reader(path).damaged_tasks(), IsEmpty());
}

TEST(sweep_file, of_other_settings_is_refused_with_both_values) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  create_sweep_file(scratch / "s.h5", d);
  EXPECT_NO_THROW(check_sweep_file(scratch / "s.h5", d));
  const auto refusal = [&](const std::function<void(sweep_description&)>& change) {
    sweep_description other = d;
    change(other);
    return error_of<input_error>([&] { check_sweep_file(scratch / "s.h5", other); });
  };
  EXPECT_THAT(refusal([](auto& o) { o.settings[0].second = "2.5"; }),
              AllOf(HasSubstr("network.S_II"), HasSubstr("2.25"), HasSubstr("2.5 now"), Not(HasSubstr("section"))));
  EXPECT_THAT(refusal([](auto& o) { o.settings.emplace_back("seed", "3"); }), AllOf(HasSubstr("seed"), HasSubstr("3")));
  EXPECT_THAT(refusal([](auto& o) { o.seed = 78; }), AllOf(HasSubstr("seed"), HasSubstr("77"), HasSubstr("78")));
  EXPECT_THAT(refusal([](auto& o) { o.section.cap_ms = 60; }), HasSubstr("cap_ms: 50 in the file, 60 now"));
  EXPECT_THAT(refusal([](auto& o) { o.sampling.transitions = 21; }), HasSubstr("transitions"));
  EXPECT_THAT(refusal([](auto& o) { o.points.points(3, 1) += 1; }), HasSubstr("points"));
  EXPECT_THAT(refusal([](auto& o) { o.points.roles[0] = point_role::test; }), HasSubstr("points"));
}

TEST(sweep_file, that_is_truncated_foreign_or_newer_is_refused) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  const auto open = [](const std::filesystem::path& path) {
    return error_of<input_error>([&] { sweep_reader reader(path); });
  };
  create_sweep_file(scratch / "cut.h5", d);
  std::filesystem::resize_file(scratch / "cut.h5", std::filesystem::file_size(scratch / "cut.h5") / 2);
  EXPECT_THAT(open(scratch / "cut.h5"), AllOf(HasSubstr("cut.h5"), HasSubstr("truncated")));
  std::ofstream(scratch / "text.h5") << "not HDF5 at all";
  EXPECT_THAT(open(scratch / "text.h5"), HasSubstr("text.h5"));
  std::ofstream(scratch / "empty.h5").close();
  EXPECT_THAT(open(scratch / "empty.h5"), HasSubstr("empty.h5"));
  hdf5::file::create(scratch / "foreign.h5").close();
  EXPECT_THAT(open(scratch / "foreign.h5"), HasSubstr("not a sweep file"));
  EXPECT_THAT(open(scratch / "missing.h5"), HasSubstr("no file"));
  EXPECT_THAT(open(scratch.path()), HasSubstr("directory"));
  {
    hdf5::file newer = hdf5::file::create(scratch / "newer.h5");
    newer.root().write_attribute("format", std::string("spikesweep sweep"));
    newer.root().write_attribute("format_version", sweep_format.number + 1);
    newer.root().write_attribute("spikesweep_version", std::string("9.8.7"));
    newer.close();
  }
  EXPECT_THAT(open(scratch / "newer.h5"), AllOf(HasSubstr("version 7"), HasSubstr("version 6"),
                                                HasSubstr("made by spikesweep 9.8.7"), HasSubstr("--fresh")));
}

TEST(sweep_file, cut_anywhere_is_refused_in_words) {
  const scratch_directory scratch;
  create_sweep_file(scratch / "s.h5", small_sweep());
  const auto whole = std::filesystem::file_size(scratch / "s.h5");
  for (const std::uintmax_t length : {whole - 1, whole / 2, whole / 100, std::uintmax_t{96}, std::uintmax_t{8},
                                      std::uintmax_t{1}, std::uintmax_t{0}}) {
    std::filesystem::copy_file(scratch / "s.h5", scratch / "cut.h5", std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(scratch / "cut.h5", length);
    EXPECT_THAT(error_of<input_error>([&] { sweep_reader reader(scratch / "cut.h5"); }),
                AllOf(HasSubstr("cut.h5"), HasSubstr("truncated")))
        << length << " of " << whole << " bytes";
  }
}

TEST(sweep_file, with_a_task_in_a_state_of_a_newer_version_is_refused_but_a_damaged_state_is_repaired) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  create_sweep_file(scratch / "s.h5", d);
  const auto newer = static_cast<task_state>(200);
  task_result result;
  result.state = newer;
  sweep_writer writer(self(), scratch / "s.h5", d);
  writer.write_task(3, result, 1);
  writer.close();
  EXPECT_THAT(error_of<input_error>([&] { static_cast<void>(sweep_reader(scratch / "s.h5").records()); }),
              AllOf(HasSubstr("task 3"), HasSubstr("state 200"), HasSubstr("--fresh")));
  EXPECT_THAT(error_of<input_error>([&] { check_sweep_file(scratch / "s.h5", d); }), HasSubstr("state 200"));
  flip_bit(scratch / "s.h5", place_of(scratch / "s.h5", "tasks/state").first + 3);
  EXPECT_THAT(sweep_reader(scratch / "s.h5").damaged_tasks(), ElementsAre(3));
}

TEST(sweep_file, is_replaced_only_by_a_whole_new_one_and_only_if_it_was_a_sweep_file) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  make_file(scratch / "s.h5", d, {0});
  sweep_description other = small_sweep(2);
  other.seed = 3;
  std::filesystem::create_symlink(scratch / "s.h5", scratch / "link.h5");
  replace_sweep_file(scratch / "link.h5", other);
  EXPECT_TRUE(std::filesystem::is_symlink(scratch / "link.h5"));
  EXPECT_NO_THROW(check_sweep_file(scratch / "s.h5", other));
  EXPECT_EQ(sweep_reader(scratch / "s.h5").records()[0].state, task_state::pending);
  std::ofstream(scratch / "text.h5") << "not HDF5 at all";
  hdf5::file::create(scratch / "foreign.h5").close();
  for (const std::string name : {"text.h5", "foreign.h5"}) {
    const auto before = testing::bytes_of(scratch / name);
    EXPECT_THAT(error_of<input_error>([&] { replace_sweep_file(scratch / name, d); }), HasSubstr(name));
    EXPECT_EQ(testing::bytes_of(scratch / name), before);
  }
}

TEST(sweep_file, takes_a_sweep_without_tasks) {
  const scratch_directory scratch;
  sweep_description d = small_sweep(0);
  create_sweep_file(scratch / "s.h5", d);
  const sweep_reader reader(scratch / "s.h5");
  EXPECT_TRUE(reader.records().empty());
  EXPECT_EQ(reader.read_rows(0, 0).block.rows(), 0);
  EXPECT_THAT(reader.damaged_tasks(), IsEmpty());
}

TEST(sweep_file, has_its_whole_size_from_the_start) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep(50, 4, 100);
  const auto path = scratch / "s.h5";
  create_sweep_file(path, d);
  struct ::stat now {};
  ASSERT_EQ(::stat(path.c_str(), &now), 0);
  EXPECT_GE(now.st_blocks * 512, now.st_size) << "the file has holes: a full disk would end the sweep later";
  const auto size = static_cast<double>(now.st_size);
  EXPECT_NEAR(static_cast<double>(sweep_file_bytes(d)), size, 0.01 * size + 65536);
  make_file(path, d, {0, 199});
  EXPECT_EQ(std::filesystem::file_size(path), static_cast<std::uintmax_t>(now.st_size));
}

TEST(sweep_file, that_does_not_fit_fails_before_anything_is_simulated) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep(50, 4, 100);
  // The file-size limit of the process stands in for a full disk: it works for any user.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{1 << 20, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  const std::string message = error_of<environment_error>([&] { create_sweep_file(scratch / "s.h5", d); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(message, AllOf(HasSubstr("s.h5"), HasSubstr("too large")));
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path())) << "a part of the file was left behind";
}

TEST(sweep_file, cannot_be_made_where_nothing_can_be_written) {
  const scratch_directory scratch;
  std::ofstream(scratch / "plain").close();
  // Permissions do not stop root, so: below a plain file, and in a file system without files of its own.
  EXPECT_THAT(error_of<environment_error>([&] { create_sweep_file(scratch / "plain/s.h5", small_sweep()); }),
              HasSubstr("plain"));
  EXPECT_THAT(error_of<environment_error>([&] { create_sweep_file("/proc/s.h5", small_sweep()); }),
              HasSubstr("/proc/s.h5"));
}

}  // namespace
}  // namespace spikesweep
