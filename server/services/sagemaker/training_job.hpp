#pragma once
// Training jobs: Create, Describe, List, Stop, Update, Delete.
#include "server/resources/records.hpp"
#include "server/services/sagemaker/service.hpp"

namespace sagelet::sagemaker {

/// Thread-safe. Create, Stop, Update and Delete answer when the ledger has them (Output::after).
class TrainingJobs {
 public:
  explicit TrainingJobs(const Rooms& rooms) : rooms_(rooms) {}

  Reply<Output> create(const Context& context, const Input& input);
  Reply<Output> describe(const Context& context, const Input& input);
  Reply<Output> list(const Context& context, const Input& input);
  Reply<Output> stop(const Context& context, const Input& input);
  Reply<Output> update(const Context& context, const Input& input);
  Reply<Output> remove(const Context& context, const Input& input);

 private:
  struct Draft;
  Reply<Draft> draft_of(const Context& context, const Input& input);
  Reply<void> prepare_run(Draft& draft, const Context& context, const Document& params);

  Rooms rooms_;
};

}  // namespace sagelet::sagemaker
