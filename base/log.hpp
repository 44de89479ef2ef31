#pragma once
// The program's own log (spdlog, compiled). What a client reads is elsewhere; this is for whoever runs the
// server.
#include <string>
#include <string_view>

#include "fmt/format.h"

namespace sagelet::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };

/// Once, at the start of main. Without it only warnings and errors are written, to stderr.
void start(Level level);
void write(Level level, std::string_view line);

template <class... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::kDebug, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::kInfo, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::kWarn, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::kError, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace sagelet::log
