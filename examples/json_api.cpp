// SPDX-License-Identifier: BSL-1.0
//
// A list of things to do, kept in memory, as a JSON API: routes, bodies with a limit, and an error
// for everything that a client can do wrong. Try it:
//   curl -i localhost:8080/todos -d '{"title": "buy milk"}'
//   curl -i localhost:8080/todos/1
//   curl -i localhost:8080/todos/1 -X DELETE
#include <boost/json/src.hpp>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sluice/http.hpp>

namespace json = boost::json;
using namespace sluice::http;

// Thrown by a route in place of its answer.
struct Problem {
  int status;
  std::string_view text;
};

class Todos {
 public:
  sluice::task<> handle(IncomingMessage& req, ServerResponse& res) {
    json::value answer;
    try {
      answer = co_await route(req, res);
    } catch (const Problem& problem) {
      res.statusCode = problem.status;
      answer = {{"error", problem.text}};
    } catch (const Error& error) {
      if (error.code() != errc::ERR_BODY_TOO_LARGE) throw;
      res.statusCode = 413;
      answer = {{"error", "at most 64 KiB, please"}};
    }
    res.setHeader("Content-Type", "application/json");
    co_await res.end(json::serialize(answer) + "\n");
  }

 private:
  sluice::task<json::value> route(IncomingMessage& req, ServerResponse& res) {
    const std::string_view path = req.url().substr(0, req.url().find('?'));
    if (path == "/todos") {
      if (req.method() == "GET" || req.method() == "HEAD") co_return all();
      if (req.method() == "POST") co_return add(co_await req.text(64 * 1024), res);
      res.setHeader("Allow", "GET, HEAD, POST");
      throw Problem{405, "a list is read or added to"};
    }
    const auto todo = path.starts_with("/todos/") ? find(path.substr(7)) : todos_.end();
    if (todo == todos_.end()) throw Problem{404, "there is nothing here"};
    if (req.method() == "GET" || req.method() == "HEAD") co_return todo->second;
    if (req.method() == "DELETE") co_return std::move(todos_.extract(todo).mapped());
    res.setHeader("Allow", "GET, HEAD, DELETE");
    throw Problem{405, "a thing to do is read or deleted"};
  }

  json::value all() const {
    json::array list;
    for (const auto& [id, todo] : todos_) list.push_back(todo);
    return list;
  }

  json::value add(std::string_view body, ServerResponse& res) {
    json::error_code ec;
    const json::value given = json::parse(body, ec);
    if (ec) throw Problem{400, "the body is no JSON"};
    const json::value* title =
        given.is_object() ? given.get_object().if_contains("title") : nullptr;
    if (title == nullptr || !title->is_string()) throw Problem{422, "a title is missing"};
    const int id = ++last_;
    res.statusCode = 201;
    res.setHeader("Location", "/todos/" + std::to_string(id));
    return todos_[id] = {{"id", id}, {"title", *title}};
  }

  std::map<int, json::value>::iterator find(std::string_view id) {
    int number = 0;
    const auto end = std::from_chars(id.data(), id.data() + id.size(), number).ptr;
    return end == id.data() + id.size() ? todos_.find(number) : todos_.end();
  }

  std::map<int, json::value> todos_;
  int last_ = 0;
};

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  Todos todos;
  auto server = createServer(
      loop, [&](IncomingMessage& req, ServerResponse& res) { return todos.handle(req, res); });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
