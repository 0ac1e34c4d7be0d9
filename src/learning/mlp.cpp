#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <dnnl.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/mlp.hpp>

namespace spikesweep {

namespace {

using dnnl::memory;
using tag = memory::format_tag;

constexpr float swish_alpha = 1.0F;  ///< SiLU is oneDNN's swish of alpha 1.
constexpr float output_scale = 0.1F;

memory::desc plain(memory::dim rows, memory::dim columns) {
  return {{rows, columns}, memory::data_type::f32, tag::ab};
}

memory::desc any(memory::dim rows, memory::dim columns) {
  return {{rows, columns}, memory::data_type::f32, tag::any};
}

memory::desc vector(memory::dim n) {
  return {{n}, memory::data_type::f32, tag::a};
}

/// A primitive with its memories bound.
struct bound {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;

  void run(dnnl::stream& stream) const { primitive.execute(stream, arguments); }
};

/// Memory in the layout a primitive prefers, and the copy from the plain one; the same memory if the layouts agree.
struct preferred {
  memory data;
  bound from_plain;
  bool same = true;
};

preferred prefer(const memory& source, const memory::desc& wanted, const dnnl::engine& engine) {
  preferred out;
  if (source.get_desc() == wanted) {
    out.data = source;
    return out;
  }
  out.same = false;
  out.data = memory(wanted, engine);
  out.from_plain = {dnnl::reorder(source, out.data), {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, out.data}}};
  return out;
}

}  // namespace

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
  /// One layer. Activations stay row-major (what inner products prefer on all CPUs we met); only weights are reordered.
  struct layer {
    memory weights;  ///< Plain, outputs x inputs.
    memory bias;
    preferred forward_weights;
    preferred backward_weights;
    memory output;     ///< Before the activation when training; after it otherwise.
    memory activated;  ///< After the activation.
    memory output_gradient;
    memory weights_gradient;  ///< Plain.
    memory bias_gradient;
    bound product;
    bound activation;
    bound activation_back;
    bound data_back;
    bound weights_back;
    bound weights_back_to_plain;
    int outputs = 0;
    bool hidden = false;
  };

  impl(const mlp_shape& of, int rows, bool training) : shape(of), engine(dnnl::engine::kind::cpu, 0), stream(engine) {
    const auto sizes = shape.sizes();
    layers.resize(sizes.size() - 1);
    input = memory(plain(rows, sizes[0]), engine);
    zero(input);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      build_forward(l, rows, sizes[l], sizes[l + 1], training);
    }
    for (std::size_t l = layers.size(); training && l-- > 0;) {
      build_backward(l, rows, sizes[l], sizes[l + 1]);
    }
  }

  static void zero(memory& m) {
    auto* data = static_cast<float*>(m.get_data_handle());
    std::fill_n(data, m.get_desc().get_size() / sizeof(float), 0.0F);
  }

  const memory& source(std::size_t l) const { return l == 0 ? input : layers[l - 1].activated; }

  static std::span<float> view(const memory& m) {
    return {static_cast<float*>(m.get_data_handle()), m.get_desc().get_size() / sizeof(float)};
  }

  void build_forward(std::size_t l, int rows, int inputs, int outputs, bool training) {
    layer& at = layers[l];
    at.hidden = l + 1 < layers.size();
    at.outputs = outputs;
    at.weights = memory(plain(outputs, inputs), engine);
    at.bias = memory(vector(outputs), engine);
    at.output = memory(plain(rows, outputs), engine);
    const auto kind = training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const dnnl::inner_product_forward::desc description(kind, plain(rows, inputs), any(outputs, inputs),
                                                        vector(outputs), plain(rows, outputs));
    dnnl::primitive_attr attributes;
    if (at.hidden && !training) {
      dnnl::post_ops ops;
      ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_swish, swish_alpha, 0.0F);
      attributes.set_post_ops(ops);
    }
    const dnnl::inner_product_forward::primitive_desc chosen(description, attributes, engine);
    at.forward_weights = prefer(at.weights, chosen.weights_desc(), engine);
    at.product = {dnnl::inner_product_forward(chosen),
                  {{DNNL_ARG_SRC, source(l)},
                   {DNNL_ARG_WEIGHTS, at.forward_weights.data},
                   {DNNL_ARG_BIAS, at.bias},
                   {DNNL_ARG_DST, at.output}}};
    at.activated = at.output;
    if (at.hidden && training) {
      at.activated = memory(plain(rows, outputs), engine);
      const dnnl::eltwise_forward::primitive_desc swish(
          {kind, dnnl::algorithm::eltwise_swish, plain(rows, outputs), swish_alpha, 0.0F}, engine);
      at.activation = {dnnl::eltwise_forward(swish), {{DNNL_ARG_SRC, at.output}, {DNNL_ARG_DST, at.activated}}};
    }
  }

  void build_backward(std::size_t l, int rows, int inputs, int outputs) {
    layer& at = layers[l];
    const auto forward_kind = dnnl::prop_kind::forward_training;
    const dnnl::inner_product_forward::primitive_desc hint(
        {forward_kind, plain(rows, inputs), any(outputs, inputs), vector(outputs), plain(rows, outputs)}, engine);
    at.output_gradient = memory(plain(rows, outputs), engine);
    zero(at.output_gradient);
    const dnnl::inner_product_backward_weights::primitive_desc weights_pd(
        {plain(rows, inputs), any(outputs, inputs), vector(outputs), plain(rows, outputs)}, engine, hint);
    at.weights_gradient = memory(plain(outputs, inputs), engine);
    at.bias_gradient = memory(vector(outputs), engine);
    memory gradient = at.weights_gradient;
    if (!(weights_pd.diff_weights_desc() == gradient.get_desc())) {
      gradient = memory(weights_pd.diff_weights_desc(), engine);
      at.weights_back_to_plain = {dnnl::reorder(gradient, at.weights_gradient),
                                  {{DNNL_ARG_FROM, gradient}, {DNNL_ARG_TO, at.weights_gradient}}};
    }
    at.weights_back = {dnnl::inner_product_backward_weights(weights_pd),
                       {{DNNL_ARG_SRC, source(l)},
                        {DNNL_ARG_DIFF_DST, at.output_gradient},
                        {DNNL_ARG_DIFF_WEIGHTS, gradient},
                        {DNNL_ARG_DIFF_BIAS, at.bias_gradient}}};
    if (at.hidden) {
      // The gradient after the activation becomes the one before it, in place.
      const dnnl::eltwise_forward::primitive_desc swish(
          {forward_kind, dnnl::algorithm::eltwise_swish, plain(rows, outputs), swish_alpha, 0.0F}, engine);
      const dnnl::eltwise_backward::primitive_desc back(
          {dnnl::algorithm::eltwise_swish, plain(rows, outputs), plain(rows, outputs), swish_alpha, 0.0F}, engine,
          swish);
      at.activation_back = {dnnl::eltwise_backward(back),
                            {{DNNL_ARG_SRC, at.output},
                             {DNNL_ARG_DIFF_DST, at.output_gradient},
                             {DNNL_ARG_DIFF_SRC, at.output_gradient}}};
    }
    if (l + 1 < layers.size()) {
      layer& above = layers[l + 1];
      const dnnl::inner_product_forward::primitive_desc above_hint(
          {forward_kind, plain(rows, outputs), any(above.outputs, outputs), vector(above.outputs),
           plain(rows, above.outputs)},
          engine);
      const dnnl::inner_product_backward_data::primitive_desc data_pd(
          {plain(rows, outputs), any(above.outputs, outputs), plain(rows, above.outputs)}, engine, above_hint);
      above.backward_weights = prefer(above.weights, data_pd.weights_desc(), engine);
      above.data_back = {dnnl::inner_product_backward_data(data_pd),
                         {{DNNL_ARG_DIFF_DST, above.output_gradient},
                          {DNNL_ARG_WEIGHTS, above.backward_weights.data},
                          {DNNL_ARG_DIFF_SRC, at.output_gradient}}};
    }
  }

  mlp_shape shape;
  dnnl::engine engine;
  dnnl::stream stream;
  memory input;
  std::vector<layer> layers;
};

