#pragma once
// What every protocol's answers share.
#include <string>
#include <string_view>

#include "server/http/message.hpp"
#include "server/model/call.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::wire {

/// The shape of the error in the model: among the operation's, then among the service's. Null: not modelled.
const model::Shape* error_shape(const model::ServiceModel& service, const model::Operation* operation,
                                std::string_view code);
/// error.status, else the model's, else 400 (500 when it is the server's fault).
int error_status(const api::Error& error, const model::Shape* shape);
bool is_fault(const api::Error& error, const model::Shape* shape);

/// Status, the model's and the output's own headers, HEAD length.
http::Response start_response(const model::Operation& operation, Output& output);
/// The body that Output::payload or the payload member's blob or string gives; false when there is none of
/// that kind.
bool take_payload(const model::Operation& operation, Output& output, http::Response& response);
/// x-amzn-query-error, by which clients of a service that spoke query before find the old code.
void add_query_error(http::Response& response, const model::ServiceModel& service, const api::Error& error,
                     const model::Shape* shape);
void add_headers(http::Response& response, std::vector<std::pair<std::string, std::string>> headers);

}  // namespace sagelet::wire
