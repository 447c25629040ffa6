# SPDX-License-Identifier: BSL-1.0
from example import same
from origin import origin, program

with origin() as url:
    paths = [f"/{i}" for i in range(40)]
    status, output, errors = program(*(url + path for path in paths), "http://127.0.0.1:1/")
    expected = [f"{url}{path}: 200, {len(path) + 2} bytes" for path in paths]
    expected.append("http://127.0.0.1:1/: connect ECONNREFUSED 127.0.0.1:1")
    same((status, sorted(output.decode().splitlines()), errors), (0, sorted(expected), ""))
