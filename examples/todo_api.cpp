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
#include <sluice/app.hpp>

namespace app = sluice::app;
namespace json = boost::json;

class Todos {
 public:
  sluice::task<> list(app::Request&, app::Response& res) {
    json::array all;
    for (const auto& [id, todo] : todos_) all.push_back(todo);
    co_await res.json(all);
  }

  sluice::task<> add(app::Request& req, app::Response& res) {
    const std::string body = co_await req.text(64 * 1024);
    boost::system::error_code ec;
    const json::value given = json::parse(body, ec);
    if (ec) throw app::HttpError{400, "the body is no JSON"};
    const json::object* object = given.if_object();
    const json::value* title = object == nullptr ? nullptr : object->if_contains("title");
    if (title == nullptr || !title->is_string()) throw app::HttpError{422, "a title is missing"};
    const int id = ++last_;
    const json::value& todo = todos_[id] = {{"id", id}, {"title", *title}};
    res.setHeader("Location", "/todos/" + std::to_string(id));
    co_await res.status(201).json(todo);
  }

  sluice::task<> show(app::Request& req, app::Response& res) {
    co_await res.json(find(req)->second);
  }

  sluice::task<> remove(app::Request& req, app::Response& res) {
    const json::value todo = std::move(todos_.extract(find(req)).mapped());
    co_await res.json(todo);
  }

 private:
  std::map<int, json::value>::iterator find(app::Request& req) {
    const std::string_view id = req.param("id");
    int number = 0;
    const auto end = std::from_chars(id.data(), id.data() + id.size(), number).ptr;
    const auto todo = end == id.data() + id.size() ? todos_.find(number) : todos_.end();
    if (todo == todos_.end()) throw app::HttpError{404, "there is no such thing to do"};
    return todo;
  }

  std::map<int, json::value> todos_;
  int last_ = 0;
};

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  Todos todos;
  app::Router router;
  router.use(app::securityHeaders());
  router.get("/todos", &Todos::list, todos).post("/todos", &Todos::add, todos);
  router.get("/todos/:id", &Todos::show, todos).del("/todos/:id", &Todos::remove, todos);
  auto server = sluice::http::createServer(loop, router);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
