#include "runner/progress.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/fields.hpp"

namespace sagelet {
namespace {

constexpr const char* kFile = "progress.json";
constexpr int kMostTimes = 20;

template <class P, class Visit>
void progress_fields(P& p, Visit& visit) {
  visit("started_ms", p.started_ms);
  visit("taken_up", p.taken_up);
  visit("sandbox", p.sandbox);
  visit("checkpoints", p.checkpoints);
  visit("why", p.why);
  visit("ended", p.ended);
  visit("exit_code", p.exit_code);
  visit("out_of_memory", p.out_of_memory);
  visit("disk_full", p.disk_full);
  visit("ended_ms", p.ended_ms);
  visit("python", p.python);
  visit("python_version", p.python_version);
  visit("metrics", p.metrics);
}

bool failed_by_itself(const Progress& progress) {
  return progress.ended && progress.why == 0 && progress.exit_code != 0;
}

}  // namespace

std::string Progress::to_json() const {
  fields::Writer writer;
  progress_fields(*this, writer);
  return fields::text_of(writer.json);
}

Result<Progress> Progress::from_json(std::string_view text) {
  Progress progress;
  TRY(fields::parse(text, "progress", [&](const nlohmann::json& json) {
    fields::Reader reader{json};
    progress_fields(progress, reader);
  }));
  return progress;
}

Result<Progress> Progress::read(const fs::path& folder) {
  TRY(const std::string text, read_file(folder / kFile));
  return from_json(text);
}

Status Progress::write(const fs::path& folder) const {
  return write_file(folder / kFile, to_json());
}

TakeUp can_be_taken_up(const fs::path& folder) {
  const auto text = read_file(folder / "spec.json");
  const auto spec = text ? JobSpec::from_json(*text) : Result<JobSpec>(text.error());
  if (!spec) return TakeUp::kNo;
  std::vector<Progress> hosts;
  for (const std::string& host : spec->hosts)
    if (auto progress = Progress::read(spec->hosts.size() == 1 ? folder : folder / host))
      hosts.push_back(std::move(*progress));
  if (hosts.empty() || std::ranges::any_of(hosts, [](const Progress& p) { return p.taken_up >= kMostTimes; }))
    return TakeUp::kNo;
  if (hosts.size() < spec->hosts.size() && std::ranges::none_of(hosts, failed_by_itself)) return TakeUp::kNo;
  return std::ranges::all_of(hosts, &Progress::ended) ? TakeUp::kEnded : TakeUp::kContainer;
}

}  // namespace sagelet
