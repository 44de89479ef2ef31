#include "server/jobs/placement/slurm/answers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "server/jobs/placement/slurm/script.hpp"

namespace sagelet::jobs::slurm {

namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<std::string_view, 5> kWaiting = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
                                                      "SPECIAL_EXIT"};
constexpr std::array<std::string_view, 10> kEnded = {"BOOT_FAIL", "CANCELLED", "COMPLETED",     "DEADLINE",
                                                     "FAILED",    "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
                                                     "REVOKED",   "TIMEOUT"};

/// Reasons that people meet most, in words.
constexpr std::array<Pair, 12> kReasons = {
    {{"Resources", "no node is free now"},
     {"Priority", "behind other jobs"},
     {"PartitionDown", "the partition is down"},
     {"PartitionInactive", "the partition is inactive"},
     {"PartitionNodeLimit", "the partition does not allow so many nodes, or has not so many that are up"},
     {"PartitionTimeLimit", "the partition does not allow so long a time"},
     {"PartitionConfig", "the partition's limits do not allow it"},
     {"NodeDown", "a node that it needs is down"},
     {"ReqNodeNotAvail", "a node that it needs is down, drained or reserved"},
     {"BadConstraints", "no node is of that kind"},
     {"JobHeldAdmin", "an administrator holds it"},
     {"JobHeldUser", "it is held"}}};

constexpr std::array<std::string_view, 7> kHopeless = {
    "PartitionDown",   "PartitionInactive", "PartitionNodeLimit", "PartitionTimeLimit",
    "PartitionConfig", "NodeDown",          "ReqNodeNotAvail"};

constexpr std::array<std::string_view, 10> kAway = {"Unable to contact slurm controller",
                                                    "Socket timed out",
                                                    "Zero Bytes were transmitted",
                                                    "Connection refused",
                                                    "Connection timed out",
                                                    "temporarily unable",
                                                    "Unexpected message received",
                                                    "Communication connection failure",
                                                    "authentication",
                                                    "Munge"};
constexpr std::array<std::string_view, 3> kNoCapacity = {"Requested node configuration is not available",
                                                         "Node count specification invalid",
                                                         "More processors requested than permitted"};

template <std::size_t N>
bool is_in(std::string_view text, const std::array<std::string_view, N>& these) {
  return std::ranges::find(these, text) != these.end();
}

