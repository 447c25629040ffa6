// SPDX-License-Identifier: BSL-1.0
//
// A client on libcurl's multi interface: one handle a connection, put in again after each answer.
#include <curl/curl.h>
#include <algorithm>
#include <iostream>
#include <string>
#include <support/phases.hpp>
#include <vector>

namespace {

using sluice::bench::ClientOptions;

std::size_t swallow(char*, std::size_t size, std::size_t count, void*) { return size * count; }

std::size_t give(char* into, std::size_t size, std::size_t count, void* left) {
  auto& bytes = *static_cast<std::size_t*>(left);
  const std::size_t given = std::min(size * count, bytes);
  std::fill_n(into, given, 'x');
  bytes -= given;
  return given;
}

class Client {
 public:
  explicit Client(const ClientOptions& options) : options_(options), bodies_(options.connections) {
    const std::string url = "http://127.0.0.1:" + std::to_string(options.port) + "/";
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections));
    for (std::size_t& body : bodies_) {
      CURL* const easy = curl_easy_init();
      curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
      curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
      curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, options.close ? 1L : 0L);
      if (options.upload != 0) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(options.upload));
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE,
                         static_cast<long>(sluice::bench::pieceSize));
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
        curl_easy_setopt(easy, CURLOPT_READDATA, &body);
        withoutExpect_ = curl_slist_append(nullptr, "Expect:");
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, withoutExpect_);
      }
      curl_easy_setopt(easy, CURLOPT_PRIVATE, &body);
      idle_.push_back(easy);
    }
  }
  Client(const Client&) = delete;

  void run(std::size_t requests) {
    left_ = requests;
    std::size_t answers = 0;
    while (!idle_.empty() && left_ != 0) ask();
    while (answers != requests) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      int queued = 0;
      while (CURLMsg* const message = curl_multi_info_read(multi_, &queued)) {
        if (message->msg != CURLMSG_DONE) continue;
        if (message->data.result != CURLE_OK) {
          std::cerr << "failed: " << curl_easy_strerror(message->data.result) << '\n';
          std::exit(1);
        }
        ++answers;
        CURL* const easy = message->easy_handle;
        curl_multi_remove_handle(multi_, easy);
        idle_.push_back(easy);
        if (left_ != 0) ask();
      }
      if (answers != requests) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
  }

 private:
  void ask() {
    --left_;
    CURL* const easy = idle_.back();
    idle_.pop_back();
    char* body = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &body);
    *reinterpret_cast<std::size_t*>(body) = options_.upload;
    curl_multi_add_handle(multi_, easy);
  }

  ClientOptions options_;
  CURLM* multi_ = curl_multi_init();
  curl_slist* withoutExpect_ = nullptr;
  std::vector<std::size_t> bodies_;  // bytes of each handle's request that are still to be sent
  std::vector<CURL*> idle_;
  std::size_t left_ = 0;
};

}  // namespace

int main(int argc, char* argv[]) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Client client(ClientOptions(argc, argv));
  sluice::bench::runPhases(argv, [&](std::size_t requests) { client.run(requests); });
}
