#include "mock/server.h"

#include <utility>

#include "mock/http_front.h"

namespace llmq::mock {

const char* http_library_version() { return MHD_get_version(); }

Result<std::unique_ptr<Server>> Server::start(uv_loop_t* loop, const Options& options) {
  std::string wrong = check_options(options);
  if (!wrong.empty()) return Error{"mock: " + wrong};
  auto* front = new HttpFront(loop, options);
  std::unique_ptr<Server> server(new Server(front));
  wrong = front->open(options.port);
  if (!wrong.empty()) return Error{"mock: " + wrong};
  return server;
}

Server::~Server() { front_->release(); }

uint16_t Server::port() const { return front_->port(); }

std::string Server::stats_json() const { return front_->stats_json(); }

void Server::stop(std::function<void()> closed) { front_->close(std::move(closed)); }

}  // namespace llmq::mock
