#include "server/wire/bindings.hpp"
#include "server/wire/json_body.hpp"
#include "server/wire/json_reader.hpp"
#include "server/wire/json_writer.hpp"
#include "server/wire/parts.hpp"
#include "server/wire/protocols.hpp"
#include "server/wire/rest.hpp"

namespace sagelet::wire {
namespace {

using model::Member;
using model::Operation;
using model::Shape;

/// The payload member's own structure (or document) as the whole body.
std::string payload_json(const Member& payload, Output& output) {
  if (output.rows) return json_answer(payload.shape, output);
  const auto found = output.fields.find(payload.name);
  if (found == output.fields.end()) return "";
  if (payload.shape->document_type) return found->dump(-1, ' ', false, Document::error_handler_t::replace);
  Output inner;
  inner.fields = std::move(*found);
  return json_answer(payload.shape, inner);
}

}  // namespace

Reply<Match> RestJson::match(const model::ServiceModel& service, const http::Head& head,
                             std::string_view target, std::string_view) const {
  const Match match = find_route(service, head, target);
  if (match.operation != nullptr) return match;
  return api::Error::make("UnknownOperationException", "The requested operation is not supported.", 404);
}

Reply<Document> RestJson::parse_head(const Match& match, const http::Head& head,
                                     std::string_view target) const {
  return read_bound(match, head, target, "SerializationException");
}

Reply<Document> RestJson::parse(const Match& match, const http::Head& head, std::string_view target,
                                std::string_view body) const {
  TRY(Document params, parse_head(match, head, target));
  return with_body(std::move(params), match.operation->input, body,
                   [](const Shape& shape, std::string_view text, bool members) {
                     return read_json(shape, text, members);
                   });
}

http::Response RestJson::serialise(const model::ServiceModel&, const Operation& operation, Output output,
                                   std::string_view request_id) const {
  http::Response response = start_response(operation, output);
  write_bound(operation, output.fields, response);
  response.headers.add("x-amzn-RequestId", std::string(request_id));
  if (take_payload(operation, output, response)) return response;
  if (operation.http_method == "HEAD") return response;
  const Member* payload = operation.output == nullptr ? nullptr : operation.output->payload;
  std::string body =
      payload == nullptr ? json_answer(operation.output, output) : payload_json(*payload, output);
  if (!body.empty() && !response.headers.has("Content-Type"))
    response.headers.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

http::Response RestJson::serialise_error(const model::ServiceModel& service, const Operation* operation,
                                         const api::Error& error, std::string_view request_id,
                                         bool head_request) const {
  const Shape* shape = error_shape(service, operation, error.code);
  http::Response response;
  response.status = error_status(error, shape);
  response.headers.add("x-amzn-RequestId", std::string(request_id));
  response.headers.add("x-amzn-ErrorType", error.code);
  response.headers.add("Content-Type", "application/json");
  add_headers(response, error.headers);
  if (!head_request) response.body = json_error(shape, error, false);
  return response;
}

}  // namespace sagelet::wire
