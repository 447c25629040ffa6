# SPDX-License-Identifier: BSL-1.0
"""Instructions and allocations by function: callgrind and dhat, which count and never time."""
import contextlib
import json
import re
import tempfile

from .contestants import asking, client_of, serving
from .machine import BUILD
from .scenario import named

WARM_UP = 640
SCENARIOS = ("plain", "browser", "json", "pipelined", "client")


@contextlib.contextmanager
def under(tool, *options):
    """The command to put in front, and the file that is written when the program has ended."""
    with tempfile.NamedTemporaryFile(dir=BUILD) as output:
        yield ["valgrind", f"--tool={tool}", f"--{tool}-out-file={output.name}", *options], output.name


def drive(scenario, count, command, name):
    """Runs a server, or with "client" a client, for so many requests until its end."""
    if scenario == "client":
        with serving("bare") as server:
            with client_of(server, name, 64, WARM_UP, count, under=command) as client:
                client.go()
                client.line()
        return
    row = named(scenario)
    with serving(name, row.bare, under=command) as server:
        with asking(server, row.connections, WARM_UP, count, row.load) as load:
            load.go()
            load.line()


def costs(path):
    """Function, the file that it stands in, the file of the line, instructions: of a file that callgrind wrote."""
    names = {"fn": {}, "file": {}}
    function = home = file = None
    inclusive = False
    for line in open(path, encoding="utf-8", errors="replace"):
        if match := re.match(r"(c?f[nile])=\((\d+)\)(?: (.*))?$", line):
            known = names["fn" if match[1].endswith("fn") else "file"]
            if match[3]:
                known[match[2]] = match[3]
            if match[1] == "fn":
                function = known[match[2]]
            elif match[1] == "fl":
                home = file = known[match[2]]
            elif match[1] in ("fi", "fe"):
                file = known[match[2]]
        elif line.startswith("calls="):
            inclusive = True
        elif match := re.match(r"[+*\-\d]\S* (\d+)$", line):
            if not inclusive:
                yield function, home, file, int(match[1])
            inclusive = False


def callgrind(scenario, count, name, key):
    found = {}
    with under("callgrind") as (command, output):
        drive(scenario, count, command, name)
        for *place, cost in costs(output):
            found[key(*place)] = found.get(key(*place), 0) + cost
    return found


def instructions(scenario, name="sluice", key=lambda function, home, file: function):
    """By function, or another key, for a request: of two runs the difference, so that start and end cancel out."""
    few, more = 1280, 6400
    small, large = callgrind(scenario, few, name, key), callgrind(scenario, more, name, key)
    return {place: (large[place] - small.get(place, 0)) / (more - few) for place in large}


# What a file belongs to. One that is in none, as the C++ library's, counts for the function that it was inlined into.
LAYERS = {
    "Beast": "/boost/beast/",
    "Asio": "/boost/asio/",
    "sluice: sockets": "/sluice/net/",
    "sluice: HTTP": "/sluice/http/",
    "sluice: the rest": "/sluice/",
    "the handler": "/bench/",
}


def layer(function, home, file):
    for place in (file, home):
        for name, part in LAYERS.items():
            if part in place:
                return name
    return "the C and C++ libraries"


def by_layer(scenario):
    return instructions(scenario, key=layer)


def blocks(scenario, count, name):
    # The programs of bench/ have a malloc of their own.
    with under("dhat", "--num-callers=30", "--soname-synonyms=somalloc=NONE") as (command, output):
        drive(scenario, count, command, name)
        with open(output, encoding="utf-8") as file:
            return json.load(file)


def allocations(scenario, name):
    """How many, and their bytes, for a request, of a program that does not count by itself."""
    few, more = 1280, 6400
    small, large = (blocks(scenario, count, name)["pps"] for count in (few, more))

    def each(what):
        return (sum(point[what] for point in large) - sum(point[what] for point in small)) / (more - few)

    return {"allocations": round(each("tbk"), 2), "bytes": round(each("tb"), 1)}


def shorter(name):
    """A function without arguments, those of templates included, and without the usual namespaces."""
    name = re.sub(r"\[clone [^]]*\]|\.actor|'\d+$|\(anonymous namespace\)::", "", name)
    name = name.replace("operator()", "operator-call").replace("operator new", "operator-new")
    outer = None
    while outer != name:
        outer, name = name, re.sub(r"<[^<>]*>|\([^()]*\)", "", name)
    words = [word for word in name.split() if word not in ("const", "&", "&&", "*")]
    name = words[-1] if words else outer
    return re.sub(r"\b(boost|sluice|std|__cxx11|detail|http|net)::", "", name)


def frame(text):
    """ "0x1234: f(int) (server.cpp:12)" as "f server.cpp:12"; None for what only hands out memory."""
    text = re.sub(r"^0x\w+: ", "", text)
    place = re.search(r" \(([\w./+-]+:\d+)\)$", text)
    name = shorter(re.sub(r" \(in .*\)$| \([\w./+-]+:\d+\)$", "", text))
    if re.search(r"alloc|memalign|^operator-?new|^_M_create|make_unique", name):
        return None
    return f"{name} {place[1]}" if place else name


def print_instructions(scenario):
    by_function = {}
    for name, count in instructions(scenario).items():
        by_function[shorter(name)] = by_function.get(shorter(name), 0) + count
    total = sum(by_function.values())
    print(f"\n{scenario}: {total:.0f} instructions a request")
    for name, count in sorted(by_function.items(), key=lambda item: -item[1])[:30]:
        print(f"  {count:7.0f}  {100 * count / total:5.1f} %  {name[:100]}")


def print_allocations(scenario):
    """By call stack, of those that come with every tenth request or more often."""
    found = blocks(scenario, 6400, "sluice")
    count = 6400 + WARM_UP
    by_stack = {}
    for point in found["pps"]:
        stack = " < ".join([name for name in map(frame, (found["ftbl"][i] for i in point["fs"])) if name][:8])
        calls, size = by_stack.get(stack, (0, 0))
        by_stack[stack] = calls + point["tbk"], size + point["tb"]
    print(f"\n{scenario}: allocations a request, bytes each, where from")
    for stack, (calls, size) in sorted(by_stack.items(), key=lambda item: -item[1][0]):
        if calls >= count / 10:
            print(f"  {calls / count:6.2f} {size / calls:7.0f}  {stack}")


def profile(scenario):
    print_instructions(scenario)
    print_allocations(scenario)
