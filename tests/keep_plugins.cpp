// For builds with sanitizers only. Open MPI loads its parts as plugins and unloads them before the process ends. A leak
// of an unloaded plugin has no name in the report, so that lsan.supp could not tell it from a leak of spikesweep. This
// library stands before the C library and leaves every plugin loaded.
extern "C" int dlclose(void*) {
  return 0;
}
