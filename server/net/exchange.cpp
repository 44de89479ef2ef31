// One request of ours: judge the head, read the body, run the handler, answer.
#include <boost/asio/post.hpp>
#include <exception>
#include <functional>
#include <mutex>

#include "base/log.hpp"
#include "server/net/connection.hpp"
#include "server/net/loop.hpp"
#include "server/net/send.hpp"
#include "server/net/signal.hpp"

namespace sagelet::net {

namespace {

constexpr std::uint64_t kDrained = 1u << 20;  ///< unread bytes of a refused body that are worth a connection
constexpr std::size_t kBodyRead = 128 * 1024;
constexpr std::size_t kFramingLimit = 64 * 1024;  ///< a chunk's head line may not be longer
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

http::Response bug(const std::exception& thrown) {
  log::error("net: an exchange threw: {}", thrown.what());
  return http::Response::text(500, "Internal error; the server's log has the cause.\n");
}

/// Where `done` puts the answer. Complete when it was given and finish() has returned, for until both are
/// true the exchange may still be in use.
struct Pending {
  explicit Pending(Executor executor) : signal(executor, 2) {}
  Signal signal;
  std::mutex mutex;
  bool given = false;
  http::Response response;

  void give(http::Response answer) {
    {
      const std::lock_guard lock(mutex);
      if (given) return;
      given = true;
      response = std::move(answer);
    }
    signal.arrive();
  }
};

/// Shared by all copies of `done`: when the last one goes and none was called, nobody will ever answer.
struct Promise {
  explicit Promise(std::shared_ptr<Pending> given) : pending(std::move(given)) {}
  Promise(const Promise&) = delete;
  ~Promise() { pending->give(http::Response::text(500, "The request was dropped without an answer.\n")); }
  std::shared_ptr<Pending> pending;
};

void run_finish(http::Exchange& exchange, const std::shared_ptr<Pending>& pending) {
  try {
    auto promise = std::make_shared<Promise>(pending);
    exchange.finish([promise](http::Response response) { promise->pending->give(std::move(response)); });
  } catch (const std::exception& thrown) {
    pending->give(bug(thrown));
  }
  pending->signal.arrive();
}

}  // namespace

Task<bool> Connection::serve(http::Head head) {
  const bool has_body = !parser_->done();
  const bool expects = head.expect_continue;
  const std::uint64_t announced = head.content_length.value_or(0);
  std::optional<http::Response> refusal;
  std::unique_ptr<http::Exchange> exchange;
  try {
    exchange = core_.exchanges();
    refusal = exchange->begin(std::move(head));
  } catch (const std::exception& thrown) {
    refusal = bug(thrown);
  }
  if (refusal) {
    // Whether the body follows a refusal instead of 100 Continue is the client's choice: nobody could tell it
    // from the next request.
    const bool unwanted = expects || announced > kDrained;
    co_return co_await answer(std::move(*refusal), has_body, !unwanted);
  }
  if (expects && channel_.in().empty()) {
    const bool told = co_await channel_.write(kContinue);
    if (!told) co_return false;
  }
  if (has_body) {
    const bool whole = co_await read_body(*exchange, refusal);
    if (!whole) co_return false;
  }
  if (refusal) co_return co_await answer(std::move(*refusal), !parser_->done(), true);
  http::Response response = co_await finish(*exchange);
  co_return co_await answer(std::move(response), false, true);
}

/// False: the client is gone, or was refused because its framing is broken.
Task<bool> Connection::read_body(http::Exchange& exchange, std::optional<http::Response>& answer) {
  bool enough = false;
  const RequestParser::BodyTaker take = [&](std::string_view bytes) {
    if (enough) return;
    try {
      answer = exchange.body(bytes);
    } catch (const std::exception& thrown) {
      answer = bug(thrown);
    }
    enough = answer.has_value();
  };
  const BodyEnd end = co_await pump_body(take, enough);
  if (end != BodyEnd::kMalformed) co_return end == BodyEnd::kDone;
  co_return co_await refuse(http::Response::text(400, "The body's chunks are not well-formed.\n"));
}

/// Until the body's end, or until `enough`.
Task<Connection::BodyEnd> Connection::pump_body(const RequestParser::BodyTaker& take, const bool& enough) {
  Input& in = channel_.in();
  bool fresh = !in.empty();
  while (!parser_->done() && !enough) {
    if (!fresh) {
      channel_.move_deadline();
      const Fill got = co_await channel_.fill(kBodyRead);
      if (got != Fill::kBytes) co_return BodyEnd::kGone;
    }
    fresh = false;
    std::size_t used = 0;
    const RequestParser::Outcome outcome = parser_->parse_body(in.view(), used, take);
    in.consume(used);
    const bool stuck = outcome == RequestParser::Outcome::kMore && in.size() > kFramingLimit;
    if (stuck || (outcome != RequestParser::Outcome::kMore && outcome != RequestParser::Outcome::kDone))
      co_return BodyEnd::kMalformed;
  }
  co_return BodyEnd::kDone;
}

Task<http::Response> Connection::finish(http::Exchange& exchange) {
  channel_.clear_deadline();
  const auto pending = std::make_shared<Pending>(channel_.loop().executor());
  if (exchange.waits()) {
    auto work = [pending, &exchange] { run_finish(exchange, pending); };
    asio::post(core_.pool, std::move(work));
  } else {
    run_finish(exchange, pending);
  }
  if (!pending->signal.happened()) co_await pending->signal.wait();
  channel_.move_deadline();
  co_return std::move(pending->response);
}

/// True: the connection is ready for the next request.
Task<bool> Connection::answer(http::Response response, bool body_is_unread, bool body_is_wanted) {
  if (core_.stopping || (body_is_unread && !body_is_wanted)) response.close = true;
  const Framing framing = framing_of(response, facts_);
  channel_.move_deadline();
  const bool sent = co_await send_response(channel_, core_, response, framing, facts_, scratch_);
  if (!sent) co_return false;
  if (framing.close) {
    co_await channel_.linger();
    co_return false;
  }
  if (body_is_unread) co_return co_await drain();
  co_return true;
}

/// Reads the rest of a body nobody wants, up to a limit.
Task<bool> Connection::drain() {
  std::uint64_t seen = 0;
  bool enough = false;
  const RequestParser::BodyTaker take = [&](std::string_view bytes) {
    seen += bytes.size();
    enough = seen > kDrained;
  };
  const BodyEnd end = co_await pump_body(take, enough);
  if (end != BodyEnd::kDone) co_return false;
  if (enough) co_await channel_.linger();
  co_return !enough;
}

}  // namespace sagelet::net