template <std::size_t N>
bool has_one_of(std::string_view text, const std::array<std::string_view, N>& these) {
  return std::ranges::any_of(these, [&](auto one) { return text.find(one) != std::string_view::npos; });
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 20 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

template <class Use>
void each_line(std::string_view text, const Use& use) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    use(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

std::string value_of(const Shown& shown, const char* name) {
  const auto found = shown.find(name);
  return found == shown.end() ? std::string() : found->second;
}

std::string at(const Listed& listed) {
  return listed.nodes.empty() ? std::string() : " on " + listed.nodes;
}

/// Of the batch script's own ends, and of signals.
std::string script_end(const Listed& listed, const std::string& exit_code) {
  if (exit_code == fmt::format("{}:0", kNoFolder)) return "its folder could not be made" + at(listed);
  if (exit_code == fmt::format("{}:0", kNoRunner))
    return fmt::format("the runner did not reach the node{}, or cannot be executed there", at(listed));
  if (exit_code == "126:0" || exit_code == "127:0")
    return fmt::format("the runner does not start{} (exit code {}); its libraries are listed in the guide",
                       at(listed), exit_code.substr(0, 3));
  return fmt::format("its runner ended{} without a report (Slurm: {}, exit code {})", at(listed),
                     listed.state, exit_code.empty() ? "unknown" : exit_code);
}

std::string base_reason(std::string_view reason) {
  return std::string(reason.substr(0, reason.find_first_of(", (:")));
}

}  // namespace

bool Listed::waits() const {
  return is_in(state, kWaiting);
}

bool Listed::ended() const {
  return is_in(state, kEnded);
}

std::vector<Listed> parse_list(std::string_view answer) {
  std::vector<Listed> out;
  each_line(answer, [&](std::string_view line) {
    std::array<std::string_view, 6> fields;
    for (std::size_t i = 0; i < 5; ++i) {
      const auto bar = line.find('|');
      if (bar == std::string_view::npos) return;
      fields[i] = line.substr(0, bar);
      line.remove_prefix(bar + 1);
    }
    fields[5] = line;
    if (!is_number(fields[0]) || fields[1].empty()) return;
    Listed job{.id = std::string(fields[0]),
               .state = std::string(fields[1]),
               .reason = std::string(fields[2]),
               .nodes = std::string(fields[3]),
               .partition = std::string(fields[4])};
    if (const auto space = fields[5].find(' '); space != std::string_view::npos)
      job.job_id = fields[5].substr(0, space);
    out.push_back(std::move(job));
  });
  return out;
}

Result<std::string> parse_submitted(std::string_view answer) {
  std::string_view id;
  each_line(answer, [&](std::string_view line) {
    const auto word = trimmed(line.substr(0, line.find(';')));
    if (is_number(word)) id = word;
  });
  if (id.empty())
    return Error(ErrorKind::kInvalid,
                 fmt::format("sbatch did not say a job's number but: {}", answer.substr(0, 200)));
  return std::string(id);
}

Shown parse_shown(std::string_view answer) {
  Shown out;
  std::string* last = nullptr;
  answer = answer.substr(0, answer.find('\n'));
  while (!answer.empty()) {
    const auto space = answer.find(' ');
    const auto word = answer.substr(0, space);
    const auto equals = word.find('=');
    if (equals != std::string_view::npos && equals > 0) {
      last = &out[std::string(word.substr(0, equals))];
      *last = word.substr(equals + 1);
    } else if (last != nullptr && !word.empty()) {
      last->append(" ").append(word);
    }
    answer.remove_prefix(space == std::string_view::npos ? answer.size() : space + 1);
  }
  return out;
}

Error refusal(std::string_view command, std::string_view complaint) {
  std::string text;
  each_line(complaint, [&](std::string_view line) {
    line = trimmed(line);
    if (line.empty()) return;
    if (!text.empty()) text += "; ";
    text += line;
  });
  if (text.empty()) text = fmt::format("{} failed without a word", command);
  text.resize(std::min<std::size_t>(text.size(), 600));
  if (has_one_of(text, kAway)) return Error(ErrorKind::kUnavailable, text);
  return Error(has_one_of(text, kNoCapacity) ? ErrorKind::kNoSpace : ErrorKind::kInvalid, text);
}

News ending_of(const Listed& listed, const Shown& shown) {
  using What = News::What;
  const News news{.job_id = listed.job_id, .what = What::kFailed, .text = {}};
  const auto with = [&](What what, std::string text) {
    auto out = news;
    out.what = what;
    out.text = std::move(text);
    return out;
  };
  const auto& state = listed.state;
  if (state == "NODE_FAIL" || state == "BOOT_FAIL")
    return with(
        What::kFailed,
        fmt::format("InternalServerError: a node failed{} (Slurm: {}). Please try again", at(listed), state));
  if (state == "PREEMPTED") return with(What::kInterrupted, fmt::format("preempted in Slurm{}", at(listed)));
  if (state == "CANCELLED" || state == "REVOKED")
    return with(What::kCancelled,
                fmt::format("InternalServerError: the job was cancelled in Slurm{}", at(listed)));
  if (state == "TIMEOUT" || state == "DEADLINE")
    return with(What::kMaxRuntimeExceeded, fmt::format("Slurm's time limit was reached{}", at(listed)));
  const auto exit_code = value_of(shown, "ExitCode");
  if (state == "OUT_OF_MEMORY")
    return with(
        What::kFailed,
        fmt::format("AlgorithmError: OutOfMemory: the job used more than its memory of {}{} (Slurm: {})",
                    value_of(shown, "MinMemoryNode").empty() ? "the node" : value_of(shown, "MinMemoryNode"),
                    at(listed), state));
  return with(What::kGone, script_end(listed, exit_code));
}

std::string waiting_text(const Listed& listed) {
  const auto reason = listed.reason.empty() || listed.reason == "None" ? "not looked at yet" : listed.reason;
  const auto known = std::ranges::find(kReasons, base_reason(reason), &Pair::first);
  if (known == kReasons.end()) return fmt::format("Pending in Slurm: {}", reason);
  return fmt::format("Pending in Slurm: {} ({})", reason, known->second);
}

bool any_node_is_up(std::string_view answer) {
  constexpr std::array<std::string_view, 6> kUp = {"idle",       "allocated", "mixed",
                                                   "completing", "planned",   "reserved"};
  bool up = false;
  each_line(answer, [&](std::string_view line) { up = up || is_in(trimmed(line), kUp); });  // "idle*" is away
  return up;
}

bool depends_on_nodes(std::string_view reason) {
  return reason.starts_with("Nodes required for job are DOWN");
}

bool is_hopeless(const Listed& listed) {
  return is_in(base_reason(listed.reason), kHopeless) ||
         (depends_on_nodes(listed.reason) && listed.no_node_is_up);
}

}  // namespace sagelet::jobs::slurm
