#include "server/wire/parts.hpp"

#include <algorithm>

namespace sagelet::wire {
namespace {

using model::Kind;
using model::Shape;

constexpr std::size_t kUsualHeaders = 16;

bool named(const Shape& shape, std::string_view code) {
  return shape.error_code == code || shape.name == code;
}

}  // namespace

const Shape* error_shape(const model::ServiceModel& service, const model::Operation* operation,
                         std::string_view code) {
  if (operation != nullptr) {
    for (const Shape* shape : operation->errors) {
      if (named(*shape, code)) return shape;
    }
  }
  for (const Shape* shape : service.shapes) {
    if (shape->is_exception && named(*shape, code)) return shape;
  }
  return nullptr;
}

bool is_fault(const api::Error& error, const Shape* shape) {
  return error.fault || error.status >= 500 || (shape != nullptr && shape->fault);
}

int error_status(const api::Error& error, const Shape* shape) {
  if (error.status != 0) return error.status;
  if (shape != nullptr && shape->error_status != 0) return shape->error_status;
  return error.fault ? 500 : 400;
}

void add_headers(http::Response& response, std::vector<std::pair<std::string, std::string>> headers) {
  for (auto& [name, value] : headers) response.headers.add(std::move(name), std::move(value));
}

http::Response start_response(const model::Operation& operation, Output& output) {
  http::Response response;
  response.headers.reserve(kUsualHeaders);
  response.status = operation.response_code;
  if (output.status != 0) response.status = output.status;
  add_headers(response, std::move(output.headers));
  response.content_length_only = output.content_length_only;
  return response;
}

bool take_payload(const model::Operation& operation, Output& output, http::Response& response) {
  if (output.payload) {
    response.body = std::move(*output.payload);
    return true;
  }
  const model::Member* payload = operation.output == nullptr ? nullptr : operation.output->payload;
  if (payload == nullptr) return false;
  const bool bytes = payload->shape->kind == Kind::kBlob || payload->shape->kind == Kind::kString;
  if (!bytes) return false;
  const auto found = output.fields.find(payload->name);
  if (found == output.fields.end()) return true;
  if (found->is_string()) response.body = found->get<std::string>();
  if (found->is_binary()) {
    const auto& raw = found->get_binary();
    response.body = std::string(raw.begin(), raw.end());
  }
  return true;
}

void add_query_error(http::Response& response, const model::ServiceModel& service, const api::Error& error,
                     const model::Shape* shape) {
  if (!service.query_compatible) return;
  const std::string code(shape == nullptr ? std::string_view(error.code) : shape->error_code);
  response.headers.add("x-amzn-query-error", code + (is_fault(error, shape) ? ";Receiver" : ";Sender"));
}

}  // namespace sagelet::wire
