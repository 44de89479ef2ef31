#include "server/net/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <tuple>
#include <vector>

#include "base/log.hpp"
#include "server/net/connection.hpp"
#include "server/net/core.hpp"
#include "server/net/listener.hpp"
#include "server/net/loop.hpp"

namespace sagelet::net {

namespace {

constexpr std::chrono::seconds kAbortWait{2};
constexpr std::chrono::seconds kLastWait{8};
constexpr std::chrono::milliseconds kBreath{100};  ///< when descriptors have run out
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Loops and what they share. Kept apart from the server, for an exchange that never answers must find them
/// still there after the server is gone.
struct House {
  House(ServerOptions options, http::ExchangeFactory factory, http::ProxyPolicy policy)
      : core(std::move(options), std::move(factory), std::move(policy)) {
    for (unsigned i = 0; i < std::max(1u, core.options.io_threads); ++i)
      loops.push_back(std::make_unique<Loop>(core.options));
  }
  Core core;
  std::vector<std::unique_ptr<Loop>> loops;
};

class Listener final : public Server {
 public:
  Listener(std::unique_ptr<House> house, UniqueFd socket)
      : house_(std::move(house)),
        port_(port_of(socket.get())),
        acceptor_(first().executor(), socket.release()) {
    for (auto& loop : house_->loops) loop->start();
    asio::co_spawn(first().executor(), accept(), asio::detached);
  }
  ~Listener() override;

  std::uint16_t port() const override { return port_; }
  void shutdown(std::chrono::milliseconds grace) override;
  Result<std::string> authority_certificate() override { return house_->core.authority.certificate(); }
  Figures figures() const override;

 private:
  Loop& first() { return *house_->loops.front(); }
  Core& core() { return house_->core; }
  Task<void> accept();
  Task<void> take_a_breath();
  void admit(Accepted accepted);
  void begin(Loop& loop, Accepted accepted);
  void stop_accepting();
  bool wait_for_end(std::chrono::milliseconds time);
  void on_every_loop(void (Loop::*action)());

  std::unique_ptr<House> house_;
  std::uint16_t port_;
  Descriptor acceptor_;
  std::size_t turn_ = 0;
};

Task<void> Listener::accept() {
  for (;;) {
    const auto [error] = co_await acceptor_.async_wait(Descriptor::wait_read, kAwaitError);
    if (error || core().stopping) co_return;
    for (;;) {
      Result<Accepted> accepted = accept_from(acceptor_.native_handle());
      if (accepted) {
        admit(std::move(*accepted));
        continue;
      }
      if (!accepted.error().is(ErrorKind::kNoSpace)) break;
      log::warn("net: {}", accepted.error().message());
      co_await take_a_breath();
      break;
    }
  }
}

Task<void> Listener::take_a_breath() {
  Timer timer(first().executor());
  timer.expires_after(kBreath);
  co_await timer.async_wait(kAwaitError);
}

void Listener::admit(Accepted accepted) {
  if (!core().count_in()) {
    core().refused_connections.fetch_add(1, std::memory_order_relaxed);
    plain_transport(accepted.socket.get())->write(kFull, false);
    return;
  }
  core().connections.fetch_add(1, std::memory_order_relaxed);
  Loop& loop = *house_->loops[turn_++ % house_->loops.size()];
  auto start = [this, &loop, accepted = std::move(accepted)]() mutable { begin(loop, std::move(accepted)); };
  asio::post(loop.executor(), std::move(start));
}

/// The one place where connections start; their end is counted, and shutdown waits for it.
void Listener::begin(Loop& loop, Accepted accepted) {
  try {
    auto connection =
        std::make_shared<Connection>(core(), loop, std::move(accepted.socket), std::move(accepted.peer));
    Task<void> run = connection->run();
    auto ended = [&core = core(),
                  connection = std::move(connection)](const std::exception_ptr& thrown) mutable {
      connection.reset();
      if (thrown) log::error("net: a connection ended by an exception");
      core.count_out();
    };
    asio::co_spawn(loop.executor(), std::move(run), std::move(ended));
  } catch (const std::exception& thrown) {
    log::error("net: a connection could not start: {}", thrown.what());
    core().count_out();
  }
}

Figures Listener::figures() const {
  Core& core = house_->core;
  const std::lock_guard lock(core.mutex);
  return {core.connections, core.open, core.refused_connections, core.requests, core.tunnels};
}

void Listener::on_every_loop(void (Loop::*action)()) {
  for (auto& loop : house_->loops) {
    auto act = [&loop = *loop, action] { (loop.*action)(); };
    asio::post(loop->executor(), act);
  }
}

void Listener::stop_accepting() {
  auto close = [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  };
  asio::post(first().executor(), close);
}

bool Listener::wait_for_end(std::chrono::milliseconds time) {
  std::unique_lock lock(core().mutex);
  return core().ended.wait_for(lock, time, [this] { return core().open == 0; });
}

void Listener::shutdown(std::chrono::milliseconds grace) {
  core().stopping = true;
  stop_accepting();
  on_every_loop(&Loop::abort_idle);
  if (wait_for_end(grace)) return;
  on_every_loop(&Loop::abort_all);
  wait_for_end(kAbortWait);
}

Listener::~Listener() {
  shutdown(std::chrono::milliseconds(0));
  if (!wait_for_end(kLastWait)) {
    log::error("net: a request does not end; its threads are left behind");
    std::ignore = house_.release();  // somebody may still call its `done`
    return;
  }
  for (auto& loop : house_->loops) loop->stop();
  core().pool.join();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, http::ExchangeFactory exchanges,
                                              http::ProxyPolicy proxy) {
  TRY(UniqueFd socket, listen_on(options.host, options.port, options.for_nodes));
  auto house = std::make_unique<House>(std::move(options), std::move(exchanges), std::move(proxy));
  std::unique_ptr<Server> server = std::make_unique<Listener>(std::move(house), std::move(socket));
  return server;
}

}  // namespace sagelet::net
