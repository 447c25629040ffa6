# SPDX-License-Identifier: BSL-1.0
#
# What the scripts beside it share: telling, failing with one line, and finding out which packages a
# machine lacks. Sourced by bash, never run. What is missing is asked by use (does the header
# compile?), not by package name, so that a machine set up in another way is left alone.

export DEBIAN_FRONTEND=noninteractive
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc 2>/dev/null || echo 2)

say() { printf '%s\n' "$*"; }

# fail WHAT HOW-TO-FIX-IT
fail() {
  printf '\nfailed: %s\n   fix: %s\n' "$1" "$2" >&2
  exit 1
}

# compiles PREPROCESSOR-LINES: does a file that holds them get through the preprocessor?
compiles() { printf "$1" | "${CXX:-c++}" -x c++ -std=c++20 -E -o /dev/null - 2>/dev/null; }

has() {
  case $1 in
    g++) command -v "${CXX:-c++}" ;;
    ninja-build) command -v ninja ;;
    pkg-config) command -v pkg-config ;;
    libboost1.81-dev) compiles '#include <boost/version.hpp>\n#if BOOST_VERSION < 108100\n#error\n#endif\n' ;;
    catch2) compiles '#include <catch2/catch.hpp>\n' || compiles '#include <catch2/catch_test_macros.hpp>\n' ;;
    libssl-dev) compiles '#include <openssl/ssl.h>\n' ;;
    nginx-light) command -v nginx ;;
    nghttp2-client) command -v h2load ;;
    nodejs) command -v node ;;
    libclang-rt-*-dev | librestinio-dev | libcpp-httplib-dev | libcurl4-openssl-dev | liburing-dev) dpkg -s "$1" ;;
    *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

# A package that this distribution does not carry and for which subprojects/ has a wrap.
wrapped() { case $1 in libboost1.81-dev | catch2) ! apt-cache show "$1" ;; *) false ;; esac >/dev/null 2>&1; }

# ensure PACKAGE...: installs those that are missing, with apt, as root or through sudo, asking nothing.
ensure() {
  local missing=() package sudo=() log
  for package; do has "$package" || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null ||
    fail "this machine lacks: ${missing[*]}" "install them (these are Debian's names) with this system's package manager"
  local by_hand="run as root: apt-get update && apt-get install -y ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || fail "this machine lacks: ${missing[*]}" "$by_hand"
    sudo=(sudo -n DEBIAN_FRONTEND=noninteractive)
  fi
  log=$(mktemp)
  "${sudo[@]}" apt-get update -qq >"$log" 2>&1 || say "apt-get update had trouble: $(tail -n 1 "$log")"
  local wanted=()
  for package in "${missing[@]}"; do
    if wrapped "$package"; then
      say "not packaged here: $package; Meson downloads its source (subprojects/)"
      wanted+=(ca-certificates)
    else
      wanted+=("$package")
    fi
  done
  say "installing with apt: ${wanted[*]}"
  "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >"$log" 2>&1 </dev/null ||
    fail "apt-get install ${wanted[*]}: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")" "$by_hand"
  rm -f "$log"
}

# llvm PROGRAM: the program in the version the project is developed with, or the next one that is here.
llvm() {
  local version
  for version in 16 17 18 19 20 21 22; do command -v "$1-$version" && return; done
  return 1
}

# configure DIRECTORY MESON-OPTION...: sets a build folder up once; ninja keeps it current afterwards.
configure() {
  local directory=$1 log
  shift
  [ -f "$directory/build.ninja" ] && return
  log=$(mktemp)
  say "configuring ${directory#"$root"/}"
  meson setup "$directory" "$root" "$@" >"$log" 2>&1 </dev/null || {
    cat "$log"
    fail "meson setup: $(grep -m 1 ERROR "$log" | sed 's/^.*ERROR: //')" "see the lines above; 'rm -r $directory' starts afresh"
  }
  rm -f "$log"
}
