#include "server/jobs/placement/slurm/commands.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/child.hpp"
#include "base/fs.hpp"
#include "fmt/format.h"

namespace sagelet::jobs::slurm {

namespace {

using Words = std::vector<std::string>;

constexpr std::chrono::seconds kDeadline{20};
constexpr std::chrono::seconds kSendDeadline{120};
constexpr std::uint64_t kLongest = 256u << 20;

struct Input {
  std::string text;
  std::optional<Words> environment;
};

Result<std::string> content_of(const UniqueFd& file) {
  std::string out(static_cast<std::size_t>(std::max<off_t>(::lseek(file.get(), 0, SEEK_END), 0)), '\0');
  if (out.size() > kLongest) return Error(ErrorKind::kNoSpace, "an answer of Slurm is too long");
  TRY(pread_all(file.get(), out, 0));
  return out;
}

/// Files instead of pipes: nobody waits for a reader.
Result<std::string> run(const Words& words, std::chrono::seconds deadline = kDeadline,
                        const Input& input = {}) {
  const auto temporary = fs::temp_directory_path();
  TRY(const auto in, unnamed_file(temporary));
  TRY(const auto out, unnamed_file(temporary));
  TRY(const auto complaints, unnamed_file(temporary));
  TRY(pwrite_all(in.get(), input.text, 0));
  ChildOptions options;
  options.argv = words;
  options.environment = input.environment;
  options.stdin_fd = in.get();
  options.stdout_fd = out.get();
  options.stderr_fd = complaints.get();
  options.new_session = true;
  options.dies_with_us = true;  // a submission must not happen after we were killed
  TRY(auto child, Child::start(options));
  const auto end = child.wait(deadline);
  if (!end)
    return Error(ErrorKind::kTimeout,
                 fmt::format("{} did not come back within {} s", words[0], deadline.count()));
  if (end->ok()) return content_of(out);
  TRY(const auto complaint, content_of(complaints));
  return refusal(words[0], complaint);
}

Status done(const Result<std::string>& answer) {
  return answer ? Status() : Status(answer.error());
}

Status probe_commands() {
  for (const char* command : {"sbatch", "squeue", "scontrol", "scancel", "sbcast"})
    if (const auto said = run({command, "--version"}); !said)
      return Error(
          ErrorKind::kNotFound,
          fmt::format("placement: slurm needs Slurm's commands on PATH (Debian: slurm-client): {}: {}",
                      command, said.error().message()));
  return {};
}

class CommandLine final : public Commands {
 public:
  Status probe() override { return probe_commands(); }

  Result<std::string> submit(const Words& words, const std::string& script,
                             const Words& environment) override {
    TRY(const auto said, run(words, kDeadline, {script, environment}));
    return parse_submitted(said);
  }

  Result<std::vector<Listed>> list() override {
    TRY(const auto said, run({"squeue", "--noheader", "--states=all", fmt::format("--user={}", ::geteuid()),
                              fmt::format("--format={}", kListFormat)}));
    return parse_list(said);
  }

  Result<bool> has_node_up(const std::string& partition) override {
    TRY(const auto said, run({"sinfo", "--noheader", "--format=%T", "--partition=" + partition}));
    return any_node_is_up(said);
  }

  Result<Shown> show(const std::string& id) override {
    TRY(const auto said, run({"scontrol", "--oneliner", "show", "job", id}));
    return parse_shown(said);
  }

  Status terminate(const std::string& id) override {
    return done(run({"scancel", "--batch", "--signal=TERM", id}));
  }

  Status cancel_waiting(const Words& ids) override { return with({"scancel", "--state=PENDING"}, ids); }

  Status kill(const Words& ids) override {
    TRY(with({"scancel", "--signal=KILL", "--full"}, ids));  // what waits is only signalled by the next
    return with({"scancel"}, ids);
  }

  Status send(const std::string& id, const std::string& file, const std::string& place) override {
    return done(run({"sbcast", "--force", "--preserve", "--jobid=" + id, file, place}, kSendDeadline));
  }

 private:
  static Status with(Words words, const Words& ids) {
    words.insert(words.end(), ids.begin(), ids.end());
    return done(run(words));
  }
};

}  // namespace

std::unique_ptr<Commands> make_commands() {
  return std::make_unique<CommandLine>();
}

std::vector<std::string> troubles(const std::string& partition) {
  if (const auto there = probe_commands(); !there) return {there.error().message()};
  if (const auto pinged = run({"sinfo", "--noheader", "--format=%R"}); !pinged)
    return {fmt::format("Slurm does not answer ({}); SLURM_CONF is {}", pinged.error().message(),
                        std::getenv("SLURM_CONF") == nullptr ? "not set" : std::getenv("SLURM_CONF"))};
  Words words = {"sinfo", "--noheader", "--format=%R %a %D"};
  if (!partition.empty()) words.push_back("--partition=" + partition);
  const auto said = run(words);
  if (!said) return {said.error().message()};
  if (trimmed(*said).empty())
    return {partition.empty()
                ? "Slurm has no partition"
                : fmt::format("Slurm has no partition {}: slurm: partition: in sagelet.yaml", partition)};
  if (said->find(" up ") == std::string::npos)
    return {fmt::format("Slurm's partition is not up: {}", trimmed(*said))};
  return {};
}

}  // namespace sagelet::jobs::slurm
