#include <algorithm>
#include <cmath>
#include <new>
#include <string_view>
#include <vector>

#include <dnnl.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/mlp.hpp>
#include <spikesweep/parallel/signal_stack.hpp>

#include "mlp_layer.hpp"

namespace spikesweep {

namespace {

using onednn::any_matrix;
using onednn::bound;
using onednn::copy;
using onednn::layer;
using onednn::matrix;
using onednn::memory;
using onednn::number;
using onednn::point;
using onednn::vector;
using onednn::view;
using onednn::zero;

constexpr float swish_alpha = 1.0F;   ///< SiLU is oneDNN's swish with alpha 1.
constexpr float output_scale = 0.1F;  ///< Scale of the first weights of the output layer.
/// A product is faster if oneDNN chooses the layout of the weights: by 16 % at 128 rows and 7 % at 512 on a Zen 4. But
/// a training step uses the weights for one product only, and to reorder them takes as long as the product of 50 rows.
constexpr int most_rows_on_plain_weights = 512;
/// CPUs without AVX-512 have oneDNN's general product only. With AVX2 it takes 6 rows at a time, and what is left over:
/// 4 or 5 rows are summed as 6 are, 1 to 3 rows are not. Products of hundreds of rows are cut otherwise. So rows are
/// computed in blocks of at most this many, of which no 1 to 3 rows are left over.
constexpr int most_rows_summed_alike = 24;

/// The number of rows of blocks that hold so many rows together.
int rows_of_blocks(int rows) {
  constexpr int at_a_time = 6;
  constexpr int fewest_left_over = 4;
  const int blocks = std::max(1, (rows + most_rows_summed_alike - 1) / most_rows_summed_alike);
  const int in_each = (rows + blocks - 1) / blocks;
  const int left_over = in_each % at_a_time;
  return left_over == 0 ? in_each : in_each - left_over + std::max(left_over, fewest_left_over);
}

void give_threads_signal_stacks() {
#pragma omp parallel
  { use_signal_stack(); }
}

}  // namespace

bool has_bf16() {
  const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (has & wanted) == wanted;
}

std::vector<int> mlp_shape::sizes() const {
  std::vector<int> out{inputs};
  out.insert(out.end(), hidden.begin(), hidden.end());
  out.push_back(outputs);
  return out;
}

std::size_t mlp_shape::parameter_count() const {
  const auto n = sizes();
  std::size_t count = 0;
  for (std::size_t l = 0; l + 1 < n.size(); ++l) {
    count += static_cast<std::size_t>(n[l + 1]) * static_cast<std::size_t>(n[l] + 1);
  }
  return count;
}

struct mlp::impl {
  impl(const mlp_shape& of, int row_count, bool is_training, precision wanted)
      : shape(of),
        asked_rows(row_count),
        rows(row_count),
        training(is_training),
        type(wanted == precision::bf16 ? number::bf16 : number::f32),
        engine(dnnl::engine::kind::cpu, 0),
        stream(engine),
        layers(shape.hidden.size() + 1) {
    if (wanted == precision::bf16 && !has_bf16()) {
      throw input_error("bf16 needs a CPU with AVX512-BF16 instructions, which this one lacks; use fp32");
    }
    give_threads_signal_stacks();
    const auto sizes = shape.sizes();
    if (!training && !sums_rows_alike()) {
      rows = rows_of_blocks(asked_rows);
      blocks = (asked_rows + rows - 1) / rows;
      const auto computed = static_cast<std::size_t>(blocks) * static_cast<std::size_t>(rows);
      all_input.resize(computed * static_cast<std::size_t>(sizes.front()));
      all_output.resize(computed * static_cast<std::size_t>(sizes.back()));
      all_last_hidden.resize(computed * static_cast<std::size_t>(shape.hidden.empty() ? 0 : shape.hidden.back()));
    }
    input = memory(matrix(rows, shape.inputs, number::f32), engine);
    zero(input);
    converted_input = input;
    if (type != number::f32) {
      converted_input = memory(matrix(rows, shape.inputs, type), engine);
      convert_input = copy(input, converted_input);
    }
    for (std::size_t l = 0; l < layers.size(); ++l) {
      layers[l].inputs = sizes[l];
      layers[l].outputs = sizes[l + 1];
      build_product(l);
      build_activation(l);
    }
    if (training) {
      build_backward();
    } else if (layers.size() > 1) {
      last_hidden = layers[layers.size() - 2].activated;
      if (type != number::f32) {
        last_hidden = memory(matrix(rows, layers.back().inputs, number::f32), engine);
        convert_last_hidden = copy(layers[layers.size() - 2].activated, last_hidden);
      }
    }
  }

