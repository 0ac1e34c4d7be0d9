#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/mixture.hpp>
#include <spikesweep/learning/mlp.hpp>
#include <spikesweep/learning/profile.hpp>
#include <spikesweep/parallel/interrupt.hpp>

#include "plain_law.hpp"

namespace {

using namespace spikesweep;

constexpr double gradient_tolerance = 1e-3;  ///< fp32 against double.
constexpr int rows = 9;

void fill(random_stream& stream, double deviation, std::span<float> out) {
  for (auto& x : out) {
    x = static_cast<float>(deviation * stream.normal());
  }
}

/// Weights larger than first weights, so that no part of a gradient is negligible.
std::vector<float> some_parameters(const mlp_shape& shape, random_stream& stream) {
  std::vector<float> out(shape.parameter_count());
  fill(stream, 0.35, out);
  return out;
}

std::vector<float> some_weights() {
  std::vector<float> out;
  for (int row = 0; row < rows; ++row) {
    out.push_back(0.05F * static_cast<float>(row % 4));  // Some rows weigh nothing.
  }
  return out;
}

std::vector<double> row_of(std::span<const float> data, std::size_t width, std::size_t row) {
  return plain::widen(data.subspan(row * width, width));
}

/// The sum over rows of weight times loss(row, output of a plain perceptron), as a function of the parameters.
std::function<double(std::span<const double>)> plain_loss(
    const mlp_shape& shape, std::span<const float> input, const std::vector<float>& weights,
    const std::function<double(std::size_t, std::span<const double>)>& loss) {
  return [=, &weights](std::span<const double> parameters) {
    double sum = 0;
    for (std::size_t row = 0; row < weights.size(); ++row) {
      const auto x = row_of(input, static_cast<std::size_t>(shape.inputs), row);
      const auto output = plain::perceptron(shape.sizes(), parameters, x);
      sum += static_cast<double>(weights[row]) * loss(row, output);
    }
    return sum;
  };
}

TEST(mlp, output_agrees_with_a_plain_perceptron_whether_training_or_not) {
  for (const auto& shape : {mlp_shape{5, {}, 3}, mlp_shape{7, {12}, 4}, mlp_shape{37, {64, 48, 33}, 70}}) {
    random_stream stream(1, purpose::test);
    const auto parameters = some_parameters(shape, stream);
    std::vector<float> input(static_cast<std::size_t>(rows * shape.inputs));
    fill(stream, 1, input);
    for (const bool training : {false, true}) {
      mlp network(shape, rows, training);
      network.set_parameters(parameters);
      std::ranges::copy(input, network.input().begin());
      const auto output = network.forward();
      for (std::size_t row = 0; row < rows; ++row) {
        const auto expected = plain::perceptron(shape.sizes(), plain::widen(parameters),
                                                row_of(input, static_cast<std::size_t>(shape.inputs), row));
        const auto width = static_cast<std::size_t>(shape.outputs);
        EXPECT_LT(plain::largest_error(output.subspan(row * width, width), expected), 1e-5);
      }
    }
  }
}

TEST(mlp, gradient_of_the_mixture_loss_is_that_of_finite_differences) {
  const mixture_shape mixture{3, 4};
  const mlp_shape shape{6, {12, 9}, mixture.outputs()};
  random_stream stream(2, purpose::test);
  const auto parameters = some_parameters(shape, stream);
  const auto weights = some_weights();
  std::vector<float> targets(std::size_t{rows} * 3);
  fill(stream, 1, targets);
  mlp network(shape, rows, true);
  network.set_parameters(parameters);
  fill(stream, 1, network.input());
  const double loss = mixture_loss(mixture, network.forward(), targets, weights, network.output_gradient());
  std::vector<float> gradient(parameters.size());
  network.backward(gradient);

  const auto f = plain_loss(shape, network.input(), weights, [&](std::size_t row, std::span<const double> output) {
    return plain::mixture_nll(3, 4, output, row_of(targets, 3, row));
  });
  const auto expected = plain::differences(f, plain::widen(parameters));
  EXPECT_NEAR(loss, f(plain::widen(parameters)), 1e-5 * std::abs(loss));
  EXPECT_LT(plain::relative_error(gradient, expected), gradient_tolerance);
  EXPECT_LT(plain::largest_error(gradient, expected), gradient_tolerance);
}

TEST(mlp, gradient_of_the_profile_loss_is_that_of_finite_differences) {
  const std::vector<int> groups{5, 18, 1, 7};
  const mlp_shape shape{6, {17, 8}, 31};
  random_stream stream(3, purpose::test);
  const auto parameters = some_parameters(shape, stream);
  const auto weights = some_weights();
  std::vector<float> shares(std::size_t{rows} * 31);
  for (auto& share : shares) {
    share = static_cast<float>(stream.uniform());
  }
  std::fill_n(shares.begin() + 31 + 5, 18, 0.0F);  // Row 1 has nothing in its second group.
  mlp network(shape, rows, true);
  network.set_parameters(parameters);
  fill(stream, 1, network.input());
  const double loss = profile_loss(groups, network.forward(), shares, weights, network.output_gradient());
  std::vector<float> gradient(parameters.size());
  network.backward(gradient);

  const auto f = plain_loss(shape, network.input(), weights, [&](std::size_t row, std::span<const double> output) {
    return plain::profile_entropy(groups, output, row_of(shares, 31, row));
  });
  const auto expected = plain::differences(f, plain::widen(parameters));
  EXPECT_NEAR(loss, f(plain::widen(parameters)), 1e-5 * std::abs(loss));
  EXPECT_LT(plain::relative_error(gradient, expected), gradient_tolerance);
  EXPECT_LT(plain::largest_error(gradient, expected), gradient_tolerance);
}

/// Output and gradient of a step of a network of the size that is used, at one precision.
struct step_result {
  std::vector<float> output;
  std::vector<float> gradient;
};

step_result step(mlp& network, const std::vector<float>& parameters, std::uint32_t batch) {
  random_stream stream(4, purpose::test, batch);
  network.set_parameters(parameters);
  fill(stream, 1, network.input());
  const auto output = network.forward();
  step_result out{{output.begin(), output.end()}, std::vector<float>(parameters.size())};
  fill(stream, 0.1, network.output_gradient());
  network.backward(out.gradient);
  return out;
}

TEST(mlp, steps_do_not_depend_on_the_steps_before) {
  const mlp_shape shape{20, {32, 32}, 24};
  random_stream stream(5, purpose::test);
  const auto first = some_parameters(shape, stream);
  const auto second = some_parameters(shape, stream);
  mlp used(shape, 16, true);
  step(used, first, 1);
  step(used, second, 2);
  mlp moved = std::move(used);
  mlp fresh(shape, 16, true);
  const auto again = step(moved, second, 3);
  const auto expected = step(fresh, second, 3);
  EXPECT_EQ(again.output, expected.output);
  EXPECT_EQ(again.gradient, expected.gradient);
}

TEST(mlp, bf16_is_close_to_fp32_or_refused_by_a_cpu_without_it) {
  const mlp_shape shape{40, {64, 64, 64}, 30};
  random_stream stream(6, purpose::test);
  std::vector<float> parameters(shape.parameter_count());
  initialise(shape, stream, parameters);
  if (!has_bf16()) {
    EXPECT_THROW(mlp(shape, 32, true, precision::bf16), input_error);
    return;  // Without the instructions the refusal is all there is to check.
  }
  mlp exact(shape, 32, true);
  mlp rounded(shape, 32, true, precision::bf16);
  const auto a = step(rounded, parameters, 1);
  const auto b = step(exact, parameters, 1);
  // bfloat16 has 8 bits: each rounding errs by at most 2^-9 = 0.2 %, and a few of them add up at random.
  EXPECT_LT(plain::relative_error(a.output, plain::widen(b.output)), 0.02);
  EXPECT_LT(plain::relative_error(a.gradient, plain::widen(b.gradient)), 0.02);
  EXPECT_GT(plain::relative_error(a.gradient, plain::widen(b.gradient)), 1e-5) << "bf16 was not used";
}

/// In the numbers that this CPU has.
std::vector<precision> precisions() {
  return has_bf16() ? std::vector{precision::fp32, precision::bf16} : std::vector{precision::fp32};
}

TEST(mlp, bits_of_a_row_depend_neither_on_the_number_of_rows_nor_on_its_place) {
  // The shapes of the surrogate's networks; the law's bits at any number of chains rest on this.
  for (const auto& shape : {mlp_shape{96, {128, 128}, 10}, mlp_shape{103, {256}, 96}, mlp_shape{96, {}, 96},
                            mlp_shape{103, {512, 512, 512}, 120}}) {
    random_stream stream(9, purpose::test);
    const auto parameters = some_parameters(shape, stream);
    constexpr int most = 601;  // Above 500, some products work in another order.
    const auto width = static_cast<std::size_t>(shape.inputs);
    std::vector<float> input(most * width);
    fill(stream, 1, input);
    for (const precision numbers : precisions()) {
      mlp all(shape, most, false, numbers);
      all.set_parameters(parameters);
      std::ranges::copy(input, all.input().begin());
      const auto expected = all.forward();
      for (const int few : {1,  2,  3,  4,  5,  6,  7,  8,  9,  11, 12, 13, 16, 18,  22,  23,
                            24, 25, 26, 27, 31, 43, 47, 48, 49, 64, 73, 78, 95, 128, 129, 512}) {
        mlp some(shape, few, false, numbers);
        some.set_parameters(parameters);
        const auto first = static_cast<std::size_t>(most - few);
        std::ranges::copy(std::span(input).subspan(first * width), some.input().begin());
        const auto output = some.forward();
        const auto same = expected.subspan(first * static_cast<std::size_t>(shape.outputs));
        EXPECT_TRUE(std::ranges::equal(output, same)) << few << " rows of " << name_of(numbers);
      }
    }
  }
}

TEST(mlp, last_hidden_layer_gives_the_outputs_by_the_last_weights) {
  const mlp_shape shape{6, {20, 12}, 3};
  random_stream stream(10, purpose::test);
  const auto parameters = some_parameters(shape, stream);
  for (const precision numbers : precisions()) {
    mlp network(shape, rows, false, numbers);
    network.set_parameters(parameters);
    fill(stream, 1, network.input());
    const auto output = network.forward();
    const auto hidden = network.last_hidden();
    ASSERT_EQ(hidden.size(), 12U * rows);
    const auto last = std::span(parameters).last(std::size_t{3} * 13);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t o = 0; o < 3; ++o) {
        double sum = static_cast<double>(last[36 + o]);
        for (std::size_t k = 0; k < 12; ++k) {
          sum += static_cast<double>(last[o * 12 + k]) * static_cast<double>(hidden[row * 12 + k]);
        }
        EXPECT_NEAR(static_cast<double>(output[row * 3 + o]), sum, numbers == precision::bf16 ? 0.05 : 1e-5);
      }
    }
  }
}

