#pragma once
// JSON text of what we keep and answer.
#include <string>
#include <string_view>

#include "server/model/document.hpp"

namespace sagelet::resources {

/// Appends the compact text of `value`; what is not UTF-8 becomes U+FFFD. The same text as nlohmann's dump(),
/// in a third of its time where it matters: strings of plain ASCII, in one piece.
void print(const Document& value, std::string& out);
/// Appends `text` as a JSON string.
void print(std::string_view text, std::string& out);

std::string printed(const Document& value);

}  // namespace sagelet::resources
