// The bits of a point are its own: whatever is predicted beside it, before it, on whichever thread or rank.
#include <algorithm>
#include <cmath>
#include <functional>
#include <thread>

#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/prediction.hpp>

#include "small_surrogate.hpp"

namespace spikesweep {
namespace {

class predictor_bits : public testing::small_surrogate {
 protected:
  predictor_bits() {
    settings_.run.duration_s = 0.6;
    settings_.run.burn_in_s = 0.1;
    settings_.run.raster_s = 0.1;
    settings_.replicates = 3;
    settings_.keep_samples = true;
    for (int i = 0; i < 7; ++i) {
      points_.push_back({3.7 + 0.1 * i, 2.05 + 0.05 * i});
    }
  }

  void SetUp() override {
    small_surrogate::SetUp();
    // A second member, a little different from the first.
    model_.members.push_back(model_.surrogate());
    model_.members[1].seed = 77;
    for (float& weight : model_.members[1].counts_weights) {
      weight *= 1.01F;
    }
  }

  std::vector<loop_point> places() const {
    std::vector<loop_point> places;
    for (const auto& values : points_) {
      places.push_back({values, 0});
    }
    return places;
  }

  prediction_settings settings_;
  std::vector<std::vector<double>> points_;
};

/// NaN is NaN.
bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

void expect_same(const point_prediction& a, const point_prediction& b) {
  EXPECT_EQ(a.values, b.values);
  EXPECT_TRUE(same(a.figures.values, b.figures.values));
  EXPECT_TRUE(same(a.spread.values, b.spread.values));
  EXPECT_EQ(a.seen.states, b.seen.states);
  EXPECT_EQ(a.seen.beyond, b.seen.beyond);
  EXPECT_EQ(a.seen.farthest, b.seen.farthest);
  ASSERT_EQ(a.members.size(), b.members.size());
  for (std::size_t k = 0; k < a.members.size(); ++k) {
    EXPECT_EQ(a.members[k].rate_E_hz, b.members[k].rate_E_hz);
    EXPECT_EQ(a.members[k].rate_I_hz, b.members[k].rate_I_hz);
  }
  EXPECT_EQ(a.power, b.power);
  EXPECT_EQ(a.sizes, b.sizes);
  EXPECT_TRUE(same(a.intervals, b.intervals));
  ASSERT_EQ(a.raster.size(), b.raster.size());
  for (std::size_t i = 0; i < a.raster.size(); ++i) {
    EXPECT_EQ(a.raster[i].time, b.raster[i].time);
    EXPECT_EQ(a.raster[i].neuron, b.raster[i].neuron);
  }
}

TEST_P(predictor_bits, depend_neither_on_the_batch_nor_on_earlier_calls) {
  const predictor law(model_);
  const std::vector<loop_point> places = this->places();
  const auto all = law.predict(places, settings_);
  ASSERT_EQ(all.size(), places.size());
  for (const std::size_t batch : {std::size_t{1}, std::size_t{3}, places.size()}) {
    for (std::size_t begin = 0; begin < places.size(); begin += batch) {
      const auto some =
          law.predict(std::span(places).subspan(begin, std::min(batch, places.size() - begin)), settings_);
      for (std::size_t i = 0; i < some.size(); ++i) {
        expect_same(some[i], all[begin + i]);
      }
    }
  }
  EXPECT_FALSE(same(all[0].figures.values, all[1].figures.values));
}

TEST_P(predictor_bits, are_the_same_where_two_threads_share_a_predictor) {
  const std::vector<loop_point> places = this->places();
  const auto wanted = predictor(model_).predict(places, settings_);
  const predictor law(model_);
  std::vector<point_prediction> forth(places.size());
  std::vector<point_prediction> back(places.size());
  const auto one_by_one = [&](std::vector<point_prediction>& into, bool reversed) {
    for (std::size_t n = 0; n < places.size(); ++n) {
      const std::size_t i = reversed ? places.size() - 1 - n : n;
      into[i] = law.predict(std::span(places).subspan(i, 1), settings_).front();
    }
  };
  {
    std::thread first(one_by_one, std::ref(forth), false);
    std::thread second(one_by_one, std::ref(back), true);
    first.join();
    second.join();
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    expect_same(forth[i], wanted[i]);
    expect_same(back[i], wanted[i]);
  }
}

TEST_P(predictor_bits, are_the_same_at_any_rank_count) {
  const predictor law(model_);
  const auto shared = predicted(law, points_, settings_);
  if (world_.rank() != 0) {
    EXPECT_TRUE(shared.empty());
    return;
  }
  const auto alone = law.predict(places(), settings_);
  ASSERT_EQ(shared.size(), alone.size());
  for (std::size_t i = 0; i < alone.size(); ++i) {
    expect_same(shared[i], alone[i]);
  }
}

TEST_P(predictor_bits, depend_on_seed_id_and_member) {
  const predictor law(model_);
  loop_settings loop{.run = settings_.run, .seed = 5};
  const std::vector<loop_point> twice{{middle(), 0}, {middle(), 1}};
  const auto runs = law.run(twice, loop);
  EXPECT_NE(runs[0].replicates[0].counts_E, runs[1].replicates[0].counts_E);
  EXPECT_EQ(law.run(twice, loop)[1].replicates[0].counts_E, runs[1].replicates[0].counts_E);
  loop.member = 1;
  EXPECT_NE(law.run(twice, loop)[0].replicates[0].counts_E, runs[0].replicates[0].counts_E);
  loop = {.run = settings_.run, .seed = 6};
  EXPECT_NE(law.run(twice, loop)[0].replicates[0].counts_E, runs[0].replicates[0].counts_E);
}

TEST_P(predictor_bits, of_a_member_are_those_of_the_member_alone) {
  const loop_point place{middle(), 0};
  const point_prediction both = predictor(model_).predict(std::span(&place, 1), settings_).front();
  prediction_settings settings = settings_;
  settings.seed = model_.surrogate().seed;
  const predictor second(member_view(model_, model_.members[1]));
  const point_prediction alone = second.predict(std::span(&place, 1), settings).front();
  ASSERT_EQ(both.members.size(), 2U);
  EXPECT_EQ(both.members[1].seed, 77U);
  EXPECT_EQ(both.members[1].rate_E_hz, alone.figures.rate_E());
  EXPECT_EQ(both.members[1].rate_I_hz, alone.figures.rate_I());
  EXPECT_NEAR(both.disagreement().rate_E_hz,
              std::abs(both.members[0].rate_E_hz - both.members[1].rate_E_hz) / std::sqrt(2), 1e-9);
}

TEST_P(predictor_bits, departures_of_many_points_are_those_of_each_alone) {
  const point_prediction found = predictor(model_).predict(places(), settings_)[3];
  departure seen;
  auto chains = start_chains(model_, points_[3], settings_.replicates, model_.surrogate().seed, 0);
  run_closed_loop(watched(surrogate_kernel(model_, settings_.replicates), model_, seen), chains, settings_.run);
  EXPECT_GT(seen.states, 0);
  EXPECT_EQ(found.seen.states, seen.states);
  EXPECT_EQ(found.seen.beyond, seen.beyond);
  EXPECT_EQ(found.seen.farthest, seen.farthest);
}

INSTANTIATE_TEST_SUITE_P(Sections, predictor_bits, ::testing::Values(section_kind::interval, section_kind::mfe),
                         testing::name_of_section);

}  // namespace
}  // namespace spikesweep