mlp::mlp(const mlp_shape& shape, int rows, bool training) : impl_(std::make_unique<impl>(shape, rows, training)) {}

mlp::mlp(mlp&&) noexcept = default;
mlp& mlp::operator=(mlp&&) noexcept = default;
mlp::~mlp() = default;

void mlp::set_parameters(std::span<const float> parameters) {
  SPIKESWEEP_ASSERT(parameters.size() == impl_->shape.parameter_count());
  const float* from = parameters.data();
  for (auto& layer : impl_->layers) {
    for (const memory& to : {layer.weights, layer.bias}) {
      const auto out = impl::view(to);
      std::copy_n(from, out.size(), out.data());
      from += out.size();
    }
    for (const preferred* copy : {&layer.forward_weights, &layer.backward_weights}) {
      if (!copy->same) {
        copy->from_plain.run(impl_->stream);
      }
    }
  }
  impl_->stream.wait();
}

std::span<float> mlp::input() {
  return impl::view(impl_->input);
}

std::span<const float> mlp::forward() {
  for (const auto& layer : impl_->layers) {
    layer.product.run(impl_->stream);
    if (layer.activation.primitive) {
      layer.activation.run(impl_->stream);
    }
  }
  impl_->stream.wait();
  return impl::view(impl_->layers.back().activated);
}

std::span<float> mlp::output_gradient() {
  return impl::view(impl_->layers.back().output_gradient);
}

void mlp::backward(std::span<float> gradient) {
  SPIKESWEEP_ASSERT(gradient.size() == impl_->shape.parameter_count());
  float* to = gradient.data() + gradient.size();
  for (auto layer = impl_->layers.rbegin(); layer != impl_->layers.rend(); ++layer) {
    if (layer->hidden) {
      layer->activation_back.run(impl_->stream);
    }
    layer->weights_back.run(impl_->stream);
    if (layer->weights_back_to_plain.primitive) {
      layer->weights_back_to_plain.run(impl_->stream);
    }
    if (layer->data_back.primitive) {
      layer->data_back.run(impl_->stream);
    }
    impl_->stream.wait();
    for (const memory& from : {layer->bias_gradient, layer->weights_gradient}) {
      const auto values = impl::view(from);
      to -= values.size();
      std::ranges::copy(values, to);
    }
  }
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
