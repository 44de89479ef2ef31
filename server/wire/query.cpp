#include "server/wire/document_writer.hpp"
#include "server/wire/form.hpp"
#include "server/wire/parts.hpp"
#include "server/wire/protocols.hpp"
#include "server/wire/query_reader.hpp"
#include "server/wire/xml_writer.hpp"

namespace sagelet::wire {
namespace {

/// The body's fields and, for requests by GET, the query's.
Fields fields_of(std::string_view target, std::string_view body) {
  Fields fields = read_form(query_of(target));
  Fields more = read_form(body);
  fields.insert(fields.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return fields;
}

std::string_view field(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

void open_root(std::string& out, const model::ServiceModel& service, std::string_view name) {
  out.append("<").append(name).append(" xmlns=\"").append(service.xml_namespace).append("\">");
}

void append_request_id(std::string& out, std::string_view request_id) {
  append_xml_element(out, "RequestId", request_id);
}

http::Response xml_response(std::string_view request_id) {
  http::Response response;
  response.headers.add("x-amzn-RequestId", std::string(request_id));
  response.headers.add("Content-Type", "text/xml");
  return response;
}

}  // namespace

Reply<Match> QueryProtocol::match(const model::ServiceModel& service, const http::Head&,
                                  std::string_view target, std::string_view body) const {
  const Fields fields = fields_of(target, body);
  const std::string_view action = field(fields, "Action");
  if (action.empty()) return api::Error::make("MissingAction", "Missing Action", 400);
  const std::string_view version = field(fields, "Version");
  const auto* operation =
      version.empty() || version == service.api_version ? service.operation(action) : nullptr;
  if (operation != nullptr) return Match{.operation = operation};
  return api::Error::make("InvalidAction",
                          "Could not find operation " + std::string(action) + " for version " +
                              std::string(version.empty() ? "NO_VERSION_SPECIFIED" : version),
                          400);
}

Reply<Document> QueryProtocol::parse_head(const Match&, const http::Head&, std::string_view) const {
  return Document::object();
}

Reply<Document> QueryProtocol::parse(const Match& match, const http::Head&, std::string_view target,
                                     std::string_view body) const {
  if (match.operation->input == nullptr) return Document::object();
  return read_query(*match.operation->input, fields_of(target, body));
}

http::Response QueryProtocol::serialise(const model::ServiceModel& service, const model::Operation& operation,
                                        Output output, std::string_view request_id) const {
  http::Response response = start_response(operation, output);
  response.headers.add("x-amzn-RequestId", std::string(request_id));
  response.headers.add("Content-Type", "text/xml");
  const std::string root = std::string(operation.name) + "Response";
  std::string out;
  out.reserve(512);
  open_root(out, service, root);
  if (!operation.result_wrapper.empty()) out.append("<").append(operation.result_wrapper).append(">");
  if (operation.output != nullptr) {
    XmlWriter writer(out, operation.output, false);
    output.rows ? output.rows(writer) : write_members(writer, *operation.output, output.fields);
    writer.finish();
  }
  if (!operation.result_wrapper.empty()) out.append("</").append(operation.result_wrapper).append(">");
  out += "<ResponseMetadata>";
  append_request_id(out, request_id);
  out.append("</ResponseMetadata></").append(root).append(">");
  response.body = std::move(out);
  return response;
}

http::Response QueryProtocol::serialise_error(const model::ServiceModel& service,
                                              const model::Operation* operation, const api::Error& error,
                                              std::string_view request_id, bool) const {
  const model::Shape* shape = error_shape(service, operation, error.code);
  http::Response response = xml_response(request_id);
  response.status = error_status(error, shape);
  add_headers(response, error.headers);
  std::string out;
  open_root(out, service, "ErrorResponse");
  out += "<Error>";
  append_xml_element(out, "Type", is_fault(error, shape) ? "Receiver" : "Sender");
  append_xml_element(out, "Code", shape == nullptr ? std::string_view(error.code) : shape->error_code);
  append_xml_element(out, "Message", error.message);
  for (const auto& [name, value] : error.members) append_xml_element(out, name, value);
  out += "</Error>";
  append_request_id(out, request_id);
  out += "</ErrorResponse>";
  response.body = std::move(out);
  return response;
}

}  // namespace sagelet::wire