  /// Whether the bits of a row depend neither on the number of rows nor on its place: only in these products of oneDNN.
  bool sums_rows_alike() const {
    const auto sizes = shape.sizes();
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
      const dnnl::inner_product_forward::primitive_desc choice(
          {dnnl::prop_kind::forward_inference, matrix(rows, sizes[l], type), any_matrix(sizes[l + 1], sizes[l], type),
           vector(sizes[l + 1]), matrix(rows, sizes[l + 1], number::f32)},
          engine);
      if (std::string_view(choice.impl_info_str()).find("brgemm") == std::string_view::npos) {
        return false;
      }
    }
    return true;
  }

  void forward() {
    if (blocks == 0) {
      compute();
      return;
    }
    for (std::size_t b = 0; b < static_cast<std::size_t>(blocks); ++b) {
      const std::span<float> in = view(input);
      std::copy_n(all_input.begin() + static_cast<std::ptrdiff_t>(b * in.size()), in.size(), in.begin());
      compute();
      keep(layers.back().activated, all_output, b);
      if (!all_last_hidden.empty()) {
        keep(last_hidden, all_last_hidden, b);
      }
    }
  }

  void compute() {
    convert_input.run(stream);
    for (const layer& at : layers) {
      at.product.run(stream);
      at.activation.run(stream);
    }
    stream.wait();
  }

  static void keep(const memory& of_block, std::vector<float>& into, std::size_t b) {
    const std::span<const float> values = view(of_block);
    std::ranges::copy(values, into.begin() + static_cast<std::ptrdiff_t>(b * values.size()));
  }

  /// Values of the rows that were asked for.
  std::span<float> asked(const memory& rows_at_once, std::vector<float>& in_blocks) const {
    const std::span<float> values = blocks == 0 ? view(rows_at_once) : std::span<float>(in_blocks);
    const int computed = blocks == 0 ? rows : blocks * rows;
    return values.first(values.size() / static_cast<std::size_t>(computed) * static_cast<std::size_t>(asked_rows));
  }

  bool hidden(std::size_t l) const { return l + 1 < layers.size(); }
  const memory& source(std::size_t l) const { return l == 0 ? converted_input : layers[l - 1].activated; }
  memory::desc weights_wanted(const layer& at) const { return any_matrix(at.outputs, at.inputs, type); }
  /// Whether a training step is faster on the caller's plain weights than after reordering them.
  bool takes_plain_weights() const { return training && type == number::f32 && rows <= most_rows_on_plain_weights; }
  memory caller_memory(const memory::desc& plain) const { return {plain, engine, DNNL_MEMORY_NONE}; }

