# SPDX-License-Identifier: BSL-1.0
#
# What the scripts beside it share: telling, failing with one line, and finding out which packages a
# machine lacks. Sourced by bash, never run; macOS has bash 3.2. What is missing is asked by use (does
# the header compile?), not by package name, so that a machine set up in another way is left alone.
# Scripts name packages as Debian does; `here` knows what others call them.

export DEBIAN_FRONTEND=noninteractive
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=${JOBS:-$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)}
for manager in apt-get dnf brew none; do command -v $manager >/dev/null && break; done

# Compilers do not look into Homebrew's folders by themselves.
if [ $manager = brew ]; then
  brewed=$(brew --prefix)
  export BOOST_ROOT=$brewed CPLUS_INCLUDE_PATH=$brewed/include LIBRARY_PATH=$brewed/lib
  export PKG_CONFIG_PATH=$brewed/opt/openssl@3/lib/pkgconfig:${PKG_CONFIG_PATH:-}
fi

say() { printf '%s\n' "$*"; }

# fail WHAT HOW-TO-FIX-IT
fail() {
  printf '\nfailed: %s\n   fix: %s\n' "$1" "$2" >&2
  exit 1
}

# compiles PREPROCESSOR-LINES: does a file that holds them get through the preprocessor? $CXX may be several words.
# shellcheck disable=SC2086
compiles() { printf "$1" | ${CXX:-c++} -x c++ -std=c++20 -E -o /dev/null - 2>/dev/null; }

has() {
  case $1 in
    g++) command -v ${CXX:-c++} ;;
    ninja-build) command -v ninja ;;
    pkg-config) command -v pkg-config ;;
    libboost-dev) compiles '#include <boost/version.hpp>\n#if BOOST_VERSION < 108100\n#error\n#endif\n' ;;
    catch2) compiles '#include <catch2/catch.hpp>\n' || compiles '#include <catch2/catch_test_macros.hpp>\n' ;;
    libssl-dev) compiles '#include <openssl/ssl.h>\n' || pkg-config --exists openssl ;;
    zlib1g-dev) compiles '#include <zlib.h>\n' ;;
    libbrotli-dev) compiles '#include <brotli/encode.h>\n' ;;
    libzstd-dev) compiles '#include <zstd.h>\n' ;;
    nginx-light) command -v nginx ;;
    nghttp2-client) command -v h2load ;;
    testssl.sh) command -v testssl ;;
    nodejs) command -v node ;;
    llvm-[0-9]*) command -v "llvm-cov-${1#llvm-}" ;;
    libclang-rt-*-dev | libc++*-dev | librestinio-dev | libcpp-httplib-dev | libcurl4-openssl-dev | liburing-dev | g++-multilib) dpkg -s "$1" ;;
    *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

# Debian's libboost-dev, or else the newest of the packages that have a version in their name.
newest_boost() {
  local name version
  for name in libboost-dev $(apt-cache pkgnames libboost1. | grep -E '^libboost1\.[0-9]+-dev$' | sort -rV); do
    version=$(apt-cache show --no-all-versions "$name" 2>/dev/null | sed -n 's/^Version: 1\.\([0-9]*\).*/\1/p')
    [ "${version:-0}" -lt 81 ] || { say "$name" && return; }
  done
}

# here PACKAGE: what this machine's package manager calls it; nothing where it has none.
here() {
  case $manager:$1 in
    apt-get:libboost-dev) newest_boost ;;
    apt-get:*-linux-gnu-g++) say "g++-${1%-g++}" ;;
    apt-get:qemu-*) say qemu-user ;;
    apt-get:catch2) ! apt-cache show catch2 >/dev/null 2>&1 || say catch2 ;;
    dnf:g++) say gcc-c++ ;;
    dnf:pkg-config) say pkgconf-pkg-config ;;
    dnf:libboost-dev) say boost-devel ;;
    dnf:catch2) say catch-devel ;;
    dnf:libssl-dev) say openssl-devel ;;
    dnf:zlib1g-dev) say zlib-devel ;;
    dnf:libbrotli-dev) say brotli-devel ;;
    dnf:libzstd-dev) say libzstd-devel ;;
    brew:g++) say gcc ;;
    brew:ninja-build) say ninja ;;
    brew:pkg-config) say pkgconf ;;
    brew:libboost-dev) say boost ;;
    brew:libssl-dev) say openssl@3 ;;
    brew:zlib1g-dev) say zlib ;;
    brew:libbrotli-dev) say brotli ;;
    brew:libzstd-dev) say zstd ;;
    brew:python3) say python ;;
    *) say "$1" ;;
  esac
}

