#include "fmt/format.h"
#include "server/cli/calls.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

namespace {

/// 2 h 03 min, 5 min 10 s, 7 s
std::string span_text(std::int64_t seconds) {
  if (seconds >= 3600) return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
  if (seconds >= 60) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} s", seconds);
}

std::string joined(const nlohmann::json& list) {
  std::string out;
  if (!list.is_array()) return out;
  for (const auto& item : list)
    out += (out.empty() ? "" : ", ") + (item.is_string() ? item.get<std::string>() : item.dump());
  return out;
}

std::int64_t whole(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? static_cast<std::int64_t>(found->get<double>()) : 0;
}

}  // namespace

int status(const Target& target) {
  Calls calls(target);
  const auto told = calls.admin_json("status");
  if (!told) return report(told.error());
  const auto jobs = told->value("jobs", nlohmann::json::object());
  const auto url = member(*told, "url");
  fmt::print("{}", facts({{"server", url.empty() ? target.url : url},
                          {"version", member(*told, "version")},
                          {"up for", span_text(whole(*told, "uptime_seconds"))},
                          {"account", member(*told, "account")},
                          {"region", member(*told, "region")},
                          {"data", member(*told, "data")},
                          {"durability", member(*told, "durability")},
                          {"pythons", joined(told->value("pythons", nlohmann::json::array()))},
                          {"jobs", fmt::format("{} running, {} waiting", whole(jobs, "running"),
                                               whole(jobs, "queued"))}}));
  return kOk;
}

}  // namespace sagelet::cli
