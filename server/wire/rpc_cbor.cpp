// Smithy RPC v2 with CBOR: POST /service/<service>/operation/<operation>, Smithy-Protocol: rpc-v2-cbor.
#include "server/wire/cbor_reader.hpp"
#include "server/wire/cbor_writer.hpp"
#include "server/wire/document_writer.hpp"
#include "server/wire/parts.hpp"
#include "server/wire/protocols.hpp"

namespace sagelet::wire {
namespace {

constexpr const char* kContentType = "application/cbor";

/// The two names of the path, or nothing.
std::pair<std::string_view, std::string_view> names_in(std::string_view target) {
  constexpr std::string_view kService = "/service/", kOperation = "/operation/";
  target = target.substr(0, target.find('?'));
  const auto service = target.rfind(kService);
  const auto operation = target.rfind(kOperation);
  if (service == target.npos || operation == target.npos || operation < service + kService.size()) return {};
  const auto from = service + kService.size();
  return {target.substr(from, operation - from), target.substr(operation + kOperation.size())};
}

http::Response cbor_response(http::Response response, std::string_view request_id) {
  response.headers.add("Smithy-Protocol", "rpc-v2-cbor");
  response.headers.add("x-amzn-RequestId", std::string(request_id));
  return response;
}

}  // namespace

Reply<Match> RpcCbor::match(const model::ServiceModel& service, const http::Head& head,
                            std::string_view target, std::string_view) const {
  const auto [name, operation] = names_in(target);
  if (head.headers.get("Smithy-Protocol") == "rpc-v2-cbor" && name == service.target_prefix)
    if (const auto* found = service.operation(operation)) return Match{.operation = found};
  return api::Error::make("UnknownOperationException",
                          "The requested operation is not supported: " + std::string(target));
}

Reply<Document> RpcCbor::parse_head(const Match&, const http::Head&, std::string_view) const {
  return Document::object();
}

Reply<Document> RpcCbor::parse(const Match& match, const http::Head&, std::string_view,
                               std::string_view body) const {
  return match.operation->input == nullptr ? Reply<Document>(Document::object())
                                           : read_cbor(*match.operation->input, body);
}

http::Response RpcCbor::serialise(const model::ServiceModel&, const model::Operation& operation,
                                  Output output, std::string_view request_id) const {
  http::Response response = cbor_response(start_response(operation, output), request_id);
  response.headers.add("Content-Type", kContentType);
  std::string out;
  CborWriter writer(out, operation.output);
  if (output.rows) {
    output.rows(writer);
  } else if (operation.output != nullptr) {
    write_members(writer, *operation.output, output.fields);
  }
  writer.finish();
  response.body = std::move(out);
  return response;
}

http::Response RpcCbor::serialise_error(const model::ServiceModel& service, const model::Operation* operation,
                                        const api::Error& error, std::string_view request_id, bool) const {
  const model::Shape* shape = error_shape(service, operation, error.code);
  http::Response response = cbor_response({}, request_id);
  response.status = error_status(error, shape);
  response.headers.add("Content-Type", kContentType);
  add_query_error(response, service, error, shape);
  add_headers(response, error.headers);
  std::string out;
  CborWriter writer(out, nullptr);
  writer.member("__type");
  writer.text(error.code);
  for (const char* name : {"message", "Message"}) {
    writer.member(name);
    writer.text(error.message);
  }
  for (const auto& [name, value] : error.members) {
    if (name == "message" || name == "Message") continue;
    writer.member(name);
    writer.text(value);
  }
  writer.finish();
  response.body = std::move(out);
  return response;
}

}  // namespace sagelet::wire
