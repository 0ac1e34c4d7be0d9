#include <algorithm>
#include <mutex>

#include <fftw3.h>

#include <spikesweep/base/portable_math.hpp>
#include <spikesweep/network/spectrum.hpp>
#include <spikesweep/network/statistics.hpp>

namespace spikesweep {

namespace {

struct fftw_deleter {
  void operator()(void* memory) const { fftw_free(memory); }
};

/// FFTW makes and destroys plans for one thread at a time only.
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

struct plan_deleter {
  void operator()(fftw_plan plan) const {
    const std::scoped_lock lock(planner());
    fftw_destroy_plan(plan);
  }
};

using plan_holder = std::unique_ptr<fftw_plan_s, plan_deleter>;

/// Without the instructions of some processors, which add in another order: the bits would depend on them.
plan_holder plan_transform(int n, double* in, fftw_complex* out) {
  const std::scoped_lock lock(planner());
  return plan_holder(fftw_plan_dft_r2c_1d(n, in, out, FFTW_ESTIMATE | FFTW_NO_SIMD));
}

/// Hann window at a share of its length in [0, 1]: sin^2(pi x).
double hann(double share) {
  const double near_end = std::min(share, 1 - share);
  const double c = portable_cos_pi(near_end);
  return 1 - c * c;
}

}  // namespace

std::vector<double> spectrum_frequencies(double step, std::int64_t segment) {
  // The product of whole numbers and decimals rounds: 700 bins of 1 ms are 0.7 s.
  constexpr double nanoseconds = 1e9;
  const double length = static_cast<double>(segment) * step;
  const double length_s = length > 1 / nanoseconds ? std::round(length * nanoseconds) / nanoseconds : length;
  std::vector<double> out;
  for (std::int64_t i = 0; segment > 1 && i <= segment / 2; ++i) {
    out.push_back(static_cast<double>(i) / length_s);
  }
  return out;
}

struct segment_transform::buffers {
  explicit buffers(std::size_t length)
      : in(fftw_alloc_real(length)),
        out(fftw_alloc_complex(length / 2 + 1)),
        plan(plan_transform(static_cast<int>(length), in.get(), out.get())) {}

  std::unique_ptr<double[], fftw_deleter> in;
  std::unique_ptr<fftw_complex[], fftw_deleter> out;
  plan_holder plan;
};

segment_transform::segment_transform(double step, std::int64_t segment)
    : step_(step), length_(segment < 2 ? 0 : static_cast<std::size_t>(segment)) {
  if (length_ == 0) {
    return;
  }
  frequencies_ = length_ / 2 + 1;
  squares_.resize(frequencies_);
  window_.resize(length_);
  for (std::size_t i = 0; i < length_; ++i) {
    window_[i] = hann(static_cast<double>(i) / static_cast<double>(length_));
    window_power_ += window_[i] * window_[i];
  }
  buffers_ = std::make_unique<buffers>(length_);
}

segment_transform::~segment_transform() = default;

void segment_transform::each(std::span<const double> series,
                             const std::function<void(std::size_t begin, std::span<const double> squares)>& take) {
  if (length_ == 0) {
    return;
  }
  double* const in = buffers_->in.get();
  for (std::size_t begin = 0; begin + length_ <= series.size(); begin += std::max<std::size_t>(1, length_ / 2)) {
    const double m = mean(series.subspan(begin, length_));
    for (std::size_t i = 0; i < length_; ++i) {
      in[i] = window_[i] * (series[begin + i] - m);
    }
    fftw_execute(buffers_->plan.get());
    for (std::size_t i = 0; i < frequencies_; ++i) {
      const fftw_complex& x = buffers_->out[i];
      squares_[i] = x[0] * x[0] + x[1] * x[1];
    }
    take(begin, squares_);
  }
}

spectrum segment_transform::scaled(std::span<const double> squares, std::int64_t segments) const {
  spectrum out;
  if (segments == 0) {
    return out;
  }
  out.frequency = spectrum_frequencies(step_, static_cast<std::int64_t>(length_));
  for (std::size_t i = 0; i < frequencies_; ++i) {
    const bool unpaired = i == 0 || (length_ % 2 == 0 && i == frequencies_ - 1);
    out.power.push_back((unpaired ? 1 : 2) * squares[i] * step_ / (window_power_ * static_cast<double>(segments)));
  }
  return out;
}

spectrum welch(std::span<const std::vector<double>> series, double step, std::int64_t segment) {
  segment_transform transform(step, segment);
  std::vector<double> sum(transform.frequencies(), 0.0);
  std::int64_t segments = 0;
  for (const auto& values : series) {
    transform.each(values, [&](std::size_t, std::span<const double> squares) {
      for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i] += squares[i];
      }
      ++segments;
    });
  }
  return transform.scaled(sum, segments);
}

}  // namespace spikesweep
