#include "server/services/sagemaker/training_job.hpp"

#include <chrono>

#include "base/log.hpp"
#include "fmt/format.h"
#include "server/resources/decide.hpp"
#include "server/resources/list.hpp"
#include "server/resources/plain.hpp"
#include "server/resources/tags.hpp"
#include "server/services/sagemaker/deadlines.hpp"
#include "server/services/sagemaker/job_state.hpp"
#include "server/services/sagemaker/nouns.hpp"
#include "server/services/sagemaker/request_parts.hpp"
#include "server/services/sagemaker/run_credentials.hpp"
#include "server/services/sagemaker/run_id.hpp"
#include "server/services/sagemaker/training_request.hpp"
#include "server/services/sagemaker/training_rules.hpp"
#include "server/services/sagemaker/warm_pools.hpp"

namespace sagelet::sagemaker {

using resources::answer_after;
using resources::lifted;
using resources::Record;
using resources::Scope;
using storage::Connection;

namespace {

constexpr std::string_view kLogGroup = "/aws/sagemaker/TrainingJobs";

const model::Shape& answer_shape() {
  static const model::Shape& shape =
      *model::find_service("sagemaker")->operation("DescribeTrainingJob")->output;
  return shape;
}

api::Error wrong_status(std::string_view status) {
  return api::Error::make(
      "ValidationException",
      fmt::format("The request was rejected because the training job is in status {}.", status));
}

/// The record, or what AWS says when there is none.
Reply<Record> find_job(Connection& connection, const Scope& scope, const std::string& name,
                       const api::Error& missing) {
  auto record = resources::find(connection, scope, name);
  if (record) return std::move(*record);
  return record.error().is(ErrorKind::kNotFound) ? missing : resources::unforeseen(record.error());
}

bool is_over(const Record& record) {
  return record.status != "InProgress" && record.status != "Stopping";
}

}  // namespace

TrainingJobs::TrainingJobs(const Rooms& rooms, Timekeeper& timekeeper)
    : rooms_(rooms), timekeeper_(timekeeper) {
  const auto read = rooms.ledger.read([this](Connection& connection) -> Status {
    TRY(const auto folders, pool_folders(connection));
    pools_ = !folders.empty();
    return {};
  });
  if (!read) log::warn("looking for warm pools: {}", read.error().message());
}

/// Everything that Create writes, in one change.
struct TrainingJobs::Draft {
  Record record;
  JobState state;
  storage::Change enqueue;                              ///< empty: the job has ended already
  std::function<Status(Connection&)> keep_credentials;  ///< likewise
  std::string fit;                                      ///< of a warm pool
  WarmPool own_pool;                                    ///< its folder; empty: none is kept
  std::optional<WarmPool> pool;                         ///< one that fits, unless somebody is quicker
  storage::Change enqueue_warm;                         ///< with that one
  std::optional<WallTime> wait_over;                    ///< MaxWaitTimeInSeconds of a spot job
  std::optional<WallTime> pending_over;                 ///< MaxPendingTimeInSeconds
  int retries = 0;

