#pragma once
// What every connection of one server shares.
#include <algorithm>
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "server/http/exchange.hpp"
#include "server/net/asio.hpp"
#include "server/net/authority.hpp"
#include "server/net/server.hpp"

namespace sagelet::net {

/// Thread-safe. Outlives loops and connections.
struct Core {
  Core(ServerOptions given, http::ExchangeFactory factory, http::ProxyPolicy policy)
      : options(std::move(given)),
        exchanges(std::move(factory)),
        proxy(std::move(policy)),
        authority(options.authority_folder),
        pool(std::max(1u, options.pool_threads)) {}

  const ServerOptions options;
  const http::ExchangeFactory exchanges;
  const http::ProxyPolicy proxy;
  Authority authority;
  asio::thread_pool pool;
  std::atomic<bool> stopping{false};

  std::atomic<std::uint64_t> connections{0}, refused_connections{0}, requests{0}, tunnels{0};

  /// False when there are max_connections already.
  bool count_in() {
    const std::lock_guard lock(mutex);
    if (open >= options.max_connections) return false;
    ++open;
    return true;
  }
  void count_out() {
    const std::lock_guard lock(mutex);
    --open;
    ended.notify_all();
  }

  std::mutex mutex;
  std::condition_variable ended;
  std::size_t open = 0;  ///< connections whose coroutine has not ended
};

}  // namespace sagelet::net
