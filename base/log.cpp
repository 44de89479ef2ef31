#include "base/log.hpp"

#include <memory>

#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace sagelet::log {

namespace {

spdlog::level::level_enum spd(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> the_logger = [] {
    auto made = spdlog::stderr_color_mt("sagelet");
    made->set_pattern("%H:%M:%S.%e %^%l%$ %v");
    made->set_level(spdlog::level::warn);
    return made;
  }();
  return *the_logger;
}

}  // namespace

void start(Level level) {
  logger().set_level(spd(level));
}

void write(Level level, std::string_view line) {
  logger().log(spd(level), "{}", line);
}

}  // namespace sagelet::log
