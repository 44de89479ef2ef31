#pragma once
#include <string>
#include <string_view>

namespace sagelet {

/// IAM's id of a role: AROA and 17 characters, the same for the same role of the same account, always. (Any
/// role exists here, so there is nothing to remember.)
std::string role_id(std::string_view account, std::string_view name);

}  // namespace sagelet