  void build_product(std::size_t l) {
    layer& at = layers[l];
    at.caller_weights = caller_memory(matrix(at.outputs, at.inputs, number::f32));
    const auto kind = training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const auto output = matrix(rows, at.outputs, hidden(l) ? type : number::f32);
    dnnl::primitive_attr attributes;
    if (hidden(l) && !training) {
      dnnl::post_ops ops;
      ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_swish, swish_alpha, 0.0F);
      attributes.set_post_ops(ops);
    }
    at.forward_choice = {
        {kind, source(l).get_desc(), takes_plain_weights() ? at.caller_weights.get_desc() : weights_wanted(at),
         vector(at.outputs), output},
        attributes,
        engine};
    at.bias = memory(vector(at.outputs), engine);
    at.forward_weights = at.caller_weights;
    if (at.forward_choice.weights_desc() != at.caller_weights.get_desc()) {
      at.forward_weights = memory(at.forward_choice.weights_desc(), engine);
      at.load_forward = copy(at.caller_weights, at.forward_weights);
    }
    at.output = memory(output, engine);
    at.activated = at.output;
    at.product = {dnnl::inner_product_forward(at.forward_choice),
                  {{DNNL_ARG_SRC, source(l)},
                   {DNNL_ARG_WEIGHTS, at.forward_weights},
                   {DNNL_ARG_BIAS, at.bias},
                   {DNNL_ARG_DST, at.output}}};
  }

  void build_activation(std::size_t l) {
    layer& at = layers[l];
    if (!hidden(l) || !training) {
      return;  // There is no activation, or the product applies it.
    }
    at.activated = memory(at.output.get_desc(), engine);
    at.activation_choice = {
        {dnnl::prop_kind::forward_training, dnnl::algorithm::eltwise_swish, at.output.get_desc(), swish_alpha, 0.0F},
        engine};
    at.activation = {dnnl::eltwise_forward(at.activation_choice),
                     {{DNNL_ARG_SRC, at.output}, {DNNL_ARG_DST, at.activated}}};
  }

  void build_backward() {
    output_gradient = memory(matrix(rows, shape.outputs, number::f32), engine);
    zero(output_gradient);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      layers[l].output_gradient = memory(matrix(rows, layers[l].outputs, type), engine);
    }
    if (type == number::f32) {
      layers.back().output_gradient = output_gradient;
    } else {
      convert_output_gradient = copy(output_gradient, layers.back().output_gradient);
    }
    for (std::size_t l = 0; l < layers.size(); ++l) {
      build_activation_back(layers[l], hidden(l));
      build_weights_back(l);
      if (l > 0) {
        build_data_back(layers[l], layers[l - 1].output_gradient);
      }
    }
  }

  void build_activation_back(layer& at, bool is_hidden) {
    if (!is_hidden) {
      return;
    }
    const auto values = at.output.get_desc();
    const dnnl::eltwise_backward::primitive_desc choice(
        {dnnl::algorithm::eltwise_swish, values, values, swish_alpha, 0.0F}, engine, at.activation_choice);
    at.activation_back = {
        dnnl::eltwise_backward(choice),
        {{DNNL_ARG_SRC, at.output}, {DNNL_ARG_DIFF_DST, at.output_gradient}, {DNNL_ARG_DIFF_SRC, at.output_gradient}}};
  }

  /// The gradient goes directly into the plain layout. Another layout would save less time than reordering takes.
  void build_weights_back(std::size_t l) {
    layer& at = layers[l];
    const dnnl::inner_product_backward_weights::primitive_desc choice(
        {source(l).get_desc(), matrix(at.outputs, at.inputs, number::f32), vector(at.outputs),
         at.output_gradient.get_desc()},
        engine, at.forward_choice);
    at.caller_gradient = caller_memory(matrix(at.outputs, at.inputs, number::f32));
    at.bias_gradient = caller_memory(vector(at.outputs));
    at.weights_back = {dnnl::inner_product_backward_weights(choice),
                       {{DNNL_ARG_SRC, source(l)},
                        {DNNL_ARG_DIFF_DST, at.output_gradient},
                        {DNNL_ARG_DIFF_WEIGHTS, at.caller_gradient},
                        {DNNL_ARG_DIFF_BIAS, at.bias_gradient}}};
  }

  void build_data_back(layer& at, const memory& input_gradient) {
    // With fp32 the caller's plain weights are as fast as any layout, and nothing has to be reordered.
    const bool plain = type == number::f32;
    const dnnl::inner_product_backward_data::primitive_desc choice(
        {input_gradient.get_desc(), plain ? at.caller_weights.get_desc() : weights_wanted(at),
         at.output_gradient.get_desc()},
        engine, at.forward_choice);
    at.backward_weights = plain ? at.caller_weights : at.forward_weights;
    if (choice.weights_desc() != at.backward_weights.get_desc()) {
      at.backward_weights = memory(choice.weights_desc(), engine);
      at.load_backward = copy(at.caller_weights, at.backward_weights);
    }
    at.data_back = {dnnl::inner_product_backward_data(choice),
                    {{DNNL_ARG_DIFF_DST, at.output_gradient},
                     {DNNL_ARG_WEIGHTS, at.backward_weights},
                     {DNNL_ARG_DIFF_SRC, input_gradient}}};
  }

  mlp_shape shape;
  int asked_rows;
  int rows;  ///< Those of one pass.
  // Above 0: forward() computes so many blocks of `rows` rows, whose values are here. What fills the last one up is 0.
  int blocks = 0;
  std::vector<float> all_input;
  std::vector<float> all_output;
  std::vector<float> all_last_hidden;
  bool training;
  number type;  ///< Number type of weights and activations inside the products.
  dnnl::engine engine;
  dnnl::stream stream;
  memory input;
  memory converted_input;
  bound convert_input;
  memory last_hidden;
  bound convert_last_hidden;
  memory output_gradient;
  bound convert_output_gradient;
  std::vector<layer> layers;
};

