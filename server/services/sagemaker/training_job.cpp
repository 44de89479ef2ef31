#include "server/services/sagemaker/training_job.hpp"

#include <chrono>

#include "fmt/format.h"
#include "server/resources/decide.hpp"
#include "server/resources/list.hpp"
#include "server/resources/plain.hpp"
#include "server/resources/tags.hpp"
#include "server/services/sagemaker/job_state.hpp"
#include "server/services/sagemaker/nouns.hpp"
#include "server/services/sagemaker/training_request.hpp"
#include "server/services/sagemaker/training_rules.hpp"

namespace sagelet::sagemaker {

using resources::answer_after;
using resources::lifted;
using resources::Record;
using resources::Scope;
using storage::Connection;

namespace {

constexpr std::chrono::hours kLongestJob{30 * 24};
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

/// Everything that Create writes, in one change.
struct TrainingJobs::Draft {
  Record record;
  JobState state;
  storage::Change enqueue;                              ///< empty: the job has ended already
  std::function<Status(Connection&)> keep_credentials;  ///< likewise
};

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
  const auto credentials = rooms_.credentials.make(context.account(), spec.role_arn, "SageMaker", spec.job_id,
                                                   context.now() + kLongestJob);
  spec.access_key = credentials.access_key;
  spec.secret_key = credentials.secret_key;
  spec.session_token = credentials.session_token;
  spec.credentials_expire_ms = to_millis(credentials.expires);
  auto enqueue = rooms_.jobs.enqueue(std::move(request));
  if (enqueue) {
    draft.enqueue = std::move(*enqueue);
    draft.keep_credentials = rooms_.credentials.keeping(credentials);
    return {};
  }
  // AWS accepts any image at Create and fails the job when it cannot be had.
  if (!enqueue.error().is(ErrorKind::kInvalid)) return resources::unforeseen(enqueue.error());
  draft.state.fail(fmt::format("ClientError: {}", enqueue.error().message()), context.now());
  return {};
}

Reply<TrainingJobs::Draft> TrainingJobs::draft_of(const Context& context, const Input& input) {
  TRY(refuse_nonsense(input.params));
  TRY(refuse_missing_data(input.params, rooms_.objects, context.account(), context.region.view()));
  const std::string& name = input.text("TrainingJobName");
  Document echo = echo_of(answer_shape(), input.params);
  echo["TrainingJobName"] = name;
  echo["TrainingJobArn"] = kTrainingJob.arn(context, name);
  echo["CreationTime"] = to_epoch_seconds(context.now());
  Draft draft{.record = {.name = name, .handle = rooms_.ids.lower_alnum(20)},
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
      [draft, scope = kTrainingJob.scope(context),
       taken = kTrainingJob.duplicate(context, draft->record.name)](Connection& connection) -> Reply<void> {
    const auto kept = resources::insert(connection, scope, draft->record);
    if (!kept)
      return kept.error().is(ErrorKind::kAlreadyExists) ? taken : resources::unforeseen(kept.error());
    if (!draft->enqueue) return {};
    TRY(lifted(draft->keep_credentials(connection)));
    return lifted(draft->enqueue(connection));
  };
  if (!draft->enqueue) return answer_after(rooms_.ledger, decide, std::move(output));
  return answer_after(rooms_.ledger, decide, std::move(output), [&jobs = rooms_.jobs] { jobs.wake(); });
}

Reply<Output> TrainingJobs::describe(const Context& context, const Input& input) {
  return resources::describe(rooms_.ledger, context, kTrainingJob, input);
}

Reply<Output> TrainingJobs::list(const Context& context, const Input& input) {
  if (input.has("WarmPoolStatusEquals") || input.has("TrainingPlanArnEquals")) {  // there are none
    Output output;
    output.fields = {{"TrainingJobSummaries", Document::array()}};
    return output;
  }
  return resources::list(rooms_.ledger, context, kTrainingJob, input);
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
    *job_id = record.handle;
    return lifted(resources::erase(connection, record.id));
  };
  return answer_after(rooms_.ledger, decide, {}, [job_id, &jobs = rooms_.jobs] { jobs.remove(*job_id); });
}

Reply<Output> TrainingJobs::update(const Context& context, const Input& input) {
  const std::string& name = input.text("TrainingJobName");
  const auto missing =
      api::Error::make("ValidationException", fmt::format("Could not find job to update with name {}", name));
  Output output;
  output.fields = {{"TrainingJobArn", kTrainingJob.arn(context, name)}};
  const auto decide = [name, params = input.params, scope = kTrainingJob.scope(context),
                       missing](Connection& connection) -> Reply<void> {
    TRY(Record record, find_job(connection, scope, name, missing));
    if (params.contains("ResourceConfig"))
      return api::Error::make("ValidationException",
                              "The training job has no warm pool whose period could be updated.");
    if (record.status != "InProgress") return wrong_status(record.status);
    Document fixed = Document::parse("{" + record.fixed + "}");
    for (const char* member : {"ProfilerConfig", "RemoteDebugConfig"})
      if (const auto found = params.find(member); found != params.end()) fixed[member].update(*found);
    if (const auto rules = params.find("ProfilerRuleConfigurations"); rules != params.end())
      fixed["ProfilerRuleConfigurations"] = *rules;
    const auto profiler = fixed.value("ProfilerConfig", Document::object());
    if (!profiler.empty())
      fixed["ProfilingStatus"] = profiler.value("DisableProfiler", false) ? "Disabled" : "Enabled";
    return lifted(resources::replace_fixed(connection, record.id, resources::members_text(fixed)));
  };
  return answer_after(rooms_.ledger, decide, std::move(output));
}

}  // namespace sagelet::sagemaker
