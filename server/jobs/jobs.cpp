#include "server/jobs/jobs.hpp"

#include <algorithm>
#include <atomic>

#include "base/log.hpp"
#include "server/jobs/cores.hpp"
#include "server/jobs/foreman.hpp"
#include "server/jobs/images.hpp"
#include "server/jobs/instances.hpp"
#include "server/jobs/interpreters.hpp"
#include "server/jobs/loop.hpp"
#include "server/jobs/machine.hpp"
#include "server/jobs/placement/local/local.hpp"
#include "server/jobs/placement/slurm/slurm.hpp"
#include "server/jobs/rows.hpp"

namespace sagelet::jobs {

namespace {

/// Bytes of a report's token.
constexpr std::size_t kToken = 20;

std::unique_ptr<Placement> make_placement(const Options& options) {
  if (!options.slurm) return std::make_unique<LocalPlacement>(options.runner, options.folder);
  return std::make_unique<slurm::SlurmPlacement>(
      slurm::SlurmOptions{.settings = *options.slurm,
                          .runner = options.runner,
                          .folder = options.folder,
                          .cores_per_job = options.cores_per_job,
                          .memory_per_job = options.memory_per_job},
      slurm::make_commands());
}

/// Takes calls from any thread to the jobs thread, where the foreman is.
class ThreadedJobs final : public Jobs {
 public:
  ThreadedJobs(Options options, storage::Ledger& ledger, const Clock& clock, Ids& ids,
               std::unique_ptr<Loop> loop, std::int64_t last_position)
      : options_(std::move(options)),
        ids_(ids),
        interpreters_(options_.pythons),
        machine_(Cores::of_machine()),
        memory_(machine_memory()),
        position_(std::make_shared<std::atomic<std::int64_t>>(last_position)),
        placement_(make_placement(options_)),
        rows_(ledger),
        foreman_(options_, ledger, clock, *placement_, Cores::of_machine()),
        loop_(std::move(loop)) {
    loop_->start([this] { return foreman_.plan(); },
                 [this](const auto& readable) { foreman_.turn(readable); });
  }

  ~ThreadedJobs() override {
    if (options_.stop_jobs_at_exit) clear();
    loop_->stop();
  }

  Status probe() { return placement_->probe(); }

  void listen(std::string kind, Listener* listener) override {
    loop_->run([&] { foreman_.listen(std::move(kind), listener); });
  }

  void adopt() override {
    loop_->run([&] { foreman_.adopt(); });
  }

  Result<storage::Change> enqueue(Request request) override {
    TRY(map_image({options_.images, engine_images_, options_.known_image}, interpreters_, request.spec));
    const auto row = complete(request);
    return storage::Change([row, json = request.spec.to_json(),
                            position = position_](storage::Connection& db) {
      auto placed = row;
      placed.position = ++*position;  // on the ledger's thread: rows become visible in the order of positions
      return Rows::insert(db, placed, json);
    });
  }

  void wake() override {
    if (!look_posted_.exchange(true))
      loop_->post([this] {
        look_posted_ = false;
        foreman_.look();
      });
  }

  void stop(const std::string& job_id) override {
    loop_->post([this, job_id] { foreman_.stop(job_id); });
  }

  void remove(const std::string& job_id) override {
    loop_->post([this, job_id] { foreman_.remove(job_id); });
  }

  Status intake(std::string_view token, const Report& report) override {
    Status done = Error(ErrorKind::kUnavailable, "the server is stopping");
    loop_->run([&] { done = foreman_.intake(token, report); });
    return done;
  }

  std::optional<std::string> token_of(const std::string& job_id) override {
    auto found = rows_.token(job_id);
    if (found) return std::move(*found);
    log::warn("job {}: {}", job_id, found.error().message());
    return std::nullopt;
  }

  void clear() override {
    loop_->run([this] { foreman_.clear(); });
  }

  Counts counts() const override {
    Counts out;
    loop_->run([&] { out = foreman_.counts(); });
    return out;
  }

  Doctor doctor() const override {
    auto sandbox = probe_sandbox(options_.runner);
    Doctor doctor{sandbox.kind, std::move(sandbox.notes), machine_.total(), memory_};
    if (auto python = interpreters_.pick(0); !python) doctor.notes.push_back(python.error().message());
    for (auto& trouble : placement_->troubles()) doctor.notes.push_back(std::move(trouble));
    return doctor;
  }

 private:
  /// No more than there is. Null: a type that nobody knows.
  std::uint64_t memory_of(const Instance* instance) const {
    const auto memory = options_.memory_per_job != 0 ? options_.memory_per_job
                        : instance == nullptr        ? memory_
                                                     : instance->memory();
    return options_.slurm ? memory : std::min(memory, memory_);  // of nodes we know nothing
  }

  /// What admission knows better than the request: limits, shares, where things are.
  Row complete(Request& request) const {
    auto& spec = request.spec;
    const auto* instance = find_instance(request.instance_type);
    const int cores = instance == nullptr ? machine_.total() : instance->cores;
    if (spec.memory_limit == 0) spec.memory_limit = memory_of(instance);
    for (InstanceGroup& group : spec.instance_groups) {
      const auto* its = find_instance(group.instance_type);
      group.memory_limit = memory_of(its);
      group.gpus = its == nullptr ? 0 : its->gpus;
    }
    if (spec.report_token.empty()) spec.report_token = ids_.hex(kToken);
    if (spec.instance_type.empty()) spec.instance_type = request.instance_type;
    spec.gpus = instance == nullptr ? 0 : instance->gpus;
    spec.pip_cache = options_.pip_cache.native();
    spec.stop_grace_seconds = options_.stop_grace.count();
    spec.log_spool_limit = options_.log_spool_limit;
    Row row;
    row.job_id = spec.job_id;
    row.kind = spec.kind;
    row.token = spec.report_token;
    row.outside = request.outside_queue;
    row.want = machine_.wanted(request.instance_count, cores, options_.cores_per_job);
    return row;
  }

  const Options options_;
  Ids& ids_;
  mutable Interpreters interpreters_;
  EngineImages engine_images_;
  const Cores machine_;
  const std::uint64_t memory_;
  const std::shared_ptr<std::atomic<std::int64_t>> position_;
  const std::unique_ptr<Placement> placement_;
  Rows rows_;
  Foreman foreman_;
  std::atomic<bool> look_posted_{false};
  std::unique_ptr<Loop> loop_;
};

}  // namespace

Result<std::unique_ptr<Jobs>> Jobs::start(Options options, storage::Ledger& ledger, const Clock& clock,
                                          Ids& ids) {
  TRY(auto loop, Loop::make());
  TRY(const auto last, Rows(ledger).last_position());
  auto jobs = std::make_unique<ThreadedJobs>(std::move(options), ledger, clock, ids, std::move(loop), last);
  TRY(jobs->probe());
  return jobs;
}

}  // namespace sagelet::jobs
