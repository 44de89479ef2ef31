#include "server/config_slurm.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "fmt/format.h"

namespace sagelet::config_yaml {

namespace {

using jobs::slurm::Settings;
using jobs::slurm::Size;

/// Options of sbatch that are ours to give, by their long and short names.
constexpr std::array<std::string_view, 22> kOurs = {
    "--job-name", "-J",      "--comment", "--nodes", "-N",          "--ntasks",         "-n",      "--array",
    "-a",         "--wrap",  "--requeue", "-W",      "--wait",      "--parsable",       "--chdir", "-D",
    "--export",   "--input", "-i",        "-Q",      "--test-only", "--ntasks-per-node"};

Reader absolute_path(std::string& out, std::string_view what) {
  return [&out, what](const Place& place, const YAML::Node& node) -> Status {
    std::string value;
    TRY(text(value)(place, node));
    if (!value.starts_with('/') || value.find('\n') != std::string::npos)
      return expected(place, node, fmt::format("expected the path of {}, from / on", what));
    while (value.size() > 1 && value.ends_with('/')) value.pop_back();
    out = std::move(value);
    return {};
  };
}

Reader shared_folder(std::string& out) {
  return [&out](const Place& place, const YAML::Node& node) -> Status {
    TRY(absolute_path(out, "a folder that the server and all nodes see there")(place, node));
    if (std::error_code ignored; !std::filesystem::is_directory(out, ignored))
      return expected(place, node, fmt::format("{} is not a folder on this machine", out));
    return {};
  };
}

Reader sbatch_options(std::vector<std::string>& out) {
  return [&out](const Place& place, const YAML::Node& node) {
    return read_list(
        place, node, "sbatch's options: [\"--account=ml\"]",
        [&out](const Place& at, const YAML::Node& item) -> Status {
          std::string value;
          TRY(text(value)(at, item));
          const auto name = value.substr(0, value.find('='));
          if (!value.starts_with('-') || value.find('\n') != std::string::npos)
            return expected(
                at, item,
                fmt::format("expected an option of sbatch as one word: \"--account=ml\", not {}", value));
          if (std::ranges::find(kOurs, name) != kOurs.end())
            return expected(at, item,
                            fmt::format("{} is not to be chosen: Sagelet gives it to sbatch itself", name));
          out.push_back(std::move(value));
          return {};
        });
  };
}

/// "60GB", "512MB"; as in Slurm, a GB is 1024 MB.
Reader memory(std::optional<std::uint64_t>& out) {
  return [&out](const Place& place, const YAML::Node& node) -> Status {
    const auto value = node.IsScalar() ? node.Scalar() : std::string();
    std::uint64_t number = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
    const std::string_view unit(read.ptr, value.data() + value.size());
    const bool giga = unit == "GB" || unit == "G";
    if (read.ec != std::errc() || number == 0 || number > 1u << 30 || (!giga && unit != "MB" && unit != "M"))
      return expected(place, node, "expected a size such as 60GB or 512MB");
    out = number << (giga ? 30 : 20);
    return {};
  };
}

Reader name_of(std::string& out, std::string_view what) {
  return [&out, what](const Place& place, const YAML::Node& node) -> Status {
    TRY(text(out)(place, node));
    if (out.find_first_of(" \t\n'\"") == std::string::npos && !out.starts_with('-')) return {};
    return expected(place, node, fmt::format("expected {}", what));
  };
}

Status read_size(Size& size, const Place& place, const YAML::Node& node) {
  std::int64_t cpus = 0;
  TRY(read_map(place, node,
               {{"partition", name_of(size.partition, "a partition's name")},
                {"gres", name_of(size.gres, "a generic resource such as gpu:1")},
                {"cpus", integer(cpus, 1, 4096)},
                {"memory", memory(size.memory)},
                {"options", sbatch_options(size.options)}}));
  if (cpus > 0) size.cpus = static_cast<int>(cpus);
  return {};
}

Status read_sizes(Settings& settings, const Place& place, const YAML::Node& node) {
  if (node.IsNull()) return {};
  if (!node.IsMap()) return expected(place, node, "expected instance types and what they are on the cluster");
  for (const auto& entry : node) {
    std::string type;
    TRY(text(type)(place, entry.first));
    if (!type.starts_with("ml."))
      return expected(place, entry.first, "expected an instance type such as ml.m5.large");
    TRY(read_size(settings.instance_types[type], place.in(type), entry.second));
  }
  return {};
}

}  // namespace

Status read_slurm(Settings& settings, const Place& place, const YAML::Node& node) {
  auto wait = static_cast<std::int64_t>(settings.capacity_wait.count());
  TRY(read_map(place, node,
               {{"partition", name_of(settings.partition, "a partition's name")},
                {"options", sbatch_options(settings.options)},
                {"folder", absolute_path(settings.folder, "a folder on each node")},
                {"shared", shared_folder(settings.shared)},
                {"runner", absolute_path(settings.runner, "sagelet-runner on the nodes")},
                {"python", absolute_path(settings.python, "a Python on the nodes")},
                {"capacity_wait_seconds", integer(wait, 0, 30LL * 24 * 3600)},
                {"instance_types", [&](const Place& at, const YAML::Node& inner) {
                   return read_sizes(settings, at, inner);
                 }}}));
  settings.capacity_wait = std::chrono::seconds(wait);
  return {};
}

}  // namespace sagelet::config_yaml
