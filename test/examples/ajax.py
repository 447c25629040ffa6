# SPDX-License-Identifier: BSL-1.0
import json

from example import run, same


def check(pages):
    data = pages.address()
    status, headers, page = pages.ask("GET", "/")
    same((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
    same(f'":{data}/news"'.encode() in page, True)
    status, headers, body = pages.ask("GET", "/news", port=data)
    same((status, headers["Access-Control-Allow-Origin"]), (200, "*"))
    same((headers["Content-Type"], headers["Transfer-Encoding"]), ("application/json", "chunked"))
    same(json.loads(body), {"title": "News", "lines": ["The gate", "is open."]})


run(check)
