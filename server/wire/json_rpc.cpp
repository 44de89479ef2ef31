#include "server/wire/json_body.hpp"
#include "server/wire/json_reader.hpp"
#include "server/wire/parts.hpp"
#include "server/wire/protocols.hpp"

namespace sagelet::wire {

Reply<Match> JsonRpc::match(const model::ServiceModel& service, const http::Head& head, std::string_view,
                            std::string_view) const {
  const std::string_view wanted = head.headers.get("X-Amz-Target");
  const std::size_t dot = wanted.rfind('.');
  if (dot != std::string_view::npos && wanted.substr(0, dot) == service.target_prefix) {
    if (const auto* operation = service.operation(wanted.substr(dot + 1)))
      return Match{.operation = operation};
  }
  return api::Error::make("UnknownOperationException",
                          "The requested operation is not supported: " + std::string(wanted));
}

Reply<Document> JsonRpc::parse_head(const Match&, const http::Head&, std::string_view) const {
  return Document::object();
}

Reply<Document> JsonRpc::parse(const Match& match, const http::Head&, std::string_view,
                               std::string_view body) const {
  static const model::Shape kNothing{.name = "Nothing"};
  return read_json(match.operation->input == nullptr ? kNothing : *match.operation->input, body);
}

http::Response JsonRpc::serialise(const model::ServiceModel&, const model::Operation& operation,
                                  Output output, std::string_view request_id) const {
  http::Response response = start_response(operation, output);
  response.headers.add("x-amzn-RequestId", std::string(request_id));
  response.headers.add("Content-Type", std::string(content_type_));
  if (operation.output != nullptr || !output.ready.empty())
    response.body = json_answer(operation.output, output);
  return response;
}

http::Response JsonRpc::serialise_error(const model::ServiceModel& service, const model::Operation* operation,
                                        const api::Error& error, std::string_view request_id, bool) const {
  const model::Shape* shape = error_shape(service, operation, error.code);
  http::Response response;
  response.status = error_status(error, shape);
  response.headers.add("x-amzn-RequestId", std::string(request_id));
  response.headers.add("Content-Type", std::string(content_type_));
  add_query_error(response, service, error, shape);
  add_headers(response, error.headers);
  response.body = json_error(shape, error, true);
  return response;
}

}  // namespace sagelet::wire