TEST(initialise, is_a_function_of_the_stream) {
  const mlp_shape shape{30, {50, 40}, 20};
  std::vector<float> a(shape.parameter_count(), 1.0F);
  std::vector<float> b(a.size(), 2.0F);
  random_stream first(7, purpose::initial);
  random_stream same(7, purpose::initial);
  initialise(shape, first, a);
  initialise(shape, same, b);
  EXPECT_EQ(a, b);
  initialise(shape, same, b);
  EXPECT_NE(a, b);
}

TEST(initialise, gives_weights_of_variance_one_over_inputs_and_no_biases) {
  const mlp_shape shape{100, {200}, 50};
  std::vector<float> p(shape.parameter_count());
  random_stream stream(8, purpose::initial);
  initialise(shape, stream, p);
  const auto mean_square = [&](std::size_t begin, std::size_t count) {
    double sum = 0;
    for (std::size_t i = begin; i < begin + count; ++i) {
      sum += static_cast<double>(p[i]) * static_cast<double>(p[i]);
    }
    return sum / static_cast<double>(count);
  };
  // A mean of n squares has a relative standard error of sqrt(2/n): 1 % and 1.4 % here.
  EXPECT_NEAR(mean_square(0, 20000), 1.0 / 100, 0.05 / 100);
  EXPECT_EQ(mean_square(20000, 200), 0);
  EXPECT_NEAR(mean_square(20200, 10000), 0.01 / 200, 0.07 * 0.01 / 200);
  EXPECT_EQ(mean_square(30200, 50), 0);
}

// oneDNN's products have the stack pointer in the heap for most of their time at these sizes: without a stack for
// handlers a signal overwrites the products' scratch and the heap.
TEST(mlp, signals_leave_its_numbers_alone) {
  const interrupt_guard guard;
  const mlp_shape shape{96, {128, 128}, 64};
  random_stream stream(12, purpose::test);
  const auto parameters = some_parameters(shape, stream);
  mlp network(shape, 32, true);
  fill(stream, 1, network.input());
  const auto step = [&] {
    network.set_parameters(parameters);
    const auto output = network.forward();
    std::ranges::copy(output, network.output_gradient().begin());
    std::vector<float> gradient(shape.parameter_count());
    network.backward(gradient);
    return gradient;
  };
  const std::vector<float> undisturbed = step();
  std::atomic<bool> over{false};
  std::thread sender([&over, target = pthread_self()] {
    while (!over) {
      pthread_kill(target, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  });
  int different = 0;
  for (int i = 0; i < 2000; ++i) {
    different += step() != undisturbed ? 1 : 0;
  }
  over = true;
  sender.join();
  EXPECT_EQ(different, 0);
  EXPECT_GT(interrupts(), 100) << "hardly any signal came";
}

}  // namespace
