# SPDX-License-Identifier: BSL-1.0
import json

from example import run, same


def check(server):
    def ask(method, path, body=None):
        status, headers, text = server.ask(method, path, body, {"Accept": "application/json"})
        same(headers["Content-Type"], "application/json")
        return status, headers, json.loads(text) if text else None

    same(ask("GET", "/todos")[::2], (200, []))
    status, headers, todo = ask("POST", "/todos", '{"title": "buy milk \\u00e9"}')
    milk = {"id": 1, "title": "buy milk é"}
    same((status, headers["Location"], todo), (201, "/todos/1", milk))
    same(ask("POST", "/todos?now", '{"title": ""}')[::2], (201, {"id": 2, "title": ""}))
    same(ask("GET", "/todos/1")[::2], (200, milk))
    same(ask("GET", "/todos/1/")[::2], (200, milk))
    same(ask("HEAD", "/todos/1")[::2], (200, None))
    same(ask("GET", "/todos")[::2], (200, [milk, {"id": 2, "title": ""}]))
    same(ask("DELETE", "/todos/1")[::2], (200, milk))
    same(ask("DELETE", "/todos/1")[0], 404)

    # What a client can do wrong.
    for path in ("/todos/x", "/todos/1x", "/todos/99999999999999999999", "/todos/-1"):
        same(ask("GET", path)[::2], (404, {"error": "there is no such thing to do"}))
    same(ask("GET", "/")[::2], (404, {"error": "Not Found"}))
    same(ask("GET", "/%zz")[::2], (400, {"error": "Bad Request"}))
    for path, allowed in (("/todos", "GET, HEAD, POST"), ("/todos/2", "DELETE, GET, HEAD")):
        status, headers, _ = ask("PUT", path, "{}")
        same((status, headers["Allow"]), (405, allowed))
        status, headers, _ = server.ask("OPTIONS", path)
        same((status, headers["Allow"]), (204, allowed))
    for body in ("", "{", "x", '{"title": "a"} b', "[" * 1000):
        same(ask("POST", "/todos", body)[0], 400)
    for body in ("{}", "[]", "1", '{"title": 1}'):
        same(ask("POST", "/todos", body)[0], 422)
    same(ask("POST", "/todos", " " * 65536)[0], 400)
    same(ask("POST", "/todos", " " * 65537)[0], 413)
    same(ask("GET", "/todos")[::2], (200, [{"id": 2, "title": ""}]))


run(check)
