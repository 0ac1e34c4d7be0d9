#pragma once

namespace spikesweep {

/// A file descriptor that is closed at the end.
class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor();
  /// Below 0: it could not be opened.
  int number() const { return number_; }

 private:
  int number_;
};

/// Something that happens once, and wakes every thread that polls for it from then on.
class event {
 public:
  event();
  /// False if the process has no file descriptor left: then nobody is woken.
  bool works() const { return descriptor_.number() >= 0; }
  /// Readable after happen().
  int number() const { return descriptor_.number(); }
  /// May be called within a signal, and more than once.
  void happen() const noexcept;
  /// As if it had not happened.
  void undo() const noexcept;

 private:
  descriptor descriptor_;
};

}  // namespace spikesweep
