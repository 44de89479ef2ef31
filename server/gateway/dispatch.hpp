#pragma once
// Small decisions between the steps of a call, and the only place where failures of lower rooms become AWS
// errors.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/auth/auth.hpp"
#include "server/services/service.hpp"
#include "server/wire/protocol.hpp"

namespace sagelet::gateway {

/// The caller as services see it: an assumed role. In lax mode its name is always the same one.
Identity identity_of(const auth::Judged& judged);

/// x-amz-decoded-content-length, else Content-Length.
std::optional<std::uint64_t> decoded_length(const http::Head& head);

bool has_streaming_input(const model::Operation& operation);

/// S3 checks its input by its own rules, in its own words; the others by the model's.
bool checks_by_model(const model::ServiceModel& service);
std::string validation_code(const model::ServiceModel& service);

api::Error error_of_refusal(const auth::Refusal& refusal, const model::ServiceModel& service);
api::Error error_of_body(const Error& error, const model::ServiceModel& service);
/// Of a form that cannot be read.
api::Error error_of_form(const Error& error);
api::Error not_implemented(const model::ServiceModel& service, const model::Operation& operation);
/// InternalFailure for the client, the detail for the log.
api::Error logged_internal(const Error& error, const Context& context);

}  // namespace sagelet::gateway
