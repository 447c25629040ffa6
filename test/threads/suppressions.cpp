// SPDX-License-Identifier: BSL-1.0
//
// What ThreadSanitizer takes for a race because it does not see how threads agree there.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
extern "C" const char* __tsan_default_suppressions() {
  return
      // It does not know the fence between giving an executor up and destroying it.
      "race:boost::asio::execution::detail::shared_target_executor\n"
      // OpenSSL is not built with it, so that its atomics are not seen: a certificate's extensions
      // are read once, under a lock, and other threads ask a flag instead of the lock. What the
      // library does with OpenSSL's objects, and in its callbacks, is looked at all the same.
      "called_from_lib:libcrypto.so\n";
}
#endif
#endif
