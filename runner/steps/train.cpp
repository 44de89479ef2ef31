#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>

#include "base/crash_point.hpp"
#include "base/digest.hpp"
#include "fmt/format.h"
#include "runner/algorithms/algorithms.hpp"
#include "runner/script_mode/machine.hpp"
#include "runner/script_mode/toolkit.hpp"
#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

/// A container's line begins with the time that its engine took it.
std::int64_t take_time(std::string_view& line) {
  std::int64_t time_ms = 0;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), time_ms);
  const auto used = static_cast<std::size_t>(read.ptr - line.data());
  if (used < line.size() && line[used] == ' ') line.remove_prefix(used + 1);
  return time_ms > 0 ? time_ms : to_millis(SystemClock().now());
}

/// Its program goes on when we are killed, and wants nothing of us that another runner could not give it.
bool can_outlive_us(const Job& job) {
  return !job.progress.sandbox.empty() && !job.pipes && job.fast_files.empty();
}

/// Slurm tells all processes of a job at once that they are to end: its program may hear that, and end,
/// before we do.
bool is_told_to_end(const Job& job, const Ended& ended) {
  if (!job.spec.on_node()) return false;
  return !job.stop.sleep(std::chrono::milliseconds(ended.container_code() == 0 ? 50 : 1000));
}

/// The job's command under watch: lines go to the log and the metrics, and to `capture` when there is one.
Result<Ended> run(Job& job, const Command& command, script_mode::ErrorCapture* capture) {
  Watcher watcher;
  watcher.line = [&](Watcher::Stream stream, std::string_view line) {
    const std::int64_t time_ms =
        job.sandbox->is_container() ? take_time(line) : to_millis(SystemClock().now());
    const bool is_new = job.log.line(line, time_ms);
    job.metrics.line(line, time_ms, !is_new);
    if (capture) capture->line(static_cast<script_mode::ErrorCapture::Stream>(stream), line);
  };
  watcher.idle = [&] { job.log.flush(); };
  watcher.stop = &job.stop;
  watcher.deadline = job.deadline;
  watcher.grace = std::chrono::seconds(job.spec.stop_grace_seconds);
  watcher.asked_before = static_cast<Why>(job.progress.why);
  watcher.asks = [&](Why why) {
    job.progress.why = static_cast<int>(why);
    if (can_outlive_us(job)) job.keep_progress();
  };
  if (can_outlive_us(job)) job.keep_progress();
  job.memory.in_force();
  job.usage.program_runs(true);
  auto executed = execute(*job.sandbox, command, watcher);
  job.usage.program_runs(false);
  TRY(const Execution execution, std::move(executed));
  if (execution.why != Why::kItself)
    job.why = execution.why;
  else if (is_told_to_end(job, execution.ended))
    job.why = Why::kStopped;
  job.out_of_memory = execution.ended.out_of_memory;
  job.disk_full = disk_is_full(job.folder());
  if (execution.ended.container_code() != 0) job.reserve.give_back();  // for what it says about its failure
  if (execution.ended.lost) {
    job.lost = true;
    return Error(ErrorKind::kInternal, "the sandbox died");
  }
  return execution.ended;
}

/// What mpirun finds on PATH as the program that reaches the other hosts.
Status offer_far_shell(Job& job, script_mode::FarShell& shell) {
  if (job.spec.hosts.size() < 2) return {};
  std::error_code error;
  shell.program = fs::read_symlink("/proc/self/exe", error).string();
  // The same on all hosts of the job. The port is its own where jobs share this machine's network.
  const std::string secret = to_hex(Digest::of(DigestKind::kSha256, job.spec.secret_key + job.spec.job_id));
  shell.key = secret.substr(0, 32);
  shell.port = 20000 + static_cast<int>(std::stoul(secret.substr(32, 4), nullptr, 16) % 12000);
  const fs::path agent = job.folder() / "env/bin" / script_mode::kFarShellAgent;
  TRY(write_file(agent, "#!/bin/sh\nexec '" + shell.program + "' --mpi-there \"$@\"\n", false, 0755));
  return {};
}

