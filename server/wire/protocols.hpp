#pragma once
// The protocols, one file each. They are stateless: one constant object of each kind.
#include "server/wire/protocol.hpp"

namespace sagelet::wire {

/// Declares the five calls of a protocol.
#define SAGELET_PROTOCOL_CALLS                                                                            \
  Reply<Match> match(const model::ServiceModel& service, const http::Head& head, std::string_view target, \
                     std::string_view body) const override;                                               \
  Reply<Document> parse_head(const Match& match, const http::Head& head, std::string_view target)         \
      const override;                                                                                     \
  Reply<Document> parse(const Match& match, const http::Head& head, std::string_view target,              \
                        std::string_view body) const override;                                            \
  http::Response serialise(const model::ServiceModel& service, const model::Operation& operation,         \
                           Output output, std::string_view request_id) const override;                    \
  http::Response serialise_error(const model::ServiceModel& service, const model::Operation* operation,   \
                                 const api::Error& error, std::string_view request_id, bool head_request) \
      const override

/// AWS JSON 1.0 and 1.1: the operation in X-Amz-Target, everything in one JSON body.
class JsonRpc final : public Protocol {
 public:
  explicit JsonRpc(std::string_view content_type) : content_type_(content_type) {}
  SAGELET_PROTOCOL_CALLS;

 private:
  std::string_view content_type_;
};

/// AWS Query: a form in, XML out.
class QueryProtocol final : public Protocol {
 public:
  SAGELET_PROTOCOL_CALLS;
};

/// REST with XML bodies, in S3's manner (errors without a wrapper, x-amz-request-id).
class RestXml final : public Protocol {
 public:
  SAGELET_PROTOCOL_CALLS;
};

/// REST with JSON bodies.
class RestJson final : public Protocol {
 public:
  SAGELET_PROTOCOL_CALLS;
};

/// Smithy RPC v2: the operation in the path, everything in one CBOR body.
class RpcCbor final : public Protocol {
 public:
  SAGELET_PROTOCOL_CALLS;
};

#undef SAGELET_PROTOCOL_CALLS

}  // namespace sagelet::wire