  Status insert_run(Connection& connection, const Scope& scope, WallTime now);
};

/// With the warm pool that was found, if it is still there.
Status TrainingJobs::Draft::insert_run(Connection& connection, const Scope& scope, WallTime now) {
  TRY(keep_credentials(connection));
  if (wait_over) TRY(set_deadline(connection, record.id, due::kWaitOver, *wait_over));
  if (pending_over) TRY(set_deadline(connection, record.id, due::kPendingOver, *pending_over));
  if (pool) {
    TRY(const bool taken, take_pool(connection, *pool, record, now));
    if (taken) {
      state.warm_pool("InUse");
      state.store(record);
      TRY(resources::update(connection, record));
      return enqueue_warm(connection);
    }
  }
  if (!own_pool.folder.empty())
    TRY(open_pool(connection, scope, fit, {.record = record.id, .folder = own_pool.folder}));
  return enqueue(connection);
}

/// AWS accepts any image at Create and fails the job when it cannot be had.
Reply<void> TrainingJobs::enqueue(Draft& draft, jobs::Request request, const Context& context) {
  if (draft.wait_over || draft.retries > 0)
    draft.state.plan_attempts({.spec = request.spec.to_json(),
                               .instance_type = request.instance_type,
                               .instances = request.instance_count,
                               .outside_queue = request.outside_queue,
                               .spot = draft.wait_over.has_value(),
                               .retries = draft.retries});
  if (draft.pool) {
    jobs::Request warm = request;
    warm.spec.warmpool_cache = draft.pool->folder;
    warm.outside_queue = true;  // its machine is up
    if (auto made = rooms_.jobs.enqueue(std::move(warm)))
      draft.enqueue_warm = std::move(*made);
    else
      draft.pool.reset();
  }
  auto made = rooms_.jobs.enqueue(std::move(request));
  if (made) {
    draft.enqueue = std::move(*made);
    return {};
  }
  if (!made.error().is(ErrorKind::kInvalid)) return resources::unforeseen(made.error());
  draft.state.fail(fmt::format("ClientError: {}", made.error().message()), context.now());
  return {};
}

Reply<void> TrainingJobs::look_for_pool(Draft& draft, const Context& context, const Document& params) {
  const auto& resources = part(params, "ResourceConfig");
  if (!items(resources, "InstanceGroups").empty() || params.value("EnableManagedSpotTraining", false))
    return {};
  if (number(resources, "KeepAlivePeriodInSeconds") > 0) {
    draft.own_pool.folder = (rooms_.options.warm_pools / draft.record.handle).native();
    pools_ = true;
  }
  if (!pools_) return {};
  draft.fit = fit_of(params);
  return resources::look(rooms_.ledger, [&](Connection& connection) -> Reply<void> {
    TRY(draft.pool, lifted(available_pool(connection, kTrainingJob.scope(context), draft.fit)));
    return {};
  });
}

Reply<void> TrainingJobs::prepare_run(Draft& draft, const Context& context, const Document& params) {
  auto wanted = request_of(params, rooms_.options.file_systems);
  if (!wanted) {
    draft.state.fail("ClientError: " + wanted.error().message(), context.now());
    return {};
  }
  jobs::Request request = std::move(*wanted);
  JobSpec& spec = request.spec;
  spec.job_id = draft.record.handle;
  spec.name = draft.record.name;
  spec.arn = kTrainingJob.arn(context, draft.record.name);
  spec.account = context.account().str();
  spec.region = context.region.str();
  spec.log_group = kLogGroup;
  spec.log_stream = fmt::format("{}/algo-1-{}", spec.name, to_millis(context.now()) / 1000);
  request.outside_queue = !context.identity.job_id.empty();
  draft.keep_credentials = give_credentials(rooms_, spec);
  draft.retries = static_cast<int>(number(part(params, "RetryStrategy"), "MaximumRetryAttempts"));
  const auto& limits = part(params, "StoppingCondition");
  const auto after = [&](const char* limit) {
    return context.now() + std::chrono::seconds(number(limits, limit));
  };
  if (params.value("EnableManagedSpotTraining", false)) draft.wait_over = after("MaxWaitTimeInSeconds");
  if (limits.contains("MaxPendingTimeInSeconds")) draft.pending_over = after("MaxPendingTimeInSeconds");
  TRY(look_for_pool(draft, context, params));
  spec.warmpool_cache = draft.own_pool.folder;
  return enqueue(draft, std::move(request), context);
}

Reply<TrainingJobs::Draft> TrainingJobs::draft_of(const Context& context, const Input& input) {
  TRY(refuse_nonsense(input.params));
  TRY(refuse_missing_data(input.params, rooms_.objects, context.account(), context.region.view()));
  const std::string& name = input.text("TrainingJobName");
  Document echo = echo_of(answer_shape(), input.params);
  echo["TrainingJobName"] = name;
  echo["TrainingJobArn"] = kTrainingJob.arn(context, name);
  echo["CreationTime"] = to_epoch_seconds(context.now());
  Draft draft{.record = {.name = name, .handle = run_id(rooms_.ids, context.now())},
              .state = JobState::fresh(kTrainingJob.arn(context, name), context.now())};
  draft.record.fixed = resources::members_text(echo);
  TRY(draft.record.tags, resources::tags_of(input));
  TRY(prepare_run(draft, context, input.params));
  draft.state.store(draft.record);
  return draft;
}

Reply<Output> TrainingJobs::create(const Context& context, const Input& input) {
  TRY(Draft made, draft_of(context, input));
  const auto draft = std::make_shared<Draft>(std::move(made));
  Output output;
  output.fields = {{"TrainingJobArn", kTrainingJob.arn(context, draft->record.name)}};
  const auto decide =
      [draft, scope = kTrainingJob.scope(context), now = context.now(),
       taken = kTrainingJob.duplicate(context, draft->record.name)](Connection& connection) -> Reply<void> {
    const auto kept = resources::insert(connection, scope, draft->record);
    if (!kept)
      return kept.error().is(ErrorKind::kAlreadyExists) ? taken : resources::unforeseen(kept.error());
    return draft->enqueue ? lifted(draft->insert_run(connection, scope, now)) : Reply<void>();
  };
  if (!draft->enqueue) return answer_after(rooms_.ledger, decide, std::move(output));
  return answer_after(
      rooms_.ledger, decide, std::move(output),
      [&jobs = rooms_.jobs, &timekeeper = timekeeper_, timed = draft->wait_over || draft->pending_over] {
        jobs.wake();
        if (timed) timekeeper.poke();
      });
}

Reply<Output> TrainingJobs::describe(const Context& context, const Input& input) {
  return resources::describe(rooms_.ledger, context, kTrainingJob, input);
}

Reply<Output> TrainingJobs::list(const Context& context, const Input& input) {
  if (input.has("TrainingPlanArnEquals")) {  // there are none
    Output output;
    output.fields = {{"TrainingJobSummaries", Document::array()}};
    return output;
  }
  return resources::list(rooms_.ledger, context, kTrainingJob, input, [&](resources::Query& query) {
    // Of a summary's members only WarmPoolStatus has a member of that name.
    if (const auto pool = input.maybe_text("WarmPoolStatusEquals"))
      query.summary_has = fmt::format("\"Status\":\"{}\"", *pool);
  });
}

Reply<Output> TrainingJobs::stop(const Context& context, const Input& input) {
  const std::string& name = input.text("TrainingJobName");
  const auto job_id = std::make_shared<std::string>();
  const auto decide = [job_id, name, scope = kTrainingJob.scope(context), now = context.now(),
                       missing = kTrainingJob.missing(context, name)](Connection& connection) -> Reply<void> {
    TRY(Record record, find_job(connection, scope, name, missing));
    if (is_over(record)) return wrong_status(record.status);
    *job_id = record.handle;
    if (record.status == "Stopping") return {};
    JobState state = JobState::from(record);
    state.stop(now);
    state.store(record);
    return lifted(resources::update(connection, record));
  };
  return answer_after(rooms_.ledger, decide, {}, [job_id, &jobs = rooms_.jobs] { jobs.stop(*job_id); });
}

Reply<Output> TrainingJobs::remove(const Context& context, const Input& input) {
  const std::string& name = input.text("TrainingJobName");
  const auto job_id = std::make_shared<std::string>();
  const auto decide = [job_id, name, scope = kTrainingJob.scope(context),
                       missing = kTrainingJob.missing(context, name)](Connection& connection) -> Reply<void> {
    TRY(const Record record, find_job(connection, scope, name, missing));
    if (!is_over(record)) return wrong_status(record.status);
    if (JobState::from(record).warm_pool_status() == "Available")
      return api::Error::make(
          "ValidationException",
          "The request was rejected because the training job has a warm pool in status Available.");
    *job_id = record.handle;
    TRY(lifted(drop_deadlines(connection, record.id)));
    return lifted(resources::erase(connection, record.id));
  };
  return answer_after(rooms_.ledger, decide, {}, [job_id, &jobs = rooms_.jobs] { jobs.remove(*job_id); });
}

namespace {

void update_profiler(Document& fixed, const Document& params) {
  for (const char* member : {"ProfilerConfig", "RemoteDebugConfig"})
    if (const auto found = params.find(member); found != params.end()) fixed[member].update(*found);
  if (const auto rules = params.find("ProfilerRuleConfigurations"); rules != params.end())
    fixed["ProfilerRuleConfigurations"] = *rules;
  const auto profiler = fixed.value("ProfilerConfig", Document::object());
  if (!profiler.empty())
    fixed["ProfilingStatus"] = profiler.value("DisableProfiler", false) ? "Disabled" : "Enabled";
}

/// 0 ends an Available pool at once (the deadline has passed then).
Reply<void> update_period(Connection& connection, const Record& record, Document& fixed,
                          const Document& params) {
  const auto period = number(part(params, "ResourceConfig"), "KeepAlivePeriodInSeconds");
  const JobState state = JobState::from(record);
  const std::string pool = state.warm_pool_status();
  const bool keeps = number(part(fixed, "ResourceConfig"), "KeepAlivePeriodInSeconds") > 0;
  if (pool != "Available" && !(keeps && !is_over(record)))
    return api::Error::make(
        "ValidationException",
        "KeepAlivePeriodInSeconds can be updated only while the training job has a warm pool "
        "in status Available.");
  fixed["ResourceConfig"]["KeepAlivePeriodInSeconds"] = period;
  if (pool != "Available") return {};
  return lifted(set_pool_period(connection, record, period));
}

}  // namespace

Reply<Output> TrainingJobs::update(const Context& context, const Input& input) {
  const std::string& name = input.text("TrainingJobName");
  const auto missing =
      api::Error::make("ValidationException", fmt::format("Could not find job to update with name {}", name));
  Output output;
  output.fields = {{"TrainingJobArn", kTrainingJob.arn(context, name)}};
  const auto decide = [name, params = input.params, scope = kTrainingJob.scope(context),
                       missing](Connection& connection) -> Reply<void> {
    TRY(const Record record, find_job(connection, scope, name, missing));
    Document fixed = Document::parse("{" + record.fixed + "}");
    const bool period = params.contains("ResourceConfig");
    if (!period && record.status != "InProgress") return wrong_status(record.status);
    if (period) TRY(update_period(connection, record, fixed, params));
    update_profiler(fixed, params);
    return lifted(resources::replace_fixed(connection, record.id, resources::members_text(fixed)));
  };
  return answer_after(rooms_.ledger, decide, std::move(output),
                      [&timekeeper = timekeeper_] { timekeeper.poke(); });
}

}  // namespace sagelet::sagemaker
