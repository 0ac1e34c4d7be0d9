// Figures of a surrogate over planes of its axes.
#include <cmath>

#include <boost/mpi/communicator.hpp>

#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/maps.hpp>

#include "small_surrogate.hpp"

namespace spikesweep {
namespace {

/// A model that says no more than which axes there are.
model model_over(const std::vector<std::string>& axes, const std::vector<double>& lowest,
                 const std::vector<double>& highest) {
  model m;
  m.space.axes = axes;
  m.space.axis_min = m.space.box_min = lowest;
  m.space.axis_max = m.space.box_max = highest;
  return m;
}

TEST(planes, of_one_axis_are_a_line_from_end_to_end) {
  const model m = model_over({"S_EE"}, {3.5}, {4.5});
  const auto planes = planes_of(m, 5);
  ASSERT_EQ(planes.size(), 1U);
  EXPECT_EQ(planes[0].coordinates, (std::vector<std::vector<double>>{{3.5, 3.75, 4.0, 4.25, 4.5}}));
  EXPECT_EQ(planes[0].at(m.space, 4), std::vector<double>{4.5});
}

TEST(planes, are_every_pair_of_axes_with_the_others_in_the_middle) {
  const model m = model_over({"S_EE", "N_E", "tau_EE"}, {3, 300, 1}, {5, 302, 2});
  const auto planes = planes_of(m, 5);
  ASSERT_EQ(planes.size(), 3U);
  EXPECT_EQ(planes[0].axes, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(planes[1].axes, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(planes[2].axes, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(planes[0].coordinates[1], (std::vector<double>{300, 301, 302})) << "whole numbers, each once";
  EXPECT_EQ(planes[0].places(), 15U);
  EXPECT_EQ(planes[0].at(m.space, 4), (std::vector<double>{3.5, 301, 1.5})) << "the last axis runs fastest";
  EXPECT_EQ(planes[1].at(m.space, 0), (std::vector<double>{3, 301, 1}));
}

TEST(planes, leave_out_an_axis_that_does_not_vary_and_need_two_places) {
  EXPECT_EQ(planes_of(model_over({"S_EE", "S_EI"}, {3, 2}, {5, 2}), 4).size(), 1U);
  EXPECT_TRUE(planes_of(model_over({"S_EE", "S_EI"}, {4, 2}, {4, 2}), 4).empty());
  EXPECT_TRUE(planes_of(model_over({"S_EE", "S_EI"}, {3, 2}, {5, 3}), 1).empty());
  EXPECT_TRUE(planes_of(model_over({"S_EE", "S_EI"}, {3, 2}, {5, 3}), 0).empty());
  EXPECT_TRUE(planes_of(model_over({}, {}, {}), 4).empty());
}

TEST(planes, of_many_axes_are_those_of_five) {
  const model m = model_over({"S_EE", "S_IE", "S_EI", "S_II", "tau_EE", "tau_IE", "tau_EI"}, {3, 3, 2, 2, 1, 1, 2},
                             {5, 4, 3, 3, 2, 2, 4});
  EXPECT_EQ(planes_of(m, 4).size(), 10U);
}

class maps : public testing::small_surrogate {};

TEST_P(maps, hold_what_the_surrogate_does_at_each_place_at_any_rank_count) {
  validation_settings settings;
  settings.map_places = 3;
  settings.map_s = 2;
  const surrogate_maps found = map_surrogate(world_, model_, settings);
  ASSERT_EQ(found.planes.size(), 1U);
  ASSERT_EQ(found.values[0].rows(), 9);
  ASSERT_EQ(found.values[0].cols(), static_cast<Eigen::Index>(predicted_figures().size()));
  EXPECT_EQ(&found.figures[0].get(), &figure_named("rate_E_hz"));
  EXPECT_TRUE((found.values[0].col(0).array() > 0).all());
  const surrogate_maps alone =
      map_surrogate(boost::mpi::communicator(MPI_COMM_SELF, boost::mpi::comm_duplicate), model_, settings);
  EXPECT_TRUE((found.values[0].array() == alone.values[0].array() ||
               (found.values[0].array().isNaN() && alone.values[0].array().isNaN()))
                  .all());
  EXPECT_DOUBLE_EQ(map_time_s(found.planes, settings), loop_time_s(9, {settings.map_s, 4}));
  // The place in the middle against another run there, of 8 s: both E rates are known to some 10 %.
  const std::vector<loop_point> middle_place{{found.planes[0].at(model_.space, 4), 7}};
  const loop_rates there = closed_loop_rates(world_, predictor(model_), middle_place, {8, 4, 3});
  EXPECT_NEAR(found.values[0](4, 0) / there.E.row(0).mean(), 1, 0.4);
}

TEST_P(maps, end_when_asked_to) {
  EXPECT_THROW(map_surrogate(world_, model_, {}, [] { return true; }), interrupted_error);
}

INSTANTIATE_TEST_SUITE_P(Sections, maps, ::testing::Values(section_kind::interval, section_kind::mfe),
                         testing::name_of_section);

}  // namespace
}  // namespace spikesweep
