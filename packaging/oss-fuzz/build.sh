#!/bin/bash -eu
# SPDX-License-Identifier: BSL-1.0
#
# The targets that need Boost's headers only: OpenSSL and zlib of the image are not compiled with
# the sanitizers, and the targets that use them run in the project's own checks.

cd "$SRC/sluice"
for source in test/fuzz/*.cpp; do
  name=$(basename "$source" .cpp)
  if [ "$name" = replay ] || grep -qE 'sluice/(compress|fetch|https|websocket)\.hpp|<openssl/' "$source"; then
    continue
  fi
  # Header-only, so that all of the library is instrumented. Some targets name files of detail/,
  # which a program may include after a public header only.
  $CXX $CXXFLAGS -std=c++20 -pthread -Iinclude -Itest -include sluice/http.hpp "$source" \
    $LIB_FUZZING_ENGINE -o "$OUT/fuzz_$name"
  if [ -d "test/fuzz/corpus/$name" ]; then
    zip -jqr "$OUT/fuzz_${name}_seed_corpus.zip" "test/fuzz/corpus/$name"
  fi
done