mlp::mlp(const mlp_shape& shape, int rows, bool training, precision wanted) try
    : impl_(std::make_unique<impl>(shape, rows, training, wanted)) {
} catch (const dnnl::error& error) {
  if (error.status == dnnl_out_of_memory) {
    throw std::bad_alloc();
  }
  throw;
}

mlp::mlp(mlp&&) noexcept = default;
mlp& mlp::operator=(mlp&&) noexcept = default;
mlp::~mlp() = default;

void mlp::set_parameters(std::span<const float> parameters) {
  SPIKESWEEP_ASSERT(parameters.size() == impl_->shape.parameter_count());
  const float* from = parameters.data();
  for (auto& at : impl_->layers) {
    point(at.caller_weights, from);
    at.load_forward.run(impl_->stream);
    at.load_backward.run(impl_->stream);
    from += static_cast<std::ptrdiff_t>(at.inputs) * at.outputs;
    std::copy_n(from, at.outputs, view(at.bias).data());
    from += at.outputs;
  }
  impl_->stream.wait();
}

std::span<float> mlp::input() {
  return impl_->asked(impl_->input, impl_->all_input);
}

std::span<const float> mlp::forward() {
  impl_->forward();
  return impl_->asked(impl_->layers.back().activated, impl_->all_output);
}

std::span<const float> mlp::last_hidden() {
  SPIKESWEEP_ASSERT(!impl_->training && impl_->layers.size() > 1);
  if (impl_->blocks == 0) {
    impl_->convert_last_hidden.run(impl_->stream);
    impl_->stream.wait();
  }
  return impl_->asked(impl_->last_hidden, impl_->all_last_hidden);
}

std::span<float> mlp::output_gradient() {
  SPIKESWEEP_ASSERT(impl_->training);
  return view(impl_->output_gradient);
}

void mlp::backward(std::span<float> gradient) {
  SPIKESWEEP_ASSERT(impl_->training && gradient.size() == impl_->shape.parameter_count());
  impl_->convert_output_gradient.run(impl_->stream);
  float* to = gradient.data() + gradient.size();
  for (auto at = impl_->layers.rbegin(); at != impl_->layers.rend(); ++at) {
    to -= at->outputs;
    point(at->bias_gradient, to);
    to -= static_cast<std::ptrdiff_t>(at->inputs) * at->outputs;
    point(at->caller_gradient, to);
    at->activation_back.run(impl_->stream);
    at->weights_back.run(impl_->stream);
    at->data_back.run(impl_->stream);
  }
  impl_->stream.wait();
}

void initialise(const mlp_shape& shape, random_stream& stream, std::span<float> parameters) {
  SPIKESWEEP_ASSERT(parameters.size() == shape.parameter_count());
  const auto sizes = shape.sizes();
  auto next = parameters.begin();
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    const bool last = l + 2 == sizes.size();
    const double deviation = (last ? output_scale : 1.0F) / std::sqrt(static_cast<double>(sizes[l]));
    const auto weights = static_cast<std::ptrdiff_t>(sizes[l]) * sizes[l + 1];
    for (auto end = next + weights; next != end; ++next) {
      *next = static_cast<float>(deviation * stream.normal());
    }
    next = std::fill_n(next, sizes[l + 1], 0.0F);
  }
}

}  // namespace spikesweep
