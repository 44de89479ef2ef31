#pragma once
// How answers look: aligned, calm, colours only on a terminal and never with NO_COLOR.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "server/cli/cli.hpp"

namespace sagelet::cli {

enum class Colour { kPlain, kGreen, kYellow, kRed, kFaint };

/// Whether stdout takes colours: a terminal, TERM not dumb, NO_COLOR empty.
bool colours_wanted();
std::string painted(std::string_view text, Colour colour, bool colours);
/// Completed green, Failed red, what is under way yellow, Stopped faint.
Colour colour_of_status(std::string_view status);

/// Columns padded to their widest cell, two blanks between, nothing behind the last. `status_column` is
/// painted.
std::string table(const std::vector<std::vector<std::string>>& rows, int status_column, bool colours);
/// "name   value" lines; entries with an empty value are left out.
std::string facts(const std::vector<std::pair<std::string, std::string>>& entries);

/// 512 bytes, 1.5 kB, 3.4 GB
std::string bytes_text(std::uint64_t bytes);

/// Says an error on stderr and gives the exit code that goes with it.
ExitCode report(const Error& error);

}  // namespace sagelet::cli
