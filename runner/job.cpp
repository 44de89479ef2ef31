#include "runner/job.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdlib>

#include "base/log.hpp"
#include "runner/inputs/fast_file.hpp"
#include "runner/inputs/pipes.hpp"
#include "runner/steps/checkpoints.hpp"

namespace sagelet::runner {

namespace {

Progress begin_now(Progress progress) {
  if (progress.started_ms == 0) progress.started_ms = to_millis(SystemClock().now());
  return progress;
}

}  // namespace

Job::Job(JobSpec job_spec, const StopSignal& stop_signal, std::unique_ptr<Sandbox> job_sandbox,
         Progress before)
    : spec(std::move(job_spec)),
      stop(stop_signal),
      server(Server::of(spec)),
      sandbox(std::move(job_sandbox)),
      metrics(spec.metrics),
      reports(spec),
      log(spec),
      usage({.root = [this]() -> pid_t { return sandbox ? sandbox->first_process() : 0; },
             .reaped_by_us = sandbox && sandbox->init_pid() != 0,
             .gpus = spec.gpus},
            spec.folder, spec.memory_limit),
      cloudwatch(spec, [this] { return usage.sample(); }),
      s3(server, &stop),
      progress(begin_now(std::move(before))),
      started_ms(progress.started_ms),
      deadline(std::chrono::steady_clock::now() + std::chrono::seconds(spec.max_runtime_seconds) -
               std::chrono::milliseconds(to_millis(SystemClock().now()) - started_ms)) {
  metrics.on_value = [this](const MetricValue& value) { cloudwatch.add(value); };
  if (sandbox) cloudwatch.start();  // one that leads several hosts has none: each host tells its own
}

Job::~Job() = default;

int Job::cores() const {
  if (!spec.cpus.empty()) return static_cast<int>(spec.cpus.size());
  cpu_set_t set;
  const int seen = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  // A cluster that confines nobody to the cores of a job says at least how many they are.
  const char* given = spec.on_node() ? std::getenv("SLURM_CPUS_ON_NODE") : nullptr;
  const int of_slurm = given ? std::atoi(given) : 0;
  return of_slurm > 0 ? std::min(seen, of_slurm) : seen;
}

void Job::say(std::string_view line) {
  log::info("{}", line);
  log.say(line);
  log.flush();
}

void Job::report(Phase phase, std::string message) {
  Report report;
  report.phase = phase;
  report.message = std::move(message);
  report.training_start_ms = started_ms;
  reports.say(std::move(report));
}

void Job::keep_progress() const {
  if (const Status kept = progress.write(folder()); !kept) log::error("{}", kept.error().message());
}

void Job::note_end() {
  progress.ended = true;
  progress.exit_code = exit_code.value_or(1);
  progress.why = static_cast<int>(why);
  progress.out_of_memory = out_of_memory || memory.kills() > 0;
  progress.disk_full = disk_full;
  progress.ended_ms = to_millis(SystemClock().now());
  progress.python = python;
  progress.python_version = python_version;
  progress.metrics = metrics.values();
  keep_progress();
}

void Job::recall_end() {
  exit_code = progress.exit_code;
  why = static_cast<Why>(progress.why);
  out_of_memory = progress.out_of_memory;
  disk_full = progress.disk_full;
  ended_ms = exit_code == 0 ? 0 : progress.ended_ms;
  python = progress.python;
  python_version = progress.python_version;
  metrics.recall(progress.metrics);
}

}  // namespace sagelet::runner
