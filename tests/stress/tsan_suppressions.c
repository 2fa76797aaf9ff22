/* libuv closes descriptors by a system call that ThreadSanitizer does not see; when another thread
 * is given the same number, the two creations look like a race on it. So its calls that make
 * descriptors are not looked at. */
__attribute__((visibility("default"))) const char* __tsan_default_suppressions(void);

const char* __tsan_default_suppressions(void) { return "called_from_lib:libuv.so.1\n"; }
