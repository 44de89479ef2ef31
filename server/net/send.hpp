#pragma once
// Sending an answer: head and small bodies in one write, files by sendfile, streams pulled on the pool.
#include <string>

#include "server/http/message.hpp"
#include "server/net/asio.hpp"
#include "server/net/channel.hpp"
#include "server/net/core.hpp"
#include "server/net/response_head.hpp"

namespace sagelet::net {

/// `scratch` is a buffer that is kept from answer to answer. False: the connection is of no use any more.
Task<bool> send_response(Channel& channel, Core& core, http::Response& response, const Framing& framing,
                         const RequestFacts& request, std::string& scratch);

}  // namespace sagelet::net