Status train_by_script_mode(Job& job) {
  TRY(script_mode::Config config, script_mode::read_config(job.ml("input/config")));
  config.base = job.sandbox->base();
  config.environment = job.environment;
  TRY(offer_far_shell(job, config.far_shell));
  config.machine = script_mode::look_at_machine(job.environment["PATH"], job.cores());
  script_mode::Host host;
  host.base = job.spec.folder + "/ml";
  host.python = job.python;
  host.run = [&](const Command& command, script_mode::ErrorCapture& capture) {
    return run(job, command, &capture);
  };
  host.log = [&](std::string_view text) {
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) job.log.say(line);
    job.log.flush();
  };
  host.fetch = [&](const std::string& uri, const std::string& file) -> Status {
    const auto from = S3Location::parse(uri);
    if (!from) return Error(ErrorKind::kInvalid, "not an S3 URI: " + uri);
    return job.s3.download(*from, file);
  };
  TRY(job.exit_code, script_mode::Toolkit(std::move(config), std::move(host)).train());
  return {};
}

/// The program that stands for the image's own.
Status train_by_algorithm(Job& job) {
  TRY(const Command command, algorithm_command(job));
  TRY(const Ended ended, run(job, command, nullptr));
  job.exit_code = ended.container_code();
  return {};
}

/// ContainerEntrypoint and ContainerArguments, as given.
Status train_as_given(Job& job) {
  Command command{
      .argv = job.spec.entrypoint, .environment = {}, .working_folder = job.sandbox->base() + "/code"};
  command.argv.insert(command.argv.end(), job.spec.arguments.begin(), job.spec.arguments.end());
  if (command.argv.empty()) return Error(ErrorKind::kInvalid, "the job has no command");
  for (const auto& [name, value] : job.environment) command.environment.push_back(name + "=" + value);
  TRY(const Ended ended, run(job, command, nullptr));
  job.exit_code = ended.container_code();
  if (ended.exec_error != 0) {
    job.exit_code = 127;
    job.say(fmt::format("[sagelet] {}: {}", command.argv[0], std::strerror(ended.exec_error)));
  }
  return {};
}

/// The image's program; the sandbox knows it.
Status train_in_container(Job& job) {
  TRY(const Ended ended, run(job, Command(), nullptr));
  job.exit_code = ended.container_code();
  return {};
}

}  // namespace

Status prepare_container(Job& job) {
  const Status done = job.sandbox->get_ready(job.stop);
  const bool tell = job.sandbox->is_container() && !job.spec.resumed;
  for (const std::string& note : tell ? job.sandbox->notes() : std::vector<std::string>())
    job.say("[sagelet] " + note);
  return done;
}

namespace {

void announce(Job& job) {
  job.report(Phase::kTraining, "Training image download completed. Training in progress.");
  for (const std::string& fault : job.metrics.faults()) job.say("[sagelet] " + fault);
  if (job.spec.network_isolation && !job.sandbox->is_container() && !job.sandbox->has_own_network())
    job.say("[sagelet] EnableNetworkIsolation is not enforced: this machine gives us no network namespaces");
}

}  // namespace

Status train(Job& job) {
  if (!job.spec.resumed) announce(job);
  job.progress.sandbox = job.sandbox->note_for_the_next();
  const Status done = job.sandbox->is_container()   ? train_in_container(job)
                      : !job.spec.algorithm.empty() ? train_by_algorithm(job)
                      : job.spec.script_mode        ? train_by_script_mode(job)
                                                    : train_as_given(job);
  if (job.disk_full) job.say(fmt::format("[sagelet] the disk that holds {} is full", job.folder().string()));
  if (const std::uint64_t kills = job.memory.kills(); kills > 0)
    job.say(fmt::format("[sagelet] out of memory: {} process(es) ended at the limit of {} bytes", kills,
                        job.spec.memory_limit));
  if (job.out_of_memory)
    job.say(fmt::format("[sagelet] out of memory: the kernel ended a process at the limit of {} bytes",
                        job.spec.memory_limit));
  job.log.flush();
  crash_point("runner-before-end-noted");
  if (done) job.note_end();
  crash_point("runner-end-noted");
  return done;
}

}  // namespace sagelet::runner