# Runs a command as root, through sudo if need be, and asks nothing.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "DEBIAN_FRONTEND=$DEBIAN_FRONTEND" "$@"; fi
}

install_with() {
  case $manager in
    apt-get) as_root apt-get install -y -qq --no-install-recommends "$@" ;;
    dnf) as_root dnf install -y -q "$@" ;;
    brew) brew install --quiet "$@" ;;
  esac
}

# ensure PACKAGE...: installs those that are missing and asks nothing.
ensure() {
  local missing="" wanted="" package name log
  for package; do has "$package" || missing+=" $package"; done
  [ -n "$missing" ] || return 0
  log=$(mktemp)
  case $manager in
    none) fail "this machine lacks:$missing" "install them (these are Debian's names) with this system's package manager" ;;
    brew) ;;
    *)
      [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null ||
        fail "this machine lacks:$missing" "run as root: $manager install$(for package in $missing; do printf ' %s' "$(here "$package")"; done)" ;;
  esac
  if [ $manager = apt-get ]; then
    as_root apt-get update -qq >"$log" 2>&1 || say "apt-get update had trouble: $(tail -n 1 "$log")"
  fi
  for package in $missing; do
    name=$(here "$package")
    if [ -z "$name" ]; then
      say "not packaged here: $package; Meson downloads its source (subprojects/)"
      name=ca-certificates
    fi
    wanted+=" $name"
  done
  say "installing with $manager:$wanted"
  # shellcheck disable=SC2086
  install_with $wanted >"$log" 2>&1 </dev/null ||
    fail "$manager install$wanted: $(grep -m 1 '^E' "$log" || tail -n 1 "$log")" "install by hand:$wanted"
  rm -f "$log"
}

# Tests connect to localhost by its name, which a bare root without /etc/hosts does not know.
ensure_localhost() {
  python3 -c 'import socket; socket.getaddrinfo("localhost", 80)' 2>/dev/null && return
  say "naming localhost in /etc/hosts"
  printf '127.0.0.1 localhost\n::1 localhost\n' | as_root tee -a /etc/hosts >/dev/null 2>&1 ||
    fail "this machine does not know the name localhost" "add to /etc/hosts: 127.0.0.1 localhost"
}

# llvm PROGRAM: the program in the version the project is developed with, or the next one that is here.
llvm() {
  local version
  for version in 16 17 18 19 20 21 22; do command -v "$1-$version" && return; done
  return 1
}

# The names of the fuzzers in test/fuzz.
fuzzers() { find "$root/test/fuzz" -name '*.cpp' ! -name replay.cpp -exec basename {} .cpp \; | sort; }

# configure DIRECTORY MESON-OPTION...: sets a build folder up once; ninja keeps it current afterwards.
configure() {
  local directory=$1 log
  shift
  [ -f "$directory/build.ninja" ] && return
  compiles '#if defined(__clang__) ? __clang_major__ < 15 : __GNUC__ < 12\n#error\n#endif\n' ||
    fail "the compiler ${CXX:-c++} is too old for C++20's coroutines" "install g++ 12 or clang 16, or newer, and name it: CXX=g++-12 $0"
  log=$(mktemp)
  say "configuring ${directory#"$root"/}"
  meson setup "$directory" "$root" "$@" >"$log" 2>&1 </dev/null || {
    cat "$log"
    fail "meson setup: $(grep -m 1 ERROR "$log" | sed 's/^.*ERROR: //')" "see the lines above; 'rm -r $directory' starts afresh"
  }
  rm -f "$log"
}
