#pragma once
// AWS's protocols, backwards: requests are parsed, answers are written. Stateless and thread-safe; no
// operation appears in here. The files json_rpc, rest_json, rest_xml, query share bindings.cpp (path, query,
// headers, status).
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/message.hpp"
#include "server/model/call.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::wire {

/// Which operation a request is, and the parts of its path.
struct Match {
  const model::Operation* operation = nullptr;
  /// Path labels, decoded: {Bucket}, {Key+}. Bytes, never paths.
  std::vector<std::pair<std::string, std::string>> labels;
};

class Protocol {
 public:
  virtual ~Protocol() = default;

  /// Finds the operation: by X-Amz-Target (json), by Action (query; `body` may be needed), by method, path,
  /// query and headers (rest). `target` is the request's target, after any virtual-host rewriting. The error
  /// is AWS's for an unknown operation.
  virtual Reply<Match> match(const model::ServiceModel& service, const http::Head& head,
                             std::string_view target, std::string_view body) const = 0;

  /// Members bound to path, query and headers only (rest; empty elsewhere): what a service needs to choose a
  /// sink.
  virtual Reply<Document> parse_head(const Match& match, const http::Head& head,
                                     std::string_view target) const = 0;

  /// The whole input. `body` is empty when the payload member is streaming.
  virtual Reply<Document> parse(const Match& match, const http::Head& head, std::string_view target,
                                std::string_view body) const = 0;

  virtual http::Response serialise(const model::ServiceModel& service, const model::Operation& operation,
                                   Output output, std::string_view request_id) const = 0;

  /// `operation` may be null (unknown).
  virtual http::Response serialise_error(const model::ServiceModel& service,
                                         const model::Operation* operation, const api::Error& error,
                                         std::string_view request_id, bool head_request) const = 0;
};

const Protocol& protocol_of(model::ProtocolKind kind);
/// How this request speaks to the service: a service of CBOR is spoken to in JSON and by forms as well.
const Protocol& protocol_of(const model::ServiceModel& service, const http::Head& head);

}  // namespace sagelet::wire
