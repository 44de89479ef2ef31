#include "server/jobs/placement/slurm/script.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "fmt/format.h"
#include "server/jobs/instances.hpp"
#include "server/jobs/placement/job_folders.hpp"

namespace sagelet::jobs::slurm {

namespace {

constexpr std::uint64_t kMiB = 1ull << 20;
constexpr std::uint64_t kRunnerMemory = 64 * kMiB;
constexpr std::int64_t kSlackMinutes = 15;  ///< for inputs and outputs, beyond MaxRuntime and the grace
constexpr int kRunnerSeconds = 60;          ///< for the runner to reach the node

/// Printable and without what squeue's columns are told apart by.
std::string plain(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(
      out, [](char c) { return c <= ' ' || c > '~' || c == '|' || c == '%'; }, '_');
  return out;
}

void take_type(Wanted& out, const Settings& settings, const std::string& type) {
  const auto* instance = find_instance(type);
  const auto named = settings.instance_types.find(type);
  const Size size = named == settings.instance_types.end() ? Size() : named->second;
  const int cpus = size.cpus.value_or(instance == nullptr ? 1 : instance->cores);
  const auto memory = size.memory.value_or(instance == nullptr ? 0 : instance->memory());
  auto gres = size.gres;
  if (gres.empty() && instance != nullptr && instance->gpus > 0) gres = fmt::format("gpu:{}", instance->gpus);
  out.cpus = std::max(out.cpus, cpus);
  out.memory = std::max(out.memory, memory);
  if (!gres.empty()) out.gres = gres;
  if (!size.partition.empty()) out.partition = size.partition;
  out.options.insert(out.options.end(), size.options.begin(), size.options.end());
}

}  // namespace

Wanted wanted(const Settings& settings, const JobSpec& spec, double cores_per_job,
              std::uint64_t memory_per_job) {
  Wanted out;
  out.partition = settings.partition;
  out.options = settings.options;
  if (spec.instance_groups.empty()) take_type(out, settings, spec.instance_type);
  for (const auto& group : spec.instance_groups) take_type(out, settings, group.instance_type);
  if (cores_per_job > 0) out.cpus = std::max(1, static_cast<int>(std::ceil(cores_per_job)));
  if (memory_per_job > 0) out.memory = memory_per_job;
  return out;
}

std::uint64_t memory_for_program(const Wanted& wanted) {
  return wanted.memory > 2 * kRunnerMemory ? wanted.memory - kRunnerMemory : wanted.memory;
}

std::string folder_on_nodes(const Settings& settings, const std::string& job_id) {
  return settings.shared.empty() ? fmt::format("{}/sagelet-{}", settings.folder, job_id)
                                 : fmt::format("{}/{}", settings.shared, job_id);
}

std::string comment_of(const JobSpec& spec) {
  return fmt::format("{} {}", spec.job_id, plain(spec.arn.empty() ? spec.name : spec.arn));
}

std::vector<std::string> sbatch_words(const JobSpec& spec, const Wanted& wanted, const std::string& comment) {
  const auto minutes = (spec.max_runtime_seconds + spec.stop_grace_seconds + 59) / 60 + kSlackMinutes;
  std::vector<std::string> words = {"sbatch",
                                    "--parsable",
                                    "--job-name=sagelet-" + plain(spec.name),
                                    "--comment=" + comment,
                                    fmt::format("--nodes={}", spec.hosts.size()),
                                    "--ntasks-per-node=1",
                                    fmt::format("--cpus-per-task={}", wanted.cpus),
                                    fmt::format("--time={}", minutes),
                                    "--chdir=/",
                                    "--output=/dev/null",
                                    "--open-mode=append"};
  if (wanted.memory > 0) words.push_back(fmt::format("--mem={}M", wanted.memory / kMiB));
  if (!wanted.gres.empty()) words.push_back("--gres=" + wanted.gres);
  if (!wanted.partition.empty()) words.push_back("--partition=" + wanted.partition);
  words.insert(words.end(), wanted.options.begin(), wanted.options.end());
  words.emplace_back("--no-requeue");  // who starts a job again is SageMaker's rule, not the cluster's
  return words;
}

std::string runner_on_nodes(const Settings& settings, const std::string& job_id) {
  if (!settings.runner.empty()) return settings.runner;
  if (!settings.shared.empty()) return settings.shared + "/.sagelet-runner";
  return fmt::format("{}/sagelet-runner-{}", settings.folder, job_id);
}

std::string arrival_of(const std::string& runner) {
  return runner + ".whole";
}

std::vector<std::string> submission_environment(const JobSpec& spec) {
  auto out = runner_environment(spec, {});
  for (const char* name : {"SLURM_CONF", "SLURM_JWT"})
    if (const char* value = std::getenv(name)) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

std::string as_word(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string batch_script(const Settings& settings, const JobSpec& spec, const std::string& runner) {
  const bool is_sent = settings.runner.empty() && settings.shared.empty();
  auto out = fmt::format(
      "#!/bin/sh\n"
      "# A job of Sagelet; see docs/guide/cluster.md.\n"
      "umask 077\n"
      "folder={}\n"
      "runner={}\n"
      "mkdir -p \"$folder\" && cd \"$folder\" || exit {}\n"
      "exec >>runner.log 2>&1\n",
      as_word(spec.folder), as_word(runner), kNoFolder);
  if (settings.shared.empty())
    out += fmt::format(
        "cat >spec.json.new <<'END-OF-SPEC' || exit {0}\n{1}\nEND-OF-SPEC\nmv spec.json.new spec.json || "
        "exit {0}\n",
        kNoFolder, spec.to_json());
  if (is_sent)
    out += fmt::format(
        "tries=0\n"
        "until [ -e {} ]; do\n"
        "  tries=$((tries + 1)); [ $tries -le {} ] || exit {}\n"
        "  sleep 0.1\n"
        "done\n",
        as_word(arrival_of(runner)), kRunnerSeconds * 10, kNoRunner);
  else
    out += fmt::format("[ -x \"$runner\" ] || exit {}\n", kNoRunner);
  // srun does not take it from the job by itself since 22.05.
  out += "export SRUN_CPUS_PER_TASK=\"${SLURM_CPUS_PER_TASK:-1}\"\n";
  out += "exec \"$runner\" \"$folder\"\n";
  return out;
}

}  // namespace sagelet::jobs::slurm
