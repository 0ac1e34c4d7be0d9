#pragma once

#include <algorithm>
#include <span>
#include <unordered_map>

#include <dnnl.hpp>

/// oneDNN's matrices and primitives, as a perceptron needs them.
namespace spikesweep::onednn {

using dnnl::memory;
using number = memory::data_type;

inline memory::desc matrix(memory::dim rows, memory::dim columns, number type) {
  return {{rows, columns}, type, memory::format_tag::ab};
}

/// A matrix whose layout the primitive chooses.
inline memory::desc any_matrix(memory::dim rows, memory::dim columns, number type) {
  return {{rows, columns}, type, memory::format_tag::any};
}

inline memory::desc vector(memory::dim n) {
  return {{n}, number::f32, memory::format_tag::a};
}

inline std::span<float> view(const memory& m) {
  return {static_cast<float*>(m.get_data_handle()), m.get_desc().get_size() / sizeof(float)};
}

inline void zero(const memory& m) {
  std::fill_n(static_cast<char*>(m.get_data_handle()), m.get_desc().get_size(), '\0');
}

/// Makes a memory refer to the caller's values. oneDNN has no memory of constant values, but it only reads these.
inline void point(memory& m, const float* at) {
  m.set_data_handle(const_cast<float*>(at));
}

/// A primitive together with its arguments. Without a primitive, run() does nothing.
struct bound {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;

  void run(dnnl::stream& stream) const {
    if (primitive) {
      primitive.execute(stream, arguments);
    }
  }
};

/// Copies between two memories of one shape, whose layouts and number types may differ.
inline bound copy(const memory& from, const memory& to) {
  return {dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}};
}

/// Activations stay row-major, because inner products prefer this on every CPU that was tried; weights are reordered.
struct layer {
  int inputs = 0;
  int outputs = 0;
  dnnl::inner_product_forward::primitive_desc forward_choice;
  dnnl::eltwise_forward::primitive_desc activation_choice;
  memory caller_weights;  ///< outputs x inputs, plain; belongs to the caller of set_parameters().
  memory bias;
  memory forward_weights;
  memory output;     ///< When training, the values before the activation; otherwise those after it.
  memory activated;  ///< After the activation.
  bound load_forward;
  bound product;
  bound activation;

  memory output_gradient;  ///< The gradient with respect to `activated`, then, in the same place, to `output`.
  memory caller_gradient;  ///< outputs x inputs, plain; belongs to the caller of backward().
  memory bias_gradient;    ///< Belongs to the caller of backward().
  memory backward_weights;
  bound load_backward;
  bound activation_back;
  bound weights_back;
  bound data_back;
};

}  // namespace spikesweep::onednn
