// SPDX-License-Identifier: BSL-1.0
//
// Notes that several processes share: PostgreSQL keeps them, and its NOTIFY tells all processes, so
// that a browser hears of each note whichever process it listens to. libpq does not block: Asio
// waits for its descriptor. Try it, after createdb notes && psql notes -c 'CREATE TABLE notes (id
// serial PRIMARY KEY, text text NOT NULL)':
//   postgres_notes 8080 'dbname=notes' & postgres_notes 8081 'dbname=notes' &
//   curl -N localhost:8081/events & curl localhost:8080/notes -d 'buy milk'
#include <libpq-fe.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <iostream>
#include <sluice/app.hpp>

namespace app = sluice::app;
namespace asio = boost::asio;
using namespace std::chrono_literals;

struct Free {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PGnotify* notice) const { PQfreemem(notice); }
};
using Result = std::unique_ptr<PGresult, Free>;

class Connection {
 public:
  explicit Connection(const asio::any_io_executor& executor) : descriptor_(executor) {}
  // The descriptor is libpq's, which closes it.
  ~Connection() { descriptor_.release(); }

  sluice::task<> open(const std::string& where) {
    connection_.reset(PQconnectStart(where.c_str()));
    auto next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
      if (next == PGRES_POLLING_FAILED) fail();
      co_await until(next == PGRES_POLLING_READING ? Wait::wait_read : Wait::wait_write);
      next = PQconnectPoll(connection_.get());
    }
    if (PQsetnonblocking(connection_.get(), 1) != 0) fail();
  }

  /// One statement; $1 in it stands for `value`, if there is one.
  sluice::task<Result> run(std::string statement, const char* value = nullptr) {
    PGconn* connection = connection_.get();
    const int count = value == nullptr ? 0 : 1;
    if (PQsendQueryParams(connection, statement.c_str(), count, nullptr, &value, nullptr, nullptr,
                          0) == 0) {
      fail();
    }
    while (PQflush(connection) == 1) co_await until(Wait::wait_write);
    Result last;
    while (true) {
      while (PQisBusy(connection) == 1) co_await input();
      Result result(PQgetResult(connection));
      if (!result) break;
      last = std::move(result);
    }
    const ExecStatusType status = PQresultStatus(last.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail();
    co_return last;
  }

  /// What the next NOTIFY says.
  sluice::task<std::string> notice() {
    while (true) {
      const std::unique_ptr<PGnotify, Free> notice(PQnotifies(connection_.get()));
      if (notice) co_return notice->extra;
      co_await input();
    }
  }

 private:
  using Wait = asio::posix::stream_descriptor::wait_type;

  sluice::task<> input() {
    co_await until(Wait::wait_read);
    if (PQconsumeInput(connection_.get()) == 0) fail();
  }

  // While it connects, libpq may open one socket after another.
  sluice::task<> until(Wait what) {
    const int socket = PQsocket(connection_.get());
    if (socket < 0) fail();
    if (!descriptor_.is_open() || descriptor_.native_handle() != socket) {
      if (descriptor_.is_open()) descriptor_.release();
      descriptor_.assign(socket);
    }
    co_await descriptor_.async_wait(what, asio::use_awaitable);
  }

  [[noreturn]] void fail() const {
    throw std::runtime_error(std::string("PostgreSQL: ") + PQerrorMessage(connection_.get()));
  }

  std::unique_ptr<PGconn, Free> connection_;
  asio::posix::stream_descriptor descriptor_;
};

class Database {
 public:
  Database(const asio::any_io_executor& executor, std::string where)
      : executor_(executor), where_(std::move(where)) {}

  sluice::task<Result> run(std::string statement, const char* value = nullptr) {
    // A database allows so many connections to all processes together.
    if (idle_.empty() && busy_ == 8) throw app::HttpError{503, "the database is busy"};
    const Busy busy(busy_);
    std::unique_ptr<Connection> connection;
    if (idle_.empty()) {
      connection = std::make_unique<Connection>(executor_);
      co_await connection->open(where_);
    } else {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
    Result result = co_await connection->run(std::move(statement), value);
    // Not after an exception, which may have come in the middle of a statement.
    idle_.push_back(std::move(connection));
    co_return result;
  }

  /// Passes each NOTIFY on. Connects again if the connection ends; `ready` is called each time.
  template <class Listener, class Ready>
  sluice::task<> listen(std::string channel, Listener listener, Ready ready) {
    const std::string statement = "LISTEN " + channel;
    while (true) {
      try {
        Connection connection(executor_);
        co_await connection.open(where_);
        co_await connection.run(statement);
        ready();
        while (true) {
          const std::string text = co_await connection.notice();
          listener(text);
        }
      } catch (const std::exception& error) {
        std::cerr << error.what() << std::endl;
      }
      co_await sluice::sleepFor(1s);
    }
  }

 private:
  struct Busy {
    explicit Busy(int& all) : count(all) { ++count; }
    ~Busy() { --count; }
    int& count;
  };

  asio::any_io_executor executor_;
  std::string where_;
  std::vector<std::unique_ptr<Connection>> idle_;
  int busy_ = 0;
};

int main(int argc, char* argv[]) {
  asio::io_context loop(1);
  Database database(loop.get_executor(), argc > 2 ? argv[2] : "dbname=notes");
  app::Channel news;
  app::Router router;
  router.get("/events", [&](app::Request&, app::Response& res) -> sluice::task<> {
    auto events = res.events();
    co_await news.join(events);
  });
  // The routes below. It is also for a database that does not answer.
  router.use(app::timeLimit(5s));
  router.get("/notes", [&](app::Request&, app::Response& res) -> sluice::task<> {
    const Result rows = co_await database.run("SELECT text FROM notes ORDER BY id DESC LIMIT 100");
    std::string text;
    for (int row = 0; row < PQntuples(rows.get()); ++row) {
      text.append(PQgetvalue(rows.get(), row, 0)).append("\n");
    }
    co_await res.text(text);
  });
  router.post("/notes", [&](app::Request& req, app::Response& res) -> sluice::task<> {
    const std::string note = co_await req.text(2000);
    // PostgreSQL's text has none, and libpq would end there.
    if (note.find('\0') != std::string::npos) throw app::HttpError{422, "a note has no NUL"};
    co_await database.run(
        "WITH note AS (INSERT INTO notes (text) VALUES ($1) RETURNING text) "
        "SELECT pg_notify('notes', text) FROM note",
        note.c_str());
    co_await res.status(201).text("kept\n");
  });
  auto server = sluice::http::createServer(loop, router);
  const auto listen = [&] {
    if (server.listening()) return;
    server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
      std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
    });
  };
  const auto tell = [&](const std::string& note) { news.send({.data = note}); };
  asio::co_spawn(loop, database.listen("notes", tell, listen), asio::detached);
  loop.run();
}
