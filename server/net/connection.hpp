#pragma once
// One client connection: requests one after the other, each through an Exchange, until one side has enough.
#include <memory>
#include <optional>
#include <string>

#include "server/net/channel.hpp"
#include "server/net/core.hpp"
#include "server/net/request_parser.hpp"
#include "server/net/response_head.hpp"
#include "server/net/upstream.hpp"

namespace sagelet::net {

/// What the client of the proxy is told.
http::Response cannot_reach(const Destination& to, const http::ProxyDecision& decision, const Error& error);

class Connection {
 public:
  Connection(Core& core, Loop& loop, UniqueFd socket, http::Peer peer);
  Task<void> run();

 private:
  // connection.cpp: heads
  Task<bool> read_head();
  std::optional<http::Response> parse_head(bool& complete);
  Task<Fill> read_more_of_head(bool started);
  Task<bool> handle();
  Task<bool> refuse(http::Response response);

  // exchange.cpp: one request of ours
  Task<bool> serve(http::Head head);
  Task<bool> read_body(http::Exchange& exchange, std::optional<http::Response>& answer);
  Task<http::Response> finish(http::Exchange& exchange);
  enum class BodyEnd { kDone, kGone, kMalformed };
  Task<BodyEnd> pump_body(const RequestParser::BodyTaker& take, const bool& enough);
  Task<bool> answer(http::Response response, bool body_is_unread, bool body_is_wanted);
  Task<bool> drain();

  // proxy.cpp: requests to others, or to us by another name
  Task<bool> connect(http::Head head);
  Task<bool> absolute(http::Head head);
  Task<bool> serve_here(std::string host);
  Task<bool> tunnel(http::ProxyDecision decision, Destination to);

  // forward.cpp: an absolute-form request sent on
  Task<bool> forward(http::Head head, http::ProxyDecision decision, Destination to);
  Task<bool> send_body_on(Channel& upstream, bool chunked);
  int visitor_of(const http::ProxyDecision& decision);  ///< for dial()
  http::ProxyDecision decide(const http::Head& head, const Destination& to) const;

  Core& core_;
  http::Visit visit_;
  Channel channel_;
  http::Peer peer_;
  std::optional<RequestParser> parser_;
  RequestFacts facts_;
  std::string scratch_;
};

}  // namespace sagelet::net
