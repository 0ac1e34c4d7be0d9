#pragma once

#include <functional>
#include <thread>

#include <sys/types.h>

namespace spikesweep {

/// From now on a write past the file-size limit of the process is an error, instead of a signal that ends the process.
void ignore_file_size_signal();

/// Whether a process of this host is alive. Processes of other users count.
bool is_alive(pid_t process);

/// Ends a process of this host at once, if it is alive.
void kill_process(pid_t process);

/// This process ends together with its parent.
void die_with_parent();

/// A thread that gets no signals: they go to the thread that works.
std::thread start_without_signals(const std::function<void()>& run);

/// The name of a signal for people, such as "Segmentation fault".
const char* signal_name(int signal);

}  // namespace spikesweep
