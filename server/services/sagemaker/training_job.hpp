#pragma once
// Training jobs: Create, Describe, List, Stop, Update, Delete.
#include <atomic>

#include "server/resources/records.hpp"
#include "server/services/sagemaker/service.hpp"
#include "server/services/sagemaker/timekeeper.hpp"

namespace sagelet::sagemaker {

/// Thread-safe. Create, Stop, Update and Delete answer when the ledger has them (Output::after).
class TrainingJobs {
 public:
  TrainingJobs(const Rooms& rooms, Timekeeper& timekeeper);

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
  Reply<void> enqueue(Draft& draft, jobs::Request request, const Context& context);
  Reply<void> look_for_pool(Draft& draft, const Context& context, const Document& params);

  Rooms rooms_;
  Timekeeper& timekeeper_;
  std::atomic<bool> pools_{true};  ///< false: no job ever kept a warm pool, so nobody looks for one
};

}  // namespace sagelet::sagemaker
