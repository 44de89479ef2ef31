#include "runner/job.hpp"

#include <sched.h>

#include "base/log.hpp"
#include "runner/inputs/fast_file.hpp"
#include "runner/inputs/pipes.hpp"
#include "runner/steps/checkpoints.hpp"

namespace sagelet::runner {

Job::Job(JobSpec job_spec, const StopSignal& stop_signal, std::unique_ptr<Sandbox> job_sandbox)
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
      started_ms(to_millis(SystemClock().now())),
      deadline(std::chrono::steady_clock::now() + std::chrono::seconds(spec.max_runtime_seconds)) {
  metrics.on_value = [this](const MetricValue& value) { cloudwatch.add(value); };
  if (sandbox) cloudwatch.start();  // one that leads several hosts has none: each host tells its own
}

Job::~Job() = default;

int Job::cores() const {
  if (!spec.cpus.empty()) return static_cast<int>(spec.cpus.size());
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void Job::say(std::string_view line) {
  log::info("{}", line);
  log.line(line);
  log.flush();
}

void Job::report(Phase phase, std::string message) {
  Report report;
  report.phase = phase;
  report.message = std::move(message);
  report.training_start_ms = started_ms;
  reports.say(std::move(report));
}

}  // namespace sagelet::runner
