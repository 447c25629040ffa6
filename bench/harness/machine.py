# SPDX-License-Identifier: BSL-1.0
"""The machine and the build: processors, what is installed, the programs of bench/."""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/bench"))
CPUS = sorted(os.sched_getaffinity(0))
MIB, GIB = 2**20, 2**30
# Above this load average somebody else is at work.
QUIET = 0.7

OURS = (
    "load", "bare_server", "bare_client", "bare_proxy", "sluice_server", "sluice_client", "sluice_proxy", "beast_server",
    "ways_to_send", "app_server",
)
# By package: what it brings, and how one knows that it is there.
OTHERS = {
    "librestinio-dev": "restinio",
    "libcpp-httplib-dev": "cpp-httplib",
    "libcurl4-openssl-dev": "libcurl",
    "nginx-light": "nginx",
    "h2o": "h2o",
    "nodejs": "node",
    "libssl-dev": "TLS",
    "liburing-dev": "io_uring",
    "openssl": "TLS",
    "nghttp2-client": "h2load",
    "curl": "curl",
}


def fail(what, fix):
    sys.exit(f"\nfailed: {what}\n   fix: {fix}")


def raise_limits():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def shell(script, **options):
    script = f'set -euo pipefail\n. "{ROOT}/tools/lib.sh"\n{script}'
    return subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, text=True, **options)


def install_others():
    """Installs what is compared with, as far as it can be had; True where the build must look again."""
    new = False
    for package, name in OTHERS.items():
        if shell(f"has {package}").returncode == 0:
            continue
        if shell(f"ensure {package}", capture_output=True).returncode == 0:
            new = True
        else:
            print(f"skipped: {name}; package {package} cannot be had here", flush=True)
    undici = BUILD / "node/node_modules/undici"
    if program("node") and not undici.exists():
        npm = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", BUILD / "node", "undici@6"]
        if not program("npm") or subprocess.run(npm, capture_output=True).returncode != 0:
            print("skipped: undici; npm cannot fetch it here", flush=True)
    return new


def program(name):
    """Where a program is: one of bench/, or of the machine; None where it is not."""
    ours = BUILD / "bench" / name
    if ours.exists():
        return str(ours)
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


def build(wanted, others, tracer):
    """Builds the named programs and, with `others`, all that this machine can build."""
    packages = f"g++ meson ninja-build pkg-config libboost-dev libssl-dev zlib1g-dev valgrind {tracer}"
    if shell(f"ensure {packages}").returncode != 0:
        sys.exit(1)
    again = others and install_others()
    script = f'configure "{BUILD}" --buildtype=release -Dtests=false -Dexamples=false -Dbench=true -Dcpp_args=-g1\n'
    if again:
        script += f'meson setup --reconfigure -Dtls=auto "{BUILD}" "{ROOT}" >/dev/null\n'
    targets = "" if others else " ".join(f"bench/{name}" for name in wanted)
    if shell(f'{script}ninja -C "{BUILD}" --quiet {targets} >&2').returncode != 0:
        fail("bench/ did not build", f"read the first error above; 'rm -r {BUILD}' starts afresh")


def compiler():
    command = json.loads((BUILD / "compile_commands.json").read_text())[0]["command"].split()
    words = [word for word in command if not word.endswith("ccache")]
    text = subprocess.run([words[0], "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    version = subprocess.run([words[0], "-dumpversion"], capture_output=True, text=True).stdout
    return f"{'clang' if 'clang' in text else 'gcc'} {version.split('.')[0].strip()}"


def description():
    return f"{len(CPUS)} CPU{'s' if len(CPUS) > 1 else ''}, Linux {os.uname().release.split('-')[0]}, {compiler()}"
