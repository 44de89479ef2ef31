#pragma once
// Reading a request's members that may be absent.
#include <cstdint>
#include <string>

#include "nlohmann/json.hpp"
#include "server/model/document.hpp"

namespace sagelet::sagemaker {

/// A structure's member; an empty object when it is not there.
const Document& part(const Document& object, const char* member);
/// A list's; an empty list when it is not there.
const Document& items(const Document& object, const char* member);
std::string text(const Document& object, const char* member, std::string otherwise = "");
std::int64_t number(const Document& object, const char* member, std::int64_t otherwise = 0);

/// How a channel comes: its own InputMode, else the algorithm's TrainingInputMode.
std::string mode_of(const Document& params, const Document& channel);

}  // namespace sagelet::sagemaker
