#include "server/model/call.hpp"

#include <cmath>

namespace sagelet {

api::Error api::Error::internal() {
  Error error = make("InternalFailure", "We encountered an internal error. Please try again.", 500);
  error.fault = true;
  return error;
}

const std::string& Input::text(std::string_view name) const {
  static const std::string kNone;
  const auto found = params.find(name);
  const auto* text = found == params.end() ? nullptr : found->get_ptr<const std::string*>();
  return text == nullptr ? kNone : *text;
}

std::optional<std::string> Input::maybe_text(std::string_view name) const {
  const auto found = params.find(name);
  if (found == params.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::int64_t Input::number(std::string_view name, std::int64_t otherwise) const {
  const auto found = params.find(name);
  if (found == params.end() || !found->is_number()) return otherwise;
  if (!found->is_number_float()) return found->get<std::int64_t>();
  const double value = found->get<double>();
  // The doubles that fit: anything else would be undefined behaviour to convert.
  return std::abs(value) < 9.2e18 ? static_cast<std::int64_t>(value) : otherwise;
}

bool Input::flag(std::string_view name, bool otherwise) const {
  const auto found = params.find(name);
  return found != params.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

}  // namespace sagelet
