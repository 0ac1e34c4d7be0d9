#pragma once

namespace spikesweep {

/// Gives this thread a stack of its own for signal handlers, for as long as it lives. Every thread that runs oneDNN
/// needs one: its fp32 matrix products lead the stack pointer into the heap for a while, where a handler's frame would
/// overwrite numbers and the heap's own records (oneDNN issue 4845, mended after version 3.11). Only handlers installed
/// with SA_ONSTACK use it.
void use_signal_stack();

}  // namespace spikesweep
