#!/bin/bash -eu
# SPDX-License-Identifier: Apache-2.0 OR BSL-1.0
#
# Copyright 2026 the authors of sluice
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
#
################################################################################

cd "$SRC/sluice"
flags="-std=c++20 -pthread -Iinclude -Itest -DSLUICE_SEPARATE_COMPILATION -DSLUICE_BROTLI -DSLUICE_ZSTD"
# The machines that run the targets do not have these libraries.
libraries="-l:libssl.a -l:libcrypto.a -l:libbrotlienc.a -l:libbrotlidec.a -l:libbrotlicommon.a -l:libzstd.a -l:libz.a"

# The library is compiled once, with the same instrumentation as the targets.
$CXX $CXXFLAGS $flags -DSLUICE_TEST_TLS -DSLUICE_TEST_COMPRESS -c test/support/sluice.cpp -o "$WORK/sluice.o"

target() {
  $CXX $CXXFLAGS $flags "test/fuzz/$1.cpp" "$WORK/sluice.o" $LIB_FUZZING_ENGINE $libraries -o "$OUT/fuzz_$1"
  zip -jqr "$OUT/fuzz_$1_seed_corpus.zip" "test/fuzz/corpus/$1"
}
export flags libraries
export -f target
find test/fuzz -maxdepth 1 -name '*.cpp' ! -name replay.cpp -exec basename {} .cpp \; |
  xargs -P "$(nproc)" -I NAME bash -euc 'target NAME'
