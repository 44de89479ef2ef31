#include <algorithm>

#include "server/wire/bindings.hpp"
#include "server/wire/document_writer.hpp"
#include "server/wire/parts.hpp"
#include "server/wire/protocols.hpp"
#include "server/wire/rest.hpp"
#include "server/wire/xml_reader.hpp"
#include "server/wire/xml_writer.hpp"

namespace sagelet::wire {
namespace {

using model::Kind;
using model::Member;
using model::Operation;
using model::Shape;

constexpr std::string_view kProlog = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The second id of an answer: nothing of ours to look up by, so it is made of the first.
std::string host_id(std::string_view request_id) {
  return "sagelet/" + std::string(request_id);
}

void add_ids(http::Response& response, std::string_view request_id) {
  response.headers.add("x-amz-request-id", std::string(request_id));
  response.headers.add("x-amz-id-2", host_id(request_id));
}

/// An output whose root element is its only body member, a scalar (GetBucketLocation): no element around the
/// value.
const Member* unwrapped(const Operation& operation) {
  const Member* only = nullptr;
  for (const Member& member : operation.output->members) {
    if (member.location != model::Location::kBody) continue;
    if (only != nullptr) return nullptr;
    only = &member;
  }
  const bool same =
      only != nullptr && only->name == operation.output_root && only->shape->kind == Kind::kString;
  return same ? only : nullptr;
}

std::string_view root_of(const Operation& operation, const Member* payload) {
  if (payload == nullptr)
    return operation.output_root.empty() ? operation.output->name : operation.output_root;
  if (!payload->wire_name.empty()) return payload->wire_name;
  return payload->shape->xml_name.empty() ? payload->shape->name : payload->shape->xml_name;
}

void open_root(std::string& out, const model::ServiceModel& service, std::string_view root,
               const Shape& shape) {
  out.append(kProlog).append("<").append(root);
  const std::string_view uri = shape.xml_namespace.empty() ? service.xml_namespace : shape.xml_namespace;
  if (uri.empty()) return;
  out += " xmlns";
  if (!shape.xml_prefix.empty()) out.append(":").append(shape.xml_prefix);
  out.append("=\"").append(uri).append("\"");
}

std::string xml_answer(const model::ServiceModel& service, const Operation& operation, Output& output) {
  const Member* payload = operation.output->payload;
  const Shape& shape = payload == nullptr ? *operation.output : *payload->shape;
  const std::string_view root = root_of(operation, payload);
  std::string out;
  out.reserve(output.rows ? 4096 : 512);
  open_root(out, service, root, shape);
  if (const Member* only = payload == nullptr ? unwrapped(operation) : nullptr) {
    out += '>';
    const auto found = output.fields.find(only->name);
    if (found != output.fields.end() && found->is_string())
      append_xml_text(out, found->get_ref<const std::string&>());
  } else {
    XmlWriter writer(out, &shape, true);
    if (output.rows) {
      output.rows(writer);
    } else {
      static const Document kNothing = Document::object();
      const auto found = payload == nullptr ? output.fields.end() : output.fields.find(payload->name);
      write_members(writer, shape,
                    payload == nullptr             ? output.fields
                    : found == output.fields.end() ? kNothing
                                                   : *found);
    }
    writer.finish();
  }
  out.append("</").append(root).append(">");
  return out;
}

bool wants_xml(const Operation& operation, const Output& output) {
  if (operation.output == nullptr || operation.http_method == "HEAD") return false;
  const Member* payload = operation.output->payload;
  if (payload != nullptr) return output.rows || output.fields.contains(payload->name);
  return std::ranges::any_of(operation.output->members, in_answer_body);
}

}  // namespace

Reply<Match> RestXml::match(const model::ServiceModel& service, const http::Head& head,
                            std::string_view target, std::string_view) const {
  Match match = find_route(service, head, target);
  if (match.operation != nullptr) return match;
  auto error =
      api::Error::make("MethodNotAllowed", "The specified method is not allowed against this resource.", 405);
  error.members = {{"Method", head.method}, {"ResourceType", "SERVICE"}};
  return error;
}

Reply<Document> RestXml::parse_head(const Match& match, const http::Head& head,
                                    std::string_view target) const {
  return read_bound(match, head, target, "InvalidArgument");
}

Reply<Document> RestXml::parse(const Match& match, const http::Head& head, std::string_view target,
                               std::string_view body) const {
  TRY(Document params, parse_head(match, head, target));
  return with_body(std::move(params), match.operation->input, body,
                   [](const Shape& shape, std::string_view text, bool) { return read_xml(shape, text); });
}

http::Response RestXml::serialise(const model::ServiceModel& service, const Operation& operation,
                                  Output output, std::string_view request_id) const {
  http::Response response = start_response(operation, output);
  write_bound(operation, output.fields, response);
  add_ids(response, request_id);
  if (take_payload(operation, output, response)) return response;
  if (!output.ready.empty()) {
    response.body = std::move(output.ready);
  } else if (wants_xml(operation, output)) {
    response.body = xml_answer(service, operation, output);
  } else {
    return response;
  }
  if (!response.headers.has("Content-Type")) response.headers.add("Content-Type", "application/xml");
  return response;
}

http::Response RestXml::serialise_error(const model::ServiceModel& service, const Operation* operation,
                                        const api::Error& error, std::string_view request_id,
                                        bool head_request) const {
  http::Response response;
  response.status = error_status(error, error_shape(service, operation, error.code));
  add_ids(response, request_id);
  add_headers(response, error.headers);
  if (head_request || response.status == 304) return response;
  response.headers.add("Content-Type", "application/xml");
  std::string out(kProlog);
  out += "<Error>";
  append_xml_element(out, "Code", error.code);
  append_xml_element(out, "Message", error.message);
  for (const auto& [name, value] : error.members) append_xml_element(out, name, value);
  append_xml_element(out, "RequestId", request_id);
  append_xml_element(out, "HostId", host_id(request_id));
  out += "</Error>";
  response.body = std::move(out);
  return response;
}

}  // namespace sagelet::wire
