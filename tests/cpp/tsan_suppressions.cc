// libstdc++ counts the references to an exception inside its own, uninstrumented library: the one
// that drops the last reference looks to ThreadSanitizer as if it raced with who read the exception
// before.
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
