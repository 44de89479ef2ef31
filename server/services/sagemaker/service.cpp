#include "server/services/sagemaker/service.hpp"

#include "server/resources/tags.hpp"
#include "server/services/sagemaker/nouns.hpp"
#include "server/services/sagemaker/search.hpp"
#include "server/services/sagemaker/training_job.hpp"
#include "server/services/sagemaker/training_reports.hpp"

namespace sagelet::sagemaker {

namespace {

class SageMakerService final : public SageMaker {
 public:
  explicit SageMakerService(const Rooms& rooms)
      : SageMaker(*model::find_service("sagemaker")),
        reports_(rooms),
        training_jobs_(rooms, reports_.timekeeper()),
        tags_(rooms.ledger, kNouns),
        search_(rooms.ledger) {
    training_jobs();
    on_waiting("AddTags", [this](Context& context, Input input) { return tags_.add(context, input); });
    on("ListTags", [this](Context& context, Input input) { return tags_.list(context, input); });
    on_waiting("DeleteTags", [this](Context& context, Input input) { return tags_.remove(context, input); });
    on_waiting("Search", [this](Context& context, Input input) { return search_.run(context, input); });
  }

  jobs::Listener& training_listener() override { return reports_; }
  void resume() override { reports_.resume(); }
  Status interrupt(const AccountId& account, std::string_view region, const std::string& name) override {
    return reports_.interrupt(resources::Scope(kTrainingJob.noun, account, region), name);
  }
  void run_due() override { reports_.timekeeper().run_due(); }

 private:
  void training_jobs() {
    training_job("CreateTrainingJob", &TrainingJobs::create);
    training_job("DescribeTrainingJob", &TrainingJobs::describe);
    training_job("ListTrainingJobs", &TrainingJobs::list);
    training_job("StopTrainingJob", &TrainingJobs::stop);
    training_job("UpdateTrainingJob", &TrainingJobs::update);
    training_job("DeleteTrainingJob", &TrainingJobs::remove);
  }

  void training_job(std::string_view operation,
                    Reply<Output> (TrainingJobs::*call)(const Context&, const Input&)) {
    on(operation,
       [this, call](Context& context, Input input) { return (training_jobs_.*call)(context, input); });
  }

  TrainingReports reports_;
  TrainingJobs training_jobs_;
  resources::Tags tags_;
  Search search_;
};

}  // namespace

std::unique_ptr<SageMaker> make_sagemaker(Rooms rooms) {
  return std::make_unique<SageMakerService>(rooms);
}

}  // namespace sagelet::sagemaker
