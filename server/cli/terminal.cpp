#include "server/cli/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "fmt/format.h"

namespace sagelet::cli {

namespace {

constexpr std::string_view kCodes[] = {"", "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m"};

/// Code points, which is near enough for names and dates.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

bool colours_wanted() {
  const char* off = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (off != nullptr && *off != '\0') return false;
  return ::isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

std::string painted(std::string_view text, Colour colour, bool colours) {
  if (!colours || colour == Colour::kPlain) return std::string(text);
  return fmt::format("{}{}\x1b[0m", kCodes[static_cast<int>(colour)], text);
}

Colour colour_of_status(std::string_view status) {
  if (status == "Completed") return Colour::kGreen;
  if (status == "Failed") return Colour::kRed;
  if (status == "InProgress" || status == "Stopping") return Colour::kYellow;
  return status == "Stopped" ? Colour::kFaint : Colour::kPlain;
}

std::string table(const std::vector<std::vector<std::string>>& rows, int status_column, bool colours) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool is_status = static_cast<int>(i) == status_column;
      out += is_status ? painted(row[i], colour_of_status(row[i]), colours) : row[i];
      if (i + 1 < row.size()) out.append(widths[i] - width(row[i]) + 2, ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

std::string facts(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : entries)
    if (!value.empty()) rows.push_back({name, value});
  return table(rows, -1, false);
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double amount = static_cast<double>(bytes) / 1000;
  for (const char* unit : {"kB", "MB", "GB"}) {
    if (amount < 999.95) return fmt::format("{:.1f} {}", amount, unit);
    amount /= 1000;
  }
  return fmt::format("{:.1f} TB", amount);
}

ExitCode report(const Error& error) {
  fmt::print(stderr, "sagelet: {}\n", error.message());
  return error.is(ErrorKind::kUnavailable) || error.is(ErrorKind::kTimeout) ? kNoServer : kFailed;
}

}  // namespace sagelet::cli
