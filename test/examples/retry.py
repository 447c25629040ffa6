# SPDX-License-Identifier: BSL-1.0
from example import same
from origin import origin, program

with origin() as url:
    same(program(url + "/flaky"), (0, b"/flaky \n", "status 503, asking again\n" * 2))
status, _, errors = program("http://127.0.0.1:1/")
same((status, errors.count("asking again")), (1, 4))
