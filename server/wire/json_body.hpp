#pragma once
// JSON bodies of answers and errors, as json_rpc and rest_json share them.
#include <string>
#include <string_view>

#include "server/model/call.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::wire {

/// The answer's JSON: `ready`, or what `rows` writes, or the fields by shape. `shape` may be null (no
/// members).
std::string json_answer(const model::Shape* shape, Output& output);
/// {"__type":..., "message":..., "Message":..., further members by the error's shape}.
std::string json_error(const model::Shape* shape, const api::Error& error, bool with_type);

}  // namespace sagelet::wire
